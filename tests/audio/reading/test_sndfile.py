"""libsndfile's sound, read block by block and from the middle, is that of the file read whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from asrcli.audio.opening import open_source
from asrcli.audio.reading.sndfile import FileSource, Sound
from asrcli.audio.sample_encodings import floats
from asrcli.values.errors import DecodeError
from tests.support.sounds import Samples, drain, needs_ffmpeg, write

RATE_HZ = 22050


def syllables(seconds: float = 20.0, rate_hz: int = RATE_HZ) -> Samples:
    """Noise and tones that begin and end suddenly, which lossy codecs have the most trouble with."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    noise = 0.1 * np.random.default_rng(1).standard_normal(times.size)
    sound = 0.4 * np.sin(2 * np.pi * (300 + 200 * np.sin(times)) * times) + noise
    return (sound * (np.sin(2 * np.pi * times / 0.7) > 0)).astype(np.float32).reshape(-1, 1)


def from_frame(path: Path, frame: int) -> Samples:
    source = open_source(str(path))
    assert isinstance(source, FileSource)
    begin = source.enter(frame)
    assert 0 <= begin <= frame
    return drain(source)[frame - begin :]


KINDS = [
    ("WAV", "PCM_16"),
    ("WAV", "FLOAT"),
    ("WAV", "IMA_ADPCM"),
    ("FLAC", "PCM_24"),
    ("MP3", "MPEG_LAYER_III"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("AIFF", "PCM_16"),
    ("CAF", "ALAC_16"),
    ("AU", "ULAW"),
]


@pytest.fixture(scope="module", params=KINDS, ids="-".join)
def path(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    kind, subtype = request.param
    rate_hz = 24000 if subtype == "OPUS" else RATE_HZ
    return write(tmp_path_factory.mktemp("kinds") / "a", syllables(rate_hz=rate_hz), rate_hz, subtype, kind)


def test_blocks_are_the_file_read_in_one_piece(path):
    whole, _ = soundfile.read(path, dtype="float32", always_2d=True)
    np.testing.assert_allclose(floats(drain(open_source(str(path)))), whole, atol=1e-6)


@pytest.mark.parametrize("share", [0.0, 0.03, 0.21, 0.49, 0.77, 0.995])
def test_entered_in_the_middle_it_sounds_as_if_read_from_the_start(share, path):
    whole = drain(open_source(str(path)))
    frame = round(len(whole) * share)
    part = from_frame(path, frame)
    assert len(part) == len(whole) - frame
    np.testing.assert_allclose(part, whole[frame:], atol=1e-4)


def test_what_cannot_be_entered_is_read_from_its_start(tmp_path):
    file = write(tmp_path / "a.wav", syllables(4.0, 8000), 8000, "GSM610")
    source = open_source(str(file))
    assert isinstance(source, FileSource)
    assert source.enter(24000) == 0
    assert len(drain(source)) == pytest.approx(32000, abs=500)


def test_a_file_that_fails_to_be_entered_is_an_error(tmp_path, monkeypatch):
    def fail(sound: Sound, frame: int) -> int:
        raise soundfile.LibsndfileError(5)

    monkeypatch.setattr(Sound, "enter", fail)
    source = open_source(str(write(tmp_path / "a.flac", syllables())))
    assert isinstance(source, FileSource)
    with pytest.raises(DecodeError, match=r"cannot decode .*a\.flac from 8\.0 s on"):
        source.enter(10 * 16000)
    source.close()


@needs_ffmpeg
@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_a_disk_that_fails_at_the_very_end_is_no_end(subtype, tmp_path):
    """All bytes have been read, but the system reports a failure where it should report the end."""
    sound = syllables(2.0, 16000)
    source = open_source(str(write(tmp_path / "a.wav", sound, 16000, subtype)))
    assert isinstance(source, FileSource)
    read = source._sound.buffer_read_into

    def fail(block: np.ndarray, dtype: str) -> int:
        frames = read(block, dtype)
        if frames < len(block):
            raise soundfile.LibsndfileError(2)
        return frames

    source._sound.buffer_read_into = fail
    samples = np.concatenate([floats(block) for block in source.blocks()])
    source.close()
    assert len(samples) == len(sound)
    np.testing.assert_allclose(samples, sound, atol=1e-4)
