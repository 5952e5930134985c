"""AAC in ADTS: frames with a header each (ISO/IEC 13818-7, 6.2)."""

from __future__ import annotations

from asrcli.audio.encoded.frames import FrameParser, Header
from asrcli.audio.encoded.mp3 import id3_bytes
from asrcli.audio.encoded.parser import Part, Traits

_RATES_HZ = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_BLOCK_SAMPLES = 1024
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
    HEADER_BYTES = 7
    TAG_BYTES = 10
    IN_A_ROW = 3
    MARK = b"\xff"

    def silence(self) -> Part:
        """A block of one channel without any band in it."""
        length = self.HEADER_BYTES + len(_SILENCE)
        head = bytearray(self._first)
        # Without a checksum, of so many bytes, and as full as a block may be.
        head[1] |= 1
        head[3] &= 0xFC
        head[4], head[5], head[6] = length >> 3, (length & 7) << 5 | 0x1F, 0xFC
        return Part(bytes(head) + _SILENCE, _BLOCK_SAMPLES)

    def header_at(self, data: bytes, at: int) -> Header | None:
        second, third, fourth = data[at + 1], data[at + 2], data[at + 3]
        if data[at] != 0xFF or second & 0xF6 != 0xF0 or third >> 2 & 15 >= len(_RATES_HZ):
            return None
        length = (fourth & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
        if length <= self.HEADER_BYTES:
            return None
        channels = (third & 1) << 2 | fourth >> 6
        kind = (third >> 6, third >> 2 & 15, channels, second >> 3 & 1)
        return Header(length, _BLOCK_SAMPLES * (1 + (data[at + 6] & 3)), kind)

    def _tag_bytes(self, data: bytes, at: int) -> int:
        return 128 if data.startswith(b"TAG", at) else id3_bytes(data, at)

    def _begin(self, frame: bytes, header: Header) -> bool:
        _, rate_index, channels, _ = header.kind
        rate_hz = _RATES_HZ[rate_index]
        self.traits = Traits(
            name="aac",
            rate_hz=rate_hz,
            channels=_CHANNELS[channels],
            original_hz=rate_hz,
            preroll_samples=_PREROLL_BLOCKS * _BLOCK_SAMPLES,
        )
        return True
