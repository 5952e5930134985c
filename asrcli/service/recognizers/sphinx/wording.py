"""From what the decoder heard to what a reader expects: capitals, a full stop, no fillers. Pure, English only."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from asrcli.service.recognizers.base import HeardWord

_VARIANT = re.compile(r"\(\d+\)$")
# Silences and noises: <s>, <sil>, [NOISE], ++BREATH++.
_NOT_A_WORD = re.compile(r"[<\[+]")
_FILLERS = frozenset({"uh", "um", "er", "erm", "ah", "hmm", "mhm", "uhm"})


def plain_word(segment: str) -> str | None:
    """The word that a segment of the decoder stands for, without its pronunciation's number; None for a noise."""
    return None if _NOT_A_WORD.match(segment) else _VARIANT.sub("", segment)


def without_fillers(words: Sequence[HeardWord]) -> tuple[HeardWord, ...]:
    """The words that carry meaning."""
    return tuple(word for word in words if word.text.lower() not in _FILLERS)


def written(words: Sequence[HeardWord], *, final: bool) -> tuple[HeardWord, ...]:
    """The words as one writes a sentence: a capital first, "I", and a full stop where the sentence is over."""
    dressed = [replace(word, text=_first_person(word.text)) for word in words]
    if dressed:
        first = dressed[0].text
        dressed[0] = replace(dressed[0], text=first[:1].upper() + first[1:])
        if final:
            dressed[-1] = replace(dressed[-1], punctuation=".")
    return tuple(dressed)


def joined(words: Sequence[HeardWord]) -> str:
    """The text of the words, with what follows each of them."""
    return " ".join(word.text + word.punctuation for word in words)


def _first_person(word: str) -> str:
    return "I" + word[1:] if word == "i" or word.startswith("i'") else word
