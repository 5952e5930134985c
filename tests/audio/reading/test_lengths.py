"""What the header of a file made of chunks says of its sound, and what follows that."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from asrcli.audio.reading.lengths import Extent, is_chunk_id, is_whole_mp4, stated_extent, stray_bytes
from tests.support.sounds import tone

KINDS = ("WAV", "AIFF", "CAF", "W64", "AU")
# 1.0 s of 16 bits at 16 kHz.
SOUND_BYTES = 32000


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def data(kind: str, tmp_path: Path) -> bytes:
    path = tmp_path / "whole"
    soundfile.write(path, tone(1.0), 16000, format=kind, subtype="PCM_16")
    return path.read_bytes()


def judged(data: bytes, kind: str, path: Path) -> tuple[Extent | None, int]:
    """Where the sound of a file should lie, and how much behind it is not accounted for."""
    path.write_bytes(data)
    fd = os.open(path, os.O_RDONLY)
    try:
        extent = stated_extent(fd, kind, len(data))
        return extent, 0 if extent is None else stray_bytes(fd, kind, extent.end, len(data))
    finally:
        os.close(fd)


def test_a_whole_file_holds_its_sound_and_nothing_else(kind, data, tmp_path):
    extent, stray = judged(data, kind, tmp_path / "a")
    assert extent is not None
    # AIFF and CAF have a few bytes of their own before the samples.
    assert 0 <= extent.end - extent.begin - SOUND_BYTES <= 8
    assert (extent.end, stray) == (len(data), 0)


def test_of_a_file_cut_short_the_sound_should_end_behind_it(kind, data, tmp_path):
    extent, stray = judged(data[:20000], kind, tmp_path / "a")
    assert extent is not None
    assert (extent.end, stray) == (len(data), 0)


def test_bytes_that_follow_and_are_no_chunk_are_stray(kind, data, tmp_path):
    assert judged(data + b"\xff" * 5001, kind, tmp_path / "a")[1] == 5001


CHUNKS = {
    "WAV": b"LIST" + struct.pack("<I", 5000) + bytes(5000),
    "AIFF": b"ID3 " + struct.pack(">I", 5001) + bytes(5002),
    "CAF": b"info" + struct.pack(">q", 5000) + bytes(5000),
    "W64": b"list" + bytes(12) + struct.pack("<q", 24 + 5000) + bytes(5000),
}


@pytest.mark.parametrize("kind", CHUNKS)
@pytest.mark.parametrize("number", [1, 3])
def test_chunks_that_follow_are_not(number, kind, data, tmp_path):
    assert judged(data + CHUNKS[kind] * number, kind, tmp_path / "a")[1] == 0
    assert judged(data + CHUNKS[kind] * number + b"\xff" * 5000, kind, tmp_path / "a")[1] == 5000


def test_a_chunk_behind_an_odd_length_may_follow_at_once_or_fill_up(tmp_path):
    head = b"RIFF\0\0\0\0WAVEdata" + struct.pack("<I", 1001) + bytes(1001)
    for filling in (b"", b"\0"):
        assert judged(head + filling + CHUNKS["WAV"], "WAV", tmp_path / "a")[1] == 0


@pytest.mark.parametrize("length", [0, 0xFFFFFFFF, 0x7FFFFFFF])
def test_a_length_that_stands_for_unknown_promises_nothing(length, tmp_path):
    data = b"FORM\0\0\0\0AIFFSSND" + struct.pack(">I", length) + bytes(5000)
    assert judged(data, "AIFF", tmp_path / "a") == (None, 0)


@given(st.binary(max_size=100), st.sampled_from([*KINDS, "FLAC"]), st.integers(0, 200))
def test_any_bytes_can_be_looked_at(tmp_path_factory, data, kind, end):
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(data)
    fd = os.open(path, os.O_RDONLY)
    extent = stated_extent(fd, kind, len(data))
    assert extent is None or 0 <= extent.begin < len(data)
    assert 0 <= stray_bytes(fd, kind, end, len(data)) <= max(0, len(data) - end)
    is_whole_mp4(fd, len(data))
    os.close(fd)


def test_ids_are_letters_and_digits_or_begin_a_tag():
    assert all(map(is_chunk_id, (b"LIST", b"id3 ", b"fmt ", b"ID3\x03")))
    assert not any(map(is_chunk_id, (b"LIS", b"\0\0\0\0", b"\x01\x02ab", "ließ".encode())))


@pytest.mark.parametrize(
    ("boxes", "whole"),
    [
        (b"\0\0\0\x08ftyp" + b"\0\0\0\x0cmoov1234", True),
        (b"\0\0\0\x08ftyp" + b"\0\0\0\x0cmoov123", False),
        (b"\0\0\0\x08ftyp" + b"\0\0\0\0mdat1234", True),
        (b"\0\0\0\x01mdat" + struct.pack(">Q", 20) + b"1234", True),
        (b"\0\0\0\x01mdat" + struct.pack(">Q", 21) + b"1234", False),
        (b"\0\0\0\x08ftyp" + bytes(100), False),
        (b"\0\0\0\x08ftyp\0\0", False),
    ],
)
def test_an_mp4_is_whole_if_its_boxes_fill_it(boxes, whole, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(boxes)
    fd = os.open(path, os.O_RDONLY)
    assert is_whole_mp4(fd, len(boxes)) is whole
    os.close(fd)
