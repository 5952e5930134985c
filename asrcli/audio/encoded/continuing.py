"""What one session sends of sound that is encoded already: its header first, and silence of ours such that it fits in.

A stream cannot be left and taken up again without more ado: pages of Ogg are counted, and the bits of an MP3 frame may
lie in the frames before it.
"""

from __future__ import annotations

import struct
from collections import deque

from asrcli.audio.encoded.mp3 import main_data, silent_frame
from asrcli.audio.encoded.ogg import SILENT_NUMBER
from asrcli.audio.encoded.ogg_codecs import Codec, codec_of
from asrcli.audio.encoded.ogg_pages import NO_GRANULE, Page, changed, page_bytes, pages_of
from asrcli.values.pcm import PcmFormat

_PLACE = struct.Struct("<6xQ4xI")
# Frames of the lowest bit rates reach back over many chunks.
_KEPT_CHUNKS = 8


class OggStream:
    """One stream of Ogg that begins with the pages `header`.

    Silence is counted when it comes, and from then on all pages are.
    """

    def __init__(self, header: bytes, pcm: PcmFormat) -> None:
        pages = list(pages_of(header))
        codec = codec_of(pages[0].packets[0][0])
        assert isinstance(codec, Codec)
        self._codec = codec
        self._header = header
        self._number, self._granule = pages[-1].number, 0
        # By how much what the source numbers is put off.
        self._more_pages = self._more_samples = 0

    def encode(self, data: bytes) -> bytes:
        """The pages of a chunk, the first with the header."""
        header, self._header = self._header, b""
        last = 0
        at = 0
        while at < len(data):
            last, at = at, at + page_bytes(data[at : at + 282])
        granule, number = _PLACE.unpack_from(data, last)
        if number != SILENT_NUMBER and not self._more_pages:
            self._number, self._granule = number, granule if granule != NO_GRANULE else self._granule
            return header + data
        return header + b"".join(map(self._counted, pages_of(data)))

    def finish(self) -> bytes:
        """Nothing: the last page of the source is the last."""
        return b""

    def _counted(self, page: Page) -> bytes:
        if page.number == SILENT_NUMBER:
            samples = sum(self._codec.samples(packet) for packet, _ in page.packets)
            self._more_pages += 1
            self._more_samples += samples
            self._number, self._granule = self._number + 1, self._granule + samples
        else:
            self._number = page.number + self._more_pages
            if page.granule == NO_GRANULE:
                return changed(page, flags=page.flags, granule=NO_GRANULE, serial=page.serial, number=self._number).data
            self._granule = page.granule + self._more_samples
        return changed(page, flags=page.flags, granule=self._granule, serial=page.serial, number=self._number).data


class Mp3Stream:
    """One stream of MP3 frames.

    The last frame of a silence holds what the next frame of the source may look for in the frames before it.
    """

    def __init__(self, pcm: PcmFormat) -> None:
        self._chunks: deque[bytes] = deque(maxlen=_KEPT_CHUNKS)

    def encode(self, data: bytes) -> bytes:
        """The frames of a chunk."""
        silent = silent_frame(data)
        if not data.startswith(silent):
            self._chunks.append(data)
            return data
        return data[: -len(silent)] + silent_frame(data, main_data(b"".join(self._chunks)))

    def finish(self) -> bytes:
        """Nothing: it has no end of its own."""
        return b""
