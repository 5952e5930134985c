"""Packets of compressed sound as samples, by FFmpeg's decoders in this process (PyAV)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, cast

from asrcli.service.recognizers.base import NoValidAudioError, RecognitionError

if TYPE_CHECKING:
    from av import AudioCodecContext, AudioFrame, AudioResampler, Packet
    from av.audio.stream import AudioStream

# What comes out, mono s16le.
RATE_HZ = 16000
# FFmpeg's own decoder of AMR knows no pauses.
_DECODERS = {"mp3": "mp3float", "aac": "aac", "amr": "libopencore_amrnb", "opus": "libopus", "speex": "speex"}


class Codec:
    """The decoder of one stream. `decoded_samples` counts what has come out of it, at the stream's own rate.

    `head` and `rate_hz` are what the container says, for the formats whose packets do not. Raises RecognitionError
    where PyAV is not installed, or has no such decoder.
    """

    def __init__(self, audio_format: str, head: bytes = b"", rate_hz: int | None = None) -> None:
        try:
            import av
        except ImportError as error:
            raise RecognitionError("InternalError", f"this service needs PyAV to read {audio_format}") from error
        self._packet: Callable[[bytes], Packet[AudioStream]] = cast(Any, av.Packet)
        self._new_resampler: Callable[[], AudioResampler] = lambda: av.AudioResampler(
            format="s16", layout="mono", rate=RATE_HZ
        )
        self._refusal = av.FFmpegError
        try:
            self._context: AudioCodecContext = cast(Any, av.CodecContext.create(_DECODERS[audio_format], "r"))
        except av.codec.codec.UnknownCodecError as error:
            raise RecognitionError("InternalError", f"this service's PyAV cannot read {audio_format}") from error
        if head:
            self._context.extradata = head
        if rate_hz is not None:
            self._context.sample_rate = rate_hz
            self._context.layout = "mono"
        self._resampler: AudioResampler | None = None
        self._kind: tuple[int, str, str] | None = None
        self.decoded_samples = 0

    def packets(self, data: bytes) -> Iterator[bytes]:
        """The packets that `data` completes, of a stream whose packets say themselves where they begin."""
        return map(bytes, self._context.parse(data))

    def last_packets(self) -> Iterator[bytes]:
        """What is left of such a stream at its end."""
        return map(bytes, self._context.parse(None))

    def decode(self, packet: bytes) -> bytes | None:
        """What there is to hear of it, perhaps nothing yet; None for one that is damaged."""
        return self._decoded(self._packet(packet))

    def finish(self) -> bytes:
        """What the decoder and the resampler hold back. Nothing can be decoded after that."""
        return (self._decoded(None) or b"") + self._flushed()

    def _decoded(self, packet: Packet[AudioStream] | None) -> bytes | None:
        try:
            frames = self._context.decode(packet)
        except self._refusal:
            return None
        return b"".join(map(self._resampled, frames))

    def _resampled(self, frame: AudioFrame) -> bytes:
        self.decoded_samples += frame.samples
        kind = (frame.sample_rate, frame.layout.name, frame.format.name)
        before = b""
        if kind != self._kind or self._resampler is None:
            # AAC may begin at half its rate.
            before = self._flushed()
            self._kind, self._resampler = kind, self._new_resampler()
        return before + _samples(self._resampler.resample(frame))

    def _flushed(self) -> bytes:
        resampler, self._resampler = self._resampler, None
        return b"" if resampler is None else _samples(resampler.resample(None))


def check_mono(audio_format: str, channels: int) -> None:
    # AAC may say within what its 0 stands for.
    if channels > 1:
        raise NoValidAudioError(f"the {audio_format} must be mono; it has {channels} channels")


def wrong_rate(audio_format: str, rate_hz: int, stated_hz: int) -> NoValidAudioError:
    return NoValidAudioError(f"the {audio_format} is at {rate_hz} Hz, and sample_rate says {stated_hz}")


def _samples(frames: list[AudioFrame]) -> bytes:
    """A plane may be longer than what is in it."""
    return b"".join(bytes(frame.planes[0])[: 2 * frame.samples] for frame in frames)
