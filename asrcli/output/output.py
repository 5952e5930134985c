"""What is told: formats, sink and view joined."""

from __future__ import annotations

import threading
from collections.abc import Callable

from asrcli.output.base import Begin, Failure, Format, Many, View
from asrcli.output.places.lanes import InOrder, Lanes
from asrcli.output.places.sinks import Sink
from asrcli.output.places.streams import ClosedPipe
from asrcli.values.errors import AsrcliError, Bug, OutputError, together
from asrcli.values.events import Event, Notice, PartialResult
from asrcli.values.summary import Summary


class Output:
    """Formats, sink and view of one run. Any thread may call it, since every thread may have something to log.

    `number` says which one of several transcriptions it is about; without `for_many` there is one, of number 0.
    `keeps_partials=False` leaves partial results out of the formats and out of the view.
    """

    def __init__(
        self, new_format: Callable[[], Format], sink: Sink, view: View, *, keeps_partials: bool = True
    ) -> None:
        self._new_format = new_format
        self._formats: dict[int, Format] = {}
        self._sink = sink
        self._view = view
        self._lanes: Lanes = InOrder(self.deliver)
        self._keeps_partials = keeps_partials
        # Where something was raised that should not be, and that is shown already: it may end many transcriptions.
        self._shown = ""
        # Reentrant: a signal handler that logs may come in the middle of a call.
        self._lock = threading.RLock()

    @property
    def tick_s(self) -> float | None:
        """How long nothing may happen before a Tick is wanted; None for never."""
        return self._view.tick_s

    def through(self, lanes: Lanes) -> None:
        """From now on `lanes` take the text of transcriptions."""
        self._lanes = lanes

    def for_many(self, many: Many) -> None:
        """Several transcriptions follow."""
        with self._lock:
            self._view = self._view.for_many(many)

    def opening(self, what: str) -> None:
        """`what` is being opened, which may take a while; there is nothing yet for the results."""
        with self._lock:
            self._view.opening(what)

    def begin(self, info: Begin, number: int = 0) -> None:
        """A transcription begins."""
        with self._lock:
            self._lanes.begin(number)
            self._write(number, self._format(number).begin(info))
            self._view.begin(info, number)

    def event(self, event: Event, number: int = 0) -> None:
        """Pass on what happened.

        The view learns of it before its text is written: a sentence then leaves the live region in the same stroke
        in which it appears as a result, and is never seen twice.
        """
        is_partial = isinstance(event, PartialResult)
        if is_partial and not self._keeps_partials:
            return
        with self._lock:
            self._view.event(event, number)
            if not is_partial or self._lanes.takes_partials(number):
                self._write(number, self._format(number).event(event))

    def say(self, text: str) -> None:
        """Show lines that are for the person alone, whatever the format of the results."""
        with self._lock:
            self._view.say(text)

    def notice(self, message: str, hint: str = "") -> None:
        """Say something about the whole run that does not end it."""
        with self._lock:
            self._view.notice(message, hint)
            if text := self._new_format().event(Notice(message, hint)):
                self.deliver(text)

    def end(self, summary: Summary | None, number: int = 0, failure: Failure | None = None) -> None:
        """The transcription is over, with `failure` if it failed; `summary` is None where it never began.

        One that neither began nor failed was not wanted any more.

        The failure follows the end in the results. A complete one without a word still makes its (empty) file, unless
        that is the failure. Where the results cannot be told, what is raised for that tells of the failure too.
        """
        with self._lock:
            try:
                self._end(summary, number, failure)
            except OutputError as lost:
                raise lost if failure is None or failure.silent else together(failure.error, lost) from lost

    def _end(self, summary: Summary | None, number: int, failure: Failure | None) -> None:
        format = self._format(number)
        if summary is not None:
            self._write(number, format.end(summary))
        if summary is not None or failure is not None:
            self._view.end(summary if failure is None else None, number)
        if failure is not None:
            if text := format.error(failure.error, failure.source):
                self._lanes.error(number, text)
            if not failure.silent:
                self._show(failure.error, number)
        self._lanes.end(number, complete=failure is None and summary is not None and summary.complete)
        self._formats.pop(number, None)

    def error(self, error: AsrcliError, source: str | None = None) -> AsrcliError:
        """Say what failed outside of a transcription, in the results where the format has a place for it.

        Returns what has failed in all: `error`, and perhaps that the results could not be told of it.
        """
        with self._lock:
            try:
                if text := self._new_format().error(error, source):
                    self.deliver(text)
            except ClosedPipe:
                pass  # Nobody reads the results; a person may.
            except AsrcliError as lost:
                error = together(error, lost)
            self._show(error)
        return error

    def closed_downstream(self) -> bool:
        """Whether nobody reads the results any more."""
        return self._lanes.use_sink and self._sink.closed_downstream()

    def give_up(self, error: AsrcliError) -> None:
        """Wait no longer for somebody to read the results. Raises `error` where that is waited for now.

        For the handler of a signal, which may come in the middle of a call.
        """
        self._sink.give_up(error)

    def close(self) -> None:
        """Put the terminal in order, then let go of the sink. May be called more than once."""
        with self._lock:
            self._view.close()
            self._sink.close()

    def deliver(self, text: str) -> None:
        """Hand complete lines to the sink, above the view; "" only makes sure that the sink's file is there."""
        if text:
            self._view.above(lambda: self._sink.write(text))
        else:
            self._sink.write("")

    def _show(self, error: AsrcliError, number: int | None = None) -> None:
        if isinstance(error, Bug) and error.trace != self._shown:
            self._shown = error.trace
            self._view.say(error.trace)
        self._view.error(error, number)

    def _write(self, number: int, text: str) -> None:
        if text:
            self._lanes.write(number, text)

    def _format(self, number: int) -> Format:
        if number not in self._formats:
            self._formats[number] = self._new_format()
        return self._formats[number]
