"""mp3, aac and amr as samples, frame by frame.

What contradicts the format or the rate that the client states is refused. What is damaged is left out, and what comes
before and after it is heard.
"""

from __future__ import annotations

from collections.abc import Callable

from asrcli.service.hearing.beginnings import AMR_MAGIC, BEGINNING_BYTES, kind_of
from asrcli.service.hearing.codec import RATE_HZ, Codec, check_mono, wrong_rate
from asrcli.service.hearing.samples import Sink
from asrcli.service.recognizers.base import NoValidAudioError, Pcm

# So much in which no frame is found is no sound of the stated kind; tags do not count.
_MOST_SEARCHED_BYTES = 64 * 1024
_AMR_HZ = 8000
# By type: eight kinds of speech, comfort noise, and nothing, which stands for a pause.
_AMR_FRAME_BYTES = {0: 13, 1: 14, 2: 16, 3: 18, 4: 20, 5: 21, 6: 27, 7: 32, 8: 6, 15: 1}
_NAMES = {"mp3": "mp3", "aac": "aac in ADTS", "amr": "amr"}
_MP3_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


class FrameDecoder:
    """mp3, aac in ADTS, and amr: frames one after the other, with tags before and after them."""

    def __init__(self, audio_format: str, rate_hz: int, sink: Sink) -> None:
        self._format = audio_format
        self._rate_hz = rate_hz
        self._sink = sink
        self._codec = Codec(audio_format, rate_hz=_AMR_HZ if audio_format == "amr" else None)
        amr = AmrFrames()
        self._packets = amr.read if audio_format == "amr" else self._codec.packets
        self._last_packets = tuple if audio_format == "amr" else self._codec.last_packets
        self._head = b""  # Too little to tell what it is.
        self._tag_bytes = 0  # Still to come of an ID3 tag.
        self._fed = self._begun = False
        self._searched_bytes = 0
        self._heard = False

    def feed(self, data: bytes) -> None:
        """Take what follows of the stream, cut anywhere."""
        self._fed = self._fed or bool(data)
        if not self._begun:
            data = self._begin(data)
        for packet in self._packets(data):
            self._hear(packet)
        if not self._heard:
            self._searched_bytes += len(data)
            if self._searched_bytes > _MOST_SEARCHED_BYTES:
                raise self._refusal()

    def finish(self) -> None:
        """Half a frame is no sound."""
        for packet in self._last_packets():
            self._hear(packet)
        self._give(self._codec.finish())
        if self._fed and not self._heard:
            raise self._refusal()

    def _begin(self, data: bytes) -> bytes:
        """What of the stream can be frames, once it is known what it begins with. Tags are passed over."""
        data = self._head + data
        while True:
            passed = min(self._tag_bytes, len(data))
            self._tag_bytes -= passed
            data = data[passed:]
            if len(data) < BEGINNING_BYTES:
                self._head = data
                return b""
            if not data.startswith(b"ID3"):
                break
            self._tag_bytes = _id3_bytes(data)
        self._begun, self._head = True, b""
        if (found := _kind(data)) not in (None, self._format):
            raise self._refusal(f": it begins as {found}")
        if self._format != "amr":
            return data
        if found is None:
            raise self._refusal(f": it does not begin with {AMR_MAGIC.decode().strip()}")
        return data[len(AMR_MAGIC) :]

    def _hear(self, packet: bytes) -> None:
        if not self._heard and self._format == "mp3" and _is_index(packet):
            return
        pcm = self._codec.decode(packet)
        if pcm is None:
            return
        self._check(packet)
        self._give(pcm)

    def _give(self, pcm: bytes) -> None:
        if pcm:
            self._heard = True
            self._sink(Pcm(pcm, RATE_HZ))

    def _check(self, packet: bytes) -> None:
        stated = _STATED[self._format](packet)
        if stated is None:
            return
        rate_hz, channels = stated
        check_mono(self._format, channels)
        # AAC may be doubled by what it says further within.
        if self._rate_hz not in (rate_hz, 2 * rate_hz if self._format == "aac" else rate_hz):
            raise wrong_rate(self._format, rate_hz, self._rate_hz)

    def _refusal(self, why: str = "") -> NoValidAudioError:
        return NoValidAudioError(f"the audio is not {_NAMES[self._format]}{why}")


class AmrFrames:
    """The frames of AMR; FFmpeg's parser loses some of them where they come in small pieces."""

    def __init__(self) -> None:
        self._rest = b""

    def read(self, data: bytes) -> list[bytes]:
        """The frames that `data` completes. What can be none, after damage, is passed over."""
        data, at = self._rest + data, 0
        frames = []
        while at < len(data):
            # The bits around the type are 0, but for the one that tells good frames from bad ones.
            size = 0 if data[at] & 0x83 else _AMR_FRAME_BYTES.get(data[at] >> 3, 0)
            if at + size > len(data):
                break
            if size:
                frames.append(data[at : at + size])
            at += size or 1
        self._rest = data[at:]
        return frames


def _kind(data: bytes) -> str | None:
    """What the stream is that begins so, if that can be told."""
    if kind := kind_of(data):
        return kind
    if data[0] == 0xFF and data[1] & 0xF6 == 0xF0:
        return "aac"
    return "mp3" if data[0] == 0xFF and data[1] & 0xE0 == 0xE0 else None


def _id3_bytes(data: bytes) -> int:
    """How long the tag is that begins here, with its head, and with its foot where it has one."""
    size = 0
    for byte in data[6:10]:
        size = size << 7 | byte & 0x7F
    return 10 + size + (10 if data[5] & 0x10 else 0)


def _is_index(packet: bytes) -> bool:
    """Whether it is the frame with the length of the file, which is silent."""
    return any(magic in packet[4:42] for magic in (b"Xing", b"Info"))


def _stated_by_mp3(packet: bytes) -> tuple[int, int] | None:
    """The rate and the number of channels."""
    if len(packet) < 4 or packet[0] != 0xFF:
        return None
    rates, at = _MP3_RATES.get(packet[1] >> 3 & 3), packet[2] >> 2 & 3
    return None if rates is None or at == len(rates) else (rates[at], 1 if packet[3] >> 6 == 3 else 2)


def _stated_by_adts(packet: bytes) -> tuple[int, int] | None:
    """The rate and the number of channels, 0 where it is said further within."""
    if len(packet) < 4 or packet[0] != 0xFF:
        return None
    at = packet[2] >> 2 & 15
    return None if at >= len(_AAC_RATES) else (_AAC_RATES[at], (packet[2] & 1) << 2 | packet[3] >> 6)


# AMR has one rate and one channel.
_STATED: dict[str, Callable[[bytes], tuple[int, int] | None]] = {
    "mp3": _stated_by_mp3,
    "aac": _stated_by_adts,
    "amr": lambda packet: None,
}
