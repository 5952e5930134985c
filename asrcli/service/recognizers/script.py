"""A recogniser that recites: `script:FILE` holds sentences with their times, and only the duration of audio counts.

One JSON object a line, in order of time:

    {"begin_ms": 400, "end_ms": 3000, "text": "Hello, world.", "words": [{"text": "Hello", "begin_ms": …, "end_ms": …}]}

`words` may be left out: they are then spread evenly, character by character where the script is written without
spaces. With "hotword": "Hello" that part of the text is heard only where it is among the hotwords in force; elsewhere
"something" is heard in its place, or what "misheard" says. Deterministic and nearly free, so that a thousand streams
can be played at once. No sound is decoded, except where the first line is {"timeline": "coded"}: see `timeline`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

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
from asrcli.values.errors import UsageError

_UNLIMITED = 100_000
# Han, kana and their extensions: scripts without spaces, where each character stands for itself.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# A word (one unspaced character, or a run of others), then what follows it: punctuation.
_UNIT = re.compile(rf"(?P<word>[{_UNSPACED}]|[^\W{_UNSPACED}]+(?:['’.\-][^\W{_UNSPACED}]+)*)(?P<after>[^\w\s]*)")

# The line that may stand before the sentences; see `timeline`.
_CODED = re.compile(r'\{\s*"timeline"\s*:\s*"coded"\s*\}')


@dataclass(frozen=True, slots=True)
class ScriptedSentence:
    """One sentence. `ends_at[i]` is where in `text` the first i + 1 words end, with their punctuation.

    `hotword`, where it has one, is what must be among the hotwords, else it is heard as `otherwise`.
    """

    begin_ms: int
    end_ms: int
    text: str
    words: tuple[HeardWord, ...]
    ends_at: tuple[int, ...]
    hotword: str = ""
    otherwise: ScriptedSentence | None = None


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
            return CommittedRecital(sentences, on_result)
        return ScriptRecognition(sentences, settings.max_sentence_silence_ms, on_result)

    def close(self) -> None:
        """Nothing is held."""


def as_heard(sentences: Sequence[ScriptedSentence], settings: RecognitionSettings) -> list[ScriptedSentence]:
    """The sentences with the hotwords in force: what is no hotword among them is misheard."""
    return [each if each.hotword in settings.hotwords else each.otherwise or each for each in sentences]


class ScriptRecognition:
    """One recital. Results come from within `feed` and `finish`."""

    def __init__(self, sentences: Sequence[ScriptedSentence], silence_ms: int, on_result: OnResult) -> None:
        self._sentences = sentences
        self._silence_ms = silence_ms
        self._on_result = on_result
        self._seconds = 0.0
        self._position_ms = 0
        self._next = 0
        self._shown: int | None = None  # Words of the open sentence that were shown; None before its first result.

    def feed(self, pcm: Pcm) -> None:
        self._seconds += len(pcm.data) / 2 / pcm.sample_rate_hz
        self._position_ms = round(self._seconds * 1000)
        while self._next < len(self._sentences):
            sentence = self._sentences[self._next]
            if self._position_ms < sentence.begin_ms:
                return
            if self._position_ms < self._final_at_ms():
                self._show(sentence)
                return
            self._close(sentence, len(sentence.words), sentence.end_ms)

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


# --- reading a script -----------------------------------------------------------------------------------------------


def read_script(path: Path) -> tuple[bool, tuple[ScriptedSentence, ...]]:
    """Whether a script goes by a coded timeline, and its sentences. Raises UsageError that names file and line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"cannot read the script {path}: {reason}") from error
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    coded = bool(numbered) and _CODED.fullmatch(numbered[0][1].strip()) is not None
    if coded:
        del numbered[0]
    sentences: list[ScriptedSentence] = []
    for number, line in numbered:
        try:
            sentence = _sentence(json.loads(line))
            if sentences and sentence.begin_ms < sentences[-1].end_ms:
                raise ValueError(f"begin_ms {sentence.begin_ms} lies before the end of the sentence above")
        except (ValueError, RecursionError) as error:
            raise UsageError(
                f"{path}:{number}: {error}", hint='one {"begin_ms": 0, "end_ms": 900, "text": "…"} a line'
            ) from error
        sentences.append(sentence)
    return coded, tuple(sentences)


def _sentence(document: Any) -> ScriptedSentence:
    begin_ms, end_ms = _times(document)
    text = document.get("text")
    if not isinstance(text, str) or not _UNIT.search(text):
        raise ValueError("text must be a string with at least one word")
    text = text.strip()
    if "words" in document:
        words, ends_at = _given_words(document["words"], text, begin_ms, end_ms)
    else:
        words, ends_at = _spread_words(text, begin_ms, end_ms)
    sentence = ScriptedSentence(begin_ms, end_ms, text, words, (*ends_at[:-1], len(text)))
    return sentence if "hotword" not in document else _with_hotword(sentence, document)


def _with_hotword(sentence: ScriptedSentence, document: dict[str, Any]) -> ScriptedSentence:
    hotword, misheard = document["hotword"], document.get("misheard", "something")
    if not isinstance(hotword, str) or not hotword or hotword not in sentence.text:
        raise ValueError("hotword must be a part of the text")
    if not isinstance(misheard, str) or not _UNIT.search(misheard):
        raise ValueError("misheard must be a string with at least one word")
    times = {"begin_ms": sentence.begin_ms, "end_ms": sentence.end_ms}
    otherwise = _sentence({**times, "text": sentence.text.replace(hotword, misheard)})
    return replace(sentence, hotword=hotword, otherwise=otherwise)


def _times(document: Any) -> tuple[int, int]:
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    times = document.get("begin_ms"), document.get("end_ms")
    begin_ms, end_ms = times
    if not isinstance(begin_ms, int) or not isinstance(end_ms, int) or bool in map(type, times):
        raise ValueError("begin_ms and end_ms must be whole numbers")
    if not 0 <= begin_ms < end_ms:
        raise ValueError(f"begin_ms {begin_ms} must not be negative and must lie before end_ms {end_ms}")
    return begin_ms, end_ms


def _spread_words(text: str, begin_ms: int, end_ms: int) -> tuple[tuple[HeardWord, ...], list[int]]:
    units = list(_UNIT.finditer(text))
    steps = [begin_ms + (end_ms - begin_ms) * step // len(units) for step in range(len(units) + 1)]
    words = tuple(
        HeardWord(unit["word"], begin, end, unit["after"])
        for unit, (begin, end) in zip(units, pairwise(steps), strict=True)
    )
    return words, [unit.end() for unit in units]


def _given_words(documents: Any, text: str, begin_ms: int, end_ms: int) -> tuple[tuple[HeardWord, ...], list[int]]:
    if not isinstance(documents, list) or not documents:
        raise ValueError("words must be a list with at least one word")
    words: list[HeardWord] = []
    ends_at: list[int] = []
    for document in documents:
        begin, end = _times(document)
        word, after = document.get("text"), document.get("punctuation", "")
        if not isinstance(word, str) or not word or not isinstance(after, str):
            raise ValueError("each word needs a text, and punctuation must be a string")
        if begin < (words[-1].end_ms if words else begin_ms) or end > end_ms:
            raise ValueError(f"the times of word {word!r} overlap, or lie outside of the sentence")
        at = text.find(word + after, ends_at[-1] if ends_at else 0)
        if at < 0:
            raise ValueError(f"word {word + after!r} is not in the text, or not in this order")
        words.append(HeardWord(word, begin, end, after))
        ends_at.append(at + len(word) + len(after))
    return tuple(words), ends_at
