"""Plain text: finals as lines on stdout, and views without a live region for stderr.

Knows nothing of terminals beyond one rule: a line holds no control characters.
"""

from __future__ import annotations

import typing
from collections.abc import Callable, Sequence

from asrcli.output.base import Begin, Many, View
from asrcli.output.sanitize import name, sanitize
from asrcli.output.views.reconnects import ReconnectNews
from asrcli.output.wording import about, error_line, reconnecting, warning_line
from asrcli.values.errors import AsrcliError
from asrcli.values.events import Event, Notice, Reconnecting
from asrcli.values.summary import Summary


class QuietView:
    """For a stderr that is no terminal: a line for each warning and error, nothing else. `quiet` leaves errors only."""

    # Seldom: to notice that the reader of a pipe has left while nobody speaks.
    tick_s: float | None = 1.0

    def __init__(self, stream: typing.TextIO, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet
        self._names: Sequence[str] = ()
        self._reconnects: ReconnectNews | None = None

    def opening(self, what: str) -> None:
        """Says nothing."""

    def for_many(self, many: Many) -> View:
        """Lines say from now on which source they are about, and of an outage only what is news."""
        self._names = many.names
        self._reconnects = ReconnectNews()
        return self

    def begin(self, info: Begin, number: int = 0) -> None:
        """Says nothing."""

    def event(self, event: Event, number: int = 0) -> None:
        if isinstance(event, Notice):
            self.notice(self._about(event.message, number), event.hint)
        elif self._reconnects is not None:
            if (news := self._reconnects.of(event)) is not None:
                self.notice(self._about(reconnecting(news), number), "")
        elif isinstance(event, Reconnecting) and not event.is_told:
            self.notice(self._about(reconnecting(event), number), "")

    def end(self, summary: Summary | None, number: int = 0) -> None:
        """Says nothing."""

    def notice(self, message: str, hint: str) -> None:
        if not self._quiet:
            self._write(warning_line(message, hint))

    def error(self, error: AsrcliError, number: int | None = None) -> None:
        self._write(error_line(error, self._names[number] if self._names and number is not None else None))

    def say(self, text: str) -> None:
        for line in text.splitlines():
            self._write(sanitize(line))

    def above(self, write: Callable[[], None]) -> None:
        write()

    def close(self) -> None:
        """Leaves the stream open: it belongs to the caller."""

    def _about(self, message: str, number: int) -> str:
        return about(message, self._names[number]) if self._names else message

    def _write(self, line: str) -> None:
        try:
            self._stream.write(f"{line}\n")
            self._stream.flush()
        except OSError:
            # Nobody can be told that stderr is gone, and the results matter more.
            pass


class PastView(QuietView):
    """For what is made from saved results: what has happened in their runs is no news."""

    tick_s: float | None = None

    def event(self, event: Event, number: int = 0) -> None:
        """Says nothing."""


class StatusView(QuietView):
    """For a terminal whose results go elsewhere: as QuietView, and a line for each step of the start, never redrawn."""

    def opening(self, what: str) -> None:
        if not self._quiet:
            self._write(f"opening {name(what)} …")

    def begin(self, info: Begin, number: int = 0) -> None:
        if not self._quiet:
            parts = [name(part) for part in (info.source, info.model, info.region)]
            if info.source_rate_hz is not None:
                parts = ["listening", parts[0], f"{info.source_rate_hz / 1000:g} kHz", *parts[1:]]
            self._write(" · ".join(parts))
