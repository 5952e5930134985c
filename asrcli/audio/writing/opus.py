"""Opus in Ogg, for links where a tenth of the bytes matters more than a second of delay."""

from __future__ import annotations

import io

import numpy as np
import soundfile

from asrcli.values.pcm import PcmFormat


class OpusEncoder:
    """One Ogg stream of Opus. libsndfile hands out a page for each second of sound, so results come that much later."""

    def __init__(self, pcm: PcmFormat) -> None:
        self._pages = _Pages()
        self._file = soundfile.SoundFile(
            self._pages, "w", samplerate=pcm.sample_rate_hz, channels=1, format="OGG", subtype="OPUS"
        )

    def encode(self, data: bytes) -> bytes:
        """The pages that s16le `data` completes; often none yet."""
        self._file.write(np.frombuffer(data, dtype="<i2").astype(np.float32) / 32768)
        self._file.flush()
        return self._pages.taken()

    def finish(self) -> bytes:
        """The last pages of the stream. Nothing can be encoded after that."""
        self._file.close()
        return self._pages.taken()


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
        self._new += bytes(data)
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
