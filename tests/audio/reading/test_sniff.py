from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asrcli.audio.encoded.headers import id3_bytes
from asrcli.audio.reading import sniff
from tests.support.sounds import needs_ffmpeg, s16, tone, write


@pytest.mark.parametrize(
    ("head", "name", "ffmpeg_only"),
    [
        (b"RIFF\0\0\0\0WAVEfmt ", "WAV", False),
        (b"fLaC\0\0\0\x22xxxx", "FLAC", False),
        (b"OggS\0\x02xxxxxx", "Ogg", False),
        (b"ID3\x04\0\0\0\0\0\0xx", "MP3", False),
        (b"\0\0\0\x20ftypM4A ", "MP4", True),
        (b"\x1a\x45\xdf\xa3xxxxxxxx", "WebM or Matroska", True),
        (b"RIFF\0\0\0\0AVI LIST", "AVI", True),
        (b"#!AMR-WB\nxxxx", "AMR", True),
        (b"FORM\0\0\0\0AIFF", "AIFF", False),
    ],
)
def test_signatures_name_the_container_and_who_reads_it(head: bytes, name: str, ffmpeg_only: bool) -> None:
    kind = sniff.sniff(head)
    assert kind is not None
    assert (kind.name, kind.ffmpeg_only) == (name, ffmpeg_only)


@pytest.mark.parametrize("rate_hz", [8000, 16000, 24000, 32000, 44100, 48000])
def test_an_mp3_without_a_tag_shows_in_two_frames(rate_hz: int, tmp_path) -> None:
    data = write(tmp_path / "a.mp3", tone(0.5, rate_hz), rate_hz, "MPEG_LAYER_III", "MP3").read_bytes()
    assert sniff.sniff(data) is sniff.MP3
    assert sniff.sniff(data[: sniff.wanted_bytes(data)]) is sniff.MP3
    assert sniff.sniff(data[: sniff.wanted_bytes(data) - 1]) is None


@needs_ffmpeg
def test_aac_is_not_taken_for_mp3(encoded) -> None:
    assert sniff.sniff(encoded("a.aac").read_bytes()) is sniff.AAC


@given(st.text(st.characters(categories=["L", "N", "P"]), min_size=1), st.integers(1, 60))
def test_text_is_text_wherever_it_is_cut_off(text: str, length: int) -> None:
    assert sniff.is_text(text.encode()[: max(4, length)])


@pytest.mark.parametrize("samples", [np.zeros(200), tone(0.02), tone(0.02) * 0.01, np.ones(200) * 0.99])
def test_sound_is_no_text(samples) -> None:
    assert not sniff.is_text(s16(samples)[:200])


def test_samples_that_look_like_one_mpeg_frame_are_samples() -> None:
    quiet = s16(tone(0.5) * 0.1)
    for start in (b"\xff\xfb\x90\x64", b"\xff\xf1\x50\x80\x43\x00\x00"):
        assert sniff.sniff(start + quiet) is None


def test_the_length_of_an_id3_tag_is_seven_bits_a_byte() -> None:
    assert id3_bytes(b"ID3\x04\0\0\0\0\x02\x01") == 10 + 257
    assert id3_bytes(b"ID3\x04\0\x10\0\0\0\x01") == 10 + 1 + 10
    assert id3_bytes(b"RIFF") == 0


def test_the_index_of_an_mp3_says_how_long_it_is(tmp_path) -> None:
    data = write(tmp_path / "a.mp3", tone(0.5, 44100), 44100, "MPEG_LAYER_III", "MP3").read_bytes()
    announced = sniff.announced_bytes(data)
    assert announced is not None
    assert abs(announced - len(data)) < 2000
    second_frame = data[sniff.wanted_bytes(data) - 7 :]
    assert sniff.sniff(second_frame) is sniff.MP3
    assert sniff.announced_bytes(second_frame) is None


def test_frames_in_a_row_are_found_behind_other_bytes(tmp_path) -> None:
    data = write(tmp_path / "a.mp3", tone(1.0, 44100), 44100, "MPEG_LAYER_III", "MP3").read_bytes()
    assert sniff.find_mpeg(b"\xff\xfb\x90" * 100 + data) == 300
    assert sniff.find_mpeg(data[: 3 * sniff.wanted_bytes(data)]) is None
    assert sniff.find_mpeg(s16(tone(2.0))) is None


def ape(items: int, *, has_header: bool) -> bytes:
    fields = struct.pack("<IIII", 2000, items + 32, 1, 0x80000000 if has_header else 0) + bytes(8)
    return (bytes(32) if has_header else b"") + bytes(items) + b"APETAGEX" + fields


@pytest.mark.parametrize("id3", [b"", b"TAG" + bytes(125)])
@pytest.mark.parametrize("behind", [b"", ape(1000, has_header=False), ape(9, has_header=True)])
def test_tags_behind_the_sound_have_their_length(behind: bytes, id3: bytes) -> None:
    tail = (bytes(500) + behind + id3)[-sniff.TAIL_BYTES :]
    assert sniff.tag_bytes_at_end(tail) == len(behind + id3)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_the_last_page_of_an_ogg_is_marked_and_whole(subtype: str, tmp_path) -> None:
    data = write(tmp_path / "a", tone(3.0, 48000), 48000, subtype, "OGG").read_bytes()
    assert sniff.is_ogg_end(sniff.last_ogg_page(data))
    assert not sniff.is_ogg_end(sniff.last_ogg_page(data[:-1]))
    before = data[: data.rfind(b"OggS")]
    assert not sniff.is_ogg_end(sniff.last_ogg_page(before))
    assert not sniff.is_ogg_end(sniff.last_ogg_page(b""))


@given(st.binary(max_size=64), st.sampled_from([b"", b"\xff\xfb", b"\xff\xf1", b"ID3\x04"]))
@example(b"APETAGEX", b"")
def test_any_bytes_can_be_sniffed(tail: bytes, start: bytes) -> None:
    head = start + tail
    kind = sniff.sniff(head)
    assert kind is None or kind.name
    assert sniff.wanted_bytes(head) >= sniff.SIGNATURE_BYTES
    assert id3_bytes(head) >= 0
    sniff.announced_bytes(head)
    assert sniff.tag_bytes_at_end(head) >= 0
    assert sniff.find_mpeg(head) is None
    sniff.is_ogg_end(head)


def test_silence_is_no_container() -> None:
    assert sniff.sniff(np.zeros(4096, "u1").tobytes()) is None
