"""Files whose header is wrong about how long their sound is, and what may follow that without being sound."""

from __future__ import annotations

import os
import struct
import threading
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asrcli.audio.opening import open_source
from asrcli.audio.sample_encodings import floats
from asrcli.values.errors import DecodeError
from tests.support.damage import SECONDS, sent, undamaged
from tests.support.sounds import Notices, cut, drain, hide_ffmpeg, needs_ffmpeg, tone

pytestmark = needs_ffmpeg


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lengths")


def patched(path: Path, kind: str, at: int, length: bytes) -> Path:
    """Ten seconds of sound with `length` so far behind the name of the chunk, or the start of a file without chunks."""
    soundfile.write(path, tone(10.0), 16000, format=kind, subtype="PCM_16")
    data = bytearray(path.read_bytes())
    name = {"WAV": b"data", "RF64": b"ds64", "AIFF": b"SSND", "CAF": b"data"}.get(kind, b"")
    begin = data.index(name, 20 if kind == "CAF" else 0) + at
    data[begin : begin + len(length)] = length
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("kind", "at", "length"),
    [
        ("WAV", 4, struct.pack("<I", 64000)),
        ("WAV", 4, struct.pack("<I", 64001)),
        ("RF64", 16, struct.pack("<Q", 64000)),
        ("AU", 8, struct.pack(">I", 64000)),
        ("FLAC", 22, struct.pack(">I", 32000)),
    ],
)
def test_a_length_that_is_too_small_is_not_believed(kind: str, at: int, length: bytes, tmp_path) -> None:
    notices = Notices()
    source = open_source(str(patched(tmp_path / "a", kind, at, length)), notice=notices)
    samples = np.concatenate([floats(block) for block in source.blocks()])
    source.close()
    assert len(samples) == 160_000
    np.testing.assert_allclose(samples, tone(10.0), atol=1e-4)
    assert len(notices) == 1
    assert not notices.truncated


@pytest.mark.parametrize(("kind", "length"), [("AIFF", struct.pack(">I", 64008)), ("CAF", struct.pack(">q", 64004))])
def test_where_ffmpeg_believes_it_too_what_is_left_is_an_error(kind: str, length: bytes, tmp_path) -> None:
    source = open_source(str(patched(tmp_path / "a", kind, 4, length)))
    frames = 0
    with pytest.raises(DecodeError, match=r"any further: it is damaged after 2\.0 s"):
        for block in source.blocks():
            frames += len(block)
    source.close()
    assert frames == 32000


def test_chunks_and_tags_behind_the_sound_are_no_damage(tmp_path, monkeypatch) -> None:
    hide_ffmpeg(monkeypatch, tmp_path / "none")
    tags = b"ID3 " + struct.pack(">I", 20000) + bytes(20000)
    ape_items = bytes(20000)
    ape = (
        ape_items + b"APETAGEX" + struct.pack("<IIII", 2000, len(ape_items) + 32, 1, 0) + bytes(8) + b"TAG" + bytes(125)
    )
    for kind, behind in (("WAV", b"LIST" + struct.pack("<I", 20000) + bytes(20000)), ("AIFF", tags), ("MP3", ape)):
        path = tmp_path / f"a.{kind}"
        soundfile.write(path, tone(10.0, 44100), 44100, format=kind)
        path.write_bytes(path.read_bytes() + behind)
        notices = Notices()
        assert len(drain(open_source(str(path), notice=notices))) == 441_000
        assert notices == []


@pytest.mark.parametrize("claimed", [100_000, 200_000_000])
def test_an_id3_tag_that_claims_to_reach_into_the_sound_is_not_believed(claimed: int, folder: Path, tmp_path) -> None:
    data = undamaged(folder, "mp3").read_bytes()
    real = 10 + int.from_bytes(data[6:10], "big") if data.startswith(b"ID3") else 0
    tag = b"ID3\x04\0\0" + bytes(claimed >> shift & 0x7F for shift in (21, 14, 7, 0)) + bytes(500)
    path = tmp_path / "a.mp3"
    path.write_bytes(tag + data[real:])
    result = sent(path)
    assert result.error is None
    assert result.seconds == pytest.approx(SECONDS, abs=0.1)
    assert "wrong length" in result.notices[0]


def test_an_mp4_that_lost_most_of_its_index_is_an_error_and_one_cut_short_is_not(folder: Path, tmp_path) -> None:
    data = undamaged(folder, "m4a").read_bytes()
    at = data.index(b"stsz") + 200
    path = tmp_path / "a.m4a"
    path.write_bytes(data[:at] + struct.pack(">I", 0x7FFFFFFF) * 20 + data[at + 80 :])
    result = sent(path)
    assert isinstance(result.error, DecodeError)
    result = sent(cut(undamaged(folder, "m4a"), path, 0.3))
    assert result.error is None
    assert result.truncated


@pytest.mark.parametrize("is_piped", [False, True])
def test_two_wavs_joined_end_to_end_are_both_read(is_piped: bool, tmp_path) -> None:
    soundfile.write(tmp_path / "one.wav", tone(1.0), 16000, subtype="PCM_16")
    both = (tmp_path / "one.wav").read_bytes() * 2
    path, notices = tmp_path / "both.wav", Notices()
    if is_piped:
        os.mkfifo(path)
        threading.Thread(target=path.write_bytes, args=(both,)).start()
    else:
        path.write_bytes(both)
    source = open_source(str(path), notice=notices)
    source.probe()
    # With the header of the second one, which is a millisecond's worth.
    assert len(drain(source)) == pytest.approx(32_000, abs=32)
    assert any("goes on behind the end that its header states" in message for message in notices)
