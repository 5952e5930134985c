"""Many at once: a thousand streams, two hundred files, one long file in pieces. The service has a core of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.clients import ROOT, Run, asrcli, python, run
from tests.benchmarks.rows import Row
from tests.benchmarks.sounds import talk_of
from tests.support.service import write_script

# How many, and the aims: of how late a chunk is, and of the CPU.
STREAMS = ((100, 2.0, 1.3), (400, 1.0, 1.7), (1000, 1.0, 1.5))
_MEASURED_S = 12.0
FILES, FILE_S, JOBS = 200, 5.0, 50
SPLIT_S, PIECES = 600.0, 8
# A bare loop keeps nothing; we keep the sound of the open sentence, 32 KB a second: a new link can have it again.
MEMORY_AIM = 7.5
# The cores of this process, the client's first.
_CORES = sorted(os.sched_getaffinity(0))

# The same bytes as FILES tasks of the run-task protocol, one after the other, as fast as they go.
BARE = """
import json, sys, uuid, wave
import websocket
url, path, files = sys.argv[1], sys.argv[2], int(sys.argv[3])
for _ in range(files):
    link = websocket.create_connection(url + "/api-ws/v1/inference", header={"Authorization": "Bearer bench"},
                                       skip_utf8_validation=True, enable_multithread=False)
    task = uuid.uuid4().hex
    def say(action, payload):
        header = {"action": action, "task_id": task, "streaming": "duplex"}
        link.send(json.dumps({"header": header, "payload": payload}))
    def until(event):
        while json.loads(link.recv())["header"]["event"] != event:
            pass
    say("run-task", {"task_group": "audio", "task": "asr", "function": "recognition", "model": "fun-asr-realtime",
                     "parameters": {"format": "pcm", "sample_rate": 16000}, "input": {}})
    until("task-started")
    with wave.open(path) as audio:
        while frames := audio.readframes(3200):
            link.send_binary(frames)
    say("finish-task", {"input": {}})
    until("task-finished")
    link.close()
"""


@contextmanager
def service(*options: str, tls: bool = True) -> Iterator[tuple[str, str]]:
    """`asrcli serve` with a script on the last core: its URL, and the file of the CA to trust or "".

    The script has a sentence every two seconds; a client keeps the sound of the one that is open.
    """
    with tempfile.TemporaryDirectory() as folder:
        sentences = [
            {"begin_ms": begin, "end_ms": begin + 1500, "text": f"This is sentence {begin // 2000} of many."}
            for begin in range(200, int(SPLIT_S * 1000), 2000)
        ]
        script = write_script(Path(folder) / "script.jsonl", *sentences)
        ca = str(Path(folder) / "ca.pem") if tls else ""
        more = ["--tls", "--tls-ca", ca] if tls else []
        command = asrcli("serve", "--port", "0", "--recognizer", script, "--max-tasks", "2000", *more, *options)
        process = subprocess.Popen(
            [*pinned(-1), *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=ROOT,
            text=True,
        )
        assert process.stdout is not None
        with process, process.stdout:
            try:
                yield process.stdout.readline().strip(), ca
            finally:
                process.terminate()


def pinned(core: int) -> list[str]:
    """What to put before a command, so that it keeps to one core of several."""
    return ["taskset", "-c", str(_CORES[core])] if len(_CORES) > 1 and shutil.which("taskset") else []


def streams(folder: Path) -> list[Row]:
    """Real-time streams in one process, over TLS."""
    sound = talk_of(folder, 34.0)
    rows: list[Row] = []
    for count, late_aim, cpu_aim in STREAMS:
        with service() as (url, ca):
            figures = [str(count), f"{_MEASURED_S:g}", str(sound), ca, url]
            done, taken = _beside([*pinned(0), sys.executable, "-m", "tests.benchmarks.stream_client", *figures])
            bare, bare_taken = _beside([*pinned(0), sys.executable, "-m", "tests.benchmarks.bare_streams", *figures])
        got = json.loads(done.lines[-1][1])
        plain = json.loads(bare.lines[-1][1])
        late = f"median {got['late_p50_ms']:.1f}, worst {got['late_max_ms']:.0f}"
        trouble = f"{got['failed']} failed, {got['reconnects']} reconnects"
        rows += [
            Row(f"{count} streams: lateness of a chunk, 99 %", got["late_p99_ms"], "ms", plain["late_p99_ms"],
                "a bare loop", aim=late_aim, noise=0.5, note=late),
            Row(f"{count} streams: CPU of each per second", got["cpu_ms_per_s"], "ms", plain["cpu_ms_per_s"],
                "a bare loop", aim=cpu_aim, noise=0.15),
            Row(f"{count} streams: memory of each", got["memory_kb"], "KB", plain["memory_kb"],
                "a bare loop", aim=MEMORY_AIM, noise=0.15, note=trouble),
            Row(f"{count} streams: of its core the host kept", taken * 100, "%",
                note=f"{bare_taken:.1%} in the bare loop's time"),
            Row(f"{count} streams: sent by each", got["chunks_per_s"], "chunks a second"),
            Row(f"{count} streams: received by each", got["results"] / _MEASURED_S / count, "results a second"),
        ]  # fmt: skip
    return rows


def _beside(command: list[str]) -> tuple[Run, float]:
    """Run it, and say what share of the client's core a virtual machine's host gave to others meanwhile.

    Who is not run cannot be in time: figures of lateness are worth little where that is more than a few thousandths.
    """
    before = _taken_s()
    done = run(command)
    return done, (_taken_s() - before) / done.wall_s


def _taken_s() -> float:
    """Stolen time of the client's core so far, in seconds; see proc_stat(5)."""
    lines = Path("/proc/stat").read_text().splitlines()
    fields = next(line.split() for line in lines if line.startswith(f"cpu{_CORES[0]} "))
    return int(fields[8]) / os.sysconf("SC_CLK_TCK")


def many(folder: Path) -> list[Row]:
    """Short files through one command, against a loop that does nothing but send."""
    sound = talk_of(folder, FILE_S)
    sounds = folder / "sounds"
    sounds.mkdir()
    for number in range(FILES):
        (sounds / f"{number:03}.wav").hardlink_to(sound)
    with service(tls=False) as (url, _):
        base = run(asrcli("file", str(sound), "--endpoint", url, "--pace", "fast")).cpu_s
        ours = run([*asrcli("file", str(sounds), "--endpoint", url), "--jobs", str(JOBS), "--pace", "fast"])
        bare_base = run(python(BARE, url, str(sound), "1")).cpu_s
        bare = run(python(BARE, url, str(sound), str(FILES)))
    ours_s, bare_s = ours.cpu_s - base, bare.cpu_s - bare_base
    return [
        Row(f"{FILES} short files, --jobs {JOBS}: CPU", ours_s, "s", bare_s, "a bare loop", aim=1.3, noise=0.2),
        Row(
            f"{FILES} short files, --jobs {JOBS}: wall",
            ours.wall_s,
            "s",
            bare.wall_s,
            "a bare loop, in turn",
            noise=0.3,
        ),
    ]


def split(folder: Path) -> list[Row]:
    """Ten minutes in eight pieces, in real time."""
    sound = talk_of(folder, SPLIT_S)
    with service(tls=False) as (url, _):
        done = run([*asrcli("file", str(sound), "--endpoint", url), "--split", str(PIECES)])
    ideal_s = SPLIT_S / PIECES
    return [
        Row(
            f"--split {PIECES} of {SPLIT_S / 60:g} minutes",
            done.wall_s,
            "s",
            ideal_s,
            "an eighth",
            aim=1.15,
            noise=0.03,
        )
    ]
