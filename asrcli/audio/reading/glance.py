"""How long a file is, as far as its header says so: for a plan, which opens too many of them to decode any."""

from __future__ import annotations

import os
import stat

from asrcli.audio.encoded.headers import id3_bytes
from asrcli.audio.reading import sniff
from asrcli.system.chatter import quiet_c_library
from asrcli.system.posix import read_at

_HEAD_BYTES = 1 << 14


def length_ms(path: str) -> int | None:
    """Of the file at `path`; None where only decoding, or ffmpeg, would tell, and where there is no such file."""
    try:
        # To open a pipe would let its writer go on, and then end it.
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - a Path for each of a hundred thousand takes longer
            return None
        fd = os.open(path, os.O_RDONLY)
    except (OSError, ValueError):
        return None
    try:
        return _length_ms(fd)
    except OSError:
        return None
    finally:
        os.close(fd)


def _length_ms(fd: int) -> int | None:
    head = read_at(fd, _HEAD_BYTES, 0)
    if tag_bytes := id3_bytes(head):
        head = read_at(fd, _HEAD_BYTES, tag_bytes)
    kind = sniff.sniff(head)
    # Without an index all of an MP3 would be read.
    if kind is None or kind.ffmpeg_only or (kind is sniff.MP3 and sniff.announced_bytes(head) is None):
        return None
    from asrcli.audio.reading.sndfile import UNKNOWN_FRAMES, open_sound

    with quiet_c_library():
        sound = open_sound(fd)
    if sound is None:
        return None
    with sound:
        return int(sound.frames) * 1000 // int(sound.samplerate) if sound.frames < UNKNOWN_FRAMES else None
