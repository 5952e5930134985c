"""Sessions joined into one transcription: each counts its times and sentences from its own beginning."""

from __future__ import annotations

from dataclasses import replace

from asrcli.events import (
    Event,
    FinalResult,
    PartialResult,
    Sentence,
    SpeechStarted,
    SpeechStopped,
    UtteranceFailed,
    Word,
)


def joined(event: Event, begin_ms: int, sentences_before: int) -> Event:
    """`event` of a session that began at `begin_ms` of the transcription, after so many sentences, in its terms."""
    if not begin_ms and not sentences_before:
        return event
    match event:
        case PartialResult(sentence):
            return PartialResult(_moved(sentence, begin_ms, sentences_before))
        case FinalResult(sentence):
            return FinalResult(_moved(sentence, begin_ms, sentences_before))
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
        words=tuple(_moved_word(word, begin_ms) for word in sentence.words),
    )


def _moved_word(word: Word, by_ms: int) -> Word:
    return replace(word, begin_ms=_later(word.begin_ms, by_ms), end_ms=_later(word.end_ms, by_ms))


def _later(ms: int | None, by_ms: int) -> int | None:
    return None if ms is None else ms + by_ms
