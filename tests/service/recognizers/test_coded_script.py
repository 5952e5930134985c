"""A coded script: what is recited follows from the audio itself, wherever it begins and jumps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asrcli.audio.chunks.chunker import to_s16le
from asrcli.service.recognizers.base import Hypothesis, Pcm, RecognitionEnded, RecognitionSettings
from asrcli.service.recognizers.coded_script import open_script
from tests.support.coded_talk import CodedSource, coded_samples
from tests.support.service import write_script

SENTENCES = (
    {"begin_ms": 100, "end_ms": 700, "text": "One two three."},
    {"begin_ms": 1000, "end_ms": 1900, "text": "Four five six."},
)


@pytest.fixture
def script(tmp_path: Path) -> Path:
    write_script(tmp_path / "s.jsonl", {"timeline": "coded"}, *SENTENCES)
    return tmp_path / "s.jsonl"


def audio(begin_ms: int, end_ms: int) -> bytes:
    return coded_samples(0, 400)[begin_ms * 16 : end_ms * 16].tobytes()


def recited(script: Path, *stretches: bytes, step: int = 3200, **settings) -> list[Any]:
    said: list[Any] = []
    recognition = open_script(script).open(RecognitionSettings(**settings), said.append)
    for stretch in stretches:
        for start in range(0, len(stretch), step):
            recognition.feed(Pcm(stretch[start : start + step], 16000))
    recognition.finish()
    assert isinstance(said[-1], RecognitionEnded)
    return [
        (result.text, result.begin_ms, result.end_ms)
        for result in said
        if isinstance(result, Hypothesis) and result.final
    ]


def test_the_code_survives_the_way_of_the_sound_through_the_client():
    blocks = list(CodedSource(1.0).blocks())
    assert to_s16le(np.concatenate(blocks)[:, 0]) == coded_samples(0, 100).tobytes()


@pytest.mark.parametrize("step", [2, 158, 320, 3200, 6401 * 2])
def test_from_the_beginning_all_is_said(script, step):
    assert recited(script, audio(0, 3000), step=step) == [("One two three.", 100, 700), ("Four five six.", 1000, 1900)]


@pytest.mark.parametrize("begin_ms", [700, 703, 990, 1000])
def test_what_ended_before_the_audio_is_skipped_and_times_count_from_its_start(script, begin_ms):
    assert recited(script, audio(begin_ms, 3000)) == [("Four five six.", 1000 - begin_ms, 1900 - begin_ms)]


def test_a_sentence_that_is_cut_loses_the_words_before(script):
    assert recited(script, audio(301, 3000)) == [("three.", 199, 399), ("Four five six.", 699, 1599)]
    assert recited(script, audio(1700, 3000)) == []


def test_a_jump_within_the_audio_loses_or_doubles_what_it_leaps_over(script):
    """Back: the words are said again. Forward: they are not said."""
    back = recited(script, audio(0, 900), audio(0, 3000))
    assert back == [("One two three.", 100, 700), ("One two three.", 1000, 1600), ("Four five six.", 1900, 2800)]
    assert recited(script, audio(0, 300), audio(1000, 3000)) == [("One", 100, 300), ("Four five six.", 300, 1200)]


def test_audio_without_the_code_is_silence_that_ends_a_sentence(script):
    assert recited(script, bytes(64000)) == []
    paused = recited(script, audio(0, 300), bytes(64000), audio(300, 3000))
    assert paused == [("One", 100, 300), ("two three.", 2300, 2700), ("Four five six.", 3000, 3900)]


def test_where_the_client_ends_utterances_they_hold_the_words_of_their_audio(script):
    said: list[Any] = []
    recognition = open_script(script).open(RecognitionSettings(max_sentence_silence_ms=None), said.append)
    recognition.feed(Pcm(audio(400, 900), 16000))
    recognition.end_utterance()
    recognition.feed(Pcm(audio(900, 3000), 16000))
    recognition.end_utterance()
    recognition.end_utterance()
    texts = [result.text for result in said if isinstance(result, Hypothesis) and result.final]
    assert texts == ["three.", "Four five six.", ""]
