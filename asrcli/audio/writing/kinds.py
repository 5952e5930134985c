"""The kinds of sound files that are written, by the endings of their names. Loads nothing heavy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    """How one kind is made.

    `libsndfile`: its container and encoding there, None where it has none. `ffmpeg`: options for its encoder, where
    that is to be preferred. `pydub`: container and encoder there.
    """

    libsndfile: tuple[str, str] | None
    pydub: tuple[str, str | None]
    ffmpeg: tuple[str, ...] = ()


OPUS_BITRATE = 32_000

KINDS = {
    ".wav": Kind(("WAV", "PCM_16"), ("wav", None)),
    ".mp3": Kind(("MP3", "MPEG_LAYER_III"), ("mp3", "libmp3lame")),
    ".flac": Kind(("FLAC", "PCM_16"), ("flac", "flac")),
    # libsndfile takes 180 s of CPU for an hour, ffmpeg 43, and 12 with half the effort. Others take 2 to 29 s.
    ".opus": Kind(
        ("OGG", "OPUS"),
        ("opus", "libopus"),
        ("-c:a", "libopus", "-b:a", str(OPUS_BITRATE), "-compression_level", "5", "-fflags", "+bitexact", "-f", "opus"),
    ),
    ".ogg": Kind(("OGG", "VORBIS"), ("ogg", "libvorbis")),
    ".m4a": Kind(None, ("ipod", "aac"), ("-c:a", "aac", "-b:a", "48k", "-f", "ipod")),
}


ENCODED = {
    "mp3": (".mp3",),
    "opus": (".opus", ".ogg"),
    "speex": (".spx", ".ogg"),
    "aac": (".aac",),
    "amr": (".amr",),
}
"""The endings of what is kept as it is, by the service's names for it. PCM has those of KINDS, and wav is PCM."""


def listed(endings: Iterable[str] = KINDS) -> str:
    """The endings, for messages."""
    return " ".join(endings)
