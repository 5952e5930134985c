"""The file of a script, for the recogniser that recites it.

One JSON object a line, in order of time:

    {"begin_ms": 400, "end_ms": 3000, "text": "Hello, world.", "words": [{"text": "Hello", "begin_ms": …, "end_ms": …}]}

`words` may be left out: they are then spread evenly, character by character where the script is written without
spaces. With "hotword": "Hello" that part of the text is heard only where it is among the hotwords in force, and with
"context": "Hello" where it stands in the context that is in force when the sentence begins; elsewhere "something" is
heard in its place, or what "misheard" says. The first line may be {"timeline": "coded"} or {"timeline": "tones"}: see
`coded_script`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from asrcli.service.recognizers.base import HeardWord
from asrcli.values.errors import UsageError

# Han, kana and their extensions: scripts without spaces, where each character stands for itself.
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
# A word (one unspaced character, or a run of others), then what follows it: punctuation.
_UNIT = re.compile(rf"(?P<word>[{_UNSPACED}]|[^\W{_UNSPACED}]+(?:['’.\-][^\W{_UNSPACED}]+)*)(?P<after>[^\w\s]*)")

# The line that may stand before the sentences.
_TIMELINE = re.compile(r'\{\s*"timeline"\s*:\s*"(coded|tones)"\s*\}')


@dataclass(frozen=True, slots=True)
class ScriptedSentence:
    """One sentence. `ends_at[i]` is where in `text` the first i + 1 words end, with their punctuation.

    `hotword`, where it has one, is what must be among the hotwords, and `context` what must stand in the context; else
    it is heard as `otherwise`.
    """

    begin_ms: int
    end_ms: int
    text: str
    words: tuple[HeardWord, ...]
    ends_at: tuple[int, ...]
    hotword: str = ""
    context: str = ""
    otherwise: ScriptedSentence | None = None

    def heard(self, rightly: bool) -> ScriptedSentence:
        """What is heard of it."""
        return self if rightly else self.otherwise or self


def read_script(path: Path) -> tuple[str | None, tuple[ScriptedSentence, ...]]:
    """The code by which a script goes, if any, and its sentences. Raises UsageError that names file and line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"cannot read the script {path}: {reason}") from error
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    timeline = _TIMELINE.fullmatch(numbered[0][1].strip()) if numbered else None
    if timeline is not None:
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
    return timeline and timeline[1], tuple(sentences)


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
    marks = [mark for mark in ("hotword", "context") if mark in document]
    if len(marks) > 1:
        raise ValueError("hotword and context exclude each other")
    return _with_mark(sentence, marks[0], document) if marks else sentence


def _with_mark(sentence: ScriptedSentence, mark: str, document: dict[str, Any]) -> ScriptedSentence:
    word, misheard = document[mark], document.get("misheard", "something")
    if not isinstance(word, str) or not word or word not in sentence.text:
        raise ValueError(f"{mark} must be a part of the text")
    if not isinstance(misheard, str) or not _UNIT.search(misheard):
        raise ValueError("misheard must be a string with at least one word")
    times = {"begin_ms": sentence.begin_ms, "end_ms": sentence.end_ms}
    otherwise = _sentence({**times, "text": sentence.text.replace(word, misheard)})
    if mark == "hotword":
        return replace(sentence, otherwise=otherwise, hotword=word)
    return replace(sentence, otherwise=otherwise, context=word)


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
