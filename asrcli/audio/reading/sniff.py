"""What kind of audio a stream is, told from its first bytes; names and extensions are not believed.

Pure. It says who can decode a container, not how.
"""

from __future__ import annotations

import codecs
import struct
from dataclasses import dataclass

from asrcli.audio.encoded.headers import ADTS_BYTES, adts_header, mpeg_header
from asrcli.values.wav_header import is_wav

# Enough for every signature here; two MPEG frames, and text, may need more, see `wanted_bytes`.
SIGNATURE_BYTES = 12
_ID3V1_BYTES = 128
_APE_FOOTER_BYTES = 32
_FRAMES_IN_A_ROW = 4
# The longest Ogg page: the last one starts within so many bytes of the end.
OGG_PAGE_BYTES = 65307
TAIL_BYTES = _ID3V1_BYTES + _APE_FOOTER_BYTES
# A dozen loud samples may pass for letters, a hundred do not. The mark of a tar archive lies behind a name.
_TEXT_BYTES = 262


@dataclass(frozen=True, slots=True)
class Container:
    """A kind of file. `ffmpeg_only` is True where libsndfile refuses it, or takes it for something else."""

    name: str
    ffmpeg_only: bool = False


WAV = Container("WAV")
FLAC = Container("FLAC")
OGG = Container("Ogg")
MP3 = Container("MP3")
AAC = Container("AAC", ffmpeg_only=True)
MP4 = Container("MP4", ffmpeg_only=True)
AMR = Container("AMR", ffmpeg_only=True)
MATROSKA = Container("WebM or Matroska", ffmpeg_only=True)
ASF = Container("Windows Media", ffmpeg_only=True)

_SIGNATURES: tuple[tuple[int, bytes, Container], ...] = (
    (0, b"fLaC", FLAC),
    (0, b"OggS", OGG),
    (0, b"ID3", MP3),
    (0, b"FORM", Container("AIFF")),
    (0, b"caff", Container("CAF")),
    (0, b".snd", Container("AU")),
    (0, b"riff\x2e\x91\xcf\x11", Container("W64")),
    (0, b"RIFX", Container("WAV, big-endian")),
    (4, b"ftyp", MP4),
    (4, b"moov", MP4),
    (0, b"\x1a\x45\xdf\xa3", MATROSKA),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", ASF),
    (0, b"#!AMR", AMR),
    (0, b"FLV\x01", Container("Flash video", ffmpeg_only=True)),
    (8, b"AVI ", Container("AVI", ffmpeg_only=True)),
    (0, b"wvpk", Container("WavPack", ffmpeg_only=True)),
    (0, b"TTA1", Container("True Audio", ffmpeg_only=True)),
    (0, b"MAC ", Container("Monkey's Audio", ffmpeg_only=True)),
)

# What people send by mistake.
_FOREIGN: tuple[tuple[int, bytes, str], ...] = (
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b\x08", "gzip data"),
    (0, b"BZh", "bzip2 data"),
    (0, b"\xfd7zXZ\0", "xz data"),
    (0, b"\x28\xb5\x2f\xfd", "zstd data"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"%PDF-", "a PDF"),
    (0, b"\x89PNG\r\n", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"GIF8", "a GIF picture"),
    (0, b"\x7fELF", "a program"),
)


def signature(head: bytes) -> Container | None:
    """The container whose signature stands in the first SIGNATURE_BYTES; None if there is none."""
    if is_wav(head):
        return WAV
    return next((kind for at, magic, kind in _SIGNATURES if head[at : at + len(magic)] == magic), None)


def sniff(head: bytes) -> Container | None:
    """The container that starts with `head`: by its signature, or by two MPEG or AAC frames in a row.

    One frame header alone proves nothing: raw samples may start with the same two bytes.
    """
    if kind := signature(head):
        return kind
    frame = _frame(head)
    if frame is None:
        return None
    kind, length = frame
    following = _frame(head[length:])
    return kind if following is not None and following[0] is kind else None


def wanted_bytes(head: bytes) -> int:
    """How many bytes `sniff` needs for a sure answer, as far as `head` tells; ask again when they are there."""
    if is_text(head[:SIGNATURE_BYTES]) and signature(head) is None:
        return _TEXT_BYTES
    frame = _frame(head)
    return SIGNATURE_BYTES if frame is None else max(SIGNATURE_BYTES, frame[1] + ADTS_BYTES)


def foreign(head: bytes) -> str | None:
    """What begins with `head`, in a few words, where that is no audio for sure; None where it may be."""
    known = next((name for at, magic, name in _FOREIGN if head[at : at + len(magic)] == magic), None)
    return known or ("text" if is_text(head) else None)


def is_text(head: bytes) -> bool:
    """Whether `head` is printable UTF-8, an error page for example; a character cut off at its end is no harm."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return bool(text) and all(character.isprintable() or character in "\t\r\n" for character in text)


def find_mpeg(data: bytes) -> int | None:
    """Where the first MPEG frames in a row begin in `data`; None if there are none. So many are no coincidence."""
    at = data.find(b"\xff")
    while at >= 0:
        position = at
        for _ in range(_FRAMES_IN_A_ROW):
            frame = _frame(data[position : position + ADTS_BYTES])
            if frame is None or frame[0] is not MP3:
                break
            position += frame[1]
        else:
            return at
        at = data.find(b"\xff", at + 1)
    return None


def tag_bytes_at_end(tail: bytes) -> int:
    """The length of the tags behind the sound of a file that ends with `tail`, TAIL_BYTES of it: ID3v1 and APEv2."""
    id3_length = _ID3V1_BYTES if tail[-_ID3V1_BYTES:].startswith(b"TAG") else 0
    footer = tail[: len(tail) - id3_length][-_APE_FOOTER_BYTES:]
    if len(footer) < _APE_FOOTER_BYTES or not footer.startswith(b"APETAGEX"):
        return id3_length
    # The size counts the footer, but not the header, which one of the flags announces.
    size_bytes, _, flags = struct.unpack_from("<III", footer, 12)
    return int(id3_length + size_bytes + (_APE_FOOTER_BYTES if flags >> 31 else 0))


def announced_bytes(head: bytes) -> int | None:
    """How long the index in the first frame of an MP3 says the MP3 is; None if there is no such index.

    Without one, a decoder can only guess the length of an MP3 of variable bit rate.
    """
    frame = _frame(head)
    if frame is None:
        return None
    first = head[: frame[1]]
    at = max(first.find(b"Xing"), first.find(b"Info"))
    if at < 0 or len(first) < at + 16:
        return None
    flags, _, size_bytes = struct.unpack_from(">III", first, at + 4)
    return size_bytes if flags & 3 == 3 else None


def last_ogg_page(tail: bytes) -> bytes:
    """The last page that begins in `tail`, the end of a file; OGG_PAGE_BYTES always hold one."""
    return tail[max(0, tail.rfind(b"OggS")) :]


def ogg_serial(page: bytes) -> bytes:
    """The serial number of the logical stream that an Ogg page belongs to (RFC 3533, 6)."""
    return page[14:18]


def is_ogg_end(page: bytes) -> bool:
    """Whether `page` is marked as the last one of its stream, and is all there."""
    segments = page[26] if len(page) > 26 else 0
    is_whole = len(page) >= 27 + segments + sum(page[27 : 27 + segments])
    return len(page) > 26 and is_whole and bool(page[5] & 4)


def _frame(head: bytes) -> tuple[Container, int] | None:
    """The kind and the length in bytes of the frame that starts at `head`; None if none starts there."""
    if len(head) < ADTS_BYTES:
        return None
    if adts := adts_header(head, 0):
        return AAC, adts.length
    mpeg = mpeg_header(head, 0)
    # Layer I is as rare as frames of a free bit rate.
    return (MP3, mpeg.length) if mpeg is not None and mpeg.length and mpeg.kind[0] != 1 else None
