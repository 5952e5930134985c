"""Opus in Ogg, for links that do not carry PCM, or for which somebody pays by the byte: a tenth of it."""

from __future__ import annotations

import io
import logging

import soundfile

from asrcli.values.errors import AudioError
from asrcli.values.pcm import PcmFormat

logger = logging.getLogger(__name__)

# libsndfile's name for its compression level 0, and for 1.
_MOST_BITRATE, _LEAST_BITRATE = 256_000, 6000
# What libsndfile calls SFC_SET_OGG_PAGE_LATENCY_MS. A page leaves with the first frame, of 20 ms, that has no room in
# it, so that up to 87 ms are held back: less than a chunk. With pages of 100 ms it is 127, and the end of a chunk would
# wait for the second one after it, for 7 % fewer bytes.
_PAGE_LATENCY = 0x1302
_PAGE_MS = 60
# By then there has been a page, if pages are as short as that.
_PATIENCE_MS = 400


class OpusEncoder:
    """One Ogg stream of Opus, with a page for each 60 ms, at about `bitrate` bit/s while somebody speaks."""

    def __init__(self, bitrate: int, pcm: PcmFormat) -> None:
        self._pages = _Pages()
        level = (_MOST_BITRATE - bitrate) / (_MOST_BITRATE - _LEAST_BITRATE)
        try:
            self._file = soundfile.SoundFile(
                self._pages, "w", pcm.sample_rate_hz, 1, format="OGG", subtype="OPUS", compression_level=level
            )
        except (soundfile.LibsndfileError, ValueError) as error:
            raise AudioError(f"sound cannot be sent as Opus: {error}", hint="--send pcm") from error
        self._awaits_bytes = pcm.bytes(_PATIENCE_MS) if _shorten_pages(self._file) else 0
        self._head_bytes = 0

    def encode(self, data: bytes) -> bytes:
        """The pages that s16le `data` completes; often none yet."""
        self._file.buffer_write(data, dtype="int16")
        pages = self._pages.taken()
        if self._awaits_bytes > 0:
            self._watch(len(data), len(pages))
        return pages

    def finish(self) -> bytes:
        """The last pages of the stream. Nothing can be encoded after that."""
        self._file.close()
        return self._pages.taken()

    def _watch(self, fed_bytes: int, page_bytes: int) -> None:
        """Look whether pages of sound come after those of the head; libsndfile does not say whether they will."""
        if page_bytes and self._head_bytes:
            self._awaits_bytes = 0
            return
        self._head_bytes += page_bytes
        self._awaits_bytes -= fed_bytes
        if self._awaits_bytes <= 0:
            _tell_long_pages()


def _shorten_pages(file: soundfile.SoundFile) -> bool:
    """Ask for short pages; False where that is not possible. soundfile has no call of its own for it."""
    try:
        latency_ms = soundfile._ffi.new("double *", _PAGE_MS)
        refused = soundfile._snd.sf_command(file._file, _PAGE_LATENCY, latency_ms, 8)
    except (AttributeError, TypeError):
        refused = True
    if refused:
        _tell_long_pages()
    return not refused


def _tell_long_pages() -> None:
    logger.warning("this libsndfile makes a page of Opus for each second of sound: results come that much later")


class _Pages(io.RawIOBase):
    """A file that only grows, from which what has come is taken; libsndfile wants to be able to tell and to seek."""

    def __init__(self) -> None:
        self._new = bytearray()
        self._size = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def write(self, data) -> int:  # type: ignore[no-untyped-def]
        self._new += data
        self._size += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        # An Ogg stream is never rewritten; what libsndfile asks for here is only where it stands.
        return self._size

    def tell(self) -> int:
        return self._size

    def taken(self) -> bytes:
        pages, self._new = bytes(self._new), bytearray()
        return pages
