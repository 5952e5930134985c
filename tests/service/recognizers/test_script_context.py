"""A sentence with a context mark is heard right where its word is in the context in force as it begins."""

from __future__ import annotations

from pathlib import Path

import pytest

from asrcli.service.recognizers.base import Hypothesis, Pcm, RecognitionSettings, Result
from asrcli.service.recognizers.coded_script import open_script
from tests.support.coded_talk import coded_samples
from tests.support.service import write_script

ADA = {"begin_ms": 500, "end_ms": 1500, "text": "We met Ada Byron.", "context": "Ada Byron", "misheard": "a tyrant"}
GRACE = {"begin_ms": 3000, "end_ms": 4000, "text": "And Grace Hopper came.", "context": "Grace Hopper"}
CODED = {"timeline": "coded"}


def finals(results: list[Result]) -> list[str]:
    return [each.text for each in results if isinstance(each, Hypothesis) and each.final]


@pytest.mark.parametrize("first", [(), (CODED,)], ids=["plain", "coded"])
def test_a_change_counts_from_the_next_sentence_on(tmp_path: Path, first: tuple[dict[str, str], ...]) -> None:
    write_script(tmp_path / "s.jsonl", *first, ADA, GRACE)
    heard: list[Result] = []
    recognition = open_script(tmp_path / "s.jsonl").open(RecognitionSettings(context="about Ada Byron"), heard.append)
    recognition.feed(Pcm(coded_samples(0, 80).tobytes(), 16000))
    # In the middle of a sentence: that goes on as it began.
    recognition.change_context("about Grace Hopper")
    recognition.feed(Pcm(coded_samples(80, 420).tobytes(), 16000))
    recognition.finish()
    assert finals(heard) == ["We met Ada Byron.", "And Grace Hopper came."]


@pytest.mark.parametrize("first", [(), (CODED,)], ids=["plain", "coded"])
def test_without_it_something_else_is_heard(tmp_path: Path, first: tuple[dict[str, str], ...]) -> None:
    write_script(tmp_path / "s.jsonl", *first, ADA, GRACE)
    for silence_ms, expected in ((800, ["We met a tyrant.", "And something came."]), (None, ["We met a tyrant."])):
        heard: list[Result] = []
        settings = RecognitionSettings(max_sentence_silence_ms=silence_ms, context="Ada, Grace")
        recognition = open_script(tmp_path / "s.jsonl").open(settings, heard.append)
        recognition.feed(Pcm(coded_samples(0, 250).tobytes(), 16000))
        if silence_ms is None:
            recognition.end_utterance()
        recognition.feed(Pcm(coded_samples(250, 250).tobytes(), 16000))
        recognition.finish()
        assert finals(heard) == expected


def test_who_comes_back_in_the_middle_hears_the_rest_as_the_context_is_then(tmp_path: Path) -> None:
    write_script(tmp_path / "s.jsonl", CODED, ADA, GRACE)
    for context, expected in (("Ada Byron, Grace Hopper", "Ada Byron."), ("", "a tyrant.")):
        heard: list[Result] = []
        recognition = open_script(tmp_path / "s.jsonl").open(RecognitionSettings(context=context), heard.append)
        # From 1 s on.
        recognition.feed(Pcm(coded_samples(100, 150).tobytes(), 16000))
        recognition.finish()
        assert finals(heard)[0].endswith(expected)
