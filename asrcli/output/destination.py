"""One form of the results and where it goes. A run may have several of them, from one recognition."""

from __future__ import annotations

from collections.abc import Callable

from asrcli.output.base import Begin, Failure, Format
from asrcli.output.places.lanes import InOrder, Lanes
from asrcli.output.places.sinks import Sink
from asrcli.output.places.streams import ClosedPipe
from asrcli.values.errors import AsrcliError, OutputError, UsageError
from asrcli.values.events import Event, PartialResult
from asrcli.values.summary import Summary


class Destination:
    """A format for each transcription, lanes that put their texts in order, and the sink to which these go.

    `number` says which one of several transcriptions it is about. Whatever is to be written may raise what the sink
    and the lanes raise.
    """

    def __init__(self, new_format: Callable[[], Format], sink: Sink) -> None:
        self.above: Callable[[Callable[[], None]], None] = _at_once
        """Calls what writes to the sink with nothing in its way that a terminal shows."""
        self._new_format = new_format
        self._formats: dict[int, Format] = {}
        self._sink = sink
        self._lanes: Lanes = InOrder(self.deliver)
        self._broken: AsrcliError | None = None

    def through(self, lanes: Lanes) -> None:
        """From now on `lanes` take the text of transcriptions."""
        self._lanes = lanes

    def refuse(self, error: AsrcliError) -> None:
        """Write nothing to the sink: what would raises `error`."""
        self._broken = error

    def begin(self, info: Begin, number: int) -> None:
        """A transcription begins."""
        self._lanes.begin(number)
        self._write(number, self._format(number).begin(info))

    def event(self, event: Event, number: int) -> None:
        """Something happened in it. Called for all that happens in up to a thousand of them."""
        if not isinstance(event, PartialResult) or self._lanes.takes_partials(number):
            format = self._formats.get(number)
            if text := (format or self._format(number)).event(event):
                self._lanes.write(number, text)

    def end(self, summary: Summary, number: int) -> None:
        """It has ended, complete or not."""
        self._write(number, self._format(number).end(summary))

    def failed(self, failure: Failure, number: int) -> None:
        """It failed, after its end or without one."""
        if text := self._format(number).error(failure.error, failure.source):
            self._lanes.error(number, text)

    def over(self, number: int, *, complete: bool) -> None:
        """Nothing more comes of it. A complete one without a word still makes its (empty) file."""
        self._formats.pop(number, None)
        self._lanes.end(number, complete=complete)

    def whole(self, event: Event) -> None:
        """Something happened that concerns the whole run."""
        self._say(self._new_format().event(event))

    def error(self, error: AsrcliError, source: str | None) -> None:
        """Something failed outside of a transcription."""
        self._say(self._new_format().error(error, source))

    def closed_downstream(self) -> bool:
        """Whether nobody reads these results any more."""
        return self._lanes.use_sink and self._sink.closed_downstream()

    def give_up(self, error: AsrcliError) -> None:
        """As Output.give_up."""
        self._sink.give_up(error)

    def close(self) -> None:
        """Let go of the sink. May be called more than once."""
        self._sink.close()

    def deliver(self, text: str) -> None:
        """Hand complete lines to the sink; "" only makes sure that the sink's file is there.

        Where something could not be written nothing is any more, so that what is there has no gap: the error is
        raised again.
        """
        if self._broken is not None:
            raise self._broken
        try:
            if text:
                self.above(lambda: self._sink.write(text))
            else:
                self._sink.write("")
        except (OutputError, UsageError) as error:
            self._broken = error
            raise

    def _say(self, text: str) -> None:
        try:
            if text:
                self.deliver(text)
        except ClosedPipe:
            # Where the results are elsewhere nobody has to read this.
            if self._lanes.use_sink:
                raise

    def _write(self, number: int, text: str) -> None:
        if text:
            self._lanes.write(number, text)

    def _format(self, number: int) -> Format:
        if number not in self._formats:
            self._formats[number] = self._new_format()
        return self._formats[number]


def _at_once(write: Callable[[], None]) -> None:
    write()
