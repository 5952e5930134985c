"""The microphone: delay, CPU and completeness, on a virtual one. `python -m tests.benchmarks.microphone [SECONDS]`."""

from __future__ import annotations

import json
import os
import pty
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import soxr

from tests.benchmarks.clients import ROOT, asrcli, python, run
from tests.benchmarks.recorder import Recorder, recorder
from tests.support.virtual_mic import SAY_RATE_HZ, VirtualMic, missing, noise, offset_of, read_wav, write_wav

Row = tuple[str, str, str, str, str]

LONG_S = 60.0
# By then everything is imported and connected.
SETTLED_S = 3.0
WIRE_HZ = 16000
CHUNK_S = 0.1

# What asrcli loads for `mic`, without PortAudio: that looks for devices when it is loaded.
IMPORTS = """
import asrcli.cli.app, asrcli.runs.batch, asrcli.engine.many, asrcli.protocols, asrcli.output.views.live
import asrcli.audio.microphone.source, asrcli.audio.chunks.resample, asrcli.audio.chunks.chunker, asrcli.audio.level
import soxr, cffi
"""
# The bare library: as it stands in its documentation, blocks of 100 ms to a file, nothing else.
BARE = """
import sys, time
import sounddevice
with open("/dev/null", "wb") as file:
    hear = lambda data, frames, moment, status: file.write(bytes(data))
    with sounddevice.RawInputStream(dtype="int16", channels=1, blocksize=4410, callback=hear):
        time.sleep(float(sys.argv[1]))
"""
BUSY = "while True: pass"
# PulseAudio's own recorder: what it loses too, the overloaded sound server has lost.
REFERENCE = ["parec", "--device=microphone", f"--rate={WIRE_HZ}", "--channels=1", "--format=s16le"]


@dataclass(frozen=True)
class Listened:
    """One run of `asrcli mic` with the live view on a terminal of its own. `cpu_s` is from SETTLED_S on."""

    started_at: float
    cpu_s: float
    lines: tuple[dict[str, object], ...]
    audio_at: tuple[float, ...]
    saved: Path


def microphone(folder: Path, seconds: float = LONG_S) -> list[Row]:
    """A long run while the other core is busy, ten short ones for the start."""
    reason = missing()
    if reason is not None:
        return [("microphone", reason, "", "", "")]
    mic = VirtualMic(folder / "mic")
    before = dict(os.environ)
    os.environ.update(mic.variables)
    try:
        return [*_start(folder), *_long_run(folder, mic, seconds)]
    finally:
        os.environ.clear()
        os.environ.update(before)
        mic.stop()


def _start(folder: Path) -> list[Row]:
    """In pairs, as what else the machine does changes from second to second."""
    imports_s, first_s = [], []
    for _ in range(10):
        imports_s.append(run(python(IMPORTS)).wall_s)
        listened = _listen(folder, 0.5)
        first_s.append(listened.audio_at[0] - listened.started_at)
    differences = [first - imports for first, imports in zip(first_s, imports_s, strict=True)]
    return [
        ("process start to first audio sent, less imports", f"{statistics.median(differences) * 1000:.0f} ms",
         f"{statistics.median(imports_s) * 1000:.0f} ms (imports)", "-", "250 ms"),
    ]  # fmt: skip


def _long_run(folder: Path, mic: VirtualMic, seconds: float) -> list[Row]:
    played = noise(seconds)
    path = write_wav(folder / "noise.wav", played)
    bare: list[float] = []
    bare_base_s = run(python(BARE, f"{SETTLED_S}")).cpu_s
    busy = subprocess.Popen([sys.executable, "-c", BUSY])
    beside = threading.Thread(target=lambda: bare.append(run(python(BARE, f"{seconds}")).cpu_s))
    try:
        with (folder / "reference").open("wb") as raw, subprocess.Popen(REFERENCE, stdout=raw) as reference:
            with mic.say(path):
                beside.start()
                listened = _listen(folder, seconds + 3)
                beside.join()
            reference.terminate()
    finally:
        busy.kill()
        busy.wait()
    delays = sorted(_delays_ms(listened))
    cpu = listened.cpu_s / (seconds + 3 - SETTLED_S) * 100
    bare_cpu = (bare[0] - bare_base_s) / (seconds - SETTLED_S) * 100
    notices = sum(line["type"] == "notice" for line in listened.lines)
    ours = _shifts(played, read_wav(listened.saved)[0])
    theirs = _shifts(played, np.fromfile(folder / "reference", "<i2"))
    p99 = delays[int(len(delays) * 0.99)]
    return [
        ("last sample of a chunk to its message, median", f"{statistics.median(delays):.0f} ms", "", "", ""),
        ("last sample of a chunk to its message, 99 %", f"{p99:.0f} ms", "", "", "130 ms"),
        ("CPU while listening, live view on", f"{cpu:.2f} %", f"{bare_cpu:.2f} % (bare PortAudio)",
         f"× {cpu / bare_cpu:.1f}", "2 %"),
        (f"samples that are not where they belong, {seconds:g} s, other core busy", f"{ours} ({notices} warnings)",
         f"{theirs} (parec, beside it)", "", "0, or parec's"),
    ]  # fmt: skip


def _listen(folder: Path, seconds: float) -> Listened:
    """Run `asrcli mic` for `seconds` against a recorder; stderr is a terminal, so that the live view is drawn."""
    saved = folder / "saved.wav"
    options = ("--duration", f"{seconds:g}", "--json", "--save-audio", str(saved), "--force")
    with recorder(results_every_ms=1000) as record, (folder / "lines").open("w+") as lines:
        started_at = time.monotonic()
        cpu_s = _run_on_terminal(asrcli("mic", "--endpoint", record.url, *options), lines.fileno())
        lines.seek(0)
        events = tuple(json.loads(line) for line in lines)
        return Listened(started_at, cpu_s, events, _audio_at(record), saved)


def _audio_at(record: Recorder) -> tuple[float, ...]:
    return tuple(record.audio_at)


def _run_on_terminal(command: list[str], stdout: int) -> float:
    """CPU seconds of `command` from SETTLED_S on; its standard error is a terminal. Raises RuntimeError."""
    screen, stderr = pty.openpty()
    environ = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environ["TERM"] = "xterm-256color"
    process = subprocess.Popen(command, stdout=stdout, stderr=stderr, cwd=ROOT, env=environ)
    os.close(stderr)
    shown: list[bytes] = []

    def read() -> None:
        try:
            while data := os.read(screen, 65536):
                shown.append(data)
        except OSError:
            # The terminal's end, as Linux tells it.
            pass

    reader = threading.Thread(target=read)
    reader.start()
    settled_s = 0.0
    try:
        process.wait(SETTLED_S)
    except subprocess.TimeoutExpired:
        before_s = _cpu_so_far_s(process.pid)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        settled_s = usage.ru_utime + usage.ru_stime - before_s
    reader.join()
    os.close(screen)
    if process.returncode:
        raise RuntimeError(f"{command[:3]} ended with {process.returncode}: {b''.join(shown)[-500:]!r}")
    return settled_s


def _cpu_so_far_s(pid: int) -> float:
    """User and system time of all threads, from proc(5): fields 14 and 15, counted after the name's parenthesis."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _delays_ms(listened: Listened) -> list[float]:
    """From the moment at which a chunk's last sample was taken to the moment at which its message had arrived."""
    captured_at = datetime.fromisoformat(str(listened.lines[0]["captured_at"])).timestamp()
    begin = captured_at - (time.time() - time.monotonic())
    # The sound from before the service was ready comes late for its own reason.
    return [(at - begin - (number + 1) * CHUNK_S) * 1000 for number, at in enumerate(listened.audio_at) if number >= 10]


def _shifts(played: np.ndarray, recorded: np.ndarray) -> int:
    """Samples that are missing or too many in the recording of `played`, second by second, at WIRE_HZ.

    The first and the last second are left out: the recording begins and ends in the middle of them. A second that is
    not found counts whole.
    """
    sent = soxr.resample(played.astype(np.float32), SAY_RATE_HZ, WIRE_HZ)
    shifts, last = 0, None
    for second in range(1, len(sent) // WIRE_HZ - 1):
        begin = second * WIRE_HZ
        start = max(0, begin + (last or 0) - 3 * WIRE_HZ)
        offset, likeness = offset_of(sent[begin : begin + WIRE_HZ], recorded[start : start + 7 * WIRE_HZ])
        if likeness < 0.9:
            shifts += WIRE_HZ
            continue
        place = start + offset - begin
        # One sample is the rounding of two resamplers.
        shifts += abs(place - last) if last is not None and abs(place - last) > 1 else 0
        last = place
    return shifts


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        for row in microphone(Path(scratch), float(sys.argv[1]) if len(sys.argv) > 1 else LONG_S):
            print(" | ".join(row))
