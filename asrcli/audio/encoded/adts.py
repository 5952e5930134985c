"""AAC in ADTS: frames with a header each."""

from __future__ import annotations

import re

from asrcli.audio.encoded.frames import FrameParser
from asrcli.audio.encoded.headers import (
    ADTS_BLOCK_SAMPLES,
    ADTS_BYTES,
    ADTS_RATES_HZ,
    Header,
    adts_header,
    id3_bytes,
)
from asrcli.audio.encoded.parser import Part, Traits

# Each block overlaps with the one before it.
_PREROLL_BLOCKS = 2
# An element of one channel with nothing in it, and the end.
_SILENCE = b"\0\0\0\7"
# By the value in the header; 0 says that they stand within the frames.
_CHANNELS = (0, 1, 2, 3, 4, 5, 6, 8)
# Of the core of HE-AAC, whose sound has twice the rate.
HIGHEST_CORE_HZ = 24000


class AdtsParser(FrameParser):
    """Frames of AAC.

    `Traits.original_hz` is that of the header: whether it is doubled (HE-AAC) stands where only a decoder sees it.
    """

    KIND = "AAC in ADTS"
    HEADER_BYTES = ADTS_BYTES
    TAG_BYTES = 10
    IN_A_ROW = 3
    MARK = re.compile(rb"\xff(?:[\xf0\xf1\xf8\xf9]|\Z)")

    def silence(self) -> Part:
        """A block of one channel without any band in it."""
        length = self.HEADER_BYTES + len(_SILENCE)
        head = bytearray(self._first)
        # Without a checksum, of so many bytes, and as full as a block may be.
        head[1] |= 1
        head[3] &= 0xFC
        head[4], head[5], head[6] = length >> 3, (length & 7) << 5 | 0x1F, 0xFC
        return Part(bytes(head) + _SILENCE, ADTS_BLOCK_SAMPLES)

    def header_at(self, data: bytes, at: int) -> Header | None:
        return adts_header(data, at)

    def _tag_bytes(self, data: bytes, at: int) -> int:
        return 128 if data.startswith(b"TAG", at) else id3_bytes(data, at)

    def _begin(self, frame: bytes, header: Header) -> bool:
        _, rate_index, channels, _ = header.kind
        rate_hz = ADTS_RATES_HZ[rate_index]
        self.traits = Traits(
            name="aac",
            rate_hz=rate_hz,
            channels=_CHANNELS[channels],
            original_hz=rate_hz,
            preroll_samples=_PREROLL_BLOCKS * ADTS_BLOCK_SAMPLES,
        )
        return True
