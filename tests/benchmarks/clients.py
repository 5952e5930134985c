"""The two clients that are compared, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
TALK = ROOT / "tests" / "data" / "talk.wav"

# The vendor's documented loop: a block of 100 ms, then a sleep of 100 ms.
SDK = """
import sys, time, wave
import dashscope
from dashscope.audio.asr import Recognition, RecognitionCallback, RecognitionResult
url, path, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
dashscope.api_key = "bench"
dashscope.base_websocket_api_url = url + "/api-ws/v1/inference"
class Show(RecognitionCallback):
    def on_event(self, result):
        sentence = result.get_sentence()
        if RecognitionResult.is_sentence_end(sentence):
            print(sentence["text"], flush=True)
recognition = Recognition(model="fun-asr-realtime", format="pcm", sample_rate=16000, callback=Show())
recognition.start()
with wave.open(path) as audio:
    for _ in range(round(seconds * 10)):
        recognition.send_audio_frame(audio.readframes(1600))
        time.sleep(0.1)
recognition.stop()
"""

# The same, with what its user can do about a lost connection: begin a new recognition with the next block.
SDK_AGAIN = """
import sys, threading, time, wave
import dashscope
from dashscope.audio.asr import Recognition, RecognitionCallback, RecognitionResult
url, path, seconds, pace = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4])
dashscope.api_key = "bench"
dashscope.base_websocket_api_url = url + "/api-ws/v1/inference"
class Show(RecognitionCallback):
    def __init__(self):
        self.is_broken = threading.Event()
    def on_event(self, result):
        sentence = result.get_sentence()
        if RecognitionResult.is_sentence_end(sentence):
            print(sentence["text"], flush=True)
    def on_error(self, result):
        self.is_broken.set()
    def on_close(self):
        self.is_broken.set()
def begin():
    show = Show()
    recognition = Recognition(model="fun-asr-realtime", format="pcm", sample_rate=16000, callback=show)
    recognition.start()
    return recognition, show
recognition, show = begin()
with wave.open(path) as audio:
    for _ in range(round(seconds * 10)):
        if show.is_broken.is_set():
            recognition, show = begin()
        try:
            recognition.send_audio_frame(audio.readframes(1600))
        except Exception:
            show.is_broken.set()
        time.sleep(0.1 / pace)
try:
    recognition.stop()
except Exception:
    pass
"""


@dataclass(frozen=True)
class Run:
    """One process: CPU seconds, peak memory in MB, and its lines with the moment at which each could be read."""

    started_at: float
    cpu_s: float
    peak_mb: float
    wall_s: float
    lines: tuple[tuple[float, str], ...]


# Between us and what is measured: the kernel counts the memory of whoever started a process as its own.
_STARTER = """
import json, os, subprocess, sys, time
began_at = time.monotonic()
process = subprocess.Popen(sys.argv[2:])
_, status, usage = os.wait4(process.pid, 0)
said = began_at, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, time.monotonic() - began_at
os.write(int(sys.argv[1]), json.dumps(said).encode())
sys.exit(os.waitstatus_to_exitcode(status))
"""


def run(command: list[str]) -> Run:
    """Run `command` to its end. Raises RuntimeError with what it said if it fails."""
    environ = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    # Who installs a program has it compiled once and for all.
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    told, tell = os.pipe()
    starter = [sys.executable, "-S", "-c", _STARTER, str(tell), *command]
    process = subprocess.Popen(
        starter, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env=environ, text=True, pass_fds=[tell]
    )
    os.close(tell)
    assert process.stdout is not None
    assert process.stderr is not None
    with os.fdopen(told, "rb") as figures, process.stdout, process.stderr:
        lines = tuple((time.monotonic(), line.rstrip("\n")) for line in process.stdout)
        said = process.stderr.read()
        if process.wait():
            raise RuntimeError(f"{command[:4]} ended with {process.returncode}: {said[-500:]}")
        started_at, cpu_s, peak_mb, wall_s = json.load(figures)
    return Run(started_at, cpu_s, peak_mb, wall_s, lines)


def steady_cpu_ms(command: list[str], begin_s: float, end_s: float) -> float:
    """CPU of each second between two moments after the start, in milliseconds: without loading and saying goodbye."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ROOT) as process:
        time.sleep(begin_s)
        before_s, began_at = _on_cpu_s(process.pid), time.monotonic()
        time.sleep(end_s - begin_s)
        took_s = _on_cpu_s(process.pid) - before_s
        process.kill()
        return took_s / (time.monotonic() - began_at) * 1000


def _on_cpu_s(pid: int) -> float:
    """To the nanosecond, where times(2) counts ticks."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def resident_kb() -> float:
    """Of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1024


def asrcli(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).with_name("asrcli")), *arguments]


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def file_command(url: str, path: Path, *more: str) -> list[str]:
    return asrcli("file", str(path), "--endpoint", url, *more)


def sdk_command(url: str, path: Path, seconds: float) -> list[str]:
    return python(SDK, url, str(path), f"{seconds:g}")


def sdk_again_command(url: str, path: Path, seconds: float, pace: float) -> list[str]:
    """The SDK with a new recognition after each lost connection."""
    return python(SDK_AGAIN, url, str(path), f"{seconds:g}", f"{pace:g}")
