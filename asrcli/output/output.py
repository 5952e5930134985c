"""What is told: the view of one run and the destinations of its results, joined."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from operator import methodcaller

from asrcli.output.base import Begin, Failure, Many, View
from asrcli.output.destination import Destination
from asrcli.output.places.streams import ClosedPipe
from asrcli.values.errors import AsrcliError, Bug, Interrupted, OutputError, together
from asrcli.values.events import Event, Notice, PartialResult, Tick
from asrcli.values.summary import Summary


class Output:
    """View and destinations of one run. Any thread may call it, since every thread may have something to log.

    `number` says which one of several transcriptions it is about; without `for_many` there is one, of number 0.
    `keeps_partials=False` leaves partial results out of the formats and out of the view.

    What one destination cannot take does not keep the others from being told: each has all up to there, before that is
    raised. One whose reader has left is told no more; ClosedPipe is raised where there is no other.
    """

    def __init__(self, destinations: Sequence[Destination], view: View, *, keeps_partials: bool = True) -> None:
        self.destinations = tuple(destinations)
        self._told = self.destinations
        self._view = view
        self._keeps_partials = keeps_partials
        # Where something was raised that should not be, and that is shown already: it may end many transcriptions.
        self._shown = ""
        # Reentrant: a signal handler that logs may come in the middle of a call.
        self._lock = threading.RLock()
        for destination in self.destinations:
            destination.above = self._above

    @property
    def tick_s(self) -> float | None:
        """How long nothing may happen before a Tick is wanted; None for never."""
        return self._view.tick_s

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
            self._tell(lambda destination: destination.begin(info, number))
            self._view.begin(info, number)

    def event(self, event: Event, number: int = 0) -> None:
        """Pass on what happened.

        The view learns of it before its text is written: a sentence then leaves the live region in the same stroke
        in which it appears as a result, and is never seen twice.
        """
        if not self._keeps_partials and isinstance(event, PartialResult):
            return
        with self._lock:
            self._view.event(event, number)
            told = self._told
            # Not by _tell, which takes as long again: this is called for all that happens in up to a thousand streams.
            try:
                for destination in told:
                    destination.event(event, number)
            except Exception as error:
                others = told[told.index(destination) + 1 :]
                lost = self._noted(error, destination)
                _raise(lost + self._lost(methodcaller("event", event, number), others))

    def whole(self, event: Event) -> None:
        """Pass on what concerns all transcriptions: who works on them, or a Tick."""
        with self._lock:
            self._view.event(event, -1)
            if not isinstance(event, Tick):
                self._tell(lambda destination: destination.whole(event))

    def say(self, text: str) -> None:
        """Show lines that are for the person alone, whatever the format of the results."""
        with self._lock:
            self._view.say(text)

    def aside(self, work: Callable[[], None]) -> None:
        """Do `work`, which writes to the person's terminal itself, with nothing of ours there below it."""
        with self._lock:
            self._view.above(work)

    def notice(self, message: str, hint: str = "") -> None:
        """Say something about the whole run that does not end it."""
        notice = Notice(message, hint)
        with self._lock:
            self._view.notice(message, hint)
            self._tell(lambda destination: destination.whole(notice))

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

    def done_before(self, source: str, number: int) -> None:
        """All results of it were there when its turn came."""
        with self._lock:
            self._view.end(Summary(source, complete=True, wall_s=0.0), number)
            self._tell(lambda destination: destination.over(number, complete=False))

    def _end(self, summary: Summary | None, number: int, failure: Failure | None) -> None:
        """The view is told of no end that could not be written everywhere."""
        lost: list[Exception] = []
        if summary is not None:
            lost += self._lost(lambda destination: destination.end(summary, number))
        if not lost and (summary is not None or failure is not None):
            self._view.end(summary if failure is None else None, number)
        if failure is not None:
            lost += self._lost(lambda destination: destination.failed(failure, number))
            if not lost and not failure.silent:
                self._show(failure.error, number)
        complete = failure is None and summary is not None and summary.complete
        lost += self._lost(lambda destination: destination.over(number, complete=complete))
        _raise(lost)

    def error(self, error: AsrcliError, source: str | None = None) -> AsrcliError:
        """Say what failed outside of a transcription, in the results where the format has a place for it.

        Returns what has failed in all: `error`, and perhaps that the results could not be told of it.
        """
        with self._lock:
            try:
                self._tell(lambda destination: destination.error(error, source))
            except ClosedPipe:
                pass  # Nobody reads the results; a person may.
            except AsrcliError as lost:
                error = together(error, lost)
            self._show(error)
        return error

    def closed_downstream(self) -> bool:
        """Whether nobody reads any of the results any more."""
        for destination in self._told:  # noqa: SIM110 - all() takes twice as long, and this is asked for all that happens
            if not destination.closed_downstream():
                return False
        return True

    def give_up(self, error: AsrcliError) -> None:
        """Wait no longer for somebody to read the results. Raises `error` where that is waited for now.

        For the handler of a signal, which may come in the middle of a call.
        """
        _raise(self._lost(lambda destination: destination.give_up(error), self.destinations))

    def close(self) -> None:
        """Put the terminal in order, then let go of the sinks. May be called more than once."""
        with self._lock:
            self._view.close()
            _raise(self._lost(Destination.close, self.destinations))

    def _above(self, write: Callable[[], None]) -> None:
        # The view may be another one by now.
        self._view.above(write)

    def _show(self, error: AsrcliError, number: int | None = None) -> None:
        if isinstance(error, Bug) and error.trace != self._shown:
            self._shown = error.trace
            self._view.say(error.trace)
        self._view.error(error, number)

    def _tell(self, tell: Callable[[Destination], None]) -> None:
        _raise(self._lost(tell))

    def _lost(self, tell: Callable[[Destination], None], among: Sequence[Destination] | None = None) -> list[Exception]:
        """Have each destination told, and return what they could not take."""
        lost: list[Exception] = []
        for destination in self._told if among is None else among:
            try:
                tell(destination)
            except Exception as error:
                lost += self._noted(error, destination)
        return lost

    def _noted(self, error: Exception, destination: Destination) -> list[Exception]:
        """What is lost with `error`: nothing, where a reader has left and others go on without that one."""
        others = tuple(other for other in self._told if other is not destination)
        if isinstance(error, ClosedPipe) and others:
            self._told = others
            return []
        return [error]


def _raise(lost: Sequence[Exception]) -> None:
    """Raise one of `lost`, if there is one: an interruption rather than another."""
    if lost:
        raise next((error for error in lost if isinstance(error, Interrupted)), lost[0])
