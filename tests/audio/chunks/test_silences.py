"""Cuts lie in the silences of a recording, near where equal parts would end, whatever the recording sounds like."""

from __future__ import annotations

import json

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from asrcli.audio.chunks.silences import FRAME_MS, Cuts, find_cuts, loudness
from tests.support.service import DATA, TALK_WAV
from tests.support.sounds import Samples, tone

RATE_HZ = 16000
LOUD, QUIET = -20.0, -60.0


@pytest.fixture(scope="module")
def speech() -> Samples:
    """The sample talk: eight sentences, shape (n,), 16 kHz."""
    samples, rate_hz = soundfile.read(TALK_WAV, dtype="float32")
    assert rate_hz == RATE_HZ
    return samples


@pytest.fixture(scope="module")
def sentences() -> list[tuple[int, int]]:
    """Begin and end of each sentence of the sample talk, in milliseconds."""
    lines = map(json.loads, (DATA / "talk.script.jsonl").read_text().splitlines())
    return [(line["begin_ms"], line["end_ms"]) for line in lines]


def levels(seconds: float, *silences_ms: tuple[int, int]) -> np.ndarray:
    """A loud recording with silences from and to these times."""
    curve = np.full(round(seconds * 1000) // FRAME_MS, LOUD, np.float32)
    for begin, end in silences_ms:
        curve[begin // FRAME_MS : end // FRAME_MS] = QUIET
    return curve


def cuts_of(sound: Samples, parts: int):
    return find_cuts(loudness([sound.reshape(-1, 1)], RATE_HZ)[0], parts)


# --- where it is cut ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length_ms", [500, 700, 1000])
def test_a_short_silence_is_cut_in_its_middle(length_ms):
    cuts = find_cuts(levels(60, (31000, 31000 + length_ms)), 2)
    assert cuts.at_ms == (pytest.approx(31000 + length_ms / 2, abs=20),)
    assert cuts.in_sound == 0


def test_less_than_half_a_second_is_no_silence_but_the_quietest_point():
    cuts = find_cuts(levels(60, (31000, 31400)), 2)
    assert cuts.at_ms == (pytest.approx(31200, abs=110),)
    assert cuts.in_sound == 1


def test_of_several_silences_the_nearest_is_cut():
    cuts = find_cuts(levels(60, (27000, 28000), (31000, 31600), (33000, 34000)), 2)
    assert cuts.at_ms == (pytest.approx(31300, abs=20),)


def test_a_long_silence_is_cut_where_the_parts_are_equal():
    assert find_cuts(levels(60, (20000, 35000)), 2).at_ms == (30000,)


def test_a_long_silence_beside_the_ideal_place_is_not_cut_at_its_edge():
    assert find_cuts(levels(60, (20000, 29000)), 2).at_ms == (pytest.approx(28500, abs=30),)


def test_a_silence_that_would_make_the_parts_too_unequal_is_left():
    """With eight parts of a ten-minute file, none is longer than 1.125 times the average."""
    cuts = find_cuts(levels(600, *((at * 75000 + 6000, at * 75000 + 8000) for at in range(1, 8))), 8)
    assert cuts.in_sound == 7
    assert max(np.diff([0, *cuts.at_ms, 600_000])) <= 1.125 * 75000


def test_without_any_silence_the_quietest_gap_is_cut():
    syllables = np.tile(np.repeat(np.array([LOUD, LOUD - 15], np.float32), 10), 300)
    syllables[3090:3120] = LOUD - 15
    assert find_cuts(syllables, 2) == Cuts((pytest.approx(31050, abs=60),), in_sound=1)  # type: ignore[arg-type]


def test_nothing_but_noise_is_silence():
    assert cuts_of(0.1 * np.random.default_rng(1).standard_normal(RATE_HZ * 60).astype("f4"), 4) == cuts_of(  # type: ignore[arg-type]
        np.zeros(RATE_HZ * 60, "f4"), 4
    )


def test_one_part_has_no_cut():
    assert find_cuts(np.empty(0, np.float32), 1).at_ms == ()


@given(st.data())
def test_any_loudness_gives_ascending_cuts_inside_the_recording(data):
    parts = data.draw(st.integers(1, 9))
    frames = data.draw(st.integers(4 * parts, 6000))
    changes = data.draw(arrays.arrays(np.float32, st.integers(1, 40), elements=st.floats(-120, 0, width=32)))
    curve = np.repeat(changes, -(-frames // len(changes)))[:frames]
    cuts = find_cuts(curve, parts)
    assert len(cuts.at_ms) == parts - 1
    assert 0 <= cuts.in_sound < parts
    lengths = np.diff([0, *cuts.at_ms, frames * FRAME_MS])
    assert lengths.min() > 0
    assert lengths.max() <= 1.5 * frames * FRAME_MS / parts + 2 * FRAME_MS


# --- whatever it sounds like ----------------------------------------------------------------------------------------


def hum(count: int) -> Samples:
    """Mains hum with its harmonics, at full scale."""
    times = np.arange(count) / RATE_HZ
    waves = [share * np.sin(2 * np.pi * hz * times) for hz, share in ((50, 0.6), (100, 0.3), (150, 0.15))]
    return np.sum(waves, axis=0).astype(np.float32)


def hiss(count: int) -> Samples:
    return np.random.default_rng(1).standard_normal(count).astype(np.float32)


@pytest.mark.parametrize(
    "change",
    [
        lambda sound: sound,
        lambda sound: 0.01 * sound,
        lambda sound: 0.1 * sound + 0.3,
        lambda sound: 0.1 * sound + 0.05 * hum(sound.size),
        lambda sound: 0.1 * sound + 0.005 * hiss(sound.size),
        lambda sound: np.where(np.abs(sound) < 0.02, 0, sound).astype("f4"),
        lambda sound: (np.round(0.005 * sound * 32768) / 32768).astype("f4"),
        lambda sound: (
            sound * np.linspace(0.02, 1, sound.size, dtype="f4")
            + hiss(sound.size) * np.linspace(0.0003, 0.015, sound.size, dtype="f4")
        ),
    ],
    ids=["clean", "quiet", "offset", "over hum", "in hiss", "gated", "few bits", "growing louder"],
)
@pytest.mark.parametrize("parts", [2, 3, 5, 6])
def test_no_sentence_is_cut(speech, sentences, change, parts):
    cuts = cuts_of(change(speech), parts)
    assert cuts.in_sound == 0
    assert not [(at, begin, end) for at in cuts.at_ms for begin, end in sentences if begin < at < end]


def test_speech_without_pauses_says_so(speech, sentences):
    dense = np.concatenate([speech[(b + 100) * 16 : (e - 100) * 16] for b, e in sentences])
    assert cuts_of(dense, 3).in_sound == 2


# --- the curve ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate_hz", [8000, 11025, 16000, 22050, 44100, 48000, 12347])
def test_frames_stay_in_time_at_any_rate(rate_hz):
    sound = np.concatenate([np.zeros((rate_hz * 50, 1), "f4"), tone(1.0, rate_hz, hz=900.0)])
    curve, samples = loudness([sound], rate_hz)
    assert (len(curve), samples) == (5100, rate_hz * 51)
    assert curve[4999] < -100
    assert curve[5000] > -20


@given(st.lists(st.integers(1, 3000), min_size=1, max_size=12))
def test_the_curve_does_not_depend_on_the_blocks(sizes):
    sound = tone(1.0, 11025, 2)
    blocks = np.split(sound, np.minimum(np.cumsum(sizes), len(sound)))
    curve, samples = loudness(blocks, 11025)
    whole, _ = loudness([sound], 11025)
    assert samples == 11025
    np.testing.assert_allclose(curve, whole, atol=1e-3)


def test_what_is_no_number_is_not_heard():
    sound = tone(1.0)
    sound[5000], sound[6000], sound[7000] = np.nan, np.inf, 1e30
    assert np.isfinite(loudness([sound], RATE_HZ)[0]).all()


def test_no_sound_is_no_curve():
    curve, samples = loudness([], RATE_HZ)
    assert (len(curve), samples) == (0, 0)
