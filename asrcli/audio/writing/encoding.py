"""Sound into a file of any kind, a stretch at a time: by libsndfile, or by ffmpeg where that can more or takes less.

Where it comes from and what becomes of the file is not known here.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile

from asrcli.audio.opening import open_source
from asrcli.audio.reading.ffmpeg_tool import file_url, find_ffmpeg, last_words
from asrcli.audio.writing.kinds import KINDS, OPUS_BITRATE, Kind
from asrcli.audio.writing.wav_writer import WavWriter
from asrcli.system.beside import clear_abandoned, held_beside, settle
from asrcli.system.child import Child
from asrcli.values.errors import AsrcliError, OutputError
from asrcli.values.pcm import PcmFormat

# libsndfile's scale from 256 kbit/s down to 6.
_OPUS_LEVEL = (256_000 - OPUS_BITRATE) / (256_000 - 6000)
# Encoders fill up their last frame: 128 ms at 8 kHz.
_TOLERANCE_S = 0.25


def encode(sound: Iterator[bytes], pcm: PcmFormat, path: Path, kind: Kind) -> None:
    """Write `sound`, whole samples, to the file `path`, and replace what is there.

    Raises OutputError where that fails, and what `sound` raises; a file may be left that is not whole.
    """
    ffmpeg = find_ffmpeg() if kind.ffmpeg else None
    if ffmpeg is not None:
        _by_ffmpeg([ffmpeg, *_input(pcm), *kind.ffmpeg], sound, path)
    elif kind.libsndfile is not None:
        _by_libsndfile(kind.libsndfile, sound, pcm, path)
    else:
        raise OutputError("there is no ffmpeg any more")


def convert(wav: WavWriter, path: Path, kind: Kind, *, force: bool) -> None:
    """Make `path` of what is in `wav`, which then goes. Raises OutputError: both are as they were then.

    With `force` what is at `path` is replaced.
    """
    try:
        clear_abandoned(path.parent, KINDS)
        with held_beside(path, path.suffix) as part:
            encode(wav.sound(), wav.pcm, part, kind)
            _check(part, wav.seconds)
            settle(part)
            if not force and path.exists():
                raise OutputError("another program has made it meanwhile")
            part.replace(path)
    except OSError as error:
        raise OutputError(error.strerror or str(error)) from error
    # Some file systems settle no folders, or let nothing be removed: then there are two files.
    with contextlib.suppress(OSError):
        settle(path.parent)
    with contextlib.suppress(OSError):
        wav.path.unlink()


def _check(path: Path, seconds: float) -> None:
    """Raise OutputError where the file `path` does not decode to so much sound, whole."""
    bad: list[str] = []

    def notice(message: str, hint: str, truncated: bool = False) -> None:
        bad.append(message)

    frames = 0
    try:
        with contextlib.closing(open_source(str(path), notice=notice)) as source:
            for block in source.blocks():
                frames += len(block)
            decoded_s = frames / source.rate_hz
    except AsrcliError as error:
        raise OutputError(error.message) from error
    if bad:
        raise OutputError(bad[0])
    if abs(decoded_s - seconds) > _TOLERANCE_S:
        raise OutputError(f"it came out with {decoded_s:.1f} of {seconds:.1f} s")


def _input(pcm: PcmFormat) -> list[str]:
    return [
        "-hide_banner",
        "-y",
        "-v",
        "error",
        "-f",
        "s16le",
        "-ar",
        str(pcm.sample_rate_hz),
        "-ac",
        "1",
        "-i",
        "pipe:0",
    ]


def _by_ffmpeg(command: list[str], sound: Iterator[bytes], path: Path) -> None:
    try:
        child = Child([*command, file_url(str(path))], "the output of ffmpeg", sound)
    except OSError as error:
        raise OutputError(f"{command[0]}: {error.strerror}") from error
    with contextlib.closing(child):
        while child.read():
            pass
        if code := child.wait():
            raise OutputError(last_words(child.said()) or f"ffmpeg ended with {code}")


def _by_libsndfile(form: tuple[str, str], sound: Iterator[bytes], pcm: PcmFormat, path: Path) -> None:
    container, encoding = form
    level = {"compression_level": _OPUS_LEVEL} if encoding == "OPUS" else {}
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        with soundfile.SoundFile(fd, "w", pcm.sample_rate_hz, 1, format=container, subtype=encoding, **level) as file:
            for data in sound:
                file.write(np.frombuffer(data, "<i2"))
    except (soundfile.LibsndfileError, AssertionError) as error:
        raise OutputError(_reason(path) or str(error)) from error


def _reason(path: Path) -> str | None:
    """Why `path` takes no more, which libsndfile does not say: it takes nothing else either."""
    try:
        with path.open("ab") as file:
            file.write(bytes(1 << 16))
        settle(path)
    except OSError as error:
        return error.strerror
    return None
