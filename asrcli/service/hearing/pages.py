"""opus and speex as samples, page by page of the Ogg that they are in.

What contradicts the format or the rate that the client states is refused. What is damaged is left out, and what comes
before and after it is heard.
"""

from __future__ import annotations

import struct

from asrcli.service.hearing.codec import RATE_HZ, Codec, check_mono, wrong_rate
from asrcli.service.hearing.ogg import MAGIC, PacketReader, Page, PageReader
from asrcli.service.hearing.samples import Sink
from asrcli.service.recognizers.base import NoValidAudioError, Pcm

_OPUS_HZ = 48000
_HEAD_MAGICS = {"opus": b"OpusHead", "speex": b"Speex   "}
_HEAD_BYTES = {"opus": 19, "speex": 80}


class OggDecoder:
    """opus and speex in Ogg: streams one after another, each with its heads, from any place in the sound on."""

    def __init__(self, audio_format: str, rate_hz: int, sink: Sink) -> None:
        self._format = audio_format
        self._rate_hz = rate_hz
        self._sink = sink
        self._beginning: bytes | None = b""
        self._pages = PageReader()
        self._stream: _Stream | None = None
        self._heard = False

    def feed(self, data: bytes) -> None:
        """Take what follows of the stream, cut anywhere."""
        if self._beginning is not None:
            self._begin(data)
        for page in self._pages.read(data):
            if page.begins:
                self._change(page)
            elif self._stream is None:
                raise NoValidAudioError(f"the Ogg does not begin with the head of {self._format}")
            elif page.serial == self._stream.serial:
                self._give(self._stream.read(page))

    def finish(self) -> None:
        """Half a page is no sound."""
        if self._stream is not None:
            self._give(self._stream.finish())
        if self._beginning != b"" and not self._heard:
            raise NoValidAudioError(f"the audio is not {self._format} in Ogg")

    def _begin(self, data: bytes) -> None:
        assert self._beginning is not None
        self._beginning += data[: len(MAGIC)]
        if self._beginning[: len(MAGIC)] != MAGIC[: len(self._beginning)]:
            raise NoValidAudioError(f"{self._format} must be sent in an Ogg container")
        if len(self._beginning) >= len(MAGIC):
            self._beginning = None

    def _change(self, page: Page) -> None:
        """A stream begins; beside one that has not sounded yet it is another track, which nobody asked for."""
        if self._stream is not None:
            if not self._stream.has_sounded and page.serial != self._stream.serial:
                return
            self._give(self._stream.finish())
        head = b"".join(page.pieces)
        self._stream = None
        if head.startswith(_HEAD_MAGICS[self._format]) and len(head) >= _HEAD_BYTES[self._format]:
            self._stream = _new_stream(self._format, head, page.serial, self._rate_hz)

    def _give(self, pcm: bytes) -> None:
        if pcm:
            self._heard = True
            self._sink(Pcm(pcm, RATE_HZ))


class _Stream:
    """One stream of Ogg, from the page after its first head on."""

    def __init__(self, codec: Codec, serial: int, *, clock_hz: int, heads: int, lead_samples: int = 0) -> None:
        """`heads` are left; `lead_samples` at the beginning belong to no sound. Granules are told by the clock."""
        self.serial = serial
        self._codec = codec
        self._packets = PacketReader()
        self._clock_hz = clock_hz
        self._heads_left = heads
        self._lead_samples = lead_samples
        self._first_granule: int | None = None
        self._finished = False

    @property
    def has_sounded(self) -> bool:
        return self._first_granule is not None

    def read(self, page: Page) -> bytes:
        """What there is to hear in the packets that end in `page`."""
        if self._finished:
            return b""
        packets = self._packets.read(page)
        heads, sound = packets[: self._heads_left], packets[self._heads_left :]
        self._heads_left -= len(heads)
        pcm = b"".join(self._codec.decode(packet) or b"" for packet in sound)
        if sound and self._first_granule is None:
            self._first_granule = max(0, page.granule - self._taken())
        if not page.ends:
            return pcm
        pcm += self.finish()
        # The last packet is filled up; the granule says how far.
        too_many = self._taken() - (page.granule - (self._first_granule or 0))
        cut = max(0, too_many) * RATE_HZ // self._clock_hz if page.granule >= 0 else 0
        return pcm[: max(0, len(pcm) - 2 * cut)]

    def finish(self) -> bytes:
        """What is left in the decoder."""
        if self._finished:
            return b""
        self._finished = True
        return self._codec.finish()

    def _taken(self) -> int:
        """How much of the clock's time has been decoded."""
        return self._lead_samples + self._codec.decoded_samples


def _new_stream(audio_format: str, head: bytes, serial: int, rate_hz: int) -> _Stream:
    """The stream that begins with `head`. The rate of Opus is whatever one likes."""
    if audio_format == "opus":
        channels, lead_samples = struct.unpack_from("<BH", head, 9)
        check_mono(audio_format, channels)
        return _Stream(
            Codec(audio_format, head, _OPUS_HZ), serial, clock_hz=_OPUS_HZ, heads=1, lead_samples=lead_samples
        )
    stated_hz, channels, more_heads = (struct.unpack_from("<I", head, at)[0] for at in (36, 48, 68))
    check_mono(audio_format, channels)
    if stated_hz != rate_hz:
        raise wrong_rate(audio_format, stated_hz, rate_hz)
    return _Stream(Codec(audio_format, head, stated_hz), serial, clock_hz=stated_hz, heads=1 + more_heads)
