"""The header of a WAV stream in our terms: which of the encodings that are known its samples have."""

from __future__ import annotations

from dataclasses import dataclass

from asrcli.audio.sample_encodings import ENCODINGS, layout_problem
from asrcli.values.errors import DecodeError
from asrcli.values.wav_header import RiffFormat, is_wav, read_riff

# Tags and cover pictures may stand before the audio; more than this is a stream that will never get to the point.
MAX_HEADER_BYTES = 4 << 20

# (format tag, bits of the container of one sample)
_ENCODING_NAMES = {
    (1, 8): "u8",
    (1, 16): "s16le",
    (1, 24): "s24le",
    (1, 32): "s32le",
    (3, 32): "f32le",
    (3, 64): "f64le",
    (6, 8): "alaw",
    (7, 8): "mulaw",
}


@dataclass(frozen=True, slots=True)
class WavHeader:
    """What stands before the samples.

    `encoding` is a name in ENCODINGS, or None for a codec (ADPCM, GSM, …) that is not plain samples. `data_bytes` is
    the stated length, or None where the writer did not know it: then the audio reaches to the end of the stream.
    """

    rate_hz: int
    channels: int
    encoding: str | None
    data_offset: int
    data_bytes: int | None


def parse_header(head: bytes) -> WavHeader | None:
    """The header at the start of `head`, or None if more bytes are needed to tell.

    Raises DecodeError, without a file name, where the bytes cannot become a WAV header any more.
    """
    if len(head) < 12:
        return None
    if not is_wav(head):
        raise DecodeError("there is no WAV header")
    found = read_riff(head)
    if isinstance(found, int):
        if found > MAX_HEADER_BYTES:
            raise DecodeError("the WAV header is damaged")
        return None
    if found.format is None:
        raise DecodeError("the WAV header does not describe its samples")
    encoding = _encoding(found.format)
    return WavHeader(found.format.rate_hz, found.format.channels, encoding, found.data_offset, found.data_bytes)


def _encoding(stated: RiffFormat) -> str | None:
    if problem := layout_problem(stated.rate_hz, stated.channels):
        raise DecodeError(f"the WAV header is damaged: {problem}")
    # 20 valid bits in a container of 24 are written as 24 bits: the container decides.
    container_bits = stated.frame_bytes * 8 // stated.channels if stated.frame_bytes else stated.bits
    encoding = _ENCODING_NAMES.get((stated.tag, container_bits))
    if encoding and stated.frame_bytes not in (0, ENCODINGS[encoding].sample_bytes * stated.channels):
        raise DecodeError("the WAV header is damaged: its sizes contradict each other")
    return encoding
