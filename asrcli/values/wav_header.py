"""What stands before the samples of a WAV stream, read from its first bytes.

Pure: bytes in, a value out. RIFF, RF64 and BW64 are read; what is too long, and which samples are wanted, is for others
to say. Layout after the Multimedia Programming Interface and Data Specifications 1.0, EBU Tech 3306 (RF64) and
Microsoft's WAVEFORMATEXTENSIBLE.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from asrcli.values.errors import DecodeError

_EXTENSIBLE = 0xFFFE
# Up to the format tag that the extensible one stands for.
_FORMAT_BYTES = 26


@dataclass(frozen=True, slots=True)
class RiffFormat:
    """The `fmt ` chunk: `frame_bytes` is one sample of each channel in its container, `bits` those that are used."""

    tag: int
    channels: int
    rate_hz: int
    frame_bytes: int
    bits: int


@dataclass(frozen=True, slots=True)
class RiffHeader:
    """Where the samples begin, and how many bytes of them there are: None where the writer did not know.

    `format` is None where nothing describes them.
    """

    format: RiffFormat | None
    data_offset: int
    data_bytes: int | None


def is_wav(head: bytes) -> bool:
    """Whether a stream that starts with `head` (12 bytes or more) is a WAV file."""
    return head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE"


def read_riff(head: bytes) -> RiffHeader | int:
    """The header of a WAV that starts with `head`; or how many bytes of it are needed at the least to tell.

    Raises DecodeError, without a file name, where what describes the samples is too short for that.
    """
    position = 12
    found: RiffFormat | None = None
    long_bytes: int | None = None
    name: bytes
    size: int
    while len(head) >= position + 8:
        name, size = struct.unpack_from("<4sI", head, position)
        body = position + 8
        if name == b"data":
            return RiffHeader(found, body, _stated_bytes(size, long_bytes))
        position = body + size + (size & 1)
        if len(head) < position:
            break
        if name == b"fmt ":
            found = _format(head[body : body + min(size, _FORMAT_BYTES)])
        elif name == b"ds64" and size >= 16:
            (long_bytes,) = struct.unpack_from("<Q", head, body + 8)
    return position + 8


def _format(body: bytes) -> RiffFormat:
    if len(body) < 16:
        raise DecodeError("the WAV header is damaged")
    tag, channels, rate_hz, _, frame_bytes, bits = struct.unpack_from("<HHIIHH", body)
    if tag == _EXTENSIBLE and len(body) >= _FORMAT_BYTES:
        (tag,) = struct.unpack_from("<H", body, _FORMAT_BYTES - 2)
    return RiffFormat(tag, channels, rate_hz, frame_bytes, bits)


def _stated_bytes(size: int, long_bytes: int | None) -> int | None:
    """The length of the audio, or None for the values that writers use when they cannot go back to fill it in."""
    if size == 0xFFFFFFFF and long_bytes is not None:
        return long_bytes if 0 < long_bytes < 1 << 62 else None
    # Writers to pipes put 0, 0xFFFFFFFF (ffmpeg) or something close to 2^31 (sox, arecord).
    if size in (0, 0xFFFFFFFF) or 0x7FFF0000 <= size <= 0x80000100:
        return None
    return size
