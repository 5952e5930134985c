"""What an output is made of: a format (text), a sink (where it goes) and a view (what a person sees meanwhile).

Knows no format, no terminal and no service. Formats do no I/O; sinks know no events; `Output` joins the three.
"""

from __future__ import annotations

import threading
import typing
from collections.abc import Callable
from dataclasses import dataclass

from asrcli.errors import AsrcliError
from asrcli.events import Event, Notice, PartialResult
from asrcli.metrics import Summary
from asrcli.output.sinks import ClosedPipe, FileSink, StreamSink

__all__ = ["Begin", "ClosedPipe", "FileSink", "Format", "Output", "Sink", "StreamSink", "View"]


@dataclass(frozen=True, slots=True)
class Begin:
    """What is known of a transcription before it starts.

    `duration_ms` is None where the source's length is not known. `captured_at` is when the recording was made, as
    ISO 8601. `live` is True where the sound is made now, by a microphone for example; then `source_rate_hz` is the
    rate at which it is heard, once it is.
    """

    source: str
    model: str
    region: str
    protocol: str
    sample_rate_hz: int
    duration_ms: int | None = None
    captured_at: str | None = None
    live: bool = False
    source_rate_hz: int | None = None


class Format(typing.Protocol):
    """Turns one transcription after another into text. No I/O.

    Every method returns what is to be written: complete lines that end in "\\n", or "" for nothing.
    """

    def begin(self, info: Begin) -> str:
        """A transcription begins; called before anything is sent."""
        ...

    def event(self, event: Event) -> str:
        """Something happened in it."""
        ...

    def end(self, summary: Summary) -> str:
        """It has ended, complete or not."""
        ...

    def error(self, error: AsrcliError, source: str | None) -> str:
        """Something failed; `source` is None where it concerns no source."""
        ...


class View(typing.Protocol):
    """What a person sees on stderr. A view that cannot be drawn any more stays silent; it never ends a run.

    `tick_s`: how long nothing may happen before it wants a Tick; None for never.
    """

    tick_s: float | None

    def opening(self, what: str) -> None:
        """`what` is being opened, before a transcription can begin."""
        ...

    def begin(self, info: Begin) -> None:
        """A transcription begins; shows something at once."""
        ...

    def event(self, event: Event) -> None:
        """Something happened, or a Tick: a chance to redraw."""
        ...

    def end(self, summary: Summary) -> None:
        """The transcription has ended."""
        ...

    def notice(self, message: str, hint: str) -> None:
        """Say something that does not end the run; `hint` may be empty."""
        ...

    def error(self, error: AsrcliError) -> None:
        """Say what failed."""
        ...

    def say(self, text: str) -> None:
        """Show lines that are for the person alone: statistics, a log. Made safe for the terminal here."""
        ...

    def above(self, write: Callable[[], None]) -> None:
        """Call `write`, which may write whole lines to the same terminal, with nothing of ours in its way."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was found. May be called more than once."""
        ...


class Sink(typing.Protocol):
    """Where results go."""

    def check(self) -> None:
        """Raise UsageError where writing cannot work; touches nothing."""
        ...

    def write(self, text: str) -> None:
        """Write complete lines and hand them to the system. Raises ClosedPipe, OutputError or UsageError."""
        ...

    def closed_downstream(self) -> bool:
        """Whether the reader of a pipe has gone, so that more work would be for nobody."""
        ...

    def close(self) -> None:
        """Let go of what was opened here."""
        ...


class Output:
    """Format, sink and view of one run. Any thread may call it, since every thread may have something to log.

    `keeps_partials=False` leaves partial results out of the format and out of the view.
    """

    def __init__(self, format: Format, sink: Sink, view: View, *, keeps_partials: bool = True) -> None:
        self._format = format
        self._sink = sink
        self._view = view
        self._keeps_partials = keeps_partials
        # Reentrant: a signal handler that logs may come in the middle of a call.
        self._lock = threading.RLock()

    @property
    def tick_s(self) -> float | None:
        """How long nothing may happen before a Tick is wanted; None for never."""
        return self._view.tick_s

    def opening(self, what: str) -> None:
        """`what` is being opened, which may take a while; there is nothing yet for the results."""
        with self._lock:
            self._view.opening(what)

    def begin(self, info: Begin) -> None:
        """A transcription begins."""
        with self._lock:
            self._deliver(self._format.begin(info))
            self._view.begin(info)

    def event(self, event: Event) -> None:
        """Pass on what happened.

        The view learns of it before its text is written: a sentence then leaves the live region in the same stroke
        in which it appears as a result, and is never seen twice.
        """
        if isinstance(event, PartialResult) and not self._keeps_partials:
            return
        with self._lock:
            self._view.event(event)
            self._deliver(self._format.event(event))

    def say(self, text: str) -> None:
        """Show lines that are for the person alone, whatever the format of the results."""
        with self._lock:
            self._view.say(text)

    def notice(self, message: str, hint: str = "") -> None:
        """Say something that does not end the run."""
        self.event(Notice(message, hint))

    def end(self, summary: Summary) -> None:
        """The transcription has ended. A complete one without a word still makes its (empty) file."""
        with self._lock:
            text = self._format.end(summary)
            if text or summary.complete:
                self._view.above(lambda: self._sink.write(text))
            self._view.end(summary)

    def error(self, error: AsrcliError, source: str | None = None) -> None:
        """Say what failed, in the results where the format has a place for it, and to the person."""
        with self._lock:
            self._deliver(self._format.error(error, source))
            self._view.error(error)

    def closed_downstream(self) -> bool:
        """Whether nobody reads the results any more."""
        return self._sink.closed_downstream()

    def close(self) -> None:
        """Put the terminal in order, then let go of the sink. May be called more than once."""
        with self._lock:
            self._view.close()
            self._sink.close()

    def _deliver(self, text: str) -> None:
        if text:
            self._view.above(lambda: self._sink.write(text))
