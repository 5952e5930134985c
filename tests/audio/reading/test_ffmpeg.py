from __future__ import annotations

import errno
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asrcli.audio.opening import open_source
from asrcli.audio.reading import ffmpeg_tool
from asrcli.audio.reading.ffmpeg import FfmpegSource
from asrcli.audio.reading.ffmpeg_tool import MediaInfo, file_url, find_ffmpeg, media_info
from asrcli.values.errors import DecodeError, UsageError
from tests.support.sounds import (
    FFMPEG,
    Notices,
    convert,
    cut,
    dominant_hz,
    drain,
    hide_ffmpeg,
    needs_ffmpeg,
    open_descriptors,
    tone,
    write,
)

pytestmark = needs_ffmpeg


@pytest.fixture
def m4a(encoded) -> Path:
    return encoded("talk.m4a")


@pytest.mark.parametrize("name", ["a.m4a", "a.aac", "a.mp4", "a.webm", "a.mka", "a.wma", "a.ts", "a.avi", "a.oga"])
def test_formats_that_libsndfile_refuses_are_read(name: str, encoded) -> None:
    options = ("-c:a", "flac") if name == "a.oga" else ()
    notices = Notices()
    source = open_source(str(encoded(name, *options)), notice=notices)
    assert isinstance(source, FfmpegSource)
    assert not source.live
    source.probe()
    assert source.rate_hz in (44100, 48000)
    assert source.channels == 2
    assert source.duration_ms == pytest.approx(2000, abs=200)
    samples = drain(source)
    assert len(samples) / source.rate_hz == pytest.approx(2.0, abs=0.1)
    assert dominant_hz(samples[:, 0], source.rate_hz) == pytest.approx(440, abs=2)
    assert notices == []


@pytest.mark.parametrize("name", ["a.mp3", "new\nline.m4a", "-i.m4a", "http:x.m4a", "a%d.m4a", "🎙.m4a"])
def test_names_are_not_believed_nor_taken_for_options(name: str, m4a, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(m4a.read_bytes())
    assert len(drain(open_source(name))) / 44100 == pytest.approx(2.0, abs=0.1)


def test_an_aac_behind_an_id3_tag_is_not_read_as_mp3(encoded, tmp_path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(b"ID3\x04\0\0\0\0\0\x14" + bytes(20) + encoded("a.aac").read_bytes())
    source = open_source(str(path))
    assert isinstance(source, FfmpegSource)
    assert len(drain(source)) / 44100 == pytest.approx(2.0, abs=0.1)


def test_eight_channels_at_96_khz_survive(tmp_path) -> None:
    path = write(tmp_path / "a.wav", tone(0.5, 96000, 8), 96000, "FLOAT")
    source = open_source(str(convert(path, tmp_path / "a.mka", "-c:a", "pcm_f32le")))
    samples = drain(source)
    assert (source.rate_hz, samples.shape) == (96000, (48000, 8))
    assert np.array_equal(samples, tone(0.5, 96000, 8))


def test_a_caf_cut_short_is_read_although_libsndfile_refuses_it(tmp_path) -> None:
    whole = write(tmp_path / "a.caf", tone(10.0))
    assert len(drain(open_source(str(cut(whole, tmp_path / "b.caf"))))) / 16000 == pytest.approx(6.0, abs=0.1)


@pytest.mark.parametrize(("name", "options"), [("a.webm", ()), ("a.m4a", ("-movflags", "+faststart"))])
def test_a_file_cut_short_keeps_what_came_with_a_notice(name: str, options: tuple[str, ...], tmp_path) -> None:
    whole = convert(write(tmp_path / "a.wav", tone(10.0, 44100)), tmp_path / f"whole-{name}", *options)
    notices = Notices()
    source = open_source(str(cut(whole, tmp_path / name)), notice=notices)
    seconds = len(drain(source)) / source.rate_hz
    assert 14 < seconds < 20
    assert f"{name} is cut short or damaged: {seconds:.1f} of 27.6 s" in notices[0]


def test_an_mp4_without_its_index_is_an_error_that_says_so(m4a, tmp_path) -> None:
    path = cut(m4a, tmp_path / "a.m4a")
    with pytest.raises(DecodeError) as caught:
        open_source(str(path))
    assert caught.value.message == f"cannot decode {path} (MP4): moov atom not found"


def test_a_video_without_sound_holds_no_audio(tmp_path) -> None:
    path = tmp_path / "a.mp4"
    options = ["-f", "lavfi", "-i", "color=size=16x16:duration=0.2", path]
    subprocess.run([str(FFMPEG), "-nostdin", "-v", "error", *options], check=True)
    with pytest.raises(UsageError, match="holds no audio, only pictures"):
        open_source(str(path))


def test_without_ffmpeg_the_error_says_how_to_get_it(m4a, tmp_path, monkeypatch) -> None:
    hide_ffmpeg(monkeypatch, tmp_path)
    with pytest.raises(DecodeError, match=r"talk\.m4a: MP4 needs ffmpeg, which is not installed") as caught:
        open_source(str(m4a))
    for way in ("apt install ffmpeg", "dnf install", "brew install ffmpeg", "pip install 'asrcli[ffmpeg]'"):
        assert way in caught.value.hint


def test_the_package_with_an_ffmpeg_is_found_where_the_system_has_none(tmp_path, monkeypatch) -> None:
    imageio_ffmpeg = pytest.importorskip("imageio_ffmpeg")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_ffmpeg() == imageio_ffmpeg.get_ffmpeg_exe()


def test_an_ffmpeg_in_the_current_folder_is_not_run(tmp_path, monkeypatch) -> None:
    (tmp_path / "ffmpeg").touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    assert find_ffmpeg() is None


@pytest.mark.parametrize("ffprobe", [True, False])
def test_media_are_described_with_and_without_ffprobe(ffprobe: bool, m4a, tmp_path, monkeypatch) -> None:
    if not ffprobe:
        monkeypatch.setenv("PATH", str(tmp_path))
    text, raw = tmp_path / "a.text", tmp_path / "a.ul"
    for path in (text, raw):
        path.write_text("Dear Ann,\n" * 99)
    info = media_info(file_url(str(m4a)), str(FFMPEG))
    assert info is not None
    assert info.has_audio
    assert info.duration_ms == pytest.approx(2000, abs=60)
    assert not info.guessed
    assert media_info(file_url(str(text)), str(FFMPEG)) is None
    guess = media_info(file_url(str(raw)), str(FFMPEG))
    assert guess is not None
    assert guess.guessed


def test_an_ffprobe_that_fails_is_replaced_by_ffmpeg(m4a, monkeypatch) -> None:
    def fail(_: str) -> MediaInfo:
        raise KeyError("streams")

    monkeypatch.setattr(ffmpeg_tool, "_ffprobe", fail)
    info = media_info(file_url(str(m4a)), str(FFMPEG))
    assert info is not None
    assert info.has_audio


def test_an_ffmpeg_that_cannot_be_run_is_named(tmp_path, monkeypatch) -> None:
    broken = tmp_path / "ffmpeg"
    broken.write_bytes(b"\x7fELF nonsense")
    broken.chmod(0o755)
    monkeypatch.setattr(ffmpeg_tool, "find_ffmpeg", lambda: str(broken))
    with pytest.raises(DecodeError, match=r"cannot decode a\.m4a: .*ffmpeg: Exec format error"):
        FfmpegSource("a.m4a", "MP4", url="file:a.m4a").probe()


def test_an_ffmpeg_that_dies_in_the_middle_is_an_error_after_the_good_part(m4a, monkeypatch, tmp_path) -> None:
    dying = tmp_path / "ffmpeg"
    dying.write_text(f'#!/bin/sh\n"{FFMPEG}" "$@"\nkill -9 $$\n')
    dying.chmod(0o755)
    monkeypatch.setattr(ffmpeg_tool, "find_ffmpeg", lambda: str(dying))
    source = FfmpegSource("a.m4a", "MP4", url=file_url(str(m4a)))
    frames = 0
    with pytest.raises(DecodeError, match="ffmpeg was ended by signal 9"):
        for block in source.blocks():
            frames += len(block)
    source.close()
    assert frames > 80000


def test_stop_before_the_start_starts_nothing(m4a) -> None:
    source = open_source(str(m4a))
    source.stop()
    assert list(source.blocks()) == []
    source.close()


def test_stop_in_the_middle_ends_it_and_close_leaves_nothing(tmp_path) -> None:
    path = convert(write(tmp_path / "a.wav", tone(30.0)), tmp_path / "a.m4a")
    descriptors, threads = open_descriptors(), threading.active_count()
    notices = Notices()
    source = open_source(str(path), notice=notices)
    blocks = source.blocks()
    next(blocks)
    source.stop()
    assert list(blocks) == []
    source.close()
    source.close()
    assert (open_descriptors(), threading.active_count(), notices) == (descriptors, threads, [])


@pytest.mark.parametrize("starts", [0, 1])
def test_a_system_that_starts_no_process_is_told(starts: int, m4a, monkeypatch) -> None:
    """Neither to look at the file nor, where that went well, to decode it."""
    real, left = subprocess.Popen, iter(range(starts))

    def refuse(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        if next(left, None) is None:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return real(*arguments, **options)

    monkeypatch.setattr(ffmpeg_tool.shutil, "which", lambda name: FFMPEG if name == "ffmpeg" else None)  # type: ignore[attr-defined]
    monkeypatch.setattr(subprocess, "Popen", refuse)
    with pytest.raises(DecodeError, match=r"cannot decode .*: .*: Resource temporarily unavailable"):
        drain(open_source(str(m4a)))
