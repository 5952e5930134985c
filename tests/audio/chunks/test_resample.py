from __future__ import annotations

import weakref
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrcli.audio.chunks.chunker import chunk, to_s16le
from asrcli.audio.chunks.resample import resample, to_mono
from asrcli.values.pcm import PcmFormat
from tests.support.sounds import Samples, dominant_hz, tone


def split(samples: Samples, sizes: list[int]) -> list[Samples]:
    """`samples` in blocks of these sizes, over and over."""
    blocks: list[Any] = []
    at = 0
    while at < len(samples):
        size = sizes[len(blocks) % len(sizes)]
        blocks.append(samples[at : at + size])
        at += size
    return blocks


def all_of(parts) -> Samples:
    return np.concatenate([*parts, np.empty(0, np.float32)])


@pytest.mark.parametrize("channels", [1, 2, 3, 8])
def test_channels_are_averaged(channels: int) -> None:
    block = np.arange(channels * 4, dtype=np.float32).reshape(4, channels) / 64
    assert to_mono(block) == pytest.approx(block.mean(axis=1), abs=1e-7)  # type: ignore[arg-type]


def test_opposite_infinities_in_two_channels_do_not_warn() -> None:
    assert np.isnan(to_mono(np.array([[np.inf, -np.inf]], np.float32))).all()


def test_equal_rates_pass_untouched() -> None:
    block = tone(0.1)
    (mono,) = resample([block], 16000, 16000)
    assert np.shares_memory(mono, block)


@pytest.mark.parametrize("rate_hz", [8000, 11025, 22050, 44100, 48000, 96000, 192000])
def test_length_and_pitch_survive(rate_hz: int) -> None:
    mono = all_of(resample([tone(1.0, rate_hz)], rate_hz, 16000))
    assert mono.size == 16000
    assert dominant_hz(mono, 16000) == pytest.approx(440, abs=1)


def test_what_the_target_cannot_hold_vanishes() -> None:
    times = np.arange(44100) / 44100
    ultrasound = np.sin(2 * np.pi * 10000 * times).astype(np.float32)[:, np.newaxis]
    assert np.abs(all_of(resample([ultrasound], 44100, 16000))[800:-800]).max() < 1e-4


def test_one_nan_costs_one_sample_and_not_the_rest() -> None:
    block = tone(1.0, 44100)
    spoilt = block.copy()
    spoilt[20000] = np.nan
    assert (
        np.abs(all_of(resample([spoilt], 44100, 16000)) - all_of(resample([block], 44100, 16000)))[:6000].max() < 1e-3
    )
    assert np.isfinite(all_of(resample([spoilt], 44100, 16000))).all()


@pytest.mark.parametrize("samples", [0, 1, 2])
def test_almost_nothing_can_be_resampled(samples: int) -> None:
    assert all_of(resample([np.ones((samples, 2), np.float32)], 48000, 16000)).size <= 1


@settings(max_examples=40)
@given(
    st.lists(st.integers(1, 5000), min_size=1, max_size=6),
    st.sampled_from([8000, 16000, 44100, 48000]),
    st.integers(1, 3),
    st.integers(0, 9000),
    st.sampled_from([10, 37, 100]),
)
def test_any_split_into_blocks_gives_the_same_chunks(
    sizes: list[int], rate_hz: int, channels: int, length: int, chunk_ms: int
) -> None:
    samples = tone(0.6, 16000, channels)[:length]
    pcm = PcmFormat(16000)
    at_once = list(chunk(resample([samples], rate_hz, 16000), pcm, chunk_ms))
    in_parts = list(chunk(resample(split(samples, sizes), rate_hz, 16000), pcm, chunk_ms))
    assert in_parts == at_once


@pytest.mark.parametrize("dtype", [np.int16, np.float32])
@pytest.mark.parametrize("rate_hz", [16000, 44100])
def test_no_block_is_held_while_what_became_of_it_is_sent(rate_hz: int, dtype: type) -> None:
    """Of a thousand sources each would hold one."""
    made: list[weakref.ref[Samples]] = []

    def blocks():
        for _ in range(3):
            block: Any = np.zeros((rate_hz, 1), dtype)
            made.append(weakref.ref(block))
            handed_over = [block]
            del block
            yield handed_over.pop()

    for _ in chunk(resample(blocks(), rate_hz, 16000), PcmFormat(16000), 100):
        assert [block() for block in made] == [None] * len(made)
    assert len(made) == 3


def test_sixteen_bits_are_resampled_like_the_floats_they_stand_for() -> None:
    samples = np.random.default_rng(5).integers(-(2**15), 2**15, (9000, 1)).astype(np.int16)
    as_floats = samples.astype(np.float32) / 2**15
    for to_hz in (16000, 8000):
        ours, theirs = (np.concatenate(list(resample([block], 16000, to_hz))) for block in (samples, as_floats))  # type: ignore[list-item]
        np.testing.assert_array_equal(to_s16le(ours), to_s16le(theirs))
