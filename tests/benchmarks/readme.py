"""The table of figures in the README, made of rows that were measured in one run."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata

from tests.benchmarks.drops import LOST
from tests.benchmarks.rows import Row, shown

# Row → what a reader is told of it.
_TOLD = {
    "service message to shown line, median": "from the service's message to a line that you can read, median",
    "service message to shown line, 95 %": "the same, 95 of 100",
    "CPU per second of audio": "CPU for a second of sound",
    "peak memory": "memory at most",
    LOST: "sentences lost in 8 minutes with a drop a minute",
}


def readme_table(rows: Sequence[Row]) -> str | None:
    """The table as Markdown, one line each; None where not all of it was measured."""
    found = {row.name: row for row in rows}
    if not set(_TOLD) <= set(found):
        return None
    lines = [f"| | asrcli | the vendor's SDK {metadata.version('dashscope')} |", "|---|---|---|"]
    for name, told in _TOLD.items():
        row = found[name]
        of = f" {row.note.partition(',')[0]}" if name == LOST else ""
        cells = (f"{shown(each, row.unit) if row.unit else f'{each:.0f}'}{of}" for each in (row.ours, row.theirs))
        lines.append(f"| {told} | {' | '.join(cells)} |")
    return "\n".join(lines)
