"""Sounds to test with, made of numbers, and the files they are in."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from asrcli.audio.reading.ffmpeg_tool import find_ffmpeg
from asrcli.audio.source import DecodedSource
from asrcli.values.sound import Chunk

Samples = NDArray[np.float32]

FFMPEG = find_ffmpeg()
needs_ffmpeg = pytest.mark.skipif(FFMPEG is None, reason="neither ffmpeg nor imageio-ffmpeg is installed")


def tone(seconds: float = 2.0, rate_hz: int = 16000, channels: int = 1, hz: float = 440.0) -> Samples:
    """A sine at half of full scale, with some noise so that lossy codecs do not save it away; shape (n, channels)."""
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    noise = 0.01 * np.random.default_rng(1).standard_normal((times.size, channels))
    return (0.5 * np.sin(2 * np.pi * hz * times)[:, np.newaxis] + noise).astype(np.float32)


def s16(samples: Samples) -> bytes:
    return np.rint(samples * 32767).astype("<i2").tobytes()


def write(path: Path, samples: Samples, rate_hz: int = 16000, subtype: str = "PCM_16", kind: str | None = None) -> Path:
    soundfile.write(path, samples, rate_hz, subtype=subtype, format=kind)
    return path


def convert(source: Path, target: Path, *options: str) -> Path:
    """Let ffmpeg encode `source` in the format that the name of `target` says."""
    assert FFMPEG is not None
    subprocess.run([FFMPEG, "-nostdin", "-v", "error", "-y", "-i", source, *options, target], check=True)
    return target


def cut(path: Path, target: Path, share: float = 0.6) -> Path:
    data = path.read_bytes()
    target.write_bytes(data[: int(len(data) * share)])
    return target


def drain(source: DecodedSource) -> Samples:
    """All samples of a source, shape (n, channels); the source is closed."""
    try:
        blocks = list(source.blocks())
    finally:
        source.close()
    return np.concatenate(blocks) if blocks else np.empty((0, source.channels), np.float32)


def decoded(path: Path) -> NDArray[np.int16]:
    """The sound of a file of one channel as ffmpeg's library decodes it, at the rate it has there; shape (n,)."""
    return _decode(path)[0]


def decoded_s(path: Path) -> float:
    """How many seconds of sound ffmpeg's library decodes from a file of one channel."""
    samples, rate_hz = _decode(path)
    return len(samples) / rate_hz


def _decode(path: Path) -> tuple[NDArray[np.int16], int]:
    with av.open(str(path)) as container:
        resampler, blocks = av.AudioResampler("s16", "mono"), []
        for frame in (*container.decode(audio=0), None):
            blocks += [made.to_ndarray().reshape(-1) for made in resampler.resample(frame)]
        return np.concatenate(blocks), container.streams.audio[0].rate


def splits(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


def dominant_hz(mono: Samples, rate_hz: int) -> float:
    """The strongest frequency."""
    return float(np.fft.rfftfreq(mono.size, 1 / rate_hz)[np.abs(np.fft.rfft(mono)).argmax()])


class Notices(list[str]):
    """A NoticeSink that remembers the messages, and whether one was about a source that is truncated."""

    truncated = False

    def __call__(self, message: str, hint: str, truncated: bool = False, /) -> None:
        self.append(message)
        self.truncated |= truncated


def hide_ffmpeg(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    assert shutil.which("ffmpeg") is None


def open_descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def pcm_chunk(data: bytes, end_sample: int, ends_utterance: bool = False, is_filler: bool = False) -> Chunk:
    """A chunk of s16le."""
    return Chunk(data, end_sample, len(data) // 2, ends_utterance=ends_utterance, is_filler=is_filler)
