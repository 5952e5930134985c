"""One channel of a file, and what is said where there is none."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest

from asrcli.audio.chunks.pipeline import chunks_of
from asrcli.audio.opening import Files, open_input
from asrcli.audio.source import AsIs, DecodedSource
from asrcli.values.errors import DecodeError
from asrcli.values.pcm import PcmFormat
from tests.support.sounds import convert, needs_ffmpeg, tone, write

_told: list[str] = []


def note(message: str, hint: str, truncated: bool = False) -> None:
    _told.append(message)


def opened(path: Path, channel: int | None, as_is: AsIs | None = None) -> DecodedSource:
    _told.clear()
    source = open_input(Files(channel=channel, as_is=as_is), str(path), note, lambda peak, rms: None)
    assert source.sound_format is None
    return source


def samples(source: DecodedSource) -> np.ndarray:
    with contextlib.closing(source):
        return np.concatenate(list(source.blocks()))


@pytest.fixture
def stereo(tmp_path: Path) -> Path:
    """A tone on the left, and half of it on the right."""
    left = tone(0.5)
    return write(tmp_path / "call.wav", np.hstack([left, left / 2]))


def test_each_channel_is_what_it_is_in_the_file(stereo: Path) -> None:
    both = samples(opened(stereo, None))
    for channel in (0, 1):
        source = opened(stereo, channel)
        assert (source.channels, source.duration_ms, source.rate_hz) == (1, 500, 16000)
        assert np.array_equal(samples(source)[:, 0], both[:, channel])


def test_a_channel_goes_through_the_resampler(stereo: Path) -> None:
    chunks = list(chunks_of(opened(stereo, 1), PcmFormat(8000), 100))
    sent = np.frombuffer(b"".join(chunk.data for chunk in chunks), "<i2")
    left = list(chunks_of(opened(stereo, 0), PcmFormat(8000), 100))
    assert len(sent) == 4000
    assert 1.9 < np.abs(np.frombuffer(b"".join(chunk.data for chunk in left), "<i2")).max() / np.abs(sent).max() < 2.1


def test_a_channel_that_there_is_not_is_told_when_the_file_is_opened(stereo: Path, tmp_path: Path) -> None:
    with pytest.raises(DecodeError, match=r"call\.wav has 2 channels, and no channel 2") as caught:
        opened(stereo, 2)
    assert caught.value.hint == "the first is 0"
    with pytest.raises(DecodeError, match="has 1 channel, and no channel 1"):
        opened(write(tmp_path / "mono.wav", tone(0.1)), 1)


@needs_ffmpeg
def test_where_ffmpeg_decodes_it_shows_with_the_first_sound(stereo: Path, tmp_path: Path) -> None:
    path = convert(stereo, tmp_path / "call.m4a")
    left, right = samples(opened(path, 0)), samples(opened(path, 1))
    assert 1.9 < np.linalg.norm(left) / np.linalg.norm(right) < 2.1
    with pytest.raises(DecodeError, match="no channel 4"):
        samples(opened(path, 4))


def test_one_channel_is_decoded_where_the_file_could_go_as_it_is(stereo: Path) -> None:
    samples(opened(stereo, 0, AsIs(("wav",))))
    assert list(_told) == [f"{stereo} does not go as it is: one channel of it is sent"]
