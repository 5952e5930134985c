"""`python -m tests.benchmarks.fleet [PART…]`: one corpus over several workers, on loopback; what the service saw of it.

Prints a row for each figure beside its bound, and ends with 1 where an aim is missed. With --one-process what can be
measured without a cluster is.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from tests.benchmarks.fleet_chaos import chaos
from tests.benchmarks.fleet_corpus import read_results, write_corpus, wrong_results
from tests.benchmarks.fleet_heads import Account, Head
from tests.benchmarks.fleet_judge import most_at_once, most_starts, share_used
from tests.benchmarks.fleet_service import counting_service, read_log
from tests.benchmarks.fleet_simulation import RATE_BOUND, SLOTS_BOUND, Report, simulate
from tests.benchmarks.fleet_two import two
from tests.benchmarks.rows import Row, add_run, table

# At this pace a source takes two and a half seconds: forty at once are sixteen starts a second, fewer than are allowed.
LIMITED, PACE = 800, 4.0
ACCOUNT = Account(slots=40, starts_per_s=20)
# Until all slots have been given once, at that rate; after refusals, until as many are tried again.
_FILLED_S, _REGROWN_S = 3.0, 25.0
_REFUSALS = "refuse=429#200-207"


@dataclass(frozen=True, slots=True)
class Fleet:
    """Where the parts put their files, and on how many workers they run; 0: in the process of the command itself."""

    folder: Path
    workers: int


def limits(fleet: Fleet) -> list[Row]:
    """What the account allows is used and never exceeded, also after the service has refused some."""
    return [
        *_limited(fleet, "limits", LIMITED, _FILLED_S),
        *_limited(fleet, "limits, 429 for eight", LIMITED, _REGROWN_S, _REFUSALS),
    ]


def _limited(fleet: Fleet, name: str, sources: int, after_s: float, *faults: str) -> list[Row]:
    folder = Path(tempfile.mkdtemp(dir=fleet.folder))
    manifest = write_corpus(fleet.folder / "corpus", sources)
    log, results = folder / "service.log", folder / "results.jsonl"
    where = f"local:{fleet.workers}" if fleet.workers else None
    with counting_service(log, *faults) as (url, _), Head(manifest, results, url, ACCOUNT, PACE, where) as head:
        code = head.wait()
    tasks = read_log(log)
    right = sources - len(wrong_results(read_results(results), sources))
    share = 100 * share_used(tasks, ACCOUNT.slots, after_s)
    rate = f"--rate {ACCOUNT.starts_per_s}/s"
    return [
        Row(f"{name}: most starts in a second", most_starts(tasks), "", ACCOUNT.starts_per_s, rate, aim=1.0),
        Row(f"{name}: most at once", most_at_once(tasks), "", ACCOUNT.slots, f"--slots {ACCOUNT.slots}", aim=1.0),
        Row(f"{name}: slots in use", share, "%", 100, "all of them", aim=0.9, worse="down",
            note=f"from {after_s:g} s to the last start, at the service"),
        Row(f"{name}: right results", right, "", sources, "sources", aim=1.0, worse="down",
            note=f"exit code {code}, {len(tasks)} tasks"),
    ]  # fmt: skip


def simulation() -> list[Row]:
    """A million files on a hundred workers, by the code that schedules them.

    Once the rate is the bound and once the slots; then the memory is looked at, too.
    """
    rows = _simulated("rate", simulate(RATE_BOUND))
    slots = simulate(SLOTS_BOUND, traces_memory=True)
    tenth, all_ = slots.peak_bytes
    return [
        *rows,
        *_simulated("slots", slots),
        Row("simulation: memory", all_ / 1e6, "MB", tenth / 1e6, "after a tenth of the files", aim=1.1),
    ]


def _simulated(name: str, report: Report) -> list[Row]:
    world = report.world
    note = f"{report.lost} workers lost, {report.refused} starts refused"
    return [
        Row(f"simulation, {name}: time", report.took_s, "s", report.bound_s, "the least possible", aim=1.1, note=note),
        Row(f"simulation, {name}: ended", report.ended, "", world.files, "files", aim=1.0, worse="down"),
        Row(f"simulation, {name}: starts in a second", report.busiest, "", world.rate.starts, "the rate", aim=1.0),
        Row(f"simulation, {name}: at once", report.most, "", world.slots, "the slots", aim=1.0),
    ]


PARTS: dict[str, Callable[[Fleet], list[Row]]] = {
    "two": lambda fleet: two(fleet.folder),
    "limits": limits,
    "chaos": lambda fleet: chaos(fleet.folder, fleet.workers, ACCOUNT, PACE),
    "simulation": lambda fleet: simulation(),
}


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser("tests.benchmarks.fleet", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=" ".join(PARTS))
    parser.add_argument("--one-process", action="store_true", help="no cluster")
    parser.add_argument("--json", type=Path, metavar="FILE", help="add the run to this file")
    wanted = parser.parse_args(arguments)
    if unknown := set(wanted.parts) - set(PARTS):
        parser.error(f"no such part: {' '.join(sorted(unknown))}; there are: {' '.join(PARTS)}")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in wanted.parts or PARTS:
            print(f"{name} …", file=sys.stderr)
            rows += PARTS[name](Fleet(Path(folder), workers=0 if wanted.one_process else 4))
    Console(width=None if sys.stdout.isatty() else 160).print(table(rows))
    if wanted.json:
        add_run(wanted.json, rows)
    return int(any(row.is_met is False for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
