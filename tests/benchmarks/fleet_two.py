"""What a second process brings: a corpus on two workers beside one process, and what else takes the cores."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from tests.benchmarks.clients import asrcli, run
from tests.benchmarks.fleet_corpus import read_results, write_manifest
from tests.benchmarks.rows import Row
from tests.support.service import service_process, write_script

FILES, FILE_S, TURNS = 2000, 10.0, 2
AIM = 1.6
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class _Way:
    """One way to do it all: seconds of the clock, and of the CPU for the client and the service."""

    wall_s: float
    client_s: float
    service_s: float


def two(folder: Path) -> list[Row]:
    """By turns: sources as phones and cameras make them, and for context such as need no work before they are sent.

    Those cost the service half of what they cost the client, so that two cores are used up by one client and it. It
    has one sentence to say of each source, as it is there to be talked to and shares the cores with what is measured.
    """
    return [
        *_compared(folder, "mp3, 48 kHz stereo", _mp3, aim=AIM),
        *_compared(folder, "wav, 16 kHz mono", _wav, aim=None),
    ]


def _compared(folder: Path, name: str, make: Callable[[Path], Path], *, aim: float | None) -> list[Row]:
    folder = Path(tempfile.mkdtemp(dir=folder))
    sound = make(folder)
    names = [{"audio": str(sound), "id": f"{number:05}"} for number in range(FILES)]
    manifest = write_manifest(folder / "manifest.jsonl", names)
    script = write_script(folder / "script.jsonl", {"begin_ms": 200, "end_ms": 9000, "text": "A sentence."})
    ones, twos = [], []
    with service_process(("--recognizer", script, "--max-tasks", "2000")) as (url, process):
        for turn in range(TURNS):
            ones.append(_timed(folder / f"one-{turn}.jsonl", manifest, url, process.pid))
            twos.append(_timed(folder / f"two-{turn}.jsonl", manifest, url, process.pid, "--cluster", "local:2"))
    one, two_ = (min(ways, key=lambda way: way.wall_s) for ways in (ones, twos))
    cores = len(os.sched_getaffinity(0))
    # One process has one core, and so has the service; nothing is faster than all that is to be done on all cores.
    bound = max(one.client_s, one.service_s) / max((two_.client_s + two_.service_s) / cores, two_.service_s)
    return [
        Row(f"two: {FILES} of {name}: one process", one.wall_s, "s", two_.wall_s, "local:2", aim=aim, worse="down",
            note=f"by the CPU that all take × {bound:.2f} on {cores} cores, the service on them too"),
        Row(f"two: {name}: CPU of the clients", two_.client_s, "s", one.client_s, "one process"),
        Row(f"two: {name}: CPU of the service", two_.service_s, "s", one.service_s, "with one process"),
    ]  # fmt: skip


def _timed(results: Path, manifest: Path, url: str, service: int, *more: str) -> _Way:
    before_s = _cpu_s(service)
    command = asrcli("file", "--manifest", str(manifest), "--results", str(results), "--endpoint", url)
    done = run([*command, "--pace", "fast", "--slots", "40", "--quiet", "--unordered", "-o", os.devnull, *more])
    found = read_results(results)
    assert len(found) == FILES
    assert all(line["complete"] for line in found.values())
    return _Way(done.wall_s, done.cpu_s, _cpu_s(service) - before_s)


def _cpu_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _mp3(folder: Path) -> Path:
    soundfile.write(folder / "sound.mp3", _noise(48000, 2), 48000)
    return folder / "sound.mp3"


def _wav(folder: Path) -> Path:
    soundfile.write(folder / "sound.wav", _noise(16000, 1), 16000)
    return folder / "sound.wav"


def _noise(rate_hz: int, channels: int) -> np.ndarray:
    chance = np.random.default_rng(1)
    return chance.normal(0, 0.05, (round(rate_hz * FILE_S), channels)).astype(np.float32)
