"""WAV of 16-bit PCM: samples behind a header, which every session needs again."""

from __future__ import annotations

import struct

from asrcli.audio.encoded.parser import Parser, Part, Traits, Unfit
from asrcli.audio.reading.lengths import may_follow_sound
from asrcli.audio.reading.wav_header import WavHeader, parse_header
from asrcli.values.errors import DecodeError
from asrcli.values.pcm import BYTES_PER_SAMPLE

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_PCM = 1
# The length of a stream, whose writer did not know it either; silence of ours may be among it.
_UNKNOWN = 0xFFFFFFFF
# Enough to see whether a chunk follows.
_BEHIND_BYTES = 12
# So much is a part.
_PART_MS = 20


class WavParser(Parser):
    """The samples of a WAV, mono or not; other encodings are Unfit.

    What follows the stated end of the sound is left out.
    """

    KIND = "WAV"

    def __init__(self) -> None:
        super().__init__()
        self._left_bytes: int | None = None
        self._is_over = False
        self._frame_bytes = 0
        self._part_bytes = 0

    def silence(self) -> Part:
        """As much as any part."""
        return Part(bytes(self._part_bytes), self._part_bytes // self._frame_bytes)

    def _step(self, data: bytes, at: int, is_end: bool) -> int:
        left = len(data) - at
        if self.traits is None:
            return self._open(data[at:], is_end)
        wanted = self._part_bytes if self._left_bytes is None else min(self._part_bytes, self._left_bytes)
        if wanted < self._frame_bytes:
            return self._look_behind(data, at, is_end)
        if left < wanted and not is_end:
            return -wanted
        length = min(left, wanted) // self._frame_bytes * self._frame_bytes
        if left < wanted and self._left_bytes is not None:
            self.is_cut = True
        if not length:
            return left
        if self._left_bytes is not None:
            self._left_bytes -= length
        self._keep(Part(data[at : at + length], length // self._frame_bytes))
        return length

    def _look_behind(self, data: bytes, at: int, is_end: bool) -> int:
        """What follows the sound is chunks, or the header does not tell the truth."""
        if self._is_over:
            return len(data) - at
        if len(data) - at < _BEHIND_BYTES and not is_end:
            return -_BEHIND_BYTES
        self._is_over = True
        # What fills up to an even length may stand before a chunk.
        behind = data[at : at + _BEHIND_BYTES]
        if len(behind) == _BEHIND_BYTES and not any(may_follow_sound(behind[skip : skip + 4]) for skip in (0, 1, 2)):
            raise Unfit("goes on behind the end that its header states")
        return len(data) - at

    def _open(self, data: bytes, is_end: bool) -> int:
        try:
            header = parse_header(data)
        except DecodeError as error:
            raise Unfit(f"cannot be read: {error.message}") from error
        if header is None:
            if is_end:
                raise Unfit("ends within its header")
            return -(len(data) + 1)
        if header.encoding != "s16le":
            raise Unfit(f"is a WAV of {header.encoding or 'a codec'}, not of 16-bit PCM")
        self._frame_bytes = BYTES_PER_SAMPLE * header.channels
        self._part_bytes = max(1, header.rate_hz * _PART_MS // 1000) * self._frame_bytes
        self._left_bytes = header.data_bytes
        self.traits = Traits(
            name="wav",
            rate_hz=header.rate_hz,
            channels=header.channels,
            original_hz=header.rate_hz,
            header=_fresh(header),
            total_samples=None if self._left_bytes is None else self._left_bytes // self._frame_bytes,
        )
        return header.data_offset


def _fresh(header: WavHeader) -> bytes:
    """What stands before the samples, without a length and whatever else the file has there."""
    frame_bytes = BYTES_PER_SAMPLE * header.channels
    rate_hz, bits = header.rate_hz, 8 * BYTES_PER_SAMPLE
    layout = (16, _PCM, header.channels, rate_hz, rate_hz * frame_bytes, frame_bytes, bits)
    return _HEADER.pack(b"RIFF", _UNKNOWN, b"WAVE", b"fmt ", *layout, b"data", _UNKNOWN)
