from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.audio.reading.wav_header import MAX_HEADER_BYTES, parse_header
from asrcli.values.errors import DecodeError


def wav(
    data_size: int, tag: int = 1, bits: int = 16, channels: int = 1, rate: int = 16000, before: bytes = b""
) -> bytes:
    align = channels * bits // 8
    body = struct.pack("<HHIIHH", tag, channels, rate, rate * align, align, bits)
    return b"RIFF\0\0\0\0WAVE" + before + b"fmt \x10\0\0\0" + body + b"data" + struct.pack("<I", data_size)


def test_the_header_says_rate_channels_encoding_and_where_the_samples_are() -> None:
    header = parse_header(wav(3200, channels=2, rate=44100))
    assert header is not None
    assert (header.rate_hz, header.channels, header.encoding) == (44100, 2, "s16le")
    assert (header.data_offset, header.data_bytes) == (44, 3200)


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0x80000000, 0x7FFFFFFF - 44])
def test_placeholder_lengths_mean_to_the_end(size: int) -> None:
    header = parse_header(wav(size))
    assert header is not None
    assert header.data_bytes is None


@pytest.mark.parametrize("size", [2, 3_000_000_000])
def test_other_lengths_are_believed(size: int) -> None:
    header = parse_header(wav(size))
    assert header is not None
    assert header.data_bytes == size


@pytest.mark.parametrize(
    ("tag", "bits", "encoding"),
    [
        (1, 8, "u8"),
        (1, 24, "s24le"),
        (1, 32, "s32le"),
        (3, 32, "f32le"),
        (3, 64, "f64le"),
        (6, 8, "alaw"),
        (7, 8, "mulaw"),
    ],
)
def test_plain_encodings_are_known(tag: int, bits: int, encoding: str) -> None:
    header = parse_header(wav(100, tag, bits))
    assert header is not None
    assert header.encoding == encoding


def test_a_codec_that_is_not_plain_samples_is_left_to_others() -> None:
    header = parse_header(wav(100, tag=0x11, bits=4, channels=2))
    assert header is not None
    assert header.encoding is None


def test_20_bits_in_24_are_read_as_24() -> None:
    body = struct.pack("<HHIIHHHHIH14s", 0xFFFE, 1, 48000, 144000, 3, 20, 22, 20, 4, 1, b"")
    head = b"RIFF\0\0\0\0WAVEfmt " + struct.pack("<I", len(body)) + body + b"data\x06\0\0\0"
    header = parse_header(head)
    assert header is not None
    assert (header.encoding, header.rate_hz) == ("s24le", 48000)


def test_chunks_before_the_samples_are_skipped_with_their_padding() -> None:
    header = parse_header(wav(100, before=b"LIST\x03\0\0\0abc\0"))
    assert header is not None
    assert header.data_offset == 44 + 12


@pytest.mark.parametrize(("stated", "expected"), [(1 << 33, 1 << 33), (0, None), (2**64 - 1, None)])
def test_the_length_of_an_rf64_file_stands_in_its_own_chunk(stated: int, expected: int | None) -> None:
    ds64 = b"ds64" + struct.pack("<IQQQI", 28, 0, stated, 0, 0)
    head = b"RF64" + wav(0xFFFFFFFF, before=ds64)[4:]
    header = parse_header(head)
    assert header is not None
    assert header.data_bytes == expected


def test_a_header_is_incomplete_until_its_last_byte() -> None:
    whole = wav(100, before=b"LIST\x04\0\0\0abcd")
    assert [parse_header(whole[:size]) for size in range(len(whole))] == [None] * len(whole)
    assert parse_header(whole) is not None


@pytest.mark.parametrize(
    "head",
    [
        b"RIFF\0\0\0\0WAVEdata\0\0\0\0",
        b"RIFF\0\0\0\0AIFFxxxx",
        wav(10, rate=0),
        wav(10, channels=0),
        b"RIFF\0\0\0\0WAVEfmt \xff\xff\xff\xff",
        b"RIFF\0\0\0\0WAVEfmt \x02\0\0\0\x01\0data\0\0\0\0",
        b"RIFF\0\0\0\0WAVEjunk" + struct.pack("<I", MAX_HEADER_BYTES),
    ],
)
def test_a_header_that_cannot_become_one_is_refused(head: bytes) -> None:
    with pytest.raises(DecodeError):
        parse_header(head)


@given(st.binary(max_size=200), st.sampled_from([b"", b"RIFF\0\0\0\0WAVE", b"RF64\0\0\0\0WAVEfmt \x10\0\0\0"]))
def test_any_bytes_give_a_header_a_wish_for_more_or_a_decode_error(tail: bytes, start: bytes) -> None:
    try:
        header = parse_header(start + tail)
    except DecodeError:
        return
    assert header is None or header.data_offset <= len(start + tail)


@given(st.integers(0, 43), st.integers(0, 255))
def test_a_damaged_byte_gives_a_usable_header_or_a_decode_error(at: int, value: int) -> None:
    head = bytearray(wav(1000))
    head[at] = value
    try:
        header = parse_header(bytes(head))
    except DecodeError:
        return
    assert header is None or (header.channels >= 1 and header.rate_hz >= 1000)
