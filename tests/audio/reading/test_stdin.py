from __future__ import annotations

import os
import queue
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from asrcli.audio.reading.arriving import OpenDescriptor
from asrcli.audio.reading.stdin import StdinSource
from asrcli.audio.source import RawFormat, Source
from asrcli.values.errors import DecodeError
from tests.audio.reading.test_wav_header import wav
from tests.support.sounds import (
    Notices,
    Samples,
    convert,
    cut,
    drain,
    hide_ffmpeg,
    needs_ffmpeg,
    s16,
    splits,
    tone,
    write,
)


@contextmanager
def piped(data: bytes, size: int = 5000, **options) -> Iterator[StdinSource]:
    """A source at the end of a pipe into which a thread writes `data`."""
    read_fd, write_fd = os.pipe()

    def feed() -> None:
        with os.fdopen(write_fd, "wb", buffering=0) as pipe:
            for part in splits(data, size):
                try:
                    pipe.write(part)
                except BrokenPipeError:
                    return

    source = StdinSource(OpenDescriptor(read_fd, "-", is_ours=True), name="-", **options)
    writer = threading.Thread(target=feed)
    writer.start()
    try:
        yield source
    finally:
        source.close()
        writer.join(10)
        assert not writer.is_alive()


def read_all(data: bytes, size: int = 5000, **options) -> tuple[Samples, StdinSource]:
    with piped(data, size, **options) as source:
        return drain(source), source


@pytest.mark.parametrize("size", [1, 3, 1000, 10**6])
def test_without_a_header_it_is_mono_16_bit_at_16_khz(size: int) -> None:
    samples, source = read_all(s16(tone(0.1)), size)
    assert samples.shape == (1600, 1)
    assert (source.rate_hz, source.channels, source.live, source.name) == (16000, 1, True, "-")
    assert np.abs(samples - tone(0.1)).max() < 1e-3


def test_the_users_raw_format_is_obeyed() -> None:
    data = tone(0.1, 48000, 2).astype("<f4").tobytes()
    samples, source = read_all(data, raw=RawFormat(48000, 2, "f32le"))
    assert samples.tolist() == tone(0.1, 48000, 2).tolist()
    assert source.rate_hz == 48000


@pytest.mark.parametrize("size", [1, 10**6])
@pytest.mark.parametrize("stated", [0, 0xFFFFFFFF, 0x7FFFFFFF, None])
def test_a_wav_stream_is_read_to_its_end_where_its_length_is_unknown(size: int, stated: int | None) -> None:
    data = s16(tone(0.05, 44100, 2))
    stated_bytes = len(data) if stated is None else stated
    notices = Notices()
    samples, source = read_all(wav(stated_bytes, channels=2, rate=44100) + data, size, notice=notices)
    assert samples.shape == (2205, 2)
    assert source.rate_hz == 44100
    assert source.duration_ms == (50 if stated is None else None)
    assert notices == []


def test_what_follows_the_stated_length_is_not_audio() -> None:
    samples, _ = read_all(wav(400) + bytes(400) + b"LIST" * 100)
    assert len(samples) == 200


@pytest.mark.parametrize("stated", [1600, 1601])
@pytest.mark.parametrize("size", [500, 10**6])
def test_sound_behind_the_stated_length_is_read_too_with_a_notice(stated: int, size: int) -> None:
    notices = Notices()
    samples, _ = read_all(wav(stated) + s16(tone(1.0)), size, notice=notices)
    np.testing.assert_allclose(samples, tone(1.0), atol=1e-4)
    assert notices == ["standard input goes on behind the end that its header states: that is read too"]


@pytest.mark.parametrize(
    "behind", [b"", b"\0", b"\0LIST\x04\0\0\0abcd", b"LIST\x04\0\0\0abcd", b"\xff" * 8, b"ID3\x03" * 9]
)
def test_chunks_and_a_few_bytes_behind_it_are_no_sound(behind: bytes) -> None:
    notices = Notices()
    samples, _ = read_all(wav(3200) + bytes(3200) + behind, 10**6, notice=notices)
    assert (len(samples), notices) == (1600, [])


def test_the_end_of_the_stated_length_is_the_end_though_the_writer_stays() -> None:
    read_fd, write_fd = os.pipe()
    os.write(write_fd, wav(3200) + bytes(3200))
    source = StdinSource(OpenDescriptor(read_fd, "-", is_ours=True), name="-")
    assert len(drain(source)) == 1600
    os.close(write_fd)


def test_a_stream_shorter_than_its_header_says_is_kept_with_a_notice() -> None:
    notices = Notices()
    samples, _ = read_all(wav(64000) + bytes(32000), notice=notices)
    assert len(samples) == 16000
    assert notices == ["standard input is cut short: its header promised 2.0 s, 1.0 s came"]


@pytest.mark.parametrize(
    ("tag", "bits", "dtype", "scale"), [(1, 8, "u1", None), (1, 32, "<i4", 2**31), (3, 32, "<f4", 1), (3, 64, "<f8", 1)]
)
def test_wav_streams_of_other_encodings(tag: int, bits: int, dtype: str, scale: float | None) -> None:
    values = np.array([0, 0.5, -0.5, 0.25] * 50)
    data = (values * 128 + 128 if scale is None else values * scale).astype(dtype).tobytes()
    samples, _ = read_all(wav(0, tag, bits) + data)
    assert samples[:, 0].tolist() == values.tolist()


def test_a_header_wins_over_the_users_raw_format_with_a_notice() -> None:
    notices = Notices()
    samples, source = read_all(wav(0, channels=2, rate=8000) + bytes(400), raw=RawFormat(48000), notice=notices)
    assert (samples.shape, source.rate_hz) == ((100, 2), 8000)
    assert len(notices) == 1
    assert "WAV" in notices[0]


def test_an_odd_byte_at_the_end_is_dropped_with_a_notice() -> None:
    notices = Notices()
    samples, _ = read_all(bytes(101), notice=notices)
    assert len(samples) == 50
    assert notices == ["standard input ends in the middle of a sample, which is left out"]


@pytest.mark.parametrize("data", [b"", b"\0", wav(0), wav(0)[:30]])
def test_a_stream_without_a_sample_is_no_audio(data: bytes) -> None:
    with pytest.raises(DecodeError, match="no audio received on standard input"):
        read_all(data)


@pytest.mark.parametrize("size", [1, 10**6])
@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<!DOCTYPE html>\n<title>404</title>\n", '"<!DOCTYPE html> <title>404</title>"'),
        ("\n\n  \tTo be done:\r\n" + "-" * 90, f'"To be done: {"-" * 28}"'),
        ("ok", '"ok"'),
        ("\n", '""'),
        ("你好，世界。" * 100, "你好，世界。"),
    ],
)
def test_text_is_no_audio(text: str, shown: str, size: int) -> None:
    with pytest.raises(DecodeError, match="is text, not audio") as caught:
        read_all(text.encode(), size)
    assert shown in caught.value.message
    assert "--encoding" in caught.value.hint


@pytest.mark.parametrize("size", [1, 10**6])
@pytest.mark.parametrize("kind", ["zip", "tar", "gztar", "bztar", "xztar"])
def test_an_archive_is_no_audio(kind: str, size: int, tmp_path) -> None:
    (tmp_path / "folder").mkdir()
    write(tmp_path / "folder" / "a.wav", tone(0.1), 16000)
    archive = Path(shutil.make_archive(str(tmp_path / "packed"), kind, tmp_path / "folder", "a.wav"))
    with pytest.raises(DecodeError, match=r"is (a .* archive|.* data), not audio"):
        read_all(archive.read_bytes(), size)


def test_text_that_is_called_raw_audio_is_raw_audio() -> None:
    samples, _ = read_all(b"plain text, and u8 samples", raw=RawFormat(8000, 1, "u8"))
    assert len(samples) == 26


def test_samples_that_begin_like_text_are_samples() -> None:
    data = b"~~" * 50 + s16(tone(0.1))
    samples, _ = read_all(data)
    assert len(samples) == len(data) // 2


def test_a_damaged_wav_header_is_named() -> None:
    with pytest.raises(DecodeError, match="cannot decode standard input: the WAV header is damaged"):
        read_all(wav(100, rate=3))


def test_a_few_samples_are_enough() -> None:
    samples, _ = read_all(b"\x00\x40")
    assert samples.tolist() == [[0.5]]


def test_samples_are_passed_on_before_the_writer_goes_on() -> None:
    read_fd, write_fd = os.pipe()
    source = StdinSource(OpenDescriptor(read_fd, "-", is_ours=True), name="-")
    blocks = source.blocks()
    for _ in range(5):
        os.write(write_fd, bytes(320))
        assert len(next(blocks)) == 160
    os.close(write_fd)
    assert list(blocks) == []
    source.close()


def ends(source: Source, act: Callable[[Source], object]) -> None:
    """Run `act` in a thread that ends only if `stop` works."""
    failures: queue.Queue[BaseException] = queue.Queue()

    def run() -> None:
        try:
            act(source)
        except BaseException as error:
            failures.put(error)

    thread = threading.Thread(target=run)
    thread.start()
    source.stop()
    thread.join(10)
    assert not thread.is_alive()
    assert failures.empty()


@pytest.mark.parametrize("act", [lambda s: s.probe(), lambda s: list(s.blocks())])
@pytest.mark.parametrize("before", [b"", b"RIFF\0\0\0\0WAVE", bytes(3200)])
def test_stop_ends_an_idle_stream(act: Callable[[Source], object], before: bytes) -> None:
    read_fd, write_fd = os.pipe()
    os.write(write_fd, before)
    source = StdinSource(OpenDescriptor(read_fd, "-", is_ours=True), name="-")
    ends(source, act)
    assert (source.rate_hz, source.channels) == (16000, 1)
    source.close()
    source.close()
    os.close(write_fd)


def test_a_redirected_file_is_not_live_and_has_a_duration(tmp_path) -> None:
    path = tmp_path / "raw"
    path.write_bytes(bytes(32000))
    fd = os.open(path, os.O_RDONLY)
    source = StdinSource(OpenDescriptor(fd, "-", is_ours=True), name="-")
    source.probe()
    assert (source.live, source.duration_ms) == (False, 1000)
    assert len(drain(source)) == 16000


@needs_ffmpeg
@pytest.mark.parametrize("kind", ["flac", "ogg", "opus", "mp3", "webm", "aiff", "aac", "caf", "au"])
def test_compressed_streams_are_decoded_as_they_come(kind: str, encoded) -> None:
    data = encoded(f"a.{kind}").read_bytes()
    samples, source = read_all(data)
    assert source.rate_hz in (44100, 48000)
    assert len(samples) / source.rate_hz == pytest.approx(2.0, abs=0.07)
    assert np.sqrt(np.mean(samples**2)) == pytest.approx(0.35, abs=0.02)


@needs_ffmpeg
def test_a_wav_codec_that_is_not_plain_samples_goes_through_ffmpeg(talk, tmp_path) -> None:
    samples, _ = read_all(convert(talk, tmp_path / "a.wav", "-c:a", "adpcm_ms").read_bytes())
    assert len(samples) / 44100 == pytest.approx(2.0, abs=0.1)


@needs_ffmpeg
def test_a_compressed_stream_wins_over_raw_with_a_notice(tmp_path) -> None:
    data = write(tmp_path / "a.flac", tone(0.5)).read_bytes()
    notices = Notices()
    samples, _ = read_all(data, raw=RawFormat(), notice=notices)
    assert len(samples) == 8000
    assert "FLAC" in notices[0]


@needs_ffmpeg
def test_a_truncated_compressed_stream_keeps_what_came_with_a_notice(tmp_path) -> None:
    data = cut(write(tmp_path / "a.flac", tone(4.0)), tmp_path / "b.flac").read_bytes()
    notices = Notices()
    samples, _ = read_all(data, notice=notices)
    assert 16000 < len(samples) < 64000
    assert "standard input is cut short or damaged" in notices[0]


@needs_ffmpeg
def test_an_mp4_that_cannot_be_streamed_says_what_to_do(tmp_path) -> None:
    # Larger than what ffmpeg can go back in.
    wav_file = write(tmp_path / "a.wav", tone(8.0, 44100, 2), 44100)
    data = convert(wav_file, tmp_path / "a.m4a", "-b:a", "256k").read_bytes()
    with pytest.raises(DecodeError, match=r"standard input \(MP4\)") as caught:
        read_all(data)
    assert "name the file" in caught.value.hint


@needs_ffmpeg
@pytest.mark.parametrize("act", [lambda s: s.probe(), lambda s: list(s.blocks())])
def test_stop_ends_a_compressed_stream_that_stalls(act: Callable[[Source], object], tmp_path) -> None:
    data = write(tmp_path / "a.flac", tone(4.0)).read_bytes()
    read_fd, write_fd = os.pipe()
    os.write(write_fd, data[:40000])
    source = StdinSource(OpenDescriptor(read_fd, "-", is_ours=True), name="-")
    ends(source, act)
    source.close()
    os.close(write_fd)


@needs_ffmpeg
def test_a_compressed_stream_can_be_closed_in_the_middle(tmp_path) -> None:
    data = write(tmp_path / "a.flac", tone(60.0, 16000, 2)).read_bytes()
    with piped(data) as source:
        assert len(next(source.blocks()))


def test_a_compressed_stream_without_ffmpeg_says_how_to_get_it(tmp_path, monkeypatch) -> None:
    data = write(tmp_path / "a.flac", tone(0.5)).read_bytes()
    hide_ffmpeg(monkeypatch, tmp_path)
    with pytest.raises(DecodeError, match="standard input: FLAC needs ffmpeg") as caught:
        read_all(data)
    assert "apt install ffmpeg" in caught.value.hint
