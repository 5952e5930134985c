"""Of a damaged file everything is read that can be read, or it ends with an error."""

from __future__ import annotations

import contextlib
import os
import random
import re
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asrcli.audio.opening import open_source
from asrcli.audio.reading.arriving import OpenDescriptor
from asrcli.audio.reading.part import Part
from asrcli.audio.reading.sndfile import FileSource, Sound
from asrcli.audio.reading.stdin import StdinSource
from asrcli.audio.sample_encodings import floats
from asrcli.engine.control import Control
from asrcli.engine.splitting import plan_split
from asrcli.values.errors import DecodeError
from tests.audio.reading.test_sndfile import syllables
from tests.support.damage import (
    FORMATS,
    KINDS,
    LOSS_S,
    SECONDS,
    damaged,
    damaged_files,
    read_with_ffmpeg,
    readable_s,
    sent,
    undamaged,
)
from tests.support.sounds import Notices, Samples, drain, hide_ffmpeg, needs_ffmpeg, tone, write

pytestmark = needs_ffmpeg

RATE_HZ = 44100


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damage")


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_that_can_be_read_is_lost_in_silence(name: str, folder: Path) -> None:
    results = [(file, readable_s(file.path), sent(file.path)) for file in damaged_files(folder, (name,), 7, seed=1)]
    assert {file.kind for file, _, _ in results} == set(KINDS)
    silent = [
        (str(file), seconds, result)
        for file, seconds, result in results
        if result.error is None and seconds - result.seconds >= LOSS_S
    ]
    assert silent == []
    # Not because all of them failed.
    assert sum(result.error is None for _, _, result in results) >= 3


# --- where libsndfile stops -----------------------------------------------------------------------------------------


def in_the_middle(tmp_path: Path, kind: str) -> Path:
    """A file that is damaged in the middle, a twentieth of it."""
    path = tmp_path / f"a.{kind.lower()}"
    soundfile.write(path, syllables(20.0, RATE_HZ), RATE_HZ, format=kind)
    data = bytearray(path.read_bytes())
    middle, length = len(data) // 2, len(data) // 20
    data[middle : middle + length] = b"\xaa" * length
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("kind", ["FLAC", "MP3"])
def test_ffmpeg_reads_on_from_the_very_sample_and_nothing_is_printed(kind: str, tmp_path, capfd) -> None:
    path = in_the_middle(tmp_path, kind)
    notices = Notices()
    source = open_source(str(path), notice=notices)
    assert isinstance(source, FileSource)
    samples = drain(source)[:, 0]
    readable = read_with_ffmpeg(path, RATE_HZ)
    assert len(samples) == len(readable)
    np.testing.assert_allclose(samples[: 9 * RATE_HZ], readable[: 9 * RATE_HZ], atol=1e-3)
    np.testing.assert_allclose(samples[-9 * RATE_HZ :], readable[-9 * RATE_HZ :], atol=1e-3)
    on, missing = notices
    assert re.search(r" is damaged after (9\.\d|10\.\d) s: ffmpeg reads on from there$", on)
    assert missing == f"{path} is damaged: {len(samples) / RATE_HZ:.1f} of 20.0 s could be read"
    assert notices.truncated
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("kind", ["FLAC", "MP3"])
def test_without_ffmpeg_it_is_an_error_after_the_good_part(kind: str, tmp_path, monkeypatch, capfd) -> None:
    path = in_the_middle(tmp_path, kind)
    hide_ffmpeg(monkeypatch, tmp_path / "none")
    source = open_source(str(path))
    frames = 0
    with pytest.raises(
        DecodeError, match=r"any further: it is damaged after \d+\.\d s, and to read on takes"
    ) as caught:
        for block in source.blocks():
            frames += len(block)
    source.close()
    assert frames / RATE_HZ == pytest.approx(10.0, abs=0.3)
    assert "pip install 'asrcli[ffmpeg]'" in caught.value.hint
    assert capfd.readouterr().err == ""


def test_a_file_that_was_replaced_meanwhile_is_not_read_on(tmp_path) -> None:
    path = in_the_middle(tmp_path, "FLAC")
    source = open_source(str(path))
    blocks = source.blocks()
    next(blocks)
    path.unlink()
    write(path, tone(20.0, RATE_HZ), RATE_HZ)
    with pytest.raises(DecodeError, match="was moved or replaced"):
        list(blocks)
    source.close()


def test_a_read_that_comes_up_short_is_no_end(folder: Path, monkeypatch) -> None:
    path = undamaged(folder, "wav")
    read = Sound.buffer_read_into
    calls: list[int] = []

    def fails(sound: Sound, block: np.ndarray, dtype: str) -> int:
        calls.append(len(block))
        return read(sound, block, dtype) if len(calls) <= 3 else 0

    monkeypatch.setattr(Sound, "buffer_read_into", fails)
    notices = Notices()
    source = open_source(str(path), notice=notices)
    samples = np.concatenate([floats(block) for block in source.blocks()])
    source.close()
    assert sum(calls) / 16000 < 3
    np.testing.assert_allclose(samples, soundfile.read(path, dtype="float32", always_2d=True)[0], atol=1e-4)
    assert notices == [f"{path} is damaged after 1.8 s: ffmpeg reads on from there"]


def test_stop_ends_what_ffmpeg_reads(tmp_path) -> None:
    notices = Notices()
    source = open_source(str(in_the_middle(tmp_path, "MP3")), notice=notices)
    blocks = source.blocks()
    while not notices:
        next(blocks)
    source.stop()
    assert sum(map(len, blocks)) < 4 * RATE_HZ
    source.close()
    source.close()
    assert len(notices) == 1


def test_most_of_a_file_gone_is_an_error(tmp_path) -> None:
    path = write(tmp_path / "a.flac", syllables(20.0, RATE_HZ), RATE_HZ)
    data = path.read_bytes()
    tenth = len(data) // 10
    path.write_bytes(data[:tenth] + bytes(7 * tenth) + data[8 * tenth :])
    with pytest.raises(DecodeError, match=r"cannot decode most of .* [3-6]\.\d of 20\.0 s could be read"):
        drain(open_source(str(path)))


def test_an_mp3_that_changes_its_rate_is_read_to_its_end_at_the_first_one(tmp_path) -> None:
    parts = []
    for rate_hz in (44100, 22050):
        soundfile.write(tmp_path / "part", tone(6.0, rate_hz), rate_hz, format="MP3")
        parts.append((tmp_path / "part").read_bytes())
    path = tmp_path / "a.mp3"
    path.write_bytes(b"".join(parts))
    source = open_source(str(path))
    source.probe()
    assert source.rate_hz == 44100
    assert len(drain(source)) / 44100 == pytest.approx(12.0, abs=0.2)


def test_an_mp3_whose_first_frames_are_damaged_is_read(folder: Path, tmp_path) -> None:
    data = bytearray(undamaged(folder, "mp3").read_bytes())
    data[:3000] = random.Random(1).randbytes(3000)
    path = tmp_path / "a.mp3"
    path.write_bytes(data)
    result = sent(path)
    assert result.error is None
    assert result.seconds == pytest.approx(SECONDS, abs=1.0)


# --- parts of a damaged file ----------------------------------------------------------------------------------------


def chain(pieces: list[Samples]) -> Samples:
    return np.concatenate(pieces)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("flac", "100 bytes changed"), ("mp3", "zeroed"), ("ogg", "5 bytes changed"), ("opus", "cut out")],
)
def test_parts_of_a_damaged_file_are_the_whole(name: str, kind: str, folder: Path, tmp_path) -> None:
    path = tmp_path / f"a.{name}"
    path.write_bytes(damaged(undamaged(folder, name).read_bytes(), kind, random.Random(5)))

    def opened(control: Control) -> FileSource:
        source = open_source(str(path), notice=control.notice)
        assert isinstance(source, FileSource)
        return source

    with contextlib.closing(opened(Control())) as source:
        split = plan_split(source, 4, Control())
    assert split.from_start
    whole = drain(opened(Control()))
    borders = zip((0, *split.cuts_ms), (*split.cuts_ms, None), strict=True)
    parts = [Part(opened(Control()), begin, end, from_start=split.from_start) for begin, end in borders]
    assert len(parts) == 4
    np.testing.assert_array_equal(chain([drain(part) for part in parts]), whole)


def test_a_whole_file_is_entered_in_the_middle(folder: Path) -> None:
    path = undamaged(folder, "flac")
    with contextlib.closing(open_source(str(path))) as source:
        assert not plan_split(source, 4, Control()).from_start


# --- streams --------------------------------------------------------------------------------------------------------


def through_a_pipe(data: bytes, tmp_path: Path, notices: Notices) -> StdinSource:
    """A source at the end of a pipe, which reads what a file holds."""
    path = tmp_path / "stream"
    path.write_bytes(data)
    return StdinSource(OpenDescriptor(os.open(path, os.O_RDONLY), "-", is_ours=True), name="-", notice=notices)


def test_an_mp4_of_which_ffmpeg_leaves_much_unread_is_an_error(folder: Path, tmp_path) -> None:
    data = undamaged(folder, "m4a").read_bytes()
    at = data.index(b"stsz") + 400
    broken = data[:at] + struct.pack(">I", 0x7FFFFFFF) * 20 + data[at + 80 :]
    # ffmpeg reads far ahead.
    source = through_a_pipe(broken + bytes(20_000_000), tmp_path, Notices())
    with pytest.raises(DecodeError, match=r"standard input any further: it is damaged after \d\.\d s: .* is too large"):
        drain(source)


@pytest.mark.parametrize("name", ["mp3", "flac", "ogg", "opus"])
@pytest.mark.parametrize("kind", ["30 bytes changed", "zeroed"])
def test_of_a_damaged_stream_as_much_is_read_as_of_the_file(name: str, kind: str, folder: Path, tmp_path) -> None:
    path = tmp_path / f"a.{name}"
    path.write_bytes(damaged(undamaged(folder, name).read_bytes(), kind, random.Random(7)))
    notices = Notices()
    source = through_a_pipe(path.read_bytes(), tmp_path, notices)
    assert len(drain(source)) / source.rate_hz >= readable_s(path) - 0.1
