"""Files that were damaged at random, and what of their sound can be read: by ffmpeg, and by our sources."""

from __future__ import annotations

import random
import subprocess
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from asrcli.audio.chunks.pipeline import chunks_of
from asrcli.audio.opening import open_source
from asrcli.audio.reading.ffmpeg_tool import find_ffmpeg
from asrcli.values.errors import AsrcliError
from asrcli.values.pcm import BYTES_PER_SAMPLE, PcmFormat
from tests.support.service import TALK_WAV

SECONDS = 44
RATE_HZ = 16000
# Less is a frame or two, and how decoders get over a gap.
LOSS_S = 1.0

# What ffmpeg encodes each with.
_ENCODERS: dict[str, tuple[str, ...]] = {
    "mp3": ("-ar", "44100", "-b:a", "64k"),
    "flac": (),
    "ogg": ("-ar", "44100", "-c:a", "libvorbis"),
    "opus": ("-c:a", "libopus"),
    "aiff": (),
    "m4a": ("-movflags", "+faststart"),
    "wav": (),
}
FORMATS = tuple(_ENCODERS)
KINDS = ("5 bytes changed", "30 bytes changed", "100 bytes changed", "zeroed", "cut out", "inserted", "cut short")


@dataclass(frozen=True)
class Damaged:
    """A file that is damaged, and in which way."""

    path: Path
    format: str
    kind: str

    def __str__(self) -> str:
        return f"{self.path.name} ({self.kind})"


@dataclass(frozen=True)
class Sent:
    """What became of a file: how much sound was sent, what was told of it, and what it ended with."""

    seconds: float
    notices: tuple[str, ...]
    truncated: bool
    error: AsrcliError | None


def undamaged(folder: Path, name: str) -> Path:
    """The sample talk in one of FORMATS, SECONDS of it."""
    talk, _ = soundfile.read(TALK_WAV, dtype="int16")
    source, target = folder / "talk.wav", folder / f"talk.{name}"
    if not source.exists():
        soundfile.write(source, np.resize(talk, SECONDS * RATE_HZ), RATE_HZ)
    if not target.exists():
        _ffmpeg("-i", source, *_ENCODERS[name], target)
    return target


def damaged_files(folder: Path, formats: tuple[str, ...], number: int, seed: int) -> Iterator[Damaged]:
    """So many files in each of `formats`, each kind of damage in turn; the same for the same seed."""
    for name in formats:
        whole = undamaged(folder, name).read_bytes()
        chance = random.Random(zlib.crc32(f"{seed} {name}".encode()))
        for count in range(number):
            kind = KINDS[count % len(KINDS)]
            path = folder / f"{count}.{name}"
            path.write_bytes(damaged(whole, kind, chance))
            yield Damaged(path, name, kind)


def damaged(data: bytes, kind: str, chance: random.Random) -> bytes:
    """`data` with damage of one of KINDS somewhere in it; a stretch is at most an eighth of it."""
    if kind.endswith("changed"):
        changed = bytearray(data)
        for _ in range(int(kind.split()[0])):
            changed[chance.randrange(len(data))] = chance.randrange(256)
        return bytes(changed)
    if kind == "cut short":
        return data[: chance.randrange(len(data))]
    length = chance.randrange(1, len(data) // 8)
    begin = chance.randrange(len(data) - length)
    end = begin + (0 if kind == "inserted" else length)
    filling = {"zeroed": bytes(length), "cut out": b"", "inserted": chance.randbytes(length)}[kind]
    return data[:begin] + filling + data[end:]


def readable_s(path: Path) -> float:
    """How much sound ffmpeg reads in a file, in seconds; whatever else it says."""
    return len(read_with_ffmpeg(path)) / RATE_HZ


def read_with_ffmpeg(path: Path, rate_hz: int = RATE_HZ) -> np.ndarray:
    """The sound that ffmpeg reads, one channel, float32 of shape (n,)."""
    sound = _ffmpeg("-i", path, "-vn", "-ac", "1", "-ar", str(rate_hz), "-f", "f32le", "-", check=False)
    return np.frombuffer(sound[: len(sound) // 4 * 4], np.float32)


def sent(path: Path) -> Sent:
    """What a source of ours sends of a file, and what it tells."""
    notices: list[str] = []
    truncated: list[bool] = []

    def notice(message: str, hint: str, is_truncated: bool = False, /) -> None:
        notices.append(message)
        truncated.append(is_truncated)

    length_bytes, error = 0, None
    try:
        source = open_source(str(path), notice=notice)
        try:
            for chunk in chunks_of(source, PcmFormat(RATE_HZ), chunk_ms=200):
                length_bytes += len(chunk.data)
        finally:
            source.close()
    except AsrcliError as failure:
        error = failure
    return Sent(length_bytes / BYTES_PER_SAMPLE / RATE_HZ, tuple(notices), any(truncated), error)


def _ffmpeg(*arguments: object, check: bool = True) -> bytes:
    ffmpeg = find_ffmpeg()
    assert ffmpeg is not None
    command = [ffmpeg, "-nostdin", "-v", "quiet", "-y", *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, check=check).stdout
