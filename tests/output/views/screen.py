"""A terminal for tests: a real pty for its size, a terminal emulator for what is written to it.

Nothing runs in another thread: what is written is on the screen when the call returns.
"""

from __future__ import annotations

import copy
import fcntl
import io
import os
import struct
import termios
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pyte
from pyte.screens import Char, HistoryScreen, StaticDefaultDict

from asrcli.output.base import Begin
from asrcli.output.destination import Destination
from asrcli.output.formats.text import PlainText
from asrcli.output.output import Output
from asrcli.output.views.live import LiveView
from asrcli.system import echo
from asrcli.values.errors import AsrcliError
from asrcli.values.events import FinalResult, PartialResult, Sentence


class Terminal(io.StringIO):
    """A text stream that is a terminal of `columns` x `rows`. `reflow`: it wraps old lines anew when it is resized.

    `written` keeps all text, `writes` counts the calls.
    """

    def __init__(self, descriptor: int, columns: int, rows: int, *, reflow: bool) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._reflow = reflow
        self.screen = ReflowScreen(columns, rows)
        self._stream = pyte.Stream(self.screen)
        self.written = ""
        self.writes = 0
        self.set_size(columns, rows)

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def write(self, text: str) -> int:
        self.written += text
        self.writes += 1
        # A terminal's line discipline does this (ONLCR).
        self._stream.feed(text.replace("\n", "\r\n"))
        return len(text)

    def resize(self, columns: int, rows: int) -> None:
        """What happens when the user drags the window."""
        if self._reflow:
            self.screen.reflow(columns, rows)
        else:
            self.screen.resize(rows, columns)
        self.set_size(columns, rows)

    @property
    def lines(self) -> list[str]:
        """The screen's rows without blanks at their ends, without the empty rows below."""
        rows = [_text(self.screen.buffer[y], self.screen.columns) for y in range(self.screen.lines)]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    @property
    def scrollback(self) -> list[str]:
        return [_text(row, self.screen.columns) for row in self.screen.history.top]

    @property
    def everything(self) -> list[str]:
        """Scrollback and screen."""
        return self.scrollback + self.lines

    def set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


@contextmanager
def terminal(columns: int = 80, rows: int = 24, *, reflow: bool = False) -> Iterator[Terminal]:
    master, slave = os.openpty()
    try:
        yield Terminal(slave, columns, rows, reflow=reflow)
    finally:
        # Of views that a test has not closed.
        for each in [*echo._in_force]:
            each.__exit__(None, None, None)
        os.close(slave)
        os.close(master)


class Row(StaticDefaultDict[int, Char]):
    """One row of cells. `wrapped`: the terminal itself went on to the next row, for want of room."""

    wrapped = False


class ReflowScreen(HistoryScreen):
    """A screen that remembers which rows it has wrapped, and can join and wrap them anew.

    As in tmux, to erase everything from the first cell on moves the rows into the scrollback.
    """

    def __init__(self, columns: int, lines: int) -> None:
        self._wrapping = False
        super().__init__(columns, lines, history=1000)
        self.buffer = defaultdict(lambda: Row(self.default_char))

    def draw(self, data: str) -> None:
        self._wrapping = True
        super().draw(data)
        self._wrapping = False

    def linefeed(self) -> None:
        self._row(self.cursor.y).wrapped = self._wrapping
        super().linefeed()

    def erase_in_display(self, how: int = 0, *args: object, **kwargs: object) -> None:
        if how == 0 and self.cursor.y == self.cursor.x == 0:
            used = [y for y in range(self.lines) if _text(self.buffer[y], self.columns)]
            self.history.top.extend(copy.copy(self.buffer[y]) for y in range(max(used, default=-1) + 1))
        super().erase_in_display(how, *args, **kwargs)
        for y in range(self.cursor.y, self.lines):
            self._row(y).wrapped = False

    def reflow(self, columns: int, lines: int) -> None:
        """Resize as terminals do that keep every line: the cursor stays on its character."""
        rows = [*self.history.top, *(self.buffer[y] for y in range(self.lines))]
        cursor_row = len(self.history.top) + self.cursor.y
        while len(rows) > cursor_row + 1 and not _text(rows[-1], self.columns):
            rows.pop()
        folded, cursor = self._fold(rows, cursor_row, columns)
        self.history.top.clear()
        hidden = max(0, len(folded) - lines)
        self.history.top.extend(folded[:hidden])
        self.buffer.clear()
        self.columns, self.lines = columns, lines
        for y, row in enumerate(folded[hidden:]):
            self.buffer[y] = row
        # A cursor whose row went into the scrollback stays on the screen.
        self.cursor.y, self.cursor.x = max(0, cursor[0] - hidden), min(cursor[1], columns - 1)

    def _row(self, y: int) -> Row:
        row = self.buffer[y]
        assert isinstance(row, Row)
        return row

    def _fold(
        self, rows: list[StaticDefaultDict[int, Char]], cursor_row: int, columns: int
    ) -> tuple[list[Row], tuple[int, int]]:
        folded: list[Row] = []
        cursor = (0, 0)
        cells: list[Char] = []
        at = None
        for number, row in enumerate(rows):
            if number == cursor_row:
                at = len(cells) + self.cursor.x
            wrapped = getattr(row, "wrapped", False)
            length = self.columns if wrapped else len(_text(row, self.columns, cells=True))
            cells += [row[x] for x in range(length)]
            if wrapped:
                continue
            start = 0
            while True:
                end = start + columns
                if end < len(cells) and cells[end].data == "":
                    end -= 1
                line = Row(self.default_char)
                line.update(enumerate(cells[start:end]))
                line.wrapped = end < len(cells)
                if at is not None and (start <= at < end or not line.wrapped):
                    cursor, at = (len(folded), at - start), None
                folded.append(line)
                start = end
                if start >= len(cells):
                    break
            cells = []
        return folded, cursor


def _text(row: StaticDefaultDict[int, Char], columns: int, *, cells: bool = False) -> str:
    """A row's text without blanks at its end; with `cells` the second half of a wide character counts as one."""
    characters = [row[x].data for x in range(columns)]
    while characters and characters[-1] == " ":
        characters.pop()
    return "".join(character or "_" for character in characters) if cells else "".join(characters)


class FakeClock:
    """A clock that goes only when told to."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def wait_until(self, moment: float, wake: threading.Event) -> bool:
        self.time = max(self.time, moment)
        return wake.is_set()

    def go(self, seconds: float) -> None:
        self.time += seconds


INFO = Begin("talks/talk.wav", "fun-asr-realtime", "local", "run-task", 16000, duration_ms=83_000)
XTERM = {"TERM": "xterm-256color", "XTERM_VERSION": "XTerm(379)"}
MODERN = {"TERM": "xterm-256color"}


class Session:
    """A view with results on the same terminal (or elsewhere), and short words for what happens to it."""

    def __init__(
        self, screen: Terminal, *, elsewhere: bool = False, environ: dict[str, str] = XTERM, **more: Any
    ) -> None:
        self.screen = screen
        self.clock = FakeClock()
        self.view = LiveView(screen, shows_finals=elsewhere, clock=self.clock, color="never", environ=environ, **more)
        self.file: list[str] = []
        sink = _ScreenSink(self.file.append if elsewhere else screen.write)
        self.output = Output([Destination(PlainText, sink)], self.view)
        self.output.begin(INFO)

    def partial(self, text: str, index: int = 1) -> None:
        """A partial that the rate limit lets through."""
        self.clock.go(0.2)
        self.output.event(PartialResult(Sentence(index, text)))

    def final(self, text: str, index: int = 1) -> None:
        self.output.event(FinalResult(Sentence(index, text)))


class _ScreenSink:
    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write

    def write(self, text: str) -> None:
        self._write(text)

    def check(self) -> None: ...

    def closed_downstream(self) -> bool:
        return False

    def give_up(self, error: AsrcliError) -> None: ...

    def close(self) -> None: ...
