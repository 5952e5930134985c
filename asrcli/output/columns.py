"""Rows of text: aligned for a terminal, with tabs for a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from asrcli.output.formats.cues.cells import cells
from asrcli.output.sanitize import sanitize, sentence_text

Row = tuple[str, ...]


def table(heading: Row, rows: Sequence[Row]) -> str:
    """Aligned, with a heading, for a terminal."""
    shown = [heading, *(tuple(map(sanitize, row)) for row in rows)]
    widths = [max(map(cells, column)) for column in zip(*shown, strict=True)]
    lines = (
        "  ".join(cell + " " * (width - cells(cell)) for cell, width in zip(row, widths, strict=True)) for row in shown
    )
    return "\n".join(line.rstrip() for line in lines)


def lines(rows: Iterable[Row]) -> str:
    """A line each, with tabs between its parts, for a pipe: what shows as nothing stays, as a program wants it."""
    return "\n".join("\t".join(sentence_text(cell, seen=False) for cell in row).rstrip("\t") for row in rows)
