"""A file in real time, beside the vendor's SDK on the same service in the same minute."""

from __future__ import annotations

import statistics
import threading
from pathlib import Path

from tests.benchmarks.clients import Run, file_command, run, sdk_command
from tests.benchmarks.recorder import recorder
from tests.benchmarks.rows import Row
from tests.benchmarks.sounds import talk_of

_SECONDS, _SHORT_S = 60.0, 1.0


def streaming(folder: Path) -> list[Row]:
    """A minute in real time through both clients at once, against the same service."""
    long_talk, short_talk = talk_of(folder, _SECONDS), talk_of(folder, _SHORT_S)
    done: dict[str, Run] = {}
    with recorder(results_every_ms=200) as ours, recorder(results_every_ms=200) as theirs:
        jobs = [
            threading.Thread(target=lambda: done.update(ours=run(file_command(ours.url, long_talk)))),
            threading.Thread(target=lambda: done.update(theirs=run(sdk_command(theirs.url, long_talk, _SECONDS)))),
        ]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join()
        drifts = ours.drift_ms(), theirs.drift_ms()
    with recorder() as record:
        ours_base = run(file_command(record.url, short_talk)).cpu_s
    with recorder() as record:
        theirs_base = run(sdk_command(record.url, short_talk, _SHORT_S)).cpu_s
    ours_cpu, theirs_cpu = (
        (whole.cpu_s - base) / (_SECONDS - _SHORT_S) * 1000
        for whole, base in ((done["ours"], ours_base), (done["theirs"], theirs_base))
    )
    median, late = zip(_delays_ms(done["ours"]), _delays_ms(done["theirs"]), strict=True)
    return [
        Row("service message to shown line, median", median[0], "ms", median[1], "SDK", aim=0.005, noise=0.25),
        Row("service message to shown line, 95 %", late[0], "ms", late[1], "SDK", aim=0.01, noise=0.5),
        Row("CPU per second of audio", ours_cpu, "ms", theirs_cpu, "SDK", aim=0.5, noise=0.2),
        Row("drift after 60 s", drifts[0], "ms", drifts[1], "SDK", aim=0.02, noise=1.0),
        Row("peak memory", done["ours"].peak_mb, "MB", done["theirs"].peak_mb, "SDK", aim=1.0),
    ]


def _delays_ms(client: Run) -> tuple[float, float]:
    """Median and 95th percentile from the service's send to the line that can be read; the text is the moment."""
    delays = sorted((read_at - float(line)) * 1000 for read_at, line in client.lines)
    return statistics.median(delays), delays[int(len(delays) * 0.95)]
