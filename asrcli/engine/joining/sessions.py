"""Sessions joined into one transcription: each counts its times and sentences from its own beginning.

Knows what was told already, so that nothing is told twice, and how far the sound is decided, so that nothing is lost.
"""

from __future__ import annotations

from dataclasses import replace

from asrcli.values.errors import ServiceError
from asrcli.values.events import (
    Event,
    FinalResult,
    PartialResult,
    Sentence,
    SpeechStarted,
    SpeechStopped,
    UtteranceFailed,
    Word,
)
from asrcli.values.pcm import PcmFormat

# So much later a sentence may seem to end when it is heard again without its beginning.
_REPEATED_MS = 100


class Joining:
    """What the sessions so far have decided, and what the results of the one that runs are in the transcription.

    Sound is decided up to the end of a final sentence. Where the service does not say when that was, or while the
    sentence before is still open, the sound is kept, and a further session recognises it again: its first sentences
    then bear numbers that were told already, and are held back.
    """

    def __init__(self, pcm: PcmFormat) -> None:
        self._pcm = pcm
        self.covered_sample = 0
        """Where the decided sound ends, counted from the first sample of the transcription."""
        self._covered_sentences = 0
        self._told: set[int] = set()
        # Sentences with a partial result and no final one.
        self._open: set[int] = set()
        # Final sentences after the decided sound, with their ends.
        self._undecided: dict[int, int | None] = {}
        self._begin_ms = 0
        self._sentences_before = 0
        # Up to there, by its own time, a session hears again what is decided.
        self._repeated_ms = 0
        self._failures: list[UtteranceFailed] = []

    def begin(self, start_sample: int) -> None:
        """A session begins there. What lies between the decided sound and its start is lost.

        Where it begins sooner, because a decoder needs that, it may hear the end of the last sentence once more.
        """
        if start_sample > self.covered_sample:
            self.skip(start_sample)
        self._repeated_ms = self._pcm.ms(max(0, self.covered_sample - start_sample))
        self._open.clear()
        self._undecided.clear()
        self._begin_ms = self._pcm.ms(start_sample)
        self._sentences_before = self._covered_sentences

    def skip(self, to_sample: int) -> None:
        """Nothing more will be said about the sound before `to_sample`."""
        self.covered_sample = to_sample
        self._covered_sentences = max(self._told, default=0)

    def take(self, event: Event, sent_sample: int) -> Event | None:
        """The session's `event` in terms of the transcription; None for a result that was told before.

        `sent_sample` is how far the sound has left: no result can cover more.
        """
        if self._repeated_ms and isinstance(event, PartialResult | FinalResult) and self._is_repeat(event.sentence):
            if isinstance(event, FinalResult):
                self._number_again(event.sentence.index + self._sentences_before)
            return None
        event = joined(event, self._begin_ms, self._sentences_before)
        match event:
            case PartialResult(sentence):
                if sentence.index in self._told:
                    return None
                self._open.add(sentence.index)
            case FinalResult(sentence):
                return event if self._close(sentence.index, _end_ms(sentence), sent_sample) else None
            case UtteranceFailed():
                if not self._close(event.index, event.end_ms, sent_sample):
                    return None
                self._failures.append(event)
        return event

    def _is_repeat(self, sentence: Sentence) -> bool:
        """Whether this is nothing but the end of a sentence that was decided before the session began."""
        ends_ms = _end_ms(sentence)
        begins_there = sentence.begin_ms is not None and sentence.begin_ms < self._repeated_ms
        return begins_there and ends_ms is not None and ends_ms <= self._repeated_ms + _REPEATED_MS

    def _number_again(self, repeated: int) -> None:
        """What follows the sentence with this number, which counts for nothing, has a number less."""
        self._sentences_before -= 1
        self._open = {number - (number > repeated) for number in self._open if number != repeated}

    @property
    def is_settled(self) -> bool:
        """Whether every sentence of which there was a partial result has got its final one."""
        return not self._open

    def failure(self) -> ServiceError | None:
        """The error of a transcription some of whose utterances the service could not recognise."""
        if not self._failures:
            return None
        first = self._failures[0]
        return ServiceError(first.code, first.message, utterances=len(self._failures))

    def _close(self, index: int, end_ms: int | None, sent_sample: int) -> bool:
        """A sentence is final; True if that is new."""
        is_new = index not in self._told
        self._told.add(index)
        self._open.discard(index)
        self._undecided[index] = end_ms
        for each, ends_ms in sorted(self._undecided.items()):
            # One sentence may be finished before the one ahead of it is. Two are never: that one came to nothing.
            if ends_ms is not None and each - 1 not in self._open:
                self._covered_sentences = max(self._covered_sentences, each)
                self.covered_sample = max(self.covered_sample, min(self._pcm.samples(ends_ms), sent_sample))
        for each in [number for number in self._undecided if number <= self._covered_sentences]:
            del self._undecided[each]
        return is_new


def _end_ms(sentence: Sentence) -> int | None:
    """When the sentence ended, by its last word if need be."""
    if sentence.end_ms is None and sentence.words:
        return sentence.words[-1].end_ms
    return sentence.end_ms


def joined(event: Event, begin_ms: int, sentences_before: int) -> Event:
    """`event` of a session that began at `begin_ms` of the transcription, after so many sentences, in its terms."""
    if not begin_ms and not sentences_before:
        return event
    match event:
        case PartialResult(sentence) | FinalResult(sentence):
            return replace(event, sentence=_moved(sentence, begin_ms, sentences_before))
        case UtteranceFailed():
            begin, end = _later(event.begin_ms, begin_ms), _later(event.end_ms, begin_ms)
            return replace(event, index=event.index + sentences_before, begin_ms=begin, end_ms=end)
        case SpeechStarted(at_ms):
            return SpeechStarted(_later(at_ms, begin_ms))
        case SpeechStopped(at_ms):
            return SpeechStopped(_later(at_ms, begin_ms))
    return event


def _moved(sentence: Sentence, begin_ms: int, sentences_before: int) -> Sentence:
    return replace(
        sentence,
        index=sentence.index + sentences_before,
        begin_ms=_later(sentence.begin_ms, begin_ms),
        end_ms=_later(sentence.end_ms, begin_ms),
        heard_ms=_later(sentence.heard_ms, begin_ms),
        words=tuple(_moved_word(word, begin_ms) for word in sentence.words),
    )


def _moved_word(word: Word, by_ms: int) -> Word:
    return word._replace(begin_ms=_later(word.begin_ms, by_ms), end_ms=_later(word.end_ms, by_ms))


def _later(ms: int | None, by_ms: int) -> int | None:
    # What a decoder gives before the first sample is no sound.
    return None if ms is None else max(0, ms + by_ms)
