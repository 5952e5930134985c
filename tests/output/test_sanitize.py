"""Text from outside cannot drive a terminal."""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.output.sanitize import name, sanitize, sentence_text

ANY_TEXT = st.text(st.characters(exclude_categories=()))
NASTY_TEXT = st.text(
    st.sampled_from("a好\x1b\x07\r\n\t\x7f\x9b\u202e\u2066\u200f\u061c\u200b\ufeff\U000e0041\u2028\ud83d\\ []/")
)
# Characters of Unicode's class of format controls that languages are written with, or that are seen.
KEPT_CONTROLS = {0x200C, 0x200D, *range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
KEPT_CONTROLS |= set(range(0x13430, 0x13440))


@given(ANY_TEXT | NASTY_TEXT)
def test_no_control_survives(text: str) -> None:
    """What comes out is one line without controls, direction changes or lone surrogates, and encodes as UTF-8."""
    for function in (sanitize, sentence_text, name):
        safe = function(text)
        assert not {unicodedata.category(character) for character in safe} & {"Cc", "Cs", "Zl", "Zp"}
        assert not set(safe) & set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
        assert not set(safe) & set("\u200b\u2060\ufeff\xad\u3164\U000e0001\U000e0041\U000e007f")
        assert len(safe.splitlines()) <= 1
        safe.encode("utf-8")


@given(ANY_TEXT | NASTY_TEXT)
def test_twice_is_once(text: str) -> None:
    assert sanitize(sanitize(text)) == sanitize(text)
    assert sentence_text(sentence_text(text)) == sentence_text(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "plain",
            "你好，世界。",
            "👩‍👩‍👧",
            "❤️",
            "葛\U000e0100城",
            "naïve — “quoted”",
            "\u3000全角",
            "[bold]x[/b]",
            "a\\nb",
        ),
        *("می\u200cخواهم", "क्\u200dष"),
    ],
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
        ("\u061cgpj\u200b\ufeff", "\\u061cgpj\\u200b\\ufeff"),
        ("a\U000e0041\U000e007f", "a\\U000e0041\\U000e007f"),
        ("in\xadvisible\u2060\u3164", "in\\xadvisible\\u2060\\u3164"),
    ],
)
def test_controls_become_visible(text: str, shown: str) -> None:
    assert sanitize(text) == sentence_text(text) == shown


def test_line_breaks_are_a_space_in_prose_and_visible_in_names() -> None:
    assert sentence_text("one\r\n\ttwo\u2028three") == "one two three"
    assert name(Path("a\nb\tc\r.wav")) == "a\\nb\\tc\\r.wav"


def test_every_format_control_is_escaped_but_those_that_languages_need() -> None:
    controls = {code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Cf"}
    assert len(controls) > 150
    assert {code for code in controls if sanitize(chr(code)) == chr(code)} == KEPT_CONTROLS & controls


def test_what_shows_as_nothing_stays_in_a_transcript_that_no_terminal_is_shown() -> None:
    """Thai and Khmer may be written with U+200B between words; what drives a terminal is escaped there too."""
    assert sentence_text("คำ\u200bไทย\n\x1b\u061c", seen=False) == "คำ\u200bไทย \\x1b\\u061c"
