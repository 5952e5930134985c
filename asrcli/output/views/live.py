"""The live view: a region at the end of the terminal, redrawn in place, while finals scroll up above it.

The region holds the newest lines of the open sentence and one status line. Whatever comes from outside is sanitised and
printed as Text, never as markup.
"""

from __future__ import annotations

import os
import typing
from collections.abc import Callable, Mapping

from asrcli.output.base import Begin, Many, View
from asrcli.output.sanitize import name, sanitize, sentence_text
from asrcli.output.views import terminal
from asrcli.output.views.layout import Line, fit, shrunk, tail
from asrcli.output.views.region import MIN_REDRAW_S, Region
from asrcli.output.views.status import Status
from asrcli.output.views.table import TableView
from asrcli.output.wording import error_line, reconnecting, sentence_line, warning_line
from asrcli.system.clock import Clock
from asrcli.values.errors import AsrcliError
from asrcli.values.events import Event, FinalResult, Notice, PartialResult, Reconnecting, Sentence
from asrcli.values.summary import Summary


class LiveView:
    """A View on the terminal `stream`. Not for several threads.

    `shows_finals`: the results do not go to this terminal, so finals are printed here too. `line_of`: how a sentence is
    shown, as `sentence_line`. `color` is auto, always or never; auto heeds NO_COLOR. `environ` also tells how the
    terminal treats lines when it is resized.
    """

    tick_s: float | None = MIN_REDRAW_S

    def __init__(
        self,
        stream: typing.TextIO,
        *,
        shows_finals: bool,
        clock: Clock,
        line_of: Callable[[Sentence], str] = sentence_line,
        color: str = "auto",
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._shows_finals = shows_finals
        self._clock = clock
        self._line_of = line_of
        colored = terminal.is_colored(stream, color, environ)
        self._region = Region(stream, colored=colored, reflows=terminal.reflows(environ))
        self._status: Status | None = None
        self._partial: Sentence | None = None
        self._opening: str | None = None
        self._drawn_at = clock.now()

    def opening(self, what: str) -> None:
        """Draws at once."""
        self._opening = name(what)
        self._redraw()

    def for_many(self, many: Many) -> View:
        self._opening = None
        return TableView(self._region, many, shows_finals=self._shows_finals, clock=self._clock, line_of=self._line_of)

    def begin(self, info: Begin, number: int = 0) -> None:
        """Draws at once."""
        now = self._clock.now()
        self._status, self._partial, self._opening = Status(info, now), None, None
        self._redraw()

    def event(self, event: Event, number: int = 0) -> None:
        """Prints what stays at once; a partial sentence is drawn when the last drawing is MIN_REDRAW_S ago."""
        if self._status is not None:
            self._status.observe(event, self._clock.now())
        match event:
            case PartialResult(sentence):
                self._partial = sentence
            case FinalResult(sentence):
                if self._partial is not None and self._partial.index <= sentence.index:
                    self._partial = None
                if self._shows_finals and (text := self._line_of(sentence)):
                    self._print(text)
                # Else its text is on the way to this terminal through `above`, which redraws.
                return
            case Notice(message, hint):
                self.notice(message, hint)
                return
            case Reconnecting(is_told=False):
                self._print(sentence_text(reconnecting(event)), "yellow")
                return
        if self._status is not None and self._clock.now() - self._drawn_at >= MIN_REDRAW_S:
            self._redraw()

    def end(self, summary: Summary | None, number: int = 0) -> None:
        """Takes the region away."""
        self.close()

    def notice(self, message: str, hint: str) -> None:
        self._print(warning_line(message, hint), "yellow")

    def error(self, error: AsrcliError, number: int | None = None) -> None:
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
        self._region.draw(self._frame, above=(((text, style),),))

    def _redraw(self) -> None:
        self._drawn_at = self._clock.now()
        self._region.draw(self._frame)

    def _frame(self, width: int, height: int) -> list[Line]:
        """The region for a terminal of `width` x `height` cells: at most half of its lines, of width - 1 cells."""
        # A line in the last column makes some terminals wrap.
        width = max(1, width - 1)
        if self._status is None:
            return [((shrunk(f"opening {self._opening} …", width), "yellow"),)] if self._opening else []
        status = fit(self._status.parts(self._clock.now()), width)
        text = self._line_of(self._partial) if self._partial is not None else ""
        if not text or height < 3:
            return [status]
        # Half the window: rows that a window made narrower pushes off its top would be out of reach, and stay behind.
        return [*tail(text, width, max(1, height // 2 - 1)), status]
