"""MP3: frames, the tags around them, and the frame that says how long the rest is.

Layouts after ISO/IEC 11172-3 and 13818-3, 2.4; ID3v1; APE tag version 2; Lyrics3; the headers of Xing, LAME and
Fraunhofer as their authors describe them.
"""

from __future__ import annotations

import re
import struct

from asrcli.audio.encoded.frames import FrameParser
from asrcli.audio.encoded.headers import MPEG_BYTES, Header, id3_bytes, mpeg_header
from asrcli.audio.encoded.parser import Part, Traits, Unfit

# How far back the bits of a frame may begin, which are not within it.
_RESERVOIR_BYTES = {True: 511, False: 255}
# What precedes them in a mono frame: the header, and where each granule's begin.
_HEAD_BYTES = {True: 4 + 17, False: 4 + 9}
_CHECKSUM_BYTES = 2
_MOST_PREROLL_FRAMES = 10
# Of the highest bit rate there is at the lowest sample rate, twice as much where it is free.
_THREE_FRAMES_BYTES = 3 * 2884
# What every decoder puts before the sound, beside what the encoder did.
_DECODER_DELAY = 529
# How long it is stands at its end, of the newer kind, or nowhere.
_LYRICS, _LYRICS_END = b"LYRICSBEGIN", re.compile(rb"LYRICSEND|[0-9]{6}LYRICS200")
_MOST_LYRICS_BYTES, _LYRICS_STEP_BYTES = 1 << 20, 1024


class Mp3Parser(FrameParser):
    """Frames of layer III. What describes the whole file, and holds no sound, is none of them."""

    KIND = "MP3"
    HEADER_BYTES = MPEG_BYTES
    TAG_BYTES = 32
    IN_A_ROW = 3
    MARK = re.compile(rb"\xff(?:[\xe2-\xff](?:[\x00-\xef]|\Z)|\Z)", re.DOTALL)

    def __init__(self) -> None:
        super().__init__()
        self._follows_tag = False

    def header_at(self, data: bytes, at: int) -> Header | None:
        header = mpeg_header(data, at)
        return header if header is not None and header.length else None

    def silence(self) -> Part:
        """A frame of the lowest bit rate without a bit of sound."""
        frame = silent_frame(self._first)
        header = self.header_at(frame, 0)
        assert header is not None
        return Part(frame, header.samples)

    def _step(self, data: bytes, at: int, is_end: bool) -> int:
        if self._follows_tag and (len(data) - at >= self.TAG_BYTES or (is_end and len(data) - at >= self.HEADER_BYTES)):
            if data[at] == 0:
                # Tags may be padded, with more than they say.
                return len(data) - at - len(data[at:].lstrip(b"\0"))
            if self.header_at(data, at) is None and not self._tag_bytes(data, at) and self._free(data, at) is None:
                raise Unfit("has an ID3 tag with a wrong length")
            self._follows_tag = False
        if data.startswith(_LYRICS, at) and not self._rubbish_bytes:
            if end := _LYRICS_END.search(data, at):
                return end.end() - at
            if len(data) - at < _MOST_LYRICS_BYTES and not is_end:
                return at - len(data) - _LYRICS_STEP_BYTES
        if self.traits is None and len(data) - at >= self.HEADER_BYTES and self._free(data, at) is not None:
            if len(data) - at < _THREE_FRAMES_BYTES and not is_end:
                return -_THREE_FRAMES_BYTES
            if self._is_free_rate(data, at):
                raise Unfit("is an MP3 of free bit rate")
        return super()._step(data, at, is_end)

    def _free(self, data: bytes, at: int) -> Header | None:
        header = mpeg_header(data, at)
        return header if header is not None and not header.length else None

    def _is_free_rate(self, data: bytes, at: int) -> bool:
        """Whether two more frames without a bit rate follow the one at `at`, as far apart as that one is long."""
        # All of it but padding and mode extension is alike in all frames.
        mark = data[at : at + 2]
        second = data.find(mark, at + 24, at + _THREE_FRAMES_BYTES // 3)
        while second >= 0:
            thirds = [2 * second - at + more for more in (-1, 0, 1)]
            if data[second + 2] >> 4 == 0 and any(data[third : third + 2] == mark for third in thirds):
                return True
            second = data.find(mark, second + 1, at + _THREE_FRAMES_BYTES // 3)
        return False

    def _tag_bytes(self, data: bytes, at: int) -> int:
        if data[at : at + 1] not in (b"I", b"T", b"A", b"L"):
            return 0
        if data.startswith(_LYRICS, at):
            return len(_LYRICS)
        if length := id3_bytes(data, at):
            return length
        if data.startswith(b"TAG", at):
            return 128
        if data.startswith(b"APETAGEX", at) and len(data) - at >= 32:
            (size_bytes,) = struct.unpack_from("<I", data, at + 12)
            is_header = data[at + 23] & 0x20
            return 32 + (int(size_bytes) if is_header else 0)
        return 0

    def _after_tag(self, length: int) -> int:
        # Behind the others the stream ends most often, or there is one more.
        self._follows_tag = self.traits is None
        return length

    def _begin(self, frame: bytes, header: Header) -> bool:
        layer, divisor, rate_hz, channels = header.kind
        if layer != 3:
            raise Unfit(f"is MPEG layer {'I' * layer}, not MP3")
        is_mpeg1 = divisor == 1
        frames, lead, padding = _described(frame)
        share = max(1, header.length - _HEAD_BYTES[is_mpeg1])
        before = min(_MOST_PREROLL_FRAMES, 1 + -(-_RESERVOIR_BYTES[is_mpeg1] // share))
        self.traits = Traits(
            name="mp3",
            rate_hz=rate_hz,
            channels=channels,
            original_hz=rate_hz,
            lead_samples=lead,
            total_samples=None if not frames else max(0, frames * header.samples - lead - padding),
            preroll_samples=before * header.samples,
        )
        return frames is None


def silent_frame(like: bytes, reservoir: bytes = b"") -> bytes:
    """A frame without a bit of sound, to stand among those of the mono stream that begins with `like`.

    It is as short as it can be with all of `reservoir` in it, of which the next frame may make use.
    """
    room = 0
    head = frame = b""
    for index in range(1, 15):
        head = bytes((0xFF, like[1] | 1, index << 4 | like[2] & 0x0C, like[3]))
        header = mpeg_header(head, 0)
        assert header is not None
        room = header.length - _HEAD_BYTES[header.kind[1] == 1]
        frame = head + bytes(header.length - len(head))
        if room >= len(reservoir):
            break
    return frame[: len(frame) - len(reservoir)] + reservoir


def main_data(frames: bytes) -> bytes:
    """The last bits of mono `frames`, as far back as the frame behind them may look."""
    is_mpeg1 = frames[1:2] != b"" and frames[1] >> 3 & 3 == 3
    found, at = b"", 0
    while len(frames) - at >= 4 and (header := mpeg_header(frames, at)):
        begin = _HEAD_BYTES[is_mpeg1] + (0 if frames[at + 1] & 1 else _CHECKSUM_BYTES)
        found += frames[at + begin : at + header.length]
        at += header.length
    return found[-_RESERVOIR_BYTES[is_mpeg1] :]


def _described(frame: bytes) -> tuple[int | None, int, int]:
    """What the first frame says of the others: how many there are, None if it says nothing at all and 0 if not that.

    And how many samples precede the sound and follow it, in what a decoder makes of them.
    """
    if frame[36:40] == b"VBRI" and len(frame) >= 54:
        return int.from_bytes(frame[50:54], "big"), 0, 0
    at = max(frame.find(b"Xing", 0, 44), frame.find(b"Info", 0, 44))
    if at < 0 or len(frame) < at + 8:
        return None, 0, 0
    (flags,) = struct.unpack_from(">I", frame, at + 4)
    field = at + 8
    frames = int.from_bytes(frame[field : field + 4], "big") if flags & 1 else 0
    field += 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
    delays = frame[field + 21 : field + 24]
    if not frame[field : field + 4].strip(b"\0") or len(delays) < 3:
        return frames, 0, 0
    both = int.from_bytes(delays, "big")
    lead, padding = both >> 12, both & 0xFFF
    return frames, lead + _DECODER_DELAY, max(0, padding - _DECODER_DELAY)
