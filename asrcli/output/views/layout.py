"""Lines that fit a terminal: folding, cutting and choosing what to show, all by the width of cells.

Knows how wide characters are, from rich; draws nothing and knows no events.
"""

from __future__ import annotations

import functools
import io

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.text import Text

from asrcli.output.views.status import StatusItem

SEPARATOR = " · "
# A name is no use in fewer cells.
LEAST_SHRUNK_CELLS = 6

Line = tuple[tuple[str, str], ...]
"""Pieces of one line, each a text and its style."""


def rows(line: Line, width: int) -> int:
    """Rows that `line` takes in a terminal of `width` cells that wraps it."""
    text = "".join(piece for piece, _ in line)
    return 1 if cell_len(text) <= width else len(chop_cells(text, width))


def trimmed(line: Line) -> Line:
    """`line` without blanks at its end, which terminals that wrap it anew may take for cells or for nothing."""
    while line and line[-1][0].endswith(" "):
        text, style = line[-1]
        line = (*line[:-1], (kept, style)) if (kept := text.rstrip(" ")) else line[:-1]
    return line


def tail(text: str, width: int, count: int) -> list[Line]:
    """The last `count` lines of `text`, folded at spaces where there are any, else anywhere, by cell width."""
    # No more is looked at than could be shown, in steps, so that the folds stay where they are while the text grows.
    start = max(0, len(text) - width * count) // 1000 * 1000
    lines = Text(text[start:]).wrap(_console(), width, overflow="fold")
    return [((line.plain.rstrip(), ""),) for line in lines[-count:]]


@functools.cache
def _console() -> Console:
    """What folding wants to be handed; nothing is written to it, and its size does not matter."""
    return Console(file=io.StringIO(), width=80, height=24)


def fit(parts: tuple[StatusItem, ...], width: int) -> Line:
    """The parts that fit `width` cells, the most important ones first to get a place, in their own order."""
    kept: dict[int, str] = {}
    room = width
    for number, part in sorted(enumerate(parts), key=lambda item: item[1].rank):
        gap = len(" " if part.joins else SEPARATOR) if kept else 0
        # A long name must not take the place of all that is less important.
        most = room - gap if part.rank == 0 else min(room - gap, max(LEAST_SHRUNK_CELLS, width // 3))
        text = shrunk(part.text, most) if part.shrinks else part.text
        if part.short and cell_len(text) > room - gap:
            text = part.short
        if text and cell_len(text) <= room - gap:
            kept[number] = text
            room -= gap + cell_len(text)
    pieces: list[tuple[str, str]] = []
    for number in sorted(kept):
        if pieces:
            pieces.append((" " if parts[number - 1].joins and number - 1 in kept else SEPARATOR, "dim"))
        pieces.append((kept[number], parts[number].style))
    return tuple(pieces)


def shrunk(text: str, cells: int) -> str:
    """`text`, or its beginning with "…"; "" where there is no room for that."""
    if cell_len(text) <= cells:
        return text
    if cells < 1:
        return ""
    cut = Text(text)
    cut.truncate(cells, overflow="ellipsis")
    return cut.plain


def ending(text: str, cells: int) -> str:
    """`text`, or "…" and its end; "" where there is no room for that."""
    if cell_len(text) <= cells:
        return text
    if cells < 1:
        return ""
    if text.isascii():
        # At a tenth of the cost.
        return "…" + text[len(text) - cells + 1 :]
    room, start = cells - 1, len(text)
    while start and (room := room - cell_len(text[start - 1])) >= 0:
        start -= 1
    return "…" + text[start:]


def padded(text: str, cells: int) -> str:
    """`text` with blanks behind it up to the width of `cells`."""
    return text + " " * (cells - cell_len(text))
