"""The length of a file at a glance: the same as that of the file when it is opened, or none."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess

import pytest

from asrcli.audio.opening import open_source
from asrcli.audio.reading.ffmpeg_tool import find_ffmpeg
from asrcli.audio.reading.glance import length_ms
from tests.support.service import TALK_WAV


@pytest.mark.parametrize("ending", ["mp3", "ogg", "flac", "opus", "aiff", "caf", "w64"])
def test_it_is_that_of_the_opened_file(tmp_path, ending):
    path = tmp_path / f"talk.{ending}"
    subprocess.run([str(find_ffmpeg()), "-v", "error", "-t", "2", "-i", TALK_WAV, path], check=True)
    with contextlib.closing(open_source(str(path))) as source:
        assert length_ms(str(path)) == source.duration_ms
        assert source.duration_ms == pytest.approx(2000, abs=60)


def test_a_wav_is_known_by_its_content(tmp_path):
    assert length_ms(str(shutil.copy(TALK_WAV, tmp_path / "talk"))) == length_ms(str(TALK_WAV)) == 33941


@pytest.mark.parametrize("options", [["talk.m4a"], ["-write_xing", "0", "talk.mp3"]], ids=["m4a", "no index"])
def test_what_takes_ffmpeg_is_not_known(tmp_path, options):
    *others, name = options
    path = tmp_path / name
    subprocess.run([str(find_ffmpeg()), "-v", "error", "-t", "1", "-i", TALK_WAV, *others, path], check=True)
    assert length_ms(str(path)) is None


def test_what_is_no_sound_has_no_length(tmp_path):
    (tmp_path / "text.wav").write_text("words " * 1000)
    (tmp_path / "cut.wav").write_bytes(TALK_WAV.read_bytes()[:20])
    (tmp_path / "empty.wav").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe.wav")
    for name in ("text.wav", "cut.wav", "empty.wav", "pipe.wav", "nope.wav", "a\0b.wav", "."):
        assert length_ms(f"{tmp_path}/{name}") is None
