"""The length of a file at a glance: the same as that of the file when it is opened, or none."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess

import pytest

from asrcli.audio.opening import open_source
from asrcli.audio.reading.ffmpeg_tool import find_ffmpeg
from asrcli.audio.reading.glance import MISSING, Glance, look, problem
from tests.support.service import TALK_WAV


@pytest.mark.parametrize("ending", ["mp3", "ogg", "flac", "opus", "aiff", "caf", "w64"])
def test_it_is_that_of_the_opened_file(tmp_path, ending):
    path = tmp_path / f"talk.{ending}"
    subprocess.run([str(find_ffmpeg()), "-v", "error", "-t", "2", "-i", TALK_WAV, path], check=True)
    with contextlib.closing(open_source(str(path))) as source:
        assert look(str(path)) == Glance(source.duration_ms)
        assert source.duration_ms == pytest.approx(2000, abs=60)


def test_a_wav_is_known_by_its_content(tmp_path):
    assert look(str(shutil.copy(TALK_WAV, tmp_path / "talk"))) == look(str(TALK_WAV)) == Glance(33941)


def test_a_channel_that_is_not_there_is_missed():
    assert look(str(TALK_WAV), channel=0) == Glance(33941)
    assert look(str(TALK_WAV), channel=3) == Glance(None, "1 channel, and no channel 3")


@pytest.mark.parametrize("options", [["talk.m4a"], ["-write_xing", "0", "talk.mp3"]], ids=["m4a", "no index"])
def test_what_takes_ffmpeg_is_not_known(tmp_path, options):
    *others, name = options
    path = tmp_path / name
    subprocess.run([str(find_ffmpeg()), "-v", "error", "-t", "1", "-i", TALK_WAV, *others, path], check=True)
    assert look(str(path)) == Glance()


def test_what_is_no_sound_has_no_length_and_what_surely_is_none_is_told(tmp_path):
    (tmp_path / "text.wav").write_text("words " * 1000)
    (tmp_path / "text.pcm").write_text("words " * 1000)
    (tmp_path / "samples").write_bytes(bytes(range(128, 256)) * 100)
    (tmp_path / "cut.wav").write_bytes(TALK_WAV.read_bytes()[:20])
    (tmp_path / "page.wav").write_bytes(b"%PDF-1.7 " + bytes(1000))
    (tmp_path / "empty.wav").write_bytes(b"")
    os.mkfifo(tmp_path / "pipe.wav")
    found = {
        "text.wav": "text", "text.pcm": "", "samples": "", "cut.wav": "", "page.wav": "a PDF", "empty.wav": "empty",
        "pipe.wav": "no regular file", "nope.wav": MISSING, "nope/a.wav": MISSING, "a\0b.wav": MISSING, ".": "a folder",
    }  # fmt: skip
    assert {name: look(f"{tmp_path}/{name}") for name in found} == {
        name: Glance(None, why) for name, why in found.items()
    }
    assert look(str(tmp_path / "text.wav"), may_be_raw=True) == Glance()
    # Without opening it nothing shows of what is in it.
    assert {name: problem(f"{tmp_path}/{name}") for name in found} == found | {"text.wav": "", "page.wav": ""}


def test_what_may_not_be_read_is_told(tmp_path, monkeypatch):
    shutil.copy(TALK_WAV, tmp_path / "talk.wav")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert look(str(tmp_path / "talk.wav")).problem == problem(str(tmp_path / "talk.wav")) == "no permission to read it"
