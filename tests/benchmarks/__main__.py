"""`python -m tests.benchmarks [PART…]`: run the parts and print one table of figures and ratios."""

from __future__ import annotations

import platform
import statistics
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.clients import TALK, Run, asrcli, file_command, python, run, sdk_command
from tests.benchmarks.kept import kept
from tests.benchmarks.microphone import microphone
from tests.benchmarks.qwen import qwen
from tests.benchmarks.recorder import recorder
from tests.benchmarks.scale import many, split, streams
from tests.benchmarks.sounds import long_silence, stereo_mp3, talk_of

Row = tuple[str, str, str, str, str]

DECODE = """
import sys, time
from asrcli.audio.opening import open_source
from asrcli.audio.chunks.pipeline import chunks_of
from asrcli.values.pcm import PcmFormat
source = open_source(sys.argv[1])
began = time.perf_counter()
for chunk in chunks_of(source, PcmFormat(), 100):
    pass
print(time.perf_counter() - began)
"""
BARE_DECODE = """
import sys, time
import soundfile
began = time.perf_counter()
with soundfile.SoundFile(sys.argv[1]) as file:
    while len(file.read(4410, dtype="float32")):
        pass
print(time.perf_counter() - began)
"""


def startup(folder: Path) -> list[Row]:
    """Whole processes with a warm cache, by turns, so that whatever else the machine does meets all alike."""
    clip = talk_of(folder, 0.5)
    ways: dict[str, Callable[[], float]] = {
        "help": lambda: run(asrcli("--help")).wall_s,
        "typer": lambda: run(python("import typer")).wall_s,
        "first audio": lambda: until_first_audio_s(clip),
        "sdk": lambda: run(python("import dashscope")).wall_s,
    }
    for way in ways.values():
        way()
    turns = [{name: way() * 1000 for name, way in ways.items()} for _ in range(15)]
    ms = {name: statistics.median(turn[name] for turn in turns) for name in ways}
    return [
        ("asrcli --help", f"{ms['help']:.0f} ms", f"{ms['typer']:.0f} ms (import typer)",
         ratio(ms["help"], ms["typer"]), "× 1.50"),
        ("process start to first audio sent", f"{ms['first audio']:.0f} ms", f"{ms['sdk']:.0f} ms (SDK import)",
         ratio(ms["first audio"], ms["sdk"]), "× 0.40"),
    ]  # fmt: skip


def until_first_audio_s(clip: Path) -> float:
    with recorder() as record:
        started_at = run(file_command(record.url, clip)).started_at
    return record.audio_at[0] - started_at


def streaming(folder: Path) -> list[Row]:
    """A minute in real time through both clients at once, against the same service."""
    seconds, short = 60.0, 1.0
    long_talk, short_talk = talk_of(folder, seconds), talk_of(folder, short)
    done: dict[str, Run] = {}
    with recorder(results_every_ms=200) as ours, recorder(results_every_ms=200) as theirs:
        jobs = [
            threading.Thread(target=lambda: done.update(ours=run(file_command(ours.url, long_talk)))),
            threading.Thread(target=lambda: done.update(theirs=run(sdk_command(theirs.url, long_talk, seconds)))),
        ]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join()
        drifts = ours.drift_ms(), theirs.drift_ms()
    with recorder() as record:
        ours_base = run(file_command(record.url, short_talk)).cpu_s
    with recorder() as record:
        theirs_base = run(sdk_command(record.url, short_talk, short)).cpu_s
    ours_cpu = (done["ours"].cpu_s - ours_base) / (seconds - short)
    theirs_cpu = (done["theirs"].cpu_s - theirs_base) / (seconds - short)
    ours_delay, theirs_delay = delays_ms(done["ours"]), delays_ms(done["theirs"])
    return [
        ("service message to shown line, median", f"{ours_delay[0]:.2f} ms", f"{theirs_delay[0]:.0f} ms",
         ratio(ours_delay[0], theirs_delay[0]), "1 ms"),
        ("service message to shown line, 95 %", f"{ours_delay[1]:.2f} ms", f"{theirs_delay[1]:.0f} ms",
         ratio(ours_delay[1], theirs_delay[1]), ""),
        ("CPU per second of audio", f"{ours_cpu * 1000:.2f} ms", f"{theirs_cpu * 1000:.2f} ms",
         ratio(ours_cpu, theirs_cpu), "× 0.50"),
        ("drift after 60 s", f"{drifts[0]:.2f} ms", f"{drifts[1]:.0f} ms", ratio(drifts[0], drifts[1]), "2 ms"),
        ("peak memory", f"{done['ours'].peak_mb:.0f} MB", f"{done['theirs'].peak_mb:.0f} MB",
         ratio(done["ours"].peak_mb, done["theirs"].peak_mb), ""),
    ]  # fmt: skip


def delays_ms(client: Run) -> tuple[float, float]:
    """Median and 95th percentile from the service's send to the line that can be read; the text is the moment."""
    delays = sorted((read_at - float(line)) * 1000 for read_at, line in client.lines)
    return statistics.median(delays), delays[int(len(delays) * 0.95)]


def decoding(folder: Path) -> list[Row]:
    """Decode, downmix, resample and cut into chunks: 44.1 kHz stereo mp3, as fast as it goes."""
    seconds = 600
    path = stereo_mp3(folder, seconds)
    if path is None:
        return [("decode and resample mp3", "no ffmpeg to make the file with", "", "", "300 × real time")]
    ours = min(float(run(python(DECODE, str(path))).lines[-1][1]) for _ in range(3))
    bare = min(float(run(python(BARE_DECODE, str(path))).lines[-1][1]) for _ in range(3))
    return [
        ("decode and resample 44.1 kHz stereo mp3", f"{seconds / ours:.0f} × real time",
         f"{seconds / bare:.0f} × (soundfile, decoding alone)", ratio(ours, bare), "300 ×"),
    ]  # fmt: skip


def memory(folder: Path) -> list[Row]:
    """Peak memory over a long file, as fast as it goes."""
    peaks = []
    for seconds in (60, 7200):
        with recorder() as record:
            peaks.append(run(file_command(record.url, long_silence(folder, seconds), "--pace", "fast")).peak_mb)
    return [
        ("peak memory, 2 hours against 1 minute", f"{peaks[1]:.1f} MB", f"{peaks[0]:.1f} MB (1 minute)",
         f"+{peaks[1] - peaks[0]:.1f} MB", "+20 MB"),
    ]  # fmt: skip


def ratio(ours: float, theirs: float) -> str:
    return f"× {ours / theirs:.3f}" if theirs else "-"


PARTS: dict[str, Callable[[Path], list[Row]]] = {
    "startup": startup,
    "streaming": streaming,
    "decoding": decoding,
    "memory": memory,
    "microphone": microphone,
    "qwen": qwen,
    "kept": kept,
    "streams": streams,
    "many": many,
    "split": split,
}


def main(names: list[str]) -> int:
    unknown = set(names) - set(PARTS)
    if unknown or not TALK.exists():
        print(f"no such part: {' '.join(unknown)}; there are: {' '.join(PARTS)}", file=sys.stderr)
        return 2
    console = Console(width=None if sys.stdout.isatty() else 130)
    table = Table(title=f"asrcli · Python {platform.python_version()} · {platform.machine()}")
    for heading in ("what", "asrcli", "compared with", "ratio", "aim"):
        table.add_column(heading)
    with tempfile.TemporaryDirectory() as folder:
        for name in names or PARTS:
            print(f"{name} …", file=sys.stderr)
            for row in PARTS[name](Path(folder)):
                table.add_row(*row)
    console.print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
