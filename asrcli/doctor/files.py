"""What reads sound files: libsndfile, and ffmpeg for what that does not read."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from asrcli.audio.reading.ffmpeg_tool import find_ffmpeg, how_to_install, version_of
from asrcli.doctor.findings import Finding, Subject
from asrcli.system.clock import Clock
from asrcli.values.errors import DecodeError

GROUP = "files"

SNDFILE = Subject("libsndfile", GROUP, "libsndfile", "sound files of every kind")
FFMPEG = Subject("ffmpeg", GROUP, "ffmpeg", "mp4, m4a, webm, wma, amr and other files that libsndfile does not read")

# What people have; the rest is telephone exchanges and old synthesisers.
_COMMON = ("WAV", "FLAC", "OGG", "MP3", "AIFF", "AU", "CAF", "W64")
_PATIENCE_S = 5.0


def sndfile() -> Iterator[Finding]:
    """Whether libsndfile loads, and which of the common formats it reads."""
    try:
        from asrcli.audio.reading.sndfile import library
    except OSError as error:
        yield SNDFILE.fail(
            f"it cannot be loaded: {error}", "apt install libsndfile1 (Debian), or pip install soundfile"
        )
        return
    version, formats = library()
    known = ", ".join(name.lower() for name in _COMMON if name in formats)
    if "MP3" in formats:
        yield SNDFILE.ok(f"{version} reads {known} and {sum(name not in _COMMON for name in formats)} more")
    else:
        yield SNDFILE.warn(f"{version} reads {known}, but no mp3: ffmpeg has to", "pip install --upgrade soundfile")


def ffmpeg(clock: Clock) -> Iterator[Finding]:
    """Which ffmpeg there is, and whether it runs."""
    path = find_ffmpeg()
    if path is None:
        yield FFMPEG.warn("not found", how_to_install().removeprefix("install it: "))
        return
    began = clock.now()
    try:
        version = version_of(path, _PATIENCE_S)
    except DecodeError as error:
        yield FFMPEG.fail(error.message, error.hint)
        return
    # What is found first counts; the package's own is for machines without one.
    whose = path if shutil.which("ffmpeg") else "of the package imageio-ffmpeg"
    yield FFMPEG.ok(f"{version}, {whose}", ms=(clock.now() - began) * 1000)
