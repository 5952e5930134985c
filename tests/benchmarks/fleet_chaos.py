"""Workers, the scheduler and the head are killed while a corpus is done: nothing is lost, and little is paid twice."""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.benchmarks.fleet_corpus import differences, read_results, write_corpus, wrong_results
from tests.benchmarks.fleet_heads import Account, Head
from tests.benchmarks.fleet_judge import in_flight_ms, most_at_once, most_starts, resent_ms
from tests.benchmarks.fleet_machines import Machines
from tests.benchmarks.fleet_service import counting_service, read_log
from tests.benchmarks.rows import Row

SOURCES = 2000
# A worker dies at each of these moments after the first start at the service; the scheduler and the head once each.
_WORKER_DIES_S = (20.0, 40.0, 60.0, 80.0, 100.0, 120.0)
_SCHEDULER_DIES_S, _HEAD_DIES_S = 50.0, 90.0
_RUN_S, _LOOK_S = 900.0, 0.2
_MOST_RUNS = 5
_AS_FAST_AS_IT_GOES = 1000


@dataclass(slots=True)
class _Heads:
    """The runs, one after the other, until one says that all is done."""

    manifest: Path
    results: Path
    url: str
    account: Account
    pace: float
    cluster: str | None

    def new(self) -> Head:
        return Head(self.manifest, self.results, self.url, self.account, self.pace, self.cluster)


@dataclass(frozen=True, slots=True)
class _Undisturbed:
    """What the same corpus comes to in one process that nobody disturbs."""

    results: Mapping[str, Mapping[str, Any]]
    code: int
    took_s: float


def chaos(folder: Path, workers: int, account: Account, pace: float) -> list[Row]:
    """2,000 sources on a Dask cluster of processes; without workers the process itself is killed as often."""
    folder = Path(tempfile.mkdtemp(dir=folder))
    manifest = write_corpus(folder.parent / "corpus", SOURCES)
    log, results = folder / "service.log", folder / "results.jsonl"
    kills_of_heads: list[float] = []
    with counting_service(log) as (url, _), contextlib.ExitStack() as stack:
        machines = stack.enter_context(Machines(folder, workers)) if workers else None
        heads = _Heads(manifest, results, url, account, pace, machines.address if machines else None)
        runs, codes = _disturbed(heads, machines, kills_of_heads, log)
    found, alone = read_results(results), _undisturbed(folder, manifest, account)
    others = differences(found, alone.results)
    tasks = read_log(log)
    right = SOURCES - len(wrong_results(found, SOURCES))
    worker_kills = machines.worker_kills if machines else []
    other_kills = [*kills_of_heads, *(machines.other_kills if machines else [])]
    resent_s = resent_ms(tasks) / 1000
    flight_s = in_flight_ms(tasks, worker_kills, other_kills) / 1000
    said = ", ".join(f"{run.resent_s():.1f}" for run in runs)
    killed = f"{len(worker_kills)} workers, {len(other_kills)} others killed; exit codes {' '.join(map(str, codes))}"
    return [
        Row("chaos: right results", right, "", SOURCES, "sources", aim=1.0, worse="down", note=killed),
        Row("chaos: as without chaos", SOURCES - len(others), "", SOURCES, "sources", aim=1.0, worse="down",
            note=_told(others, alone)),
        Row("chaos: sound that came twice", resent_s, "s", max(flight_s, 0.001), "in flight at the kills", aim=1.0,
            note=f"the runs say {said} s"),
        Row("chaos: sound that came twice, of all", 100 * resent_s / (SOURCES * 10), "%"),
        Row("chaos: most starts in a second", most_starts(tasks), "", account.starts_per_s, "--rate", aim=1.0),
        Row("chaos: most at once", most_at_once(tasks), "", account.slots, "--slots", aim=1.0),
    ]  # fmt: skip


def _undisturbed(folder: Path, manifest: Path, account: Account) -> _Undisturbed:
    log, results = folder / "undisturbed.log", folder / "undisturbed.jsonl"
    began_at = time.monotonic()
    with (
        counting_service(log) as (url, _),
        # How fast it goes shapes no result.
        Head(manifest, results, url, replace(account, starts_per_s=_AS_FAST_AS_IT_GOES), None, None) as head,
    ):
        code = head.wait(_RUN_S)
    return _Undisturbed(read_results(results), code, time.monotonic() - began_at)


def _told(others: Mapping[str, Sequence[str]], alone: _Undisturbed) -> str:
    names = sorted({name for each in others.values() for name in each})
    differ = f"differ in {', '.join(names)}: {', '.join(sorted(others)[:3])}" if others else "nothing differs"
    return f"{differ}; undisturbed: exit code {alone.code}, {alone.took_s:.0f} s"


def _disturbed(
    heads: _Heads, machines: Machines | None, kills_of_heads: list[float], log: Path
) -> tuple[list[Head], list[int]]:
    """Run until a run says that all is done, under all kills: the runs, and their exit codes."""
    runs, codes = [heads.new()], list[int]()
    while runs[0].process.poll() is None and log.stat().st_size == 0:
        # There is nothing to lose before the workers are there.
        time.sleep(_LOOK_S)
    began_at = time.monotonic()
    kills = _kills(is_cluster=machines is not None)
    worker = 0
    while True:
        code = _ended(runs[-1], began_at + (kills[0][0] if kills else _RUN_S))
        if code is not None:
            codes.append(code)
            if code == 0 or len(codes) == _MOST_RUNS:
                return runs, codes
            runs.append(heads.new())
        elif not kills or kills[0][1] == "head":
            kills_of_heads.append(time.monotonic())
            runs[-1].process.kill()
        elif machines is not None and kills[0][1] == "scheduler":
            machines.kill_scheduler()
        elif machines is not None:
            machines.kill_worker(worker)
            worker += 1
        kills = kills[1:] if code is None else kills


def _kills(*, is_cluster: bool) -> list[tuple[float, str]]:
    """What is killed when, in seconds from the first start."""
    if not is_cluster:
        return [(at_s, "head") for at_s in _WORKER_DIES_S[::2]]
    workers = [(at_s, "worker") for at_s in _WORKER_DIES_S]
    return sorted([*workers, (_SCHEDULER_DIES_S, "scheduler"), (_HEAD_DIES_S, "head")])


def _ended(run: Head, until: float) -> int | None:
    try:
        return run.wait(max(0.0, until - time.monotonic()))
    except subprocess.TimeoutExpired:
        return None
