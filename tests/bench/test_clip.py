"""The first seconds of a file, to the sample, and how long a file really is."""

from __future__ import annotations

import os
import subprocess

import numpy as np
import pytest

from asrcli.audio.opening import open_source
from asrcli.bench.clip import Clip, measured_ms
from asrcli.output.wording import words
from asrcli.values.errors import DecodeError, UsageError
from tests.support.fakes import ToneSource
from tests.support.service import TALK_WAV
from tests.support.sounds import FFMPEG, needs_ffmpeg


@pytest.fixture(scope="session")
def talk_m4a(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "talk.m4a"
    subprocess.run([str(FFMPEG), "-v", "error", "-i", TALK_WAV, "-t", "5", path], check=True)
    return path


@pytest.mark.parametrize("clip_s", [0.1, 1.0, 1.23456, 3.0])
def test_a_clip_is_the_first_samples_of_its_source(clip_s):
    whole = np.concatenate(list(ToneSource(3.0).blocks()))
    clip = Clip(ToneSource(3.0), clip_s)
    got = np.concatenate(list(clip.blocks()))
    assert len(got) == round(clip_s * 16000)
    assert np.array_equal(got, whole[: len(got)])
    assert clip.duration_ms == round(clip_s * 1000)


def test_a_clip_that_is_longer_than_its_source_is_all_of_it():
    clip = Clip(ToneSource(1.0), 5.0)
    assert sum(len(block) for block in clip.blocks()) == 16000
    assert clip.duration_ms == 1000


def test_a_clip_passes_on_stop_and_close():
    source = ToneSource(3.0)
    clip = Clip(source, 2.0)
    blocks = clip.blocks()
    next(blocks)
    clip.stop()
    assert list(blocks) == []
    clip.close()
    assert source.closed


@needs_ffmpeg
def test_a_clip_of_a_file_that_ffmpeg_reads(talk_m4a):
    """The child, which still has much to say, is gone after close: a leftover would be a warning here."""
    clip = Clip(open_source(str(talk_m4a)), 0.5)
    clip.probe()
    assert sum(len(block) for block in clip.blocks()) == round(0.5 * clip.rate_hz)
    clip.close()


@needs_ffmpeg
def test_a_file_is_as_long_as_it_says_and_a_clip_as_asked(talk_m4a):
    assert measured_ms(str(TALK_WAV), None) == pytest.approx(33942, abs=1)
    assert measured_ms(str(TALK_WAV), 2.0) == 2000
    assert measured_ms(str(talk_m4a), 4.5) == 4500


def test_a_clip_longer_than_the_file_is_refused_with_both_lengths():
    with pytest.raises(UsageError, match=r"--clip 60 is longer than .*talk\.wav, which lasts 33\.942 s") as caught:
        measured_ms(str(TALK_WAV), 60.0)
    assert "\n" not in words(caught.value)


@needs_ffmpeg
def test_a_file_that_does_not_say_how_long_it_is_is_counted(tmp_path):
    """A WAV that was written to a pipe has no length in its header."""
    path = tmp_path / "piped.wav"
    with path.open("wb") as file:
        command = [str(FFMPEG), "-v", "error", "-t", "1.5", "-i", TALK_WAV, "-f", "wav", "-"]
        subprocess.run(list(map(str, command)), stdout=file, check=True)
    assert measured_ms(str(path), None) == 1500
    assert measured_ms(str(path), 1.0) == 1000
    with pytest.raises(UsageError, match=r"lasts 1\.5 s"):
        measured_ms(str(path), 2.0)


@pytest.mark.parametrize("clip_s", [None, 1.0])
def test_what_can_be_read_only_once_is_refused(tmp_path, clip_s):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for name in ("-", str(pipe)):
        with pytest.raises(UsageError, match="read only once"):
            measured_ms(name, clip_s)


def test_a_file_that_is_no_audio_is_refused(tmp_path):
    path = tmp_path / "notes.wav"
    path.write_bytes(b"RIFF\0\0\0\0WAVEfmt nonsense")
    with pytest.raises((UsageError, DecodeError)):
        measured_ms(str(path), 1.0)
