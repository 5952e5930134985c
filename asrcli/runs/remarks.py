"""What is to be said of the sound of the sources of a run, once for all that are alike."""

from __future__ import annotations

from queue import SimpleQueue
from typing import TYPE_CHECKING

from asrcli.audio.source import Heard
from asrcli.output.output import Output
from asrcli.settings import combinations
from asrcli.values.errors import NothingHeard
from asrcli.values.events import Notice
from asrcli.values.recognition import RecognitionOptions

if TYPE_CHECKING:
    from asrcli.runs.sources import Prepared


def tell_asides(asides: SimpleQueue[Notice], output: Output) -> None:
    """Tell what other threads have put there, which are not to write themselves."""
    while not asides.empty():
        said = asides.get_nowait()
        output.notice(said.message, said.hint)


class Remarks:
    """`one_utterance`: each source is to be one, as far as one may go; those in several parts are not judged."""

    def __init__(self, output: Output, *, one_utterance: bool, parts: int) -> None:
        self._output = output
        self._one_utterance = one_utterance
        self._parts = parts
        self._told: set[combinations.Notice] = set()
        self._sources: dict[int, Heard] = {}
        self._unheard: dict[int, RecognitionOptions] = {}

    def begun(self, number: int, source: Heard, options: RecognitionOptions) -> None:
        """A source begins."""
        self._sources[number] = source
        self._tell(number, source, options)
        if source.waits:
            # What a stream is shows in its first bytes, which may not have come yet.
            self._unheard[number] = options

    def heard(self, number: int) -> None:
        """A result of it has come."""
        if number in self._unheard:
            self._tell(number, self._sources[number], self._unheard.pop(number))

    def nothing_heard(self, number: int, *, fails: bool) -> NothingHeard | None:
        """Nobody speaks in all of the sound, which the user is told, or which is a failure."""
        error = NothingHeard("no speech was heard")
        if fails:
            return error
        self._output.event(Notice(error.message), number)
        return None

    def identify(self, number: int, item: Prepared) -> None:
        """Note in `item` what its bytes were, which of some is known only once they were heard."""
        if (source := self._sources.get(number)) is not None:
            item.sound = source.sound or item.sound
            # Only what others have heard has it.
            item.hashed = getattr(source, "hashed", None)

    def over(self, number: int) -> None:
        """Nothing more comes of it."""
        self._sources.pop(number, None)
        self._unheard.pop(number, None)

    def _tell(self, number: int, source: Heard, options: RecognitionOptions) -> None:
        notices: list[combinations.Notice | None] = []
        if source.sound_format is None:
            notices.append(combinations.of_the_source(options, source.rate_hz))
        if self._one_utterance:
            notices.append(combinations.of_one_utterance(source.duration_ms if self._parts == 1 else None))
        for told in notices:
            if told is not None and told not in self._told:
                self._told.add(told)
                self._output.event(Notice(*told), number)
