"""A link that is cut after every minute of sound: how many sentences are lost, beside the vendor's SDK."""

from __future__ import annotations

import threading
from pathlib import Path

from asrcli.service.faults.kinds import parse_fault
from tests.benchmarks.clients import Run, file_command, run, sdk_again_command
from tests.benchmarks.rows import Row
from tests.support.coded_talk import a_sentence_every
from tests.support.service import running_service

MINUTES, PACE = 8, 4
# The sound says where it is: whoever goes on in the wrong place is heard to.
_EVERY_S = 4
LOST = f"sentences lost in {MINUTES} min, a drop a minute"


def drops(folder: Path) -> list[Row]:
    """Both clients at once, faster than real time. The SDK's loop begins a new recognition after each drop."""
    talk = a_sentence_every(folder, _EVERY_S, MINUTES * 60)
    sound = talk.write_wav(folder / "coded.wav")
    done: dict[str, Run] = {}

    def measure(name: str) -> None:
        with running_service(talk.recognizer, faults=(parse_fault("reset@60s"),)) as service:
            done[name] = run(
                file_command(service.url, sound, "--pace", str(PACE))
                if name == "asrcli"
                else sdk_again_command(service.url, sound, MINUTES * 60, PACE)
            )

    jobs = [threading.Thread(target=measure, args=(name,)) for name in ("asrcli", "SDK")]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join()
    texts = {str(each["text"]) for each in talk.sentences}
    lost = {name: float(len(texts - {line for _, line in each.lines})) for name, each in done.items()}
    return [Row(LOST, lost["asrcli"], "", lost["SDK"], "SDK", aim=0.0, note=f"of {len(texts)}, at × {PACE}")]
