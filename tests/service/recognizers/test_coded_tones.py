"""A script that goes by tones: what is recited follows from the sound, after lossy coding too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asrcli.service.hearing.decoding import open_decoder
from asrcli.service.recognizers.base import Hypothesis, RecognitionSettings
from asrcli.service.recognizers.coded_script import open_script
from asrcli.service.recognizers.coded_tones import ToneCode
from tests.support.coded_talk import CodedTalk, a_sentence_every, toned_samples
from tests.support.compressed import compressed, pieces, samples

FORMATS = ("opus", "mp3", "aac", "amr")
# What encoder and decoder put in front of the sound.
LEADS_MS = {"opus": 0, "mp3": 68, "aac": 64, "amr": 5, "wav": 0}
SOUND = toned_samples(0, 1000)


@pytest.fixture
def talk(tmp_path: Path) -> CodedTalk:
    return a_sentence_every(tmp_path, 4, 17, timeline="tones")


def recited(talk: CodedTalk, *stretches: np.ndarray, audio_format: str = "wav") -> list[tuple[str, int]]:
    """The text and the begin in ms of each sentence that is heard in the stretches, each a stream of its own."""
    said: list[Any] = []
    recognition = open_script(Path(talk.recognizer.removeprefix("script:"))).open(RecognitionSettings(), said.append)
    for stretch in stretches:
        pcm = stretch.tobytes()
        data = pcm if audio_format == "wav" else compressed(audio_format, pcm)
        decoder = open_decoder(RecognitionSettings(audio_format=audio_format), recognition.feed)
        for piece in pieces(data, 3200 if audio_format == "wav" else 350):
            decoder.feed(piece)
        decoder.finish()
    recognition.finish()
    return [(each.text, each.begin_ms) for each in said if isinstance(each, Hypothesis) and each.final]


@pytest.mark.parametrize("audio_format", ["wav", *FORMATS])
def test_all_is_said_after_lossy_coding(talk, audio_format):
    heard, told = recited(talk, talk.samples(), audio_format=audio_format), talk.told()
    assert [text for text, _ in heard] == [text for _, text, _, _ in told]
    for (_, at_ms), (_, _, begin_ms, _) in zip(heard, told, strict=True):
        assert at_ms == pytest.approx(int(str(begin_ms)) + LEADS_MS[audio_format], abs=15)


@pytest.mark.parametrize("audio_format", ["wav", "opus", "amr"])
def test_what_is_left_out_and_what_comes_twice_shows(talk, audio_format):
    """A client that goes on in a wrong place must not pass for one that is right."""
    sound = talk.samples()
    first, second, third, fourth = ((int(str(each["end_ms"])) + 25) * 16 for each in talk.sentences)
    stretches = sound[first:second], sound[third:fourth], sound[second:fourth]
    heard = [text for text, _ in recited(talk, *stretches, audio_format=audio_format)]
    texts = [each["text"] for each in talk.sentences]
    assert heard == [texts[1], texts[3], *texts[2:]]


@pytest.mark.parametrize("audio_format", FORMATS)
def test_a_place_is_told_closely_in_a_fifth_of_a_second(audio_format):
    heard = samples(audio_format, compressed(audio_format, SOUND.tobytes()))
    code = ToneCode(10_000)
    lead = LEADS_MS[audio_format] * 16
    for begin in range(8000, 150_000, 13_777):
        data = heard[begin : begin + 3200].tobytes()
        assert abs((code.position(data, 16000) or 0) - (begin - lead)) <= 10 * 16
        assert code.continues(data, begin - lead, 16000)
        assert not code.continues(data, begin - lead + 16 * 300, 16000)


def test_silence_and_noise_are_nowhere():
    code = ToneCode(10_000)
    noise = np.random.default_rng(1).integers(-9000, 9000, 16000, "<i2").tobytes()
    for data in (bytes(32000), noise):
        assert code.position(data, 16000) is None
        assert not code.continues(data, 16000, 16000)
    assert code.position(b"", 16000) is None
    assert code.continues(b"", 0, 16000)
