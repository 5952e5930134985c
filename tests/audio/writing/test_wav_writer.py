"""The file of the sound that was sent: readable at every moment, and honest about what is missing."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asrcli.audio.writing.wav_writer import WavWriter
from asrcli.values.pcm import PcmFormat
from asrcli.values.sound import Chunk
from tests.support.full_disk import disk_of
from tests.support.sounds import pcm_chunk
from tests.support.virtual_mic import read_wav

PCM = PcmFormat(16000)


def _chunks(count: int) -> list[Chunk]:
    samples = np.arange(count * 1600).astype("<i2")
    return [pcm_chunk(samples[i * 1600 : (i + 1) * 1600].tobytes(), (i + 1) * 1600) for i in range(count)]


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_every_reader_finds_all_samples_at_every_moment(tmp_path: Path, rate_hz: int) -> None:
    """After each chunk the file is whole, though nothing was closed."""
    path = tmp_path / "a.wav"
    writer = WavWriter(path, PcmFormat(rate_hz))
    for chunk in _chunks(5):
        writer.write(chunk)
        samples, rate = read_wav(path)
        assert rate == rate_hz
        assert len(samples) == chunk.end_sample
        assert len(soundfile.read(str(path))[0]) == chunk.end_sample
    writer.close()
    assert read_wav(path)[0].tolist() == np.arange(8000).astype("<i2").tolist()
    assert writer.error is None


def test_the_header_never_promises_what_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is as good between the two writes of a chunk as after them."""
    path = tmp_path / "a.wav"
    writer = WavWriter(path, PCM)
    first, second = _chunks(2)
    writer.write(first)
    real, states = os.pwrite, []

    def spying(fd: int, data: bytes, offset: int) -> int:
        written = real(fd, data, offset)
        states.append(len(read_wav(path)[0]))
        return written

    monkeypatch.setattr(os, "pwrite", spying)
    writer.write(second)
    writer.close()
    assert states == [1600, 3200]


def test_without_sound_there_is_no_file(tmp_path: Path) -> None:
    writer = WavWriter(tmp_path / "a.wav", PCM)
    writer.close()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_came_in_between_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    writer = WavWriter(path, PCM)
    path.write_text("mine")
    writer.write(_chunks(1)[0])
    writer.close()
    assert path.read_text() == "mine"
    assert writer.error is not None


def test_force_replaces_an_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"x" * 100_000)
    writer = WavWriter(path, PCM, force=True)
    writer.write(_chunks(1)[0])
    writer.close()
    assert len(read_wav(path)[0]) == 1600


def test_a_full_disk_is_told_once_and_what_was_kept_stays_good(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    told: list[tuple[str, str]] = []
    writer = WavWriter(path, PCM)
    writer.notice = lambda message, hint, *_: told.append((message, hint))
    with disk_of(44 + 2 * 3200 + 1000):
        for chunk in _chunks(5):
            writer.write(chunk)
    writer.close()
    assert len(read_wav(path)[0]) == 3200
    assert path.stat().st_size == 44 + 2 * 3200
    (message, hint), error = told[0], writer.error
    assert len(told) == 1
    assert "File too large" in message
    assert "first 0.2 s" in hint
    assert error is not None
    assert "a.wav" in error.message


@pytest.mark.parametrize("failing", range(7))
@pytest.mark.parametrize("force", [False, True])
def test_whichever_write_fails_the_file_is_a_wav_or_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int, force: bool
) -> None:
    """The header of an empty file comes first, then for each chunk its samples and the header again."""
    path = tmp_path / "a.wav"
    real, calls = os.pwrite, iter(range(1000))

    def pwrite(fd: int, data: bytes, offset: int) -> int:
        if next(calls) == failing:
            raise OSError(5, "Input/output error")
        return real(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    writer = WavWriter(path, PCM, force=force)
    for chunk in _chunks(4):
        writer.write(chunk)
    writer.close()
    whole_chunks = (failing - 1) // 2
    assert writer.error is not None
    assert writer.seconds == max(0, whole_chunks) * 0.1
    if whole_chunks <= 0:
        assert list(tmp_path.iterdir()) == []
    else:
        assert len(read_wav(path)[0]) == whole_chunks * 1600
        assert path.stat().st_size == 44 + 3200 * whole_chunks


def test_what_was_there_before_is_not_removed(tmp_path: Path) -> None:
    """A named pipe can be no recording."""
    path = tmp_path / "a.wav"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer = WavWriter(path, PCM, force=True)
    writer.write(_chunks(1)[0])
    writer.close()
    os.close(reader)
    assert writer.error is not None
    assert path.is_fifo()


def test_what_was_written_is_read_back_in_stretches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By what was written: behind 4 GiB no header tells."""
    monkeypatch.setattr("asrcli.audio.writing.wav_writer._READ_BYTES", 5000)
    monkeypatch.setattr("asrcli.audio.writing.wav_writer._MOST_BYTES", 3200)
    writer = WavWriter(tmp_path / "a.wav", PCM)
    for chunk in _chunks(5):
        writer.write(chunk)
    writer.close()
    stretches = list(writer.sound())
    assert [len(stretch) for stretch in stretches] == [5000, 5000, 5000, 1000]
    assert b"".join(stretches) == b"".join(chunk.data for chunk in _chunks(5))
