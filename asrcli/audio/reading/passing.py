"""Compressed sound on its way to a decoder, looked at as it passes: how long it says it is, and whether it ends there.

A decoder that reads a stream does not tell where that should have ended. Layouts after RFC 9639, 8.2 (FLAC), RFC 3533,
6 (Ogg) and ISO/IEC 14496-12, 4.2 and 8.2.2 (MP4).
"""

from __future__ import annotations

import struct

from asrcli.audio.encoded.headers import id3_bytes
from asrcli.audio.encoded.mp3 import Mp3Parser
from asrcli.audio.encoded.parser import Unfit
from asrcli.audio.reading import sniff
from asrcli.audio.reading.arriving import Arriving
from asrcli.audio.reading.lengths import is_chunk_id
from asrcli.audio.reading.wav_header import MAX_HEADER_BYTES
from asrcli.audio.source import LEAST_SHARE, NoticeSink
from asrcli.values.errors import DecodeError

# What a FLAC may end too early by without a word about it.
_MISSING_S = 0.1
# How the first packet of a stream in Ogg begins, and what Opus counts its samples at.
_VORBIS, _OPUS, _OPUS_HZ = b"\x01vorbis", b"OpusHead", 48000
# The frame of an MP3 that describes the others.
_FRAME_BYTES = 4096
# In the middle of an MP4 that was damaged, a box may seem to have any length.
_BOX = struct.Struct(">I4s")
_LONG_BOX_BYTES = 16


class Passing:
    """An Arriving that passes on what `arriving` brings of a `kind`, of which `head` was read before."""

    live = False

    def __init__(self, arriving: Arriving, kind: sniff.Container | None, head: bytes) -> None:
        self._arriving = arriving
        self._kind = kind
        self._head = head
        self._came_bytes = 0
        self._has_ended = False
        self._tail = b""
        self._is_told = False
        self._promised_s = (stated_ms(kind, head) or 0) / 1000 if kind is sniff.FLAC else 0.0
        tag_bytes = id3_bytes(head) if kind is sniff.MP3 else 0
        self._mp3_begin = tag_bytes
        self._mp3_head = b""
        # Until it is seen that sound follows the tag.
        self._tag = b""
        self._boxes = _Boxes() if kind is sniff.MP4 else None
        self._look_at(head)

    @property
    def stopped(self) -> bool:
        return self._arriving.stopped

    def read(self) -> bytes:
        """See Arriving."""
        data = self._arriving.read()
        self._look_at(data)
        self._has_ended = not data
        return data

    def read_now(self) -> bytes:
        """See Arriving."""
        data = self._arriving.read_now()
        self._look_at(data)
        return data

    def left_bytes(self) -> int | None:
        """See Arriving."""
        return self._arriving.left_bytes()

    def stop(self) -> None:
        """See Arriving."""
        self._arriving.stop()

    def close(self) -> None:
        """See Arriving."""
        self._arriving.close()

    def noticed(self, notice: NoticeSink) -> NoticeSink:
        """`notice`, for whoever may tell first that something is missing."""

        def take(message: str, hint: str, truncated: bool = False) -> None:
            self._is_told |= truncated
            notice(message, hint, truncated)

        return take

    def judge_end(self, name: str, read_s: float, notice: NoticeSink) -> None:
        """Tell of sound that is missing where `read_s` of it could be decoded, unless that was told.

        Raises DecodeError where most is, of what was not cut short but is damaged.
        """
        if self._tag and is_tag_too_long(self._tag, self._mp3_head):
            raise DecodeError(
                f"{name} has an ID3 tag with a wrong length: its beginning was left out",
                hint="fetch it to a file first",
            )
        whole_s = self._whole_s()
        if read_s < LEAST_SHARE * whole_s:
            told = f"{read_s:.1f} of {whole_s:.1f} s could be read"
            raise DecodeError(f"cannot decode most of {name}: it is damaged: {told}")
        if self._is_told:
            return
        if self._promised_s - read_s > _MISSING_S:
            told = f"{read_s:.1f} of {self._promised_s:.1f} s could be read"
            notice(f"{name} is cut short or damaged: {told}", "", True)
        elif self._kind is sniff.OGG and self._has_ended and not sniff.is_ogg_end(sniff.last_ogg_page(self._tail)):
            notice(f"{name} is cut short: its last page is missing", "", True)
        elif missing_bytes := self._missing_bytes():
            notice(f"{name} is cut short: {missing_bytes} bytes are missing at its end", "", True)

    def _whole_s(self) -> float:
        """How long the sound is that has come, whether it can be decoded or not; 0 where nobody knows."""
        if self._kind is sniff.OGG:
            return _ogg_s(self._head, sniff.last_ogg_page(self._tail)) if self._has_ended else 0.0
        is_sure = self._kind is sniff.MP3 or (self._kind is sniff.MP4 and self._is_told)
        if self._kind is None or not is_sure or self._missing_bytes():
            return 0.0
        return (stated_ms(self._kind, self._head) or 0) / 1000

    def _missing_bytes(self) -> int:
        left = self._arriving.left_bytes()
        if left is None and not self._has_ended:
            return 0
        in_all = self._came_bytes + (left or 0)
        if self._boxes is not None:
            return max(0, self._boxes.end - in_all)
        announced = sniff.announced_bytes(self._mp3_head)
        return 0 if announced is None else max(0, self._mp3_begin + announced - in_all)

    def _look_at(self, data: bytes) -> None:
        if self._kind is sniff.OGG:
            self._tail = (self._tail + data)[-sniff.OGG_PAGE_BYTES :]
        elif self._boxes is not None:
            self._boxes.feed(data)
        elif self._kind is sniff.MP3 and len(self._mp3_head) < _FRAME_BYTES:
            self._mp3_head += data[max(0, self._mp3_begin - self._came_bytes) :][:_FRAME_BYTES]
            if len(self._tag) < min(self._mp3_begin, MAX_HEADER_BYTES):
                self._tag += data[: self._mp3_begin - self._came_bytes]
            if sniff.sniff(self._mp3_head) is not None:
                self._tag = b""
        self._came_bytes += len(data)


def _mp4_ms(head: bytes) -> int | None:
    """From the header of the movie, if the index is in the beginning."""
    at = head.find(b"mvhd") + 4
    if at < 4 or len(head) < at + 32:
        return None
    per_s, length = struct.unpack_from(">IQ" if head[at] else ">II", head, at + (20 if head[at] else 12))
    return length * 1000 // per_s if per_s and length else None


def _ogg_s(head: bytes, last_page: bytes) -> float:
    """From the beginning of a stream of Vorbis or Opus to its last page; 0 where that belongs to another one."""
    at = head.find(_VORBIS)
    rate_hz = int.from_bytes(head[at + 12 : at + 16], "little") if at >= 0 else _OPUS_HZ * (_OPUS in head)
    samples = int.from_bytes(last_page[6:14], "little", signed=True)
    is_its_own = sniff.ogg_serial(head) == sniff.ogg_serial(last_page)
    return samples / rate_hz if rate_hz and is_its_own and samples > 0 else 0.0


class _Boxes:
    """The boxes of an MP4 as it passes; `end`: where the last one that has begun ends."""

    def __init__(self) -> None:
        self.end = 0
        self._at = 0
        self._header = b""
        self._makes_sense = True

    def feed(self, data: bytes) -> None:
        """Take in the next bytes of the file; the first thing that is no box ends what is known of it."""
        self._at += len(data)
        while self._makes_sense and self._at > self.end:
            # Of the header of the next box, what is in `data`.
            rest = data[len(data) - (self._at - self.end) :] if self._at - self.end < len(data) else data
            self._header = (self._header + rest)[:_LONG_BOX_BYTES]
            if len(self._header) < _LONG_BOX_BYTES:
                return
            length, name = _BOX.unpack_from(self._header)
            if length == 1:
                (length,) = struct.unpack_from(">Q", self._header, _BOX.size)
            # A length of 0 means to the end.
            self._makes_sense = is_chunk_id(name) and length >= _BOX.size
            self.end += length if self._makes_sense else 0
            self._header = b""


def is_tag_too_long(tag: bytes, following: bytes) -> bool:
    """Whether the sound of an MP3 begins within its `tag` of ID3, and not `following` it."""
    return sniff.sniff(following) is None and sniff.find_mpeg(tag) is not None


def begins_with_index(head: bytes) -> bool:
    """Whether the index of the MP4 that begins with `head` precedes its sound."""
    at = 0
    while len(head) - at >= _LONG_BOX_BYTES:
        length, name = _BOX.unpack_from(head, at)
        if name in (b"moov", b"mdat"):
            return bool(name == b"moov")
        if length < _BOX.size:
            break
        at += length
    return False


def stated_ms(kind: sniff.Container, head: bytes) -> int | None:
    """How long a FLAC, an MP3 or an MP4 says it is, in its first bytes."""
    if kind is sniff.MP4:
        return _mp4_ms(head)
    if kind is sniff.FLAC and len(head) >= 26:
        packed = int.from_bytes(head[18:26], "big")
        rate_hz, samples = packed >> 44, packed & ((1 << 36) - 1)
        return samples * 1000 // rate_hz if rate_hz and samples else None
    if kind is sniff.MP3:
        parser = Mp3Parser()
        try:
            parser.feed(head)
        except Unfit:
            return None
        traits = parser.traits
        if traits is not None and traits.total_samples is not None:
            return traits.total_samples * 1000 // traits.rate_hz
    return None
