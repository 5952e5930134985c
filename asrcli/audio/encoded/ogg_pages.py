"""Pages of Ogg, one at a time (RFC 3533, 6)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import NamedTuple

MAGIC = b"OggS"
HEADER_BYTES = 27
CONTINUED, BEGINS, ENDS = 1, 2, 4
NO_GRANULE = (1 << 64) - 1
_FIELDS = struct.Struct("<4xBBQIII")
_CHECKSUM_AT = 22
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class Page(NamedTuple):
    """`granule`: where the last packet that ends in it ends, NO_GRANULE if none does; the rest as in its header."""

    data: bytes
    flags: int
    granule: int
    serial: int
    number: int

    @property
    def is_whole(self) -> bool:
        """Whether its last packet ends in it."""
        segments = self.data[26]
        return not segments or self.data[HEADER_BYTES + segments - 1] < 255

    @property
    def packets(self) -> list[tuple[bytes, bool]]:
        """What it holds of each packet, and whether that ends here; the first one may continue another page's."""
        lengths = self.data[HEADER_BYTES : HEADER_BYTES + self.data[26]]
        at = HEADER_BYTES + len(lengths)
        found: list[tuple[bytes, bool]] = []
        length = 0
        for value in lengths:
            length += value
            if value < 255:
                found.append((self.data[at : at + length], True))
                at, length = at + length, 0
        if lengths and lengths[-1] == 255:
            found.append((self.data[at : at + length], False))
        return found


def checksum(page: bytes) -> int:
    """Of a page whose own field for it is taken for zeros.

    Ogg's polynomial is that of zlib with the bits the other way round, so that C can do it.
    """
    plain = page[:_CHECKSUM_AT] + b"\0\0\0\0" + page[_CHECKSUM_AT + 4 :]
    crc = zlib.crc32(plain.translate(_REVERSED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(crc.to_bytes(4, "little").translate(_REVERSED), "big")


def page_bytes(head: bytes) -> int:
    """The length of the page that begins with `head`; 0 if more is needed to tell."""
    if len(head) < HEADER_BYTES or len(head) < HEADER_BYTES + head[26]:
        return 0
    return HEADER_BYTES + head[26] + sum(head[HEADER_BYTES : HEADER_BYTES + head[26]])


def read_page(data: bytes) -> Page | None:
    """`data` as a page; None if it is damaged."""
    version, flags, granule, serial, number, stated = _FIELDS.unpack_from(data)
    if version or stated != checksum(data):
        return None
    return Page(data, flags, granule, serial, number)


def changed(page: Page, *, flags: int, granule: int, serial: int, number: int) -> Page:
    """`page` with other fields, and the checksum that belongs to these."""
    return _sealed(page.data[26:], flags, granule, serial, number)


def without(page: Page, packets: int) -> Page:
    """`page` without the first so many of its packets."""
    if not packets:
        return page
    return _sealed(_laced(page.packets[packets:]), page.flags & ~CONTINUED, page.granule, page.serial, page.number)


def only(page: Page, packets: int, samples: int) -> Page:
    """`page` with none but the first so many of its packets; the others last for so many samples."""
    granule = page.granule if page.granule == NO_GRANULE else max(0, page.granule - samples)
    return _sealed(_laced(page.packets[:packets]), page.flags & ~ENDS, granule, page.serial, page.number)


def _laced(packets: list[tuple[bytes, bool]]) -> bytes:
    """What follows the header of a page of these packets, of which the last one need not end in it."""
    lacing = b"".join(
        b"\xff" * (len(packet) // 255) + bytes((len(packet) % 255,)) * is_whole for packet, is_whole in packets
    )
    return bytes((len(lacing),)) + lacing + b"".join(packet for packet, _ in packets)


def pages_of(data: bytes) -> Iterator[Page]:
    """The pages that `data` consists of."""
    at = 0
    while length := page_bytes(data[at : at + HEADER_BYTES + 255]):
        page = read_page(data[at : at + length])
        assert page is not None
        yield page
        at += length


def new_page(packets: list[bytes], *, flags: int, granule: int, serial: int, number: int) -> Page:
    """A page of whole packets, which have to fit into one."""
    lacing = b"".join(b"\xff" * (len(each) // 255) + bytes((len(each) % 255,)) for each in packets)
    return _sealed(bytes((len(lacing),)) + lacing + b"".join(packets), flags, granule, serial, number)


def _sealed(rest: bytes, flags: int, granule: int, serial: int, number: int) -> Page:
    head = bytearray(MAGIC + bytes(HEADER_BYTES - 1 - len(MAGIC)))
    _FIELDS.pack_into(head, 0, 0, flags, granule, serial, number, 0)
    head[:4] = MAGIC
    data = bytes(head) + rest
    sealed = data[:_CHECKSUM_AT] + checksum(data).to_bytes(4, "little") + data[_CHECKSUM_AT + 4 :]
    return Page(sealed, flags, granule, serial, number)
