"""What the client sent, as samples: which decoder for which format.

A decoder is fed by one thread, and hands Pcm to a sink before `feed` returns. It knows nothing of protocols and
recognisers. Compressed sound waits for the end of its frame, or of its page in Ogg, and for nothing else. What that
takes, at the pace at which it is spoken, beside one ffmpeg process a stream, which would need no library:

                                          in this process        ffmpeg
    from the first frame to its samples   10 to 80 ms            100 to 250 ms
    later: usual, worst                   1 ms, 60 ms            opus 1, amr 41, aac 129, mp3 145 ms; 330 ms
    CPU for a second of sound             2 to 6 ms              5 to 17 ms
    memory                                36 MB, 0.7 a stream    47 MB a stream
"""

from __future__ import annotations

from typing import Protocol

from asrcli.service.hearing.frames import FrameDecoder
from asrcli.service.hearing.pages import OggDecoder
from asrcli.service.hearing.samples import SampleDecoder, Sink
from asrcli.service.recognizers.base import RecognitionSettings


class AudioDecoder(Protocol):
    """Raises RecognitionError: NO_VALID_AUDIO_ERROR for audio that is not what it is said to be, or the sink's own."""

    def feed(self, data: bytes) -> None: ...

    def finish(self) -> None:
        """Hand over what is left; returns when the sink has it all."""
        ...


def open_decoder(settings: RecognitionSettings, sink: Sink) -> AudioDecoder:
    """The decoder for `settings.audio_format`. Raises RecognitionError where what it needs is not installed."""
    if settings.audio_format in ("pcm", "wav"):
        return SampleDecoder(settings.sample_rate_hz, sink, is_wav=settings.audio_format == "wav")
    if settings.audio_format in ("opus", "speex"):
        return OggDecoder(settings.audio_format, settings.sample_rate_hz, sink)
    return FrameDecoder(settings.audio_format, settings.sample_rate_hz, sink)
