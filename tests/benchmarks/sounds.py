"""Files to measure with, made on the spot."""

from __future__ import annotations

import shutil
import struct
import subprocess
import wave
from pathlib import Path

from tests.benchmarks.clients import TALK


def talk_of(folder: Path, seconds: float) -> Path:
    """The sample talk, cut or repeated to `seconds`, at 16 kHz mono."""
    path = folder / f"talk-{seconds:g}.wav"
    with wave.open(str(TALK)) as source, wave.open(str(path), "wb") as target:
        target.setparams(source.getparams())
        wanted = round(seconds * source.getframerate())
        while wanted > 0:
            frames = source.readframes(wanted)
            wanted -= len(frames) // 2
            target.writeframes(frames)
            source.rewind()
    return path


def long_silence(folder: Path, seconds: int) -> Path:
    """A wav of silence that takes no room on the disk."""
    path = folder / f"silence-{seconds}.wav"
    size = seconds * 32000
    header = (
        b"RIFF" + struct.pack("<I", size + 36) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, 16000, 32000, 2, 16)
    )
    with path.open("wb") as file:
        file.write(header + b"data" + struct.pack("<I", size))
        file.truncate(44 + size)
    return path


def stereo_mp3(folder: Path, seconds: int) -> Path:
    """The talk as 44.1 kHz stereo mp3, repeated to `seconds`."""
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        import imageio_ffmpeg

        ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    path = folder / f"talk-{seconds}.mp3"
    command = [ffmpeg, "-v", "error", "-y", "-stream_loop", "-1", "-i", str(TALK), "-t", str(seconds)]
    subprocess.run([*command, "-ar", "44100", "-ac", "2", "-b:a", "128k", str(path)], check=True)
    return path
