"""Lines at the end of a terminal that are redrawn in place, while other lines scroll up above them.

rich's Live cannot. Fed with the same lines, it finds its first row by the width at which it drew them: in a terminal
that wraps lines anew, a narrower window leaves rows behind (test_live_resize), and a final that takes the place of its
partial moves the status line (test_live). A drawing takes it 0.28 ms, and 0.65 ms where a final goes to another stream
of the same terminal in between; here it is 0.01 and 0.02 ms, of the 1 ms from a message to its line. Knows nothing of
what the lines say.
"""

from __future__ import annotations

import contextlib
import os
import typing
from collections.abc import Callable, Sequence

from rich.color import ColorSystem
from rich.style import Style

from asrcli.output.views import terminal
from asrcli.output.views.layout import Line, rows, trimmed
from asrcli.system.echo import NoEcho

# More often is more than the eye takes in, and costs bytes on slow lines.
MIN_REDRAW_S = 0.1

_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
# Synchronised output: terminals that know it paint what stands between as one, others ignore it.
_PAINT_LATER, _PAINT_NOW = "\x1b[?2026h", "\x1b[?2026l"
_ERASE_LINE_END, _ERASE_BELOW = "\x1b[K", "\x1b[J"
# From the start of a row downwards, beginning one cell to the right: tmux takes an erasure from the very first cell for
# a cleared screen, and keeps what was there in the scrollback.
_ERASE_REGION = f"\x1b[C{_ERASE_BELOW}\r{_ERASE_LINE_END}"


class Region:
    """Lines at the cursor that can be replaced. Between calls the cursor stands at the start of the last one.

    There, its place relative to the region's first row is known after a resize too: a terminal that reflows moves it
    with its line. Rows that a smaller window has pushed into the scrollback are out of reach, for anyone. Where the
    terminal resizes itself before it says so (tmux while a pane is dragged), a row of the region can stay behind; to
    count more rows than there are would erase results instead. Keys that are typed meanwhile are not echoed.
    """

    def __init__(self, stream: typing.TextIO, *, colored: bool, reflows: bool) -> None:
        self._stream = stream
        # The colours of the terminal's own theme.
        self._colors = ColorSystem.STANDARD if colored else None
        self._reflows = reflows
        self._alive = True
        self._frame: list[Line] = []
        self._size = (0, 0)
        self._cursor_hidden = False
        self._no_echo = contextlib.ExitStack()

    def draw(self, make_frame: Callable[[int, int], list[Line]], above: Sequence[Line] = ()) -> None:
        """Replace the region by `make_frame(width, height)`, below the permanent lines `above`.

        Writes nothing where nothing has changed.
        """
        size = terminal.size(self._stream)
        # How many rows they take is counted below.
        frame = [trimmed(line) for line in make_frame(*size)]
        if not above and frame == self._frame and (size == self._size or not frame):
            return
        text = ""
        if self._frame:
            # Overwriting in place would leave marks of wrapped lines in terminals that reflow.
            wrapped = above or size != self._size
            text += self._to_start(size[0]) + (_ERASE_REGION if wrapped else "")
        if above:
            # Not erased to its end: in a terminal that it fills, that would take its last character.
            text += "".join(self._ansi(line) + "\n" for line in above)
        if frame:
            text += "" if self._cursor_hidden else self._taken()
            text += "\n".join(self._ansi(line) + _ERASE_LINE_END for line in frame) + _ERASE_BELOW + "\r"
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
        self._no_echo.close()

    def _taken(self) -> str:
        """Take the terminal, until `close`; the escape that hides the cursor."""
        self._no_echo.close()
        if self._stream.isatty():
            self._no_echo.enter_context(NoEcho(self._stream.fileno(), self._leave))
        self._cursor_hidden = True
        return _HIDE_CURSOR

    def _leave(self) -> None:
        """Make room for the shell, in the middle of whatever is going on; the next drawing begins where that ends."""
        if self._frame:
            text = self._to_start(terminal.size(self._stream)[0]) + _ERASE_REGION + _PAINT_NOW + _SHOW_CURSOR
            # The stream may be in the middle of a call.
            with contextlib.suppress(OSError):
                os.write(self._stream.fileno(), text.encode())
        self._frame, self._cursor_hidden = [], False

    def _to_start(self, width: int) -> str:
        """The escape that leads from the last line to the first row of the region, as it stands in `width` cells."""
        up = sum(rows(line, width) if self._reflows else 1 for line in self._frame[:-1])
        return f"\r\x1b[{up}A" if up else "\r"

    def _ansi(self, line: Line) -> str:
        # A console's print does the same at ten times the cost.
        return "".join(Style.parse(style).render(text, color_system=self._colors) for text, style in line)

    def _write(self, text: str) -> None:
        if not self._alive:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:
            # The terminal is gone; the results may still have somewhere to go.
            self._alive = False
