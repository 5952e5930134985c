"""The live view: a region at the end of the terminal, redrawn in place, while finals scroll up above it.

The only output that knows rich and terminals. The region holds the newest lines of the open sentence and one status
line. It is drawn by hand, because the results go to another stream of the same terminal in between, and because the
window may change its size at any time. Whatever comes from outside is sanitised and printed as Text, never as markup.
"""

from __future__ import annotations

import io
import os
import typing
from collections.abc import Callable, Mapping

from rich.cells import cell_len, chop_cells
from rich.console import Console
from rich.text import Text

from asrcli.errors import AsrcliError
from asrcli.events import Event, FinalResult, Notice, PartialResult, Reconnecting, Sentence
from asrcli.metrics import Summary
from asrcli.output import terminal
from asrcli.output.base import Begin
from asrcli.output.plain import error_line, warning_line
from asrcli.output.sanitize import name, sanitize, sentence_text
from asrcli.output.status import Part, Status
from asrcli.timing import Clock

# More often is more than the eye takes in, and costs bytes on slow lines.
MIN_REDRAW_S = 0.1
SEPARATOR = " · "
# A name is no use in fewer cells.
LEAST_SHRUNK_CELLS = 6

_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
# Synchronised output: terminals that know it paint what stands between as one, others ignore it.
_PAINT_LATER, _PAINT_NOW = "\x1b[?2026h", "\x1b[?2026l"
_ERASE_LINE_END, _ERASE_BELOW = "\x1b[K", "\x1b[J"
# From the start of a row downwards, beginning one cell to the right: tmux takes an erasure from the very first cell for
# a cleared screen, and keeps what was there in the scrollback.
_ERASE_REGION = f"\x1b[C{_ERASE_BELOW}\r{_ERASE_LINE_END}"

_Line = tuple[tuple[str, str], ...]


class LiveView:
    """A View on the terminal `stream`. Not for several threads.

    `shows_finals`: the results do not go to this terminal, so finals are printed here too. `color` is auto, always
    or never; auto heeds NO_COLOR. `environ` also tells how the terminal treats lines when it is resized.
    """

    tick_s: float | None = MIN_REDRAW_S

    def __init__(
        self,
        stream: typing.TextIO,
        *,
        shows_finals: bool,
        clock: Clock,
        color: str = "auto",
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._shows_finals = shows_finals
        self._clock = clock
        self._console = _console(terminal.is_colored(stream, color, environ))
        self._region = _Region(stream, self._console, reflows=terminal.reflows(environ))
        self._status: Status | None = None
        self._partial: Sentence | None = None
        self._opening: str | None = None
        self._drawn_at = clock.now()

    def opening(self, what: str) -> None:
        """Draws at once."""
        self._opening = name(what)
        self._redraw()

    def begin(self, info: Begin) -> None:
        """Draws at once."""
        now = self._clock.now()
        self._status, self._partial, self._opening = Status(info, now), None, None
        self._redraw()

    def event(self, event: Event) -> None:
        if self._status is not None:
            self._status.observe(event, self._clock.now())
        match event:
            case PartialResult(sentence):
                self._partial = sentence
            case FinalResult(sentence):
                if self._partial is not None and self._partial.index <= sentence.index:
                    self._partial = None
                text = sentence_text(sentence.text).strip()
                if self._shows_finals and text:
                    self._print(text)
                # Else its text is on the way to this terminal through `above`, which redraws.
                return
            case Notice(message, hint):
                self.notice(message, hint)
                return
            case Reconnecting(reason=reason):
                self._print(sentence_text(f"{reason.rstrip('.')}; reconnecting"), "yellow")
                return
        if self._status is not None and self._clock.now() - self._drawn_at >= MIN_REDRAW_S:
            self._redraw()

    def end(self, summary: Summary) -> None:
        """Takes the region away."""
        self.close()

    def notice(self, message: str, hint: str) -> None:
        self._print(warning_line(message, hint), "yellow")

    def error(self, error: AsrcliError) -> None:
        self._print(error_line(error), "red")

    def say(self, text: str) -> None:
        for line in text.splitlines():
            self._print(sanitize(line), "dim")

    def above(self, write: Callable[[], None]) -> None:
        self._region.clear()
        try:
            write()
        finally:
            self._redraw()

    def close(self) -> None:
        self._status = self._partial = self._opening = None
        self._region.close()

    def _print(self, text: str, style: str = "") -> None:
        """A permanent line above the region. The terminal wraps it, so that it stays one line to copy."""
        self._drawn_at = self._clock.now()
        self._region.draw(self._frame, above=((text, style),))

    def _redraw(self) -> None:
        self._drawn_at = self._clock.now()
        self._region.draw(self._frame)

    def _frame(self, width: int, height: int) -> list[_Line]:
        """The region for a terminal of `width` x `height` cells: at most half of its lines, of width - 1 cells."""
        # A line in the last column makes some terminals wrap.
        width = max(1, width - 1)
        if self._status is None:
            return [((_shrunk(f"opening {self._opening} …", width), "yellow"),)] if self._opening else []
        status = _fit(self._status.parts(self._clock.now()), width)
        text = sentence_text(self._partial.text).strip() if self._partial is not None else ""
        if not text or height < 3:
            return [status]
        # Half the window: rows that a window made narrower pushes off its top would be out of reach, and stay behind.
        return [*_tail(self._console, text, width, max(1, height // 2 - 1)), status]


class _Region:
    """Lines at the cursor that can be replaced. Between calls the cursor stands at the start of the last one.

    There, its place relative to the region's first row is known after a resize too: a terminal that reflows moves it
    with its line. Rows that a smaller window has pushed into the scrollback are out of reach, for anyone. Where the
    terminal resizes itself before it says so (tmux while a pane is dragged), a row of the region can stay behind; to
    count more rows than there are would erase results instead.
    """

    def __init__(self, stream: typing.TextIO, console: Console, *, reflows: bool) -> None:
        self._stream = stream
        self._console = console
        self._reflows = reflows
        self._alive = True
        self._frame: list[_Line] = []
        self._size = (0, 0)
        self._cursor_hidden = False

    def draw(self, make_frame: Callable[[int, int], list[_Line]], above: _Line = ()) -> None:
        """Replace the region by `make_frame(width, height)`, below a permanent line `above` where there is one.

        Writes nothing where nothing has changed.
        """
        size = terminal.size(self._stream)
        frame = make_frame(*size)
        if not above and frame == self._frame and (size == self._size or not frame):
            return
        text = ""
        if self._frame:
            # Overwriting in place would leave marks of wrapped lines in terminals that reflow.
            wrapped = above or size != self._size
            text += self._to_start(size[0]) + (_ERASE_REGION if wrapped else "")
        if above:
            # Not erased to its end: in a terminal that it fills, that would take its last character.
            text += self._ansi(above) + "\n"
        if frame:
            text += "" if self._cursor_hidden else _HIDE_CURSOR
            text += "\n".join(self._ansi(line) + _ERASE_LINE_END for line in frame) + _ERASE_BELOW + "\r"
            self._cursor_hidden = True
        self._frame, self._size = frame, size
        self._write(_PAINT_LATER + text + _PAINT_NOW)

    def clear(self) -> None:
        """Take the region away, until the next `draw`."""
        if self._frame:
            self._write(_PAINT_LATER + self._to_start(terminal.size(self._stream)[0]) + _ERASE_REGION)
            self._frame = []

    def close(self) -> None:
        """Take the region away for good and show the cursor."""
        if self._frame or self._cursor_hidden:
            self._write(self._to_start(terminal.size(self._stream)[0]) + _ERASE_REGION + _PAINT_NOW + _SHOW_CURSOR)
        self._frame, self._cursor_hidden = [], False

    def _to_start(self, width: int) -> str:
        """The escape that leads from the last line to the first row of the region, as it stands in `width` cells."""
        rows = sum(_rows(line, width) if self._reflows else 1 for line in self._frame[:-1])
        return f"\r\x1b[{rows}A" if rows else "\r"

    def _ansi(self, line: _Line) -> str:
        with self._console.capture() as capture:
            self._console.print(Text.assemble(*line), end="", soft_wrap=True)
        return capture.get()

    def _write(self, text: str) -> None:
        if not self._alive:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            # The terminal is gone; the results may still have somewhere to go.
            self._alive = False


def _console(colored: bool) -> Console:
    """What turns Text into escapes, in the colours of the user's own theme.

    The size is a stand-in, since we fold ourselves; so is the file: even a captured print writes "" to it.
    """
    return Console(
        file=io.StringIO(),
        force_terminal=True,
        color_system="standard" if colored else None,
        no_color=not colored,
        width=80,
        height=24,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )


def _rows(line: _Line, width: int) -> int:
    """Rows that `line` takes in a terminal of `width` cells that wraps it."""
    text = "".join(piece for piece, _ in line)
    return 1 if cell_len(text) <= width else len(chop_cells(text, width))


def _tail(console: Console, text: str, width: int, count: int) -> list[_Line]:
    """The last `count` lines of `text`, folded at spaces where there are any, else anywhere, by cell width."""
    # No more is looked at than could be shown, in steps, so that the folds stay where they are while the text grows.
    start = max(0, len(text) - width * count) // 1000 * 1000
    lines = Text(text[start:]).wrap(console, width, overflow="fold")
    return [((line.plain.rstrip(), ""),) for line in lines[-count:]]


def _fit(parts: tuple[Part, ...], width: int) -> _Line:
    """The parts that fit `width` cells, the most important ones first to get a place, in their own order."""
    kept: dict[int, str] = {}
    room = width
    for number, part in sorted(enumerate(parts), key=lambda item: item[1].rank):
        gap = len(" " if part.joins else SEPARATOR) if kept else 0
        # A long name must not take the place of all that is less important.
        most = room - gap if part.rank == 0 else min(room - gap, max(LEAST_SHRUNK_CELLS, width // 3))
        text = _shrunk(part.text, most) if part.shrinks else part.text
        if text and cell_len(text) <= room - gap:
            kept[number] = text
            room -= gap + cell_len(text)
    pieces: list[tuple[str, str]] = []
    for number in sorted(kept):
        if pieces:
            pieces.append((" " if parts[number - 1].joins and number - 1 in kept else SEPARATOR, "dim"))
        pieces.append((kept[number], parts[number].style))
    return tuple(pieces)


def _shrunk(text: str, cells: int) -> str:
    """`text`, or its beginning with "…"; "" where there is no room for that."""
    if cell_len(text) <= cells:
        return text
    if cells < 1:
        return ""
    shrunk = Text(text)
    shrunk.truncate(cells, overflow="ellipsis")
    return shrunk.plain
