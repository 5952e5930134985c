"""From the decoder's words to a written sentence."""

from __future__ import annotations

import pytest

from asrcli.service.recognizers.base import HeardWord
from asrcli.service.recognizers.sphinx.wording import joined, plain_word, without_fillers, written


def heard(text: str) -> list[HeardWord]:
    return [HeardWord(word, at * 100, at * 100 + 90) for at, word in enumerate(text.split())]


@pytest.mark.parametrize(
    ("segment", "word"), [("and(2)", "and"), ("hello", "hello"), ("<sil>", None), ("</s>", None), ("[NOISE]", None)]
)
def test_noises_and_variants_are_taken_off(segment: str, word: str | None) -> None:
    assert plain_word(segment) == word


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("i think i'm here", "I think I'm here."),
        ("well i know it is in ice", "Well I know it is in ice."),
        ("", ""),
    ],
)
def test_a_final_sentence_is_written_with_capitals_and_a_full_stop(words: str, sentence: str) -> None:
    assert joined(written(heard(words), final=True)) == sentence


def test_a_partial_sentence_has_no_full_stop_yet() -> None:
    assert joined(written(heard("hello there"), final=False)) == "Hello there"


def test_times_stay_with_their_words_when_fillers_go() -> None:
    words = without_fillers(heard("um hello uh there"))
    assert [(word.text, word.begin_ms) for word in words] == [("hello", 100), ("there", 300)]
