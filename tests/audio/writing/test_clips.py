"""Clips: each is what is at its place in the source, whatever else is cut, and no more is held than need be."""

from __future__ import annotations

import gc
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from asrcli.audio.opening import open_source
from asrcli.audio.writing import clips
from asrcli.audio.writing.clips import Stretch, cut
from asrcli.audio.writing.kinds import KINDS
from asrcli.values.errors import DecodeError, OutputError
from tests.support.fakes import ToneSource
from tests.support.full_disk import disk_of
from tests.support.sounds import needs_ffmpeg, tone, write

WAV = KINDS[".wav"]
RATE_HZ = 1000


class Counting(ToneSource):
    """A source whose samples count from 0, in blocks of given lengths; two channels, the second one negative."""

    def __init__(self, lengths: Sequence[int]) -> None:
        super().__init__(sum(lengths) / RATE_HZ)
        self.name = "counting"
        self.rate_hz, self.channels = RATE_HZ, 2
        self._lengths = lengths

    def blocks(self) -> Iterator[np.ndarray]:
        at = 0
        for length in self._lengths:
            numbers = np.arange(at, at + length)
            block = np.column_stack([numbers, -numbers]).astype(np.float32) / np.float32(2**15)
            yield block
            at += length


def _numbers(path: Path) -> list[int]:
    samples, rate_hz = soundfile.read(path, dtype="int16")
    assert rate_hz == RATE_HZ
    assert (samples[:, 1] == -samples[:, 0]).all()
    return samples[:, 0].tolist()


@settings(max_examples=40)
@given(
    lengths=st.lists(st.integers(1, 300), min_size=1, max_size=12),
    places=st.lists(st.tuples(st.floats(0, 0.999), st.floats(0.001, 1)), max_size=12),
)
def test_each_is_what_is_at_its_place_however_they_lie(lengths: list[int], places: list[tuple[float, float]]) -> None:
    total = sum(lengths)
    stretches = []
    for number, (start, share) in enumerate(places):
        begin = int(start * total)
        stretches.append(Stretch(begin, begin + max(1, int(share * (total - begin))), f"{number}.wav"))
    with tempfile.TemporaryDirectory() as folder:
        made = list(cut(Counting(lengths), stretches, Path(folder), WAV))
        assert sorted(made, key=lambda stretch: stretch.name) == sorted(stretches, key=lambda stretch: stretch.name)
        assert [stretch.end_ms for stretch in made] == sorted(stretch.end_ms for stretch in stretches)
        for stretch in stretches:
            assert _numbers(Path(folder) / stretch.name) == list(range(stretch.begin_ms, stretch.end_ms))
        assert sorted(path.name for path in Path(folder).iterdir()) == sorted(stretch.name for stretch in stretches)


def test_no_more_is_held_than_from_the_first_that_is_not_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []
    real = clips._Window.forget

    def forget(self, frame: int) -> None:
        real(self, frame)
        held.append(sum(map(len, self._blocks)))

    monkeypatch.setattr(clips._Window, "forget", forget)
    stretches = [Stretch(1000 * number, 1000 * number + 900, f"{number}.wav") for number in range(30)]
    list(cut(Counting([100] * 300), stretches, tmp_path, WAV))
    assert max(held) <= 1000
    assert len(held) == 299  # What follows the last one is not read.


def test_an_end_a_little_behind_that_of_the_sound_is_that(tmp_path: Path) -> None:
    list(cut(Counting([1000]), [Stretch(200, 1400, "a.wav")], tmp_path, WAV))
    assert _numbers(tmp_path / "a.wav") == list(range(200, 1000))


@pytest.mark.parametrize("stretch", [Stretch(200, 1600, "b.wav"), Stretch(1000, 1100, "b.wav")])
def test_sound_that_is_too_short_is_another_file(tmp_path: Path, stretch: Stretch) -> None:
    with pytest.raises(DecodeError, match=r"counting has 1\.0 s of sound, and b\.wav is to end at 1"):
        list(cut(Counting([1000]), [Stretch(0, 100, "a.wav"), stretch], tmp_path, WAV))
    assert [path.name for path in tmp_path.iterdir()] == ["a.wav"]


@pytest.mark.parametrize(
    ("ending", "rate_hz", "kept_hz"),
    [
        (".wav", 44100, 44100),
        *(
            pytest.param(ending, rate_hz, kept_hz, marks=needs_ffmpeg)
            for ending, rate_hz, kept_hz in [
                (".mp3", 44100, 44100),
                (".flac", 96000, 96000),
                (".ogg", 22050, 22050),
                (".opus", 44100, 48000),
                (".m4a", 16000, 16000),
            ]
        ),
    ],
)
def test_every_kind_keeps_rate_and_channels_where_it_can(
    tmp_path: Path, ending: str, rate_hz: int, kept_hz: int
) -> None:
    path = write(tmp_path / "source.wav", tone(1.0, rate_hz, channels=2), rate_hz)
    source = open_source(str(path))
    list(cut(source, [Stretch(200, 900, f"clip{ending}")], tmp_path, KINDS[ending]))
    source.close()
    clip = open_source(str(tmp_path / f"clip{ending}"))
    clip.probe()
    frames = sum(len(block) for block in clip.blocks())
    clip.close()
    assert (clip.rate_hz, clip.channels) == (kept_hz, 2)
    assert abs(frames / kept_hz - 0.7) < 0.12


def _failing(folder: Path, ending: str) -> str:
    """What is told where a clip cannot be made. pydub leaves its files open then, until nobody knows of them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        with pytest.raises(OutputError) as caught:
            list(cut(Counting([4000]), [Stretch(0, 3000, f"a{ending}")], folder, KINDS[ending]))
        message = caught.value.message
        del caught
        gc.collect()
    return message


@pytest.mark.parametrize("ending", [".wav", pytest.param(".mp3", marks=needs_ffmpeg)])
def test_a_full_disk_leaves_neither_half_a_clip_nor_what_pydub_forgets(tmp_path: Path, ending: str) -> None:
    with disk_of(1500):
        assert _failing(tmp_path, ending) == f"cannot write {tmp_path}/a{ending}: File too large"
    assert list(tmp_path.iterdir()) == []


def test_what_ffmpeg_does_not_take_is_told_in_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one line, not in all that pydub raises. What it left is gone, and the next file goes where it always does."""
    ffmpeg = tmp_path / "ffmpeg"
    ffmpeg.write_text("#!/bin/sh\necho '[aac @ 0x55d] Unsupported channel layout' >&2\nexit 1\n")
    ffmpeg.chmod(0o755)
    monkeypatch.setattr(clips, "find_ffmpeg", lambda: str(ffmpeg))
    assert _failing(tmp_path, ".m4a") == "cannot make a.m4a: Unsupported channel layout"
    assert list(tmp_path.iterdir()) == [ffmpeg]
    assert tempfile.gettempdir() != str(tmp_path)
