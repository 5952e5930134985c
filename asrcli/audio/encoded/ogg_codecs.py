"""What the first packets of an Ogg stream say of the sound in it, and how long each packet after them lasts.

Opus after RFC 6716, 3.1 and RFC 7845, 5; Speex after its manual, 7.3.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from typing import NamedTuple

OPUS_HZ = 48000
# Silk-only in 10 to 60 ms, both in 10 and 20, CELT-only in 2.5 to 20: by the upper five bits.
_FRAME_SAMPLES = (480, 960, 1920, 2880) * 3 + (480, 960) * 2 + (120, 240, 480, 960) * 4
_MOST_PACKET_SAMPLES = 5760
_OPUS_PREROLL_SAMPLES = 3840
_SPEEX = struct.Struct("<8s20s13i")
_SPEEX_PREROLL_PACKETS = 5
# First bytes of the streams that are sound too, but none that the service takes.
_OTHER_SOUND = ((b"\x01vorbis", "Vorbis"), (b"\x7fFLAC", "FLAC"), (b"fLaC", "FLAC"), (b"PCM     ", "PCM"))


class Codec(ABC):
    """One kind of sound in Ogg. `head_packets`: so many come before the sound. `skip_samples`: see pre-skip of Opus."""

    name: str
    rate_hz: int
    channels: int
    original_hz: int
    head_packets: int
    preroll_samples: int
    skip_samples = 0
    silence: bytes
    """A packet in which nothing is heard."""
    comments: bytes
    """The least that can stand in place of the packets between the first one and the sound."""

    @abstractmethod
    def samples(self, packet: bytes) -> int:
        """How long a packet that begins so lasts, at `rate_hz`."""


class Opus(Codec):
    name = "opus"
    rate_hz = OPUS_HZ
    head_packets = 2
    preroll_samples = _OPUS_PREROLL_SAMPLES
    # 20 ms in which CELT has nothing to say.
    silence = b"\xb8\xff\xfe"
    comments = b"OpusTags" + bytes(8)

    def __init__(self, head: bytes) -> None:
        _, self.channels, self.skip_samples, rate_hz = struct.unpack_from("<BBHI", head, 8)
        self.original_hz = rate_hz or OPUS_HZ

    def samples(self, packet: bytes) -> int:
        return opus_samples(packet)


class Speex(Codec):
    name = "speex"
    comments = bytes(8)

    def __init__(self, head: bytes) -> None:
        fields = _SPEEX.unpack_from(head)
        self.rate_hz, self.channels = fields[4], fields[7]
        frame_samples, frames, more = fields[9], fields[11], fields[12]
        self.original_hz = self.rate_hz
        self.head_packets = 2 + more
        self._packet_samples = frame_samples * max(1, frames)
        # Frames whose bands, from the lowest up, have nothing in them, and the end.
        bits = ("00000" + "1000" * min(2, max(0, fields[5]))) * max(1, frames) + "01111"
        bits += "1" * (-len(bits) % 8)
        self.silence = int(bits, 2).to_bytes(len(bits) // 8, "big")
        self.preroll_samples = _SPEEX_PREROLL_PACKETS * self._packet_samples
        self.is_sound = 1000 <= self.rate_hz <= 48000 and 0 < frame_samples <= 4096 and 0 <= frames <= 64 >= more >= 0

    def samples(self, packet: bytes) -> int:
        return int(self._packet_samples)


class OtherSound(NamedTuple):
    """Sound of a kind that the service does not take."""

    name: str


def opus_samples(packet: bytes) -> int:
    """How long a packet of Opus lasts, at OPUS_HZ; 0 where that makes no sense."""
    if not packet:
        return 0
    code = packet[0] & 3
    count = (1, 2, 2)[code] if code < 3 else packet[1] & 63 if len(packet) > 1 else 0
    samples = _FRAME_SAMPLES[packet[0] >> 3] * count
    return samples if samples <= _MOST_PACKET_SAMPLES else 0


def codec_of(head: bytes) -> Codec | OtherSound | None:
    """What a stream is whose first packet is `head`; None if it is no sound, or none that is known."""
    if head.startswith(b"OpusHead") and len(head) >= 19 and not head[8] & 0xF0:
        return Opus(head)
    if head.startswith(b"Speex   ") and len(head) >= _SPEEX.size:
        speex = Speex(head)
        return speex if speex.is_sound else None
    return next((OtherSound(name) for magic, name in _OTHER_SOUND if head.startswith(magic)), None)
