"""Files made of chunks: where the header says that the sound ends, and whether what follows it is chunks too.

Looks at a few bytes of a file and decodes nothing. Layouts after RIFF, AIFF-1.3, Sony's Wave64, Apple's CAF and Sun's
AU; ISO/IEC 14496-12, 4.2 for the boxes of an MP4.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from asrcli.system.posix import read_at

# What may follow the sound without a word about it: padding, and tags of a kind that is not known here.
TRAILER_BYTES = 4096
# A damaged file could seem to consist of nothing but tiny chunks.
_MOST_CHUNKS = 4096
# From here on, a length of four bytes may be what writers to a pipe put in, who do not know it; 0 is another.
_UNKNOWN_FROM = 0x7FFF0000
# Behind the sound, these begin more of it: files were joined end to end.
_MORE_SOUND = frozenset((b"RIFF", b"RF64", b"data", b"FORM", b"SSND"))
_ID_CHARACTERS = frozenset(b" _-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


@dataclass(frozen=True, slots=True)
class _Layout:
    """`first`: where the first chunk begins. `sound`: how the id of the one with the sound begins."""

    first: int
    header: struct.Struct
    sound: bytes
    align: int = 2
    counts_header: bool = False


# By the names that `sniff` gives.
_LAYOUTS = {
    "WAV": _Layout(12, struct.Struct("<4sI"), b"data"),
    "WAV, big-endian": _Layout(12, struct.Struct(">4sI"), b"data"),
    "AIFF": _Layout(12, struct.Struct(">4sI"), b"SSND"),
    "CAF": _Layout(8, struct.Struct(">4sq"), b"data", align=1),
    "W64": _Layout(40, struct.Struct("<16sQ"), b"data", align=8, counts_header=True),
}


@dataclass(frozen=True, slots=True)
class Extent:
    """From where to where the sound reaches by what the header says, in bytes; `end` may lie beyond the file's."""

    begin: int
    end: int


def stated_extent(fd: int, kind: str, size_bytes: int) -> Extent | None:
    """Where the sound of a file of `size_bytes` lies; None where its header does not tell, or makes no sense."""
    if kind == "AU":
        head = read_at(fd, 12, 0)
        begin, length = struct.unpack_from(">II", head, 4) if len(head) == 12 else (0, 0)
        return _extent(begin, length, size_bytes)
    layout = _LAYOUTS.get(kind)
    if layout is None:
        return None
    for name, begin, length in _chunks(fd, layout, layout.first):
        if name.startswith(layout.sound):
            return _extent(begin, length, size_bytes)
    return None


def stray_bytes(fd: int, kind: str, sound_end: int, size_bytes: int) -> int:
    """How many bytes at the end of a file are neither sound, which ends at `sound_end`, nor another chunk."""
    layout = _LAYOUTS.get(kind)
    if layout is None or sound_end >= size_bytes:
        return max(0, size_bytes - sound_end)
    # Not every writer fills up to where the next chunk should begin.
    return min(_strays_from(fd, layout, at, size_bytes) for at in {sound_end, _aligned(sound_end, layout)})


def is_chunk_id(name: bytes) -> bool:
    """Whether `name`, four bytes, could name a chunk, or begin a tag; samples seldom look so."""
    return len(name) == 4 and (_ID_CHARACTERS.issuperset(name) or name.startswith(b"ID3"))


def may_follow_sound(name: bytes) -> bool:
    """Whether `name`, four bytes behind the sound of a file, could name a chunk that holds none."""
    return is_chunk_id(name) and name not in _MORE_SOUND


def is_whole_mp4(fd: int, size_bytes: int) -> bool:
    """Whether the last box of an MP4 ends where the file does: then it was not cut short."""
    at = 0
    for _ in range(_MOST_CHUNKS):
        header = read_at(fd, 16, at)
        if at == size_bytes or len(header) < 8:
            break
        length, name = struct.unpack_from(">I4s", header)
        if length == 1 and len(header) == 16:
            (length,) = struct.unpack_from(">Q", header, 8)
        if not is_chunk_id(name) or 0 < length < 8:
            return False
        # A length of 0 means to the end.
        at += length or size_bytes - at
    return at == size_bytes


def _strays_from(fd: int, layout: _Layout, at: int, size_bytes: int) -> int:
    end = at
    for name, begin, length in _chunks(fd, layout, at):
        if not may_follow_sound(name[:4]):
            break
        end = _aligned(begin + length, layout)
    return max(0, size_bytes - end)


def _chunks(fd: int, layout: _Layout, at: int) -> Iterator[tuple[bytes, int, int]]:
    """The id, the begin of the body and its stated length of one chunk after another, as far as there are any."""
    for _ in range(_MOST_CHUNKS):
        header = read_at(fd, layout.header.size, at)
        if len(header) < layout.header.size:
            return
        name, length = layout.header.unpack(header)
        if not is_chunk_id(name[:4]):
            return
        begin = at + layout.header.size
        if layout.counts_header:
            length -= layout.header.size
        yield name, begin, length
        if length < 0:
            return
        at = _aligned(begin + length, layout)


def _extent(begin: int, length: int, size_bytes: int) -> Extent | None:
    is_known = length > 0 and (begin + length <= size_bytes or length < _UNKNOWN_FROM or length > 0xFFFFFFFF)
    return Extent(begin, begin + length) if is_known and begin < size_bytes else None


def _aligned(position: int, layout: _Layout) -> int:
    return -(-position // layout.align) * layout.align
