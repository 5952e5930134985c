"""Plain text: finals as lines on stdout, and views without a live region for stderr.

Knows nothing of terminals beyond one rule: a line holds no control characters.
"""

from __future__ import annotations

import typing
from collections.abc import Callable

from asrcli.errors import AsrcliError
from asrcli.events import Event, FinalResult, Notice, Reconnecting, Sentence
from asrcli.metrics import Summary
from asrcli.output.base import Begin
from asrcli.output.sanitize import name, sanitize, sentence_text


class PlainText:
    """One final sentence a line, nothing else; with `timestamps` its times in front, as [h:mm:ss.mmm --> h:mm:ss.mmm].

    A sentence without text gives no line. Times that are not known are left out.
    """

    def __init__(self, timestamps: bool = False) -> None:
        self._timestamps = timestamps

    def begin(self, info: Begin) -> str:
        return ""

    def event(self, event: Event) -> str:
        if not isinstance(event, FinalResult):
            return ""
        text = sentence_text(event.sentence.text).strip()
        if not text:
            return ""
        return f"{_times(event.sentence) if self._timestamps else ''}{text}\n"

    def end(self, summary: Summary) -> str:
        return ""

    def error(self, error: AsrcliError, source: str | None) -> str:
        return ""


class QuietView:
    """For a stderr that is no terminal: a line for each warning and error, nothing else. `quiet` leaves errors only."""

    tick_s: float | None = None

    def __init__(self, stream: typing.TextIO, quiet: bool = False) -> None:
        self._stream = stream
        self._quiet = quiet

    def opening(self, what: str) -> None:
        """Says nothing."""

    def begin(self, info: Begin) -> None:
        """Says nothing."""

    def event(self, event: Event) -> None:
        if isinstance(event, Notice):
            self.notice(event.message, event.hint)
        elif isinstance(event, Reconnecting):
            self.notice(f"{event.reason.rstrip('.')}; reconnecting", "")

    def end(self, summary: Summary) -> None:
        """Says nothing."""

    def notice(self, message: str, hint: str) -> None:
        if not self._quiet:
            self._write(f"asrcli: {warning_line(message, hint)}")

    def error(self, error: AsrcliError) -> None:
        self._write(error_line(error))

    def say(self, text: str) -> None:
        for line in text.splitlines():
            self._write(sanitize(line))

    def above(self, write: Callable[[], None]) -> None:
        write()

    def close(self) -> None:
        """Leaves the stream open: it belongs to the caller."""

    def _write(self, line: str) -> None:
        try:
            self._stream.write(f"{line}\n")
            self._stream.flush()
        except OSError:
            # Nobody can be told that stderr is gone, and the results matter more.
            pass


class StatusView(QuietView):
    """For a terminal whose results go elsewhere: as QuietView, and a line for each step of the start, never redrawn."""

    def opening(self, what: str) -> None:
        if not self._quiet:
            self._write(f"opening {name(what)} …")

    def begin(self, info: Begin) -> None:
        if not self._quiet:
            parts = [name(part) for part in (info.source, info.model, info.region)]
            if info.source_rate_hz is not None:
                parts = ["listening", parts[0], f"{info.source_rate_hz / 1000:g} kHz", *parts[1:]]
            self._write(" · ".join(parts))


def warning_line(message: str, hint: str) -> str:
    """ "warning: message (hint)", safe for a terminal."""
    return sentence_text(f"warning: {message} ({hint})" if hint else f"warning: {message}")


def error_line(error: AsrcliError) -> str:
    """ "asrcli: error: …" with its hint, one line, safe for a terminal."""
    return sentence_text(f"asrcli: error: {error}")


def _times(sentence: Sentence) -> str:
    if sentence.begin_ms is None:
        return ""
    if sentence.end_ms is None:
        return f"[{_time(sentence.begin_ms)}] "
    return f"[{_time(sentence.begin_ms)} --> {_time(sentence.end_ms)}] "


def _time(ms: int) -> str:
    seconds, ms = divmod(ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}.{ms:03d}"
