from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.audio.reading.pcmstream import pcm_blocks, read_header
from asrcli.values.errors import DecodeError
from tests.audio.reading.test_wav_header import wav
from tests.support.sounds import s16, splits, tone


def reader(data: bytes, size: int):
    parts = splits(data, size)
    return lambda: next(parts, b"")


def collect(generator):
    """The blocks as one list of rows, and what the generator returned."""
    rows = []
    while True:
        try:
            rows += next(generator).tolist()
        except StopIteration as end:
            return rows, end.value


@given(st.integers(1, 200), st.integers(1, 5), st.integers(0, 40), st.integers(0, 9))
def test_any_arrival_gives_the_same_samples(size: int, channels: int, head_bytes: int, odd: int) -> None:
    data = s16(tone(0.01, 16000, channels)) + bytes(odd % (2 * channels))
    whole, _ = collect(pcm_blocks(reader(data, 10**6), "s16le", channels))
    parts, (received, beyond) = collect(
        pcm_blocks(reader(data[head_bytes:], size), "s16le", channels, head=data[:head_bytes])
    )
    assert parts == whole
    assert len(whole) == 160
    assert (received, beyond) == (len(data), b"")


def test_nothing_after_the_limit_is_audio_or_read_but_what_came_with_it_is_handed_back() -> None:
    read = reader(bytes(range(250)) * 4, 100)
    rows, (received, beyond) = collect(pcm_blocks(read, "s16le", 1, limit_bytes=225))
    assert (len(rows), received, beyond) == (112, 225, bytes([*range(225, 250), *range(50)]))
    assert len(read()) == 100


@pytest.mark.parametrize("size", [1, 7, 44, 1000])
def test_a_header_is_read_however_it_arrives(size: int) -> None:
    data = wav(6) + b"abcdef"
    header, seen = read_header(reader(data, size))
    assert header is not None
    assert header.data_bytes == 6
    assert data.startswith(seen)


def test_a_stream_that_ends_in_its_header_has_none() -> None:
    assert read_header(reader(wav(6)[:30], 8)) == (None, wav(6)[:30])


def test_a_stream_that_is_no_wav_is_refused() -> None:
    with pytest.raises(DecodeError):
        read_header(reader(bytes(100), 8))
