"""Keys are masked, words are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.output import masking
from asrcli.output.masking import learn, mask

HEX = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_known", set())


@pytest.mark.parametrize(
    "key",
    [
        f"sk-{HEX}",
        "sk-planted0123456789abcdef",
        "sk-1234567890abcdef",
        f"sk-ws-{HEX}",
        f"sk-ws-H.{HEX}.MEUCIQDx-_y",
        f"sk-sp-{HEX}-x_y",
        "sk-" + "abcdefgh" * 4,
    ],
)
@pytest.mark.parametrize(
    "around", ["{}", "cannot read {}: no such file", "--api-key-file={}", "'{}'", "/x/{}/y", "{}."]
)
def test_what_looks_like_a_key_is_masked(key: str, around: str) -> None:
    assert mask(around.format(key)) == around.format("sk-…")


@pytest.mark.parametrize(
    "text",
    [
        "sk-learn",
        "sk-learn-contrib-lightning-transcription",
        "sk-interview-2024-11-25.wav",
        "sk-interview2024.wav",
        "sk-20241125.wav",
        f"task-{HEX}",
        f"desk-{HEX}",
        HEX,
        "sk-…",
        "sk-",
        "Slovak (sk-SK)",
    ],
)
def test_words_and_ids_stay(text: str) -> None:
    assert mask(text) == text


@pytest.mark.parametrize("cut", ["sk-0123ab…", "it said 'sk-0123ab'…"])
def test_a_key_that_was_cut_short_is_masked(cut: str) -> None:
    assert mask(cut) == cut.replace("sk-0123ab", "sk-…")


def test_the_keys_in_use_are_masked_whatever_they_look_like() -> None:
    for key in ("sk-short-1", "correct horse", "correct horse battery", "short"):
        learn(key)
    assert mask("no sk-short-1 and no correct horse battery here") == "no sk-… and no *** here"
    # Not a secret, and a part of words.
    assert mask("in short") == "in short"


@given(st.text("sk-_.0a…' \n"), st.text("sk-_.0a…' \n"))
def test_masking_twice_is_masking_once(left: str, right: str) -> None:
    text = mask(f"{left}sk-{HEX}{right}")
    assert mask(text) == text


def test_a_page_of_beginnings_takes_no_time() -> None:
    """Each is looked at once, however many there are."""
    page = "sk-" * 200_000 + "sk-a1" * 100_000
    assert mask(page) == page
