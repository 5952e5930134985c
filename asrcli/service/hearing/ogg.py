"""Ogg as it comes: pages out of bytes that are cut anywhere, and packets out of the pages of one stream.

What the packets hold is not known here. After damage the next whole page counts; what was in between is lost.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

MAGIC = b"OggS"
# After the magic: version, flags, granule position, serial number, sequence number, checksum, number of segments.
_HEADER = struct.Struct("<4sBBqIIIB")
_CONTINUES, _BEGINS, _ENDS = 1, 2, 4
# A packet ends with the first segment that is shorter.
_FULL_SEGMENT = 255
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True, slots=True)
class Page:
    """`pieces` are packets, of which the first may continue one and the last may go on in the next page.

    `granule` is where the last packet that ends here ends, in samples of the codec's clock; -1 where none does.
    """

    granule: int
    serial: int
    sequence: int
    begins: bool
    ends: bool
    continues: bool
    goes_on: bool
    pieces: tuple[bytes, ...]


class PageReader:
    """Pages with a right checksum, each as soon as its last byte has come."""

    def __init__(self) -> None:
        self._rest = b""

    def read(self, data: bytes) -> list[Page]:
        """The pages that `data` completes. At most one page of 64 KiB waits for its end."""
        pages: list[Page] = []
        data, at = self._rest + data, 0
        while (found := data.find(MAGIC, at)) >= 0:
            size = _page_bytes(data, found)
            if size is None or len(data) < found + size:
                self._rest = data[found:]
                return pages
            page = _page(data[found : found + size])
            if page is not None:
                pages.append(page)
            at = found + (size if page is not None else len(MAGIC))
        # The magic may have begun.
        self._rest = data[max(at, len(data) - len(MAGIC) + 1) :]
        return pages


class PacketReader:
    """The packets of one stream. One of which a page is missing is lost, and those beside it are not."""

    def __init__(self) -> None:
        self._sequence: int | None = None
        self._begun: bytes | None = None

    def read(self, page: Page) -> list[bytes]:
        """The packets that end in `page`, the next one of the stream."""
        if self._sequence is not None and page.sequence != self._sequence + 1:
            self._begun = None
        self._sequence = page.sequence
        pieces = list(page.pieces)
        if page.continues and pieces:
            first = pieces.pop(0)
            whole = None if self._begun is None else self._begun + first
            if not pieces and page.goes_on:
                self._begun = whole
                return []
            if whole is not None:
                pieces.insert(0, whole)
        self._begun = pieces.pop() if page.goes_on else None
        return pieces


def _page_bytes(data: bytes, at: int) -> int | None:
    """How long the page is that begins there in `data`; None where that has not come yet."""
    segments_at = at + _HEADER.size
    if len(data) < segments_at or len(data) < segments_at + data[segments_at - 1]:
        return None
    count = data[segments_at - 1]
    return _HEADER.size + count + sum(data[segments_at : segments_at + count])


def _page(data: bytes) -> Page | None:
    """The page that `data` is; None where its checksum is another."""
    _, version, flags, granule, serial, sequence, checksum, count = _HEADER.unpack_from(data)
    if version or checksum != _checksum(data[:22] + bytes(4) + data[26:]):
        return None
    at = _HEADER.size + count
    pieces, begin = [], at
    segments = data[_HEADER.size : at]
    for length in segments:
        at += length
        if length < _FULL_SEGMENT:
            pieces.append(data[begin:at])
            begin = at
    goes_on = bool(segments) and segments[-1] == _FULL_SEGMENT
    if goes_on:
        pieces.append(data[begin:at])
    return Page(
        granule=granule,
        serial=serial,
        sequence=sequence,
        begins=bool(flags & _BEGINS),
        ends=bool(flags & _ENDS),
        continues=bool(flags & _CONTINUES),
        goes_on=goes_on,
        pieces=tuple(pieces),
    )


def _checksum(data: bytes) -> int:
    """Ogg's: CRC-32 with the bits of each byte the other way round, from zero and not inverted."""
    mirrored = zlib.crc32(data.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(mirrored.to_bytes(4, "little").translate(_MIRRORED), "big")
