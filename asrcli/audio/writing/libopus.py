"""Opus by the system's libopus, where there is one: what libsndfile makes of it, for a twentieth of the CPU.

libsndfile leaves nobody a say in how much effort is made, and makes all there is. On Linux only: elsewhere a function
that takes any number of arguments may be called in another way than ctypes does.
"""

from __future__ import annotations

import ctypes
import functools
import random
import sys
import weakref

from asrcli.audio.encoded.ogg_pages import BEGINS, ENDS, new_page
from asrcli.values.errors import AudioError
from asrcli.values.pcm import BYTES_PER_SAMPLE, PcmFormat

# As in opus_defines.h.
_AUDIO, _SET_BITRATE, _SET_COMPLEXITY, _GET_LOOKAHEAD = 2049, 4002, 4010, 4027
# Of 10. With more, a second of sound takes 13 ms of CPU instead of 2.
_COMPLEXITY = 5
_FRAME_MS = 20
# Sound is held back for up to as long as a page, less than a chunk; see audio/writing/opus.
_PAGE_FRAMES = 3
_MOST_PACKET_BYTES = 1500
# What is counted in pages, whatever the rate of the sound.
_GRANULE_HZ = 48_000


@functools.cache
def library() -> ctypes.CDLL | None:
    """libopus; None where there is none that can be used."""
    if sys.platform != "linux":
        return None
    try:
        found = ctypes.CDLL("libopus.so.0")
        found.opus_encoder_create.restype = ctypes.c_void_p
        found.opus_encode.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int32]
        found.opus_encoder_destroy.argtypes = [ctypes.c_void_p]
        found.opus_encoder_destroy.restype = None
    except (OSError, AttributeError):
        return None
    return found


class LibOpusEncoder:
    """One Ogg stream of Opus, with a page for each 60 ms, at about `bitrate` bit/s while somebody speaks.

    Needs `library()`.
    """

    def __init__(self, bitrate: int, pcm: PcmFormat) -> None:
        found = library()
        assert found is not None
        self._library = found
        self._rate_hz = pcm.sample_rate_hz
        encoder = found.opus_encoder_create(self._rate_hz, 1, _AUDIO, None)
        if not encoder:
            raise AudioError(f"sound of {self._rate_hz} Hz cannot be sent as Opus", hint="--send pcm")
        self._encoder = ctypes.c_void_p(encoder)
        weakref.finalize(self, found.opus_encoder_destroy, self._encoder)
        found.opus_encoder_ctl(self._encoder, _SET_BITRATE, ctypes.c_int(bitrate))
        found.opus_encoder_ctl(self._encoder, _SET_COMPLEXITY, ctypes.c_int(_COMPLEXITY))
        lookahead = ctypes.c_int()
        found.opus_encoder_ctl(self._encoder, _GET_LOOKAHEAD, ctypes.byref(lookahead))
        self._lookahead = lookahead.value
        self._frame_samples = pcm.samples(_FRAME_MS)
        self._serial = random.getrandbits(32)
        self._pages = 0
        self._held = bytearray()
        self._packets: list[bytes] = []
        self._packet = ctypes.create_string_buffer(_MOST_PACKET_BYTES)
        # Of the sound, and of what was encoded.
        self._samples = self._encoded = 0

    def encode(self, data: bytes) -> bytes:
        """The pages that s16le `data` completes; often none yet."""
        self._held += data
        self._samples += len(data) // BYTES_PER_SAMPLE
        return self._head() + self._whole_pages()

    def finish(self) -> bytes:
        """The last pages of the stream. Nothing can be encoded after that."""
        # What the encoder looks ahead comes out with silence behind it.
        missing = self._samples + self._lookahead - self._encoded
        self._held += bytes(-(-missing // self._frame_samples) * self._frame_bytes - len(self._held))
        pages = self._head() + self._whole_pages(_PAGE_FRAMES + 1)
        end = self._granule(self._samples + self._lookahead)
        return pages + self._page(self._packets, end, ENDS)

    @property
    def _frame_bytes(self) -> int:
        return self._frame_samples * BYTES_PER_SAMPLE

    def _head(self) -> bytes:
        """The pages ahead of all others, before the first."""
        if self._pages:
            return b""
        skip = self._granule(self._lookahead).to_bytes(2, "little")
        about = b"OpusHead\x01\x01" + skip + self._rate_hz.to_bytes(4, "little") + bytes(3)
        maker = b"asrcli"
        tags = b"OpusTags" + len(maker).to_bytes(4, "little") + maker + bytes(4)
        return self._page([about], 0, BEGINS) + self._page([tags], 0)

    def _whole_pages(self, frames: int = _PAGE_FRAMES) -> bytes:
        """What is held, encoded, in pages as soon as so many frames are there; the last frames wait."""
        pages = b""
        whole = len(self._held) // self._frame_bytes * self._frame_bytes
        for start in range(0, whole, self._frame_bytes):
            if len(self._packets) == _PAGE_FRAMES:
                pages += self._full_page()
            self._packets.append(self._packet_of(bytes(self._held[start : start + self._frame_bytes])))
            if len(self._packets) == frames:
                pages += self._full_page()
        del self._held[:whole]
        return pages

    def _full_page(self) -> bytes:
        packets, self._packets = self._packets, []
        return self._page(packets, self._granule(self._encoded))

    def _packet_of(self, frame: bytes) -> bytes:
        length = self._library.opus_encode(self._encoder, frame, self._frame_samples, self._packet, _MOST_PACKET_BYTES)
        if length < 0:
            raise AudioError(f"sound could not be compressed: libopus says {length}", hint="--send pcm")
        self._encoded += self._frame_samples
        return ctypes.string_at(self._packet, length)

    def _granule(self, samples: int) -> int:
        return samples * _GRANULE_HZ // self._rate_hz

    def _page(self, packets: list[bytes], granule: int, flags: int = 0) -> bytes:
        page = new_page(packets, flags=flags, granule=granule, serial=self._serial, number=self._pages)
        self._pages += 1
        return page.data
