"""What stands at the head of a frame of MPEG audio, and of the tag before the first one.

Layouts after ISO/IEC 11172-3 and 13818-3, 2.4 (MP3 and its kin), ISO/IEC 13818-7, 6.2 (AAC in ADTS) and ID3v2.4.0, 3.1.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

MPEG_BYTES, ADTS_BYTES = 4, 7
"""So many bytes are a header."""
# kbit/s by (MPEG-1?, layer), for the indices 1 to 14.
_LOW_KBITS = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_KBITS = {
    (True, 1): tuple(range(32, 449, 32)),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): _LOW_KBITS,
    (False, 3): _LOW_KBITS,
}
_RATES_HZ = (44100, 48000, 32000)
# MPEG-2.5, reserved, MPEG-2, MPEG-1: by how much the rates are divided.
_DIVISORS = (4, 0, 2, 1)
_MONO = 3
ADTS_RATES_HZ = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
ADTS_BLOCK_SAMPLES = 1024


class Header(NamedTuple):
    """Of a frame: its `length` in bytes, its span, and what all frames of a stream have in common, as `kind`."""

    length: int
    samples: int
    kind: tuple[int, ...]


def mpeg_header(data: bytes, at: int) -> Header | None:
    """The header at `at`, of which MPEG_BYTES are there; its kind is layer, MPEG's divisor, rate and channels.

    None if there is none; a length of 0 is a free bit rate.
    """
    return _mpeg(data[at + 1], data[at + 2], data[at + 3] & 0xC0) if data[at] == 0xFF else None


def adts_header(data: bytes, at: int) -> Header | None:
    """The header at `at`, of which ADTS_BYTES are there; its kind is profile, index of the rate, channels, MPEG-2 or 4.

    None if there is none.
    """
    second, third, fourth = data[at + 1], data[at + 2], data[at + 3]
    if data[at] != 0xFF or second & 0xF6 != 0xF0 or third >> 2 & 15 >= len(ADTS_RATES_HZ):
        return None
    length = (fourth & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
    if length <= ADTS_BYTES:
        return None
    channels = (third & 1) << 2 | fourth >> 6
    kind = (third >> 6, third >> 2 & 15, channels, second >> 3 & 1)
    return Header(length, ADTS_BLOCK_SAMPLES * (1 + (data[at + 6] & 3)), kind)


def id3_bytes(data: bytes, at: int = 0) -> int:
    """The length of an ID3v2 tag at `at`; 0 if there is none."""
    if not data.startswith(b"ID3", at) or len(data) - at < 10:
        return 0
    length = 0
    for byte in data[at + 6 : at + 10]:
        length = length << 7 | byte & 0x7F
    return 10 + length + (10 if data[at + 5] & 0x10 else 0)


@lru_cache(maxsize=256)
def _mpeg(second: int, third: int, fourth: int) -> Header | None:
    """Of the bytes behind the first 0xFF, the last one without its lower bits."""
    layer = 4 - (second >> 1 & 3)
    divisor, rate_index, kbits_index = _DIVISORS[second >> 3 & 3], third >> 2 & 3, third >> 4
    if second & 0xE0 != 0xE0 or not divisor or layer == 4 or rate_index == 3 or kbits_index == 15:
        return None
    is_mpeg1 = divisor == 1
    rate_hz = _RATES_HZ[rate_index] // divisor
    kind = (layer, divisor, rate_hz, 1 if fourth >> 6 == _MONO else 2)
    samples = 384 if layer == 1 else 576 if layer == 3 and not is_mpeg1 else 1152
    if not kbits_index:
        return Header(0, samples, kind)
    kbits, padding = _KBITS[is_mpeg1, layer][kbits_index - 1], third >> 1 & 1
    if layer == 1:
        return Header((12_000 * kbits // rate_hz + padding) * 4, samples, kind)
    return Header(samples // 8 * kbits * 1000 // rate_hz + padding, samples, kind)
