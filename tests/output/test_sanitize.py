"""Text from outside cannot drive a terminal."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.output.sanitize import name, sanitize, sentence_text

ANY_TEXT = st.text(st.characters(exclude_categories=()))
NASTY_TEXT = st.text(st.sampled_from("a好\x1b\x07\r\n\t\x7f\x9b\u202e\u2066\u200f\u2028\ud83d\\ []/"))


@given(ANY_TEXT | NASTY_TEXT)
def test_no_control_survives(text: str) -> None:
    """What comes out is one line without controls, direction changes or lone surrogates, and encodes as UTF-8."""
    for function in (sanitize, sentence_text, name):
        safe = function(text)
        assert not {unicodedata.category(character) for character in safe} & {"Cc", "Cs", "Zl", "Zp"}
        assert not set(safe) & set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
        assert len(safe.splitlines()) <= 1
        safe.encode("utf-8")


@given(ANY_TEXT | NASTY_TEXT)
def test_twice_is_once(text: str) -> None:
    assert sanitize(sanitize(text)) == sanitize(text)
    assert sentence_text(sentence_text(text)) == sentence_text(text)


@pytest.mark.parametrize(
    "text", ["plain", "你好，世界。", "👩‍👩‍👧", "naïve — “quoted”", "\u3000全角", "[bold]x[/b]", "a\\nb"]
)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert sanitize(text) == sentence_text(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mb", "a\\x1b[31mb"),
        ("\x9b2J\x7f\x00", "\\x9b2J\\x7f\\x00"),
        ("gpj.\u202etxt", "gpj.\\u202etxt"),
        ("\ud800", "\\ud800"),
    ],
)
def test_controls_become_visible(text: str, shown: str) -> None:
    assert sanitize(text) == sentence_text(text) == shown


def test_line_breaks_are_a_space_in_prose_and_visible_in_names() -> None:
    assert sentence_text("one\r\n\ttwo\u2028three") == "one two three"
    assert name(Path("a\nb\tc\r.wav")) == "a\\nb\\tc\\r.wav"
