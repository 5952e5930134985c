"""A recogniser that recites: `script:FILE` holds sentences with their times, and only the duration of audio counts.

Deterministic and nearly free, so that a thousand streams can be played at once. No sound is decoded, except where the
script begins with {"timeline": "coded"}.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from asrcli.service.recognizers.base import (
    HeardWord,
    Hypothesis,
    OnResult,
    Opened,
    Pcm,
    Recognition,
    RecognitionEnded,
    RecognitionSettings,
)
from asrcli.service.recognizers.script_file import ScriptedSentence

_UNLIMITED = 100_000


class ScriptRecognizer:
    """Recites the sentences to everyone who opens a recognition, from the beginning."""

    capacity = _UNLIMITED
    is_prompt = True

    def __init__(self, sentences: Sequence[ScriptedSentence]) -> None:
        self._sentences = sentences

    def open(self, settings: RecognitionSettings, on_result: OnResult) -> Recognition:
        on_result(Opened())
        sentences = as_heard(self._sentences, settings)
        if settings.max_sentence_silence_ms is None:
            return CommittedRecital([as_understood(each, settings.context) for each in sentences], on_result)
        return ScriptRecognition(sentences, settings.max_sentence_silence_ms, on_result, settings.context)

    def close(self) -> None:
        """Nothing is held."""


def as_heard(sentences: Sequence[ScriptedSentence], settings: RecognitionSettings) -> list[ScriptedSentence]:
    """The sentences with the hotwords in force: what is no hotword among them is misheard."""
    return [each.heard(each.hotword in settings.hotwords) if each.hotword else each for each in sentences]


def as_understood(sentence: ScriptedSentence, context: str) -> ScriptedSentence:
    """The sentence with `context` in force: what does not stand in that is misheard."""
    return sentence.heard(sentence.context in context) if sentence.context else sentence


class ScriptRecognition:
    """One recital. Results come from within `feed` and `finish`."""

    def __init__(
        self, sentences: Sequence[ScriptedSentence], silence_ms: int, on_result: OnResult, context: str = ""
    ) -> None:
        self._sentences = list(sentences)
        self._context = context
        self._silence_ms = silence_ms
        self._on_result = on_result
        self._seconds = 0.0
        self._position_ms = 0
        self._next = 0
        self._shown: int | None = None  # Words of the open sentence that were shown; None before its first result.

    def feed(self, pcm: Pcm) -> None:
        """Go on by as much time as `pcm` takes, and tell what was said by then."""
        self._seconds += len(pcm.data) / 2 / pcm.sample_rate_hz
        self._position_ms = round(self._seconds * 1000)
        while self._next < len(self._sentences):
            sentence = self._sentences[self._next]
            if self._position_ms < sentence.begin_ms:
                return
            if self._shown is None:
                # How it is heard is decided where it begins.
                sentence = self._sentences[self._next] = as_understood(sentence, self._context)
            if self._position_ms < self._final_at_ms():
                self._show(sentence)
                return
            self._close(sentence, len(sentence.words), sentence.end_ms)

    def change_context(self, context: str) -> None:
        self._context = context

    def end_utterance(self) -> None:
        """Never called: sentences end by their silence."""

    def finish(self) -> None:
        """The open sentence ends with what was heard of it."""
        if self._shown is not None:
            sentence = self._sentences[self._next]
            self._close(sentence, self._shown, min(sentence.end_ms, self._position_ms))
        self._on_result(RecognitionEnded(self._position_ms))

    def close(self) -> None:
        self._next = len(self._sentences)

    def _final_at_ms(self) -> int:
        """A sentence is over after its silence, or when the next one begins."""
        over_ms = self._sentences[self._next].end_ms + self._silence_ms
        following = self._sentences[self._next + 1 : self._next + 2]
        return min(over_ms, following[0].begin_ms) if following else over_ms

    def _show(self, sentence: ScriptedSentence) -> None:
        heard = sum(word.end_ms <= self._position_ms for word in sentence.words)
        if heard != self._shown:
            self._shown = heard
            self._on_result(_hypothesis(sentence, heard, None, self._position_ms))

    def _close(self, sentence: ScriptedSentence, heard: int, end_ms: int) -> None:
        self._next += 1
        self._shown = None
        self._on_result(_hypothesis(sentence, heard, end_ms, self._position_ms))


class CommittedRecital:
    """One recital in which the listener says where utterances end. Results come from within its methods.

    An utterance holds the words that ended in it, whatever sentences they belong to.
    """

    def __init__(self, sentences: Sequence[ScriptedSentence], on_result: OnResult) -> None:
        self._words = [piece for sentence in sentences for piece in _pieces(sentence)]
        self._on_result = on_result
        self._seconds = 0.0
        self._position_ms = 0
        self._begin_ms = 0
        self._first = 0  # Of the words of the open utterance, and the one after them.
        self._next = 0

    def feed(self, pcm: Pcm) -> None:
        self._seconds += len(pcm.data) / 2 / pcm.sample_rate_hz
        self._position_ms = round(self._seconds * 1000)
        shown = self._next
        while self._next < len(self._words) and self._words[self._next][0].end_ms <= self._position_ms:
            self._next += 1
        if self._next != shown:
            self._tell(None)

    def change_context(self, context: str) -> None:
        """Never called: where the listener decides, there is one for all."""

    def end_utterance(self) -> None:
        self._tell(self._position_ms)
        self._begin_ms = self._position_ms
        self._first = self._next

    def finish(self) -> None:
        self._on_result(RecognitionEnded(self._position_ms))

    def close(self) -> None:
        self._words.clear()

    def _tell(self, end_ms: int | None) -> None:
        heard = self._words[self._first : self._next]
        self._on_result(
            Hypothesis(
                text="".join(piece for _, piece in heard).strip(),
                begin_ms=self._begin_ms,
                end_ms=end_ms,
                words=tuple(word for word, _ in heard),
                final=end_ms is not None,
                heard_ms=self._position_ms,
            )
        )


def _pieces(sentence: ScriptedSentence) -> list[tuple[HeardWord, str]]:
    """The words with their parts of the text, so that the parts of several sentences can be put together."""
    parts = [sentence.text[begin:end] for begin, end in pairwise((0, *sentence.ends_at))]
    return list(zip(sentence.words, [" " + parts[0], *parts[1:]], strict=True))


def _hypothesis(sentence: ScriptedSentence, heard: int, end_ms: int | None, heard_ms: int) -> Hypothesis:
    return Hypothesis(
        text=sentence.text[: sentence.ends_at[heard - 1]] if heard else "",
        begin_ms=sentence.begin_ms,
        end_ms=end_ms,
        words=sentence.words[:heard],
        final=end_ms is not None,
        heard_ms=heard_ms,
    )
