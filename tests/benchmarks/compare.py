"""`python -m tests.benchmarks.compare OLD NEW`: what a change did to the benchmarks, from two files of --json.

Compared is the ratio to the yardstick that was measured in the same run, so that a slower machine does not look like a
slower program. Of several runs in a file, the median counts. A row is worse where its ratio moved the wrong way by more
than its noise: the share by which two runs of the same code are known to differ (each row states it), or the spread
between the runs of either file where that is wider. More runs therefore make the noise known; they never hide it.

Exit code 0: nothing is worse; 1: something is; 2: there is nothing to compare.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.rows import Row, read_runs, shown, times


@dataclass(frozen=True, slots=True)
class Change:
    """One row before and after. `times` is new ratio / old ratio; `noise` the share that means nothing."""

    row: Row
    old: Sequence[Row]
    new: Sequence[Row]
    times: float
    noise: float

    @property
    def verdict(self) -> str:
        change = self.times if self.row.worse == "up" else 1 / self.times
        if change > 1 + self.noise:
            return "worse"
        return "better" if change < 1 / (1 + self.noise) else ""


def compare(old: Sequence[dict[str, Row]], new: Sequence[dict[str, Row]]) -> list[Change]:
    """The rows that have a ratio in both, in the order of the new ones."""
    changes = []
    for name in dict.fromkeys(name for run in new for name in run):
        before = [run[name] for run in old if name in run and run[name].ratio]
        after = [run[name] for run in new if name in run and run[name].ratio]
        if before and after:
            row = after[-1]
            noise = max(row.noise, _spread(_ratios(before)), _spread(_ratios(after)))
            moved = statistics.median(_ratios(after)) / statistics.median(_ratios(before))
            changes.append(Change(row, before, after, moved, noise))
    return changes


def _ratios(rows: Sequence[Row]) -> list[float]:
    return [row.ratio for row in rows if row.ratio]


def _spread(ratios: Sequence[float]) -> float:
    """How much larger the largest is than the smallest, as a share."""
    return max(ratios) / min(ratios) - 1


def table(changes: Sequence[Change]) -> Table:
    made = Table()
    for heading in ("what", "before", "ratio", "now", "ratio", "now / before", "noise", ""):
        made.add_column(heading)
    for change in changes:
        unit = change.row.unit
        made.add_row(
            change.row.name,
            *(_value(change.old, unit), times(statistics.median(_ratios(change.old)))),
            *(_value(change.new, unit), times(statistics.median(_ratios(change.new)))),
            *(times(change.times), f"{change.noise:.0%}", change.verdict),
        )
    return made


def _value(rows: Sequence[Row], unit: str) -> str:
    return shown(statistics.median(row.ours for row in rows if row.ours is not None), unit)


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 2:
        print("give two files of `python -m tests.benchmarks --json FILE`: before and after", file=sys.stderr)
        return 2
    try:
        old, new = (read_runs(Path(path)) for path in arguments)
    except (OSError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    changes = compare(old, new)
    if not changes:
        print("the two files have no row in common", file=sys.stderr)
        return 2
    console = Console(width=None if sys.stdout.isatty() else 160)
    console.print(table(changes))
    compared = {change.row.name for change in changes}
    for which, runs in (("before", old), ("after", new)):
        alone = {name: row for run in runs for name, row in run.items() if row.ratio and name not in compared}
        for name in alone:
            console.print(f"measured only {which}: {name}", markup=False)
    worse = [change.row.name for change in changes if change.verdict == "worse"]
    console.print(f"{len(worse)} of {len(changes)} rows are worse beyond noise", markup=False)
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
