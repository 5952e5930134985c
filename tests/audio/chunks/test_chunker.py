from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from asrcli.audio.chunks.chunker import chunk, to_s16le
from asrcli.audio.sample_encodings import floats
from asrcli.values.pcm import PcmFormat
from tests.support.sounds import Samples

PCM = PcmFormat(16000)


def test_full_scale_is_32768_clipped_at_the_top() -> None:
    values = np.array([0, 0.5, -0.5, 1.0, -1.0, 7.0, -7.0, 1e38, 1 / 32768, -1 / 32768], np.float32)
    expected = [0, 16384, -16384, 32767, -32768, 32767, -32768, 32767, 1, -1]
    assert np.frombuffer(to_s16le(values), "<i2").tolist() == expected


def test_every_16_bit_value_comes_back_as_itself() -> None:
    values = np.arange(-32768, 32768, dtype="<i2")
    assert to_s16le(values.astype(np.float32) / 32768) == values.tobytes()  # type: ignore[arg-type]


def test_nan_and_infinity_are_silence() -> None:
    assert to_s16le(np.array([np.nan, np.inf, -np.inf], np.float32)) == bytes(6)


def test_the_callers_samples_are_left_alone() -> None:
    samples = np.array([2.0, np.nan], np.float32)
    list(chunk([samples], PCM))
    assert samples[0] == 2.0
    assert np.isnan(samples[1])


def test_chunks_are_equal_and_the_last_one_is_short() -> None:
    chunks = list(chunk([np.zeros(4000, np.float32)], PCM, 100))
    assert [len(c.data) for c in chunks] == [3200, 3200, 1600]
    assert [c.end_sample for c in chunks] == [1600, 3200, 4000]


def test_no_audio_gives_no_chunk() -> None:
    assert list(chunk([], PCM)) == []
    assert list(chunk([np.empty(0, np.float32)], PCM)) == []


def test_one_sample_gives_one_chunk() -> None:
    (only,) = chunk([np.ones(1, np.float32)], PCM)
    assert (only.samples, only.end_sample) == (1, 1)


def test_a_chunk_leaves_before_more_is_asked_for() -> None:
    asked = 0

    def slow() -> Iterator[Samples]:
        nonlocal asked
        for _ in range(100):
            asked += 1
            yield np.zeros(160, np.float32)

    first = next(chunk(slow(), PCM, 100))
    assert (first.end_sample, asked) == (1600, 10)


@given(arrays(np.int16, st.integers(0, 5000)))
def test_sixteen_bits_leave_as_they_are_and_as_they_would_by_way_of_floats(samples) -> None:
    sent = b"".join(each.data for each in chunk([samples], PCM))
    assert sent == samples.astype("<i2").tobytes()
    assert sent == b"".join(each.data for each in chunk([floats(samples)], PCM))
