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
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import soxr
from rich.console import Console

from tests.benchmarks.clients import ROOT, Run, asrcli, python, run
from tests.benchmarks.recorder import Recorder, recorder
from tests.benchmarks.rows import Row, table
from tests.support.virtual_mic import SAY_RATE_HZ, VirtualMic, missing, noise, offset_of, read_wav, write_wav

LONG_S = 60.0
# By then everything is imported and connected.
SETTLED_S = 3.0
# So much longer than the sound is listened, as the sound begins later.
MARGIN_S = 5.0
WIRE_HZ = 16000
CHUNK_S = 0.1

# What asrcli loads for `mic`, without PortAudio: that looks for devices when it is loaded.
IMPORTS = """
import asrcli.cli.app, asrcli.runs.batch, asrcli.engine.many, asrcli.protocols, asrcli.output.views.live
import asrcli.audio.microphone.mic_source, asrcli.audio.chunks.resample, asrcli.audio.chunks.chunker, asrcli.audio.level
import soxr, cffi
"""
# The bare library: as it stands in its documentation, blocks of 100 ms to a file, nothing else. Prints how long after
# the last sample of a block it was handed over, in ms: the median and 99 of 100.
BARE = """
import sys, time
import sounddevice
late = []
with open("/dev/null", "wb") as file:
    def hear(data, frames, moment, status):
        late.append(moment.currentTime - moment.inputBufferAdcTime - frames / 44100)
        file.write(bytes(data))
    with sounddevice.RawInputStream(samplerate=44100, dtype="int16", channels=1, blocksize=4410, callback=hear):
        time.sleep(float(sys.argv[1]))
late.sort()
print(late[len(late) // 2] * 1000, late[int(len(late) * 0.99)] * 1000)
"""
# Until its first block of 100 ms, in seconds: PortAudio is loaded, looks for devices, opens one and waits for sound.
BARE_FIRST = """
import threading, time
import cffi
began, heard = time.perf_counter(), threading.Event()
import sounddevice
hear = lambda *_: heard.set()
with sounddevice.RawInputStream(samplerate=44100, dtype="int16", channels=1, blocksize=4410, callback=hear):
    heard.wait(10)
    print(time.perf_counter() - began, flush=True)
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
        return [Row("microphone", None, note=reason)]
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
    imports_s, first_s, bare_s = [], [], []
    for _ in range(10):
        imports_s.append(run(python(IMPORTS)).wall_s)
        bare_s.append(float(run(python(BARE_FIRST)).lines[-1][1]))
        listened = _listen(folder, 0.5)
        first_s.append(listened.audio_at[0] - listened.started_at)
    differences = [first - imports for first, imports in zip(first_s, imports_s, strict=True)]
    return [
        Row("process start to first audio sent, less imports", statistics.median(differences) * 1000, "ms",
            statistics.median(bare_s) * 1000, "bare PortAudio", aim=1.25, noise=0.2,
            note=f"{statistics.median(imports_s) * 1000:.0f} ms of imports"),
    ]  # fmt: skip


def _long_run(folder: Path, mic: VirtualMic, seconds: float) -> list[Row]:
    played = noise(seconds)
    path = write_wav(folder / "noise.wav", played)
    bare: list[Run] = []
    bare_base_s = run(python(BARE, f"{SETTLED_S}")).cpu_s
    busy = subprocess.Popen([sys.executable, "-c", BUSY])
    beside = threading.Thread(target=lambda: bare.append(run(python(BARE, f"{seconds}"))))
    playing: list[subprocess.Popen[bytes]] = []

    def begin() -> None:
        # What is played while the program still starts is missed by its recording, and no loss.
        playing.append(mic.say(path))
        beside.start()

    try:
        with (folder / "reference").open("wb") as raw, subprocess.Popen(REFERENCE, stdout=raw) as reference:
            listened = _listen(folder, seconds + MARGIN_S, begin)
            beside.join()
            playing[0].wait()
            reference.terminate()
    finally:
        busy.kill()
        busy.wait()
    delays = sorted(_delays_ms(listened))
    cpu = listened.cpu_s / (seconds + MARGIN_S - SETTLED_S) * 100
    bare_cpu = (bare[0].cpu_s - bare_base_s) / (seconds - SETTLED_S) * 100
    bare_median, bare_p99 = map(float, bare[0].lines[-1][1].split())
    notices = sum(line["type"] == "notice" for line in listened.lines)
    ours = _shifts(played, read_wav(listened.saved)[0])
    theirs = _shifts(played, np.fromfile(folder / "reference", "<i2"))
    p99 = delays[int(len(delays) * 0.99)]
    in_place = [100 - shifts / (seconds * WIRE_HZ) * 100 for shifts in (ours, theirs)]
    return [
        Row("last sample of a chunk to its message, median", statistics.median(delays), "ms", bare_median,
            "bare PortAudio, to its callback", noise=0.5),
        Row("last sample of a chunk to its message, 99 %", p99, "ms", bare_p99,
            "bare PortAudio, to its callback", aim=1.5, noise=0.5),
        Row("CPU while listening, live view on", cpu, "%", bare_cpu, "bare PortAudio", aim=6.0, noise=0.3),
        Row(f"samples that are where they belong, {seconds:g} s, other core busy", in_place[0], "%", in_place[1],
            "parec, beside it", aim=1.0, worse="down", noise=0.0001,
            note=f"{ours} are not, parec's {theirs}; {notices} warnings"),
    ]  # fmt: skip


def _listen(folder: Path, seconds: float, begin: Callable[[], None] | None = None) -> Listened:
    """Run `asrcli mic` for `seconds` against a recorder; stderr is a terminal, so that the live view is drawn.

    `begin` is called, in the recorder's thread, as soon as its first sound has arrived.
    """
    saved = folder / "saved.wav"
    options = ("--duration", f"{seconds:g}", "--json", "--save-audio", str(saved), "--force")
    with recorder(results_every_ms=1000) as record, (folder / "lines").open("w+") as lines:
        started_at = time.monotonic()
        if begin is not None:
            record.when_heard(begin)
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

    It began before the first of them was played, and ended after the last. A second that is not found counts whole.
    """
    sent = soxr.resample(played.astype(np.float32), SAY_RATE_HZ, WIRE_HZ)
    shifts, last = 0, None
    for second in range(len(sent) // WIRE_HZ):
        begin = second * WIRE_HZ
        # Where the first one is depends on who began first; from there on, less than three seconds can be lost at once.
        start = 0 if last is None else max(0, begin + last - 3 * WIRE_HZ)
        end = len(recorded) if last is None else start + 7 * WIRE_HZ
        offset, likeness = offset_of(sent[begin : begin + WIRE_HZ], recorded[start:end])
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
        Console().print(table(microphone(Path(scratch), float(sys.argv[1]) if len(sys.argv) > 1 else LONG_S)))
