"""Sound in the formats that are sent compressed, made in this process; and what the service hears of it."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.stream import AudioStream

from asrcli.service.hearing.decoding import open_decoder
from asrcli.service.recognizers.base import Pcm, RecognitionSettings

# There is no encoder for Speex: `speexenc --bitrate 12000` has made this one, a second of the tone of `tone()`.
SPEEX = Path(__file__).parents[1] / "data" / "tone.spx"

# The name of the container, the encoder, its rate in Hz and bits a second.
_KINDS = {
    "mp3": ("mp3", "libmp3lame", 16000, 32_000),
    "aac": ("adts", "aac", 16000, 32_000),
    "amr": ("amr", "libopencore_amrnb", 8000, 12_200),
    "opus": ("ogg", "libopus", 16000, 28_000),
}


def compressed(
    audio_format: str, pcm: bytes, *, rate_hz: int | None = None, layout: str = "mono", **options: str
) -> bytes:
    """`pcm`, mono s16le at 16 kHz, as a file of that format; `options` are the container's."""
    container_name, encoder, usual_hz, bits_per_s = _KINDS[audio_format]
    file = io.BytesIO()
    with av.open(file, "w", format=container_name, container_options=options) as container:
        stream = cast(
            AudioStream, container.add_stream(encoder, rate=rate_hz or usual_hz, layout=layout, bit_rate=bits_per_s)
        )
        frame = av.AudioFrame.from_ndarray(np.frombuffer(pcm, "<i2").reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = 16000
        for each in (frame, None):
            container.mux(stream.encode(each))
    return file.getvalue()


def tone(seconds: float = 1.0, rate_hz: int = 16000) -> bytes:
    """A sine of 440 Hz, s16le."""
    at = np.arange(int(seconds * rate_hz)) / rate_hz
    return bytes((np.sin(2 * np.pi * 440 * at) * 12000).astype("<i2").tobytes())


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def decode(audio_format: str, data: bytes, *, size: int = 3200, rate_hz: int = 16000) -> tuple[bytes, set[int]]:
    """All samples that the service hears, and the rates they came with."""
    heard: list[Pcm] = []
    decoder = open_decoder(RecognitionSettings(audio_format=audio_format, sample_rate_hz=rate_hz), heard.append)
    for piece in pieces(data, size):
        decoder.feed(piece)
    decoder.finish()
    return b"".join(pcm.data for pcm in heard), {pcm.sample_rate_hz for pcm in heard}


def samples(audio_format: str, data: bytes, *, size: int = 3200) -> np.ndarray:
    """What the service hears, int16 of shape (n,), all at 16 kHz."""
    heard, rates = decode(audio_format, data, size=size)
    assert rates <= {16000}
    return np.frombuffer(heard, "<i2")
