"""The header of a WAV stream, parsed from its first bytes, also where the header does not know how long it will be.

Pure: bytes in, a value out. RIFF, RF64 and BW64 are read; which samples follow is for others to decode.
Layout after the Multimedia Programming Interface and Data Specifications 1.0, EBU Tech 3306 (RF64) and Microsoft's
WAVEFORMATEXTENSIBLE.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from asrcli.audio.samples import ENCODINGS, layout_problem
from asrcli.values.errors import DecodeError

# Tags and cover pictures may stand before the audio; more than this is a stream that will never get to the point.
MAX_HEADER_BYTES = 4 << 20
MAX_FORMAT_BYTES = 1 << 16

_EXTENSIBLE = 0xFFFE
# (format tag, bits of the container of one sample)
_ENCODING_NAMES = {
    (1, 8): "u8",
    (1, 16): "s16le",
    (1, 24): "s24le",
    (1, 32): "s32le",
    (3, 32): "f32le",
    (3, 64): "f64le",
    (6, 8): "alaw",
    (7, 8): "mulaw",
}


@dataclass(frozen=True, slots=True)
class WavHeader:
    """What stands before the samples.

    `encoding` is a name in ENCODINGS, or None for a codec (ADPCM, GSM, …) that is not plain samples. `data_bytes` is
    the stated length, or None where the writer did not know it: then the audio reaches to the end of the stream.
    """

    rate_hz: int
    channels: int
    encoding: str | None
    data_offset: int
    data_bytes: int | None


def is_wav(head: bytes) -> bool:
    """Whether a stream that starts with `head` (12 bytes or more) is a WAV file."""
    return head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE"


def parse_header(head: bytes) -> WavHeader | None:
    """The header at the start of `head`, or None if more bytes are needed to tell.

    Raises DecodeError, without a file name, where the bytes cannot become a WAV header any more.
    """
    if len(head) < 12:
        return None
    if not is_wav(head):
        raise DecodeError("there is no WAV header")
    position = 12
    format_body: bytes | None = None
    long_size: int | None = None
    while len(head) >= position + 8:
        chunk_id, size = struct.unpack_from("<4sI", head, position)
        body = position + 8
        if chunk_id == b"data":
            if format_body is None:
                raise DecodeError("the WAV header does not describe its samples")
            return _header(format_body, body, _stated_bytes(size, long_size))
        if chunk_id in (b"fmt ", b"ds64"):
            if size > MAX_FORMAT_BYTES:
                raise DecodeError("the WAV header is damaged")
            if len(head) < body + size:
                return None
            if chunk_id == b"fmt ":
                format_body = head[body : body + size]
            elif size >= 16:
                (long_size,) = struct.unpack_from("<Q", head, body + 8)
        position = body + size + (size & 1)
    if position > MAX_HEADER_BYTES or len(head) > MAX_HEADER_BYTES:
        raise DecodeError("the WAV header is damaged")
    return None


def _header(body: bytes, data_offset: int, data_bytes: int | None) -> WavHeader:
    if len(body) < 16:
        raise DecodeError("the WAV header is damaged")
    tag, channels, rate_hz, _, align, bits = struct.unpack_from("<HHIIHH", body)
    if tag == _EXTENSIBLE and len(body) >= 26:
        (tag,) = struct.unpack_from("<H", body, 24)
    if problem := layout_problem(rate_hz, channels):
        raise DecodeError(f"the WAV header is damaged: {problem}")
    # 20 valid bits in a container of 24 are written as 24 bits: the container decides.
    container_bits = align * 8 // channels if align else bits
    encoding = _ENCODING_NAMES.get((tag, container_bits))
    if encoding and align not in (0, ENCODINGS[encoding].sample_bytes * channels):
        raise DecodeError("the WAV header is damaged: its sizes contradict each other")
    return WavHeader(rate_hz, channels, encoding, data_offset, data_bytes)


def _stated_bytes(size: int, long_size: int | None) -> int | None:
    """The length of the audio, or None for the values that writers use when they cannot go back to fill it in."""
    if size == 0xFFFFFFFF and long_size is not None:
        return long_size if 0 < long_size < 1 << 62 else None
    # Writers to pipes put 0, 0xFFFFFFFF (ffmpeg) or something close to 2^31 (sox, arecord).
    if size in (0, 0xFFFFFFFF) or 0x7FFF0000 <= size <= 0x80000100:
        return None
    return size
