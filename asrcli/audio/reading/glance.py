"""How long a file is, and whether it is one at all, as far as that shows: a plan has too many of them to decode any."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass

from asrcli.audio.encoded.headers import id3_bytes
from asrcli.audio.reading import sniff
from asrcli.audio.reading.channel import lack_of
from asrcli.system.chatter import quiet_c_library
from asrcli.system.posix import read_at

_HEAD_BYTES = 1 << 14


_RAW_SUFFIX = ".pcm"

MISSING = "not there"
"""The problem of a file that is not there."""


@dataclass(frozen=True, slots=True)
class Glance:
    """What shows of a file. `length_ms` is None where only decoding, or ffmpeg, would tell.

    `problem`: why it surely cannot be heard, in a few words; "" where it may be.
    """

    length_ms: int | None = None
    problem: str = ""


def problem(path: str) -> str:
    """What is wrong with the file at `path`, as far as that shows without opening it."""
    try:
        # A Path for each of a hundred thousand takes longer.
        found = os.stat(path)  # noqa: PTH116
        may_be_read = os.access(path, os.R_OK)
    except PermissionError:
        return "no permission to read it"
    except (OSError, ValueError):
        return MISSING
    if stat.S_ISDIR(found.st_mode):
        return "a folder"
    if not stat.S_ISREG(found.st_mode):
        # To open a pipe would let its writer go on, and then end it.
        return "no regular file"
    if not may_be_read:
        return "no permission to read it"
    return "" if found.st_size else "empty"


def look(path: str, *, may_be_raw: bool = False, channel: int | None = None) -> Glance:
    """Into the file at `path`; `may_be_raw`: samples without a header are welcome. `channel`: which one is wanted."""
    if (reason := problem(path)) != "":
        return Glance(problem=reason)
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError as error:
        return Glance(problem=str(error.strerror))
    try:
        return _look(fd, may_be_raw=may_be_raw or path.lower().endswith(_RAW_SUFFIX), channel=channel)
    except OSError as error:
        return Glance(problem=str(error.strerror))
    finally:
        os.close(fd)


def _look(fd: int, *, may_be_raw: bool, channel: int | None) -> Glance:
    head = read_at(fd, _HEAD_BYTES, 0)
    if tag_bytes := id3_bytes(head):
        head = read_at(fd, _HEAD_BYTES, tag_bytes)
    kind = sniff.sniff(head)
    if kind is None:
        foreign = None if may_be_raw or tag_bytes else sniff.foreign(head)
        return Glance(problem=foreign or "")
    # Without an index all of an MP3 would be read.
    if kind.ffmpeg_only or (kind is sniff.MP3 and sniff.announced_bytes(head) is None):
        return Glance()
    from asrcli.audio.reading.sndfile import UNKNOWN_FRAMES, open_sound

    with quiet_c_library():
        sound = open_sound(fd)
    if sound is None:
        return Glance()
    with sound:
        if channel is not None and channel >= sound.channels:
            return Glance(problem=lack_of(channel, sound.channels))
        is_known = sound.frames < UNKNOWN_FRAMES
        return Glance(int(sound.frames) * 1000 // int(sound.samplerate) if is_known else None)
