"""PCM and WAV as samples, as they come. Nothing is resampled."""

from __future__ import annotations

from collections.abc import Callable

from asrcli.service.hearing.beginnings import BEGINNING_BYTES, kind_of
from asrcli.service.recognizers.base import NoValidAudioError, Pcm
from asrcli.values.errors import DecodeError
from asrcli.values.wav_header import RiffFormat, read_riff

Sink = Callable[[Pcm], None]

# A header longer than this holds no WAV that anyone streams.
_LONGEST_HEADER_BYTES = 1024 * 1024
_PCM_TAG, _EXTENSIBLE_TAG = 1, 0xFFFE


class SampleDecoder:
    """Mono s16le, raw or in RIFF/WAVE, as a stream: what it begins with tells, because the vendor's samples do not.

    They send a WAV as pcm, and what a microphone gives as wav. Raw samples are kept whole. A header may come in pieces,
    its lengths may be unknown, and its rate is the one that counts. With `is_wav`, what begins as
    another kind of file is refused.
    """

    def __init__(self, sample_rate_hz: int, sink: Sink, is_wav: bool = False) -> None:
        self._sample_rate_hz = sample_rate_hz
        self._sink = sink
        self._is_wav = is_wav
        # What cannot be told apart or read yet; None once the samples have begun.
        self._head: bytes | None = b""
        self._left_bytes: int | None = None  # None until the end of the stream.
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take what follows of the stream, cut anywhere. Raises NoValidAudioError for a WAV of another kind."""
        if self._head is not None:
            data, self._head = self._begin(self._head + data)
        if self._left_bytes is not None:
            # Tags may follow the samples.
            data = data[: self._left_bytes]
            self._left_bytes -= len(data)
        data = self._rest + data
        whole = len(data) - len(data) % 2
        self._rest = data[whole:]
        if whole:
            self._sink(Pcm(data[:whole], self._sample_rate_hz))

    def finish(self) -> None:
        """Half a sample is no sound."""
        if self._head and _begins_wav(self._head):
            raise NoValidAudioError("the WAV ends within its header")
        if self._head:
            head, self._head = self._head, None
            self.feed(head)

    def _begin(self, data: bytes) -> tuple[bytes, bytes | None]:
        """The first samples, and what of `data` must wait for more of the header."""
        begins_wav = _begins_wav(data)
        if begins_wav is None or (self._is_wav and len(data) < BEGINNING_BYTES):
            return b"", data
        if not begins_wav:
            if self._is_wav and (kind := kind_of(data)) not in (None, "a WAV"):
                raise NoValidAudioError(f"the audio is not wav: it begins as {kind}")
            return data, None
        try:
            found = read_riff(data)
        except DecodeError as error:
            raise NoValidAudioError(error.message) from error
        if isinstance(found, int):
            if found > _LONGEST_HEADER_BYTES:
                raise NoValidAudioError("the WAV header does not end")
            return b"", data
        self._sample_rate_hz, self._left_bytes = _checked_rate(found.format), found.data_bytes
        return data[found.data_offset :], None


def _begins_wav(data: bytes) -> bool | None:
    """Whether a RIFF/WAVE header begins here; None where that cannot be told yet."""
    riff, wave = data[:4], data[8:12]
    if riff != b"RIFF"[: len(riff)] or wave != b"WAVE"[: len(wave)]:
        return False
    return True if len(wave) == 4 else None


def _checked_rate(stated: RiffFormat | None) -> int:
    if stated is None:
        raise NoValidAudioError("the WAV has samples before their format")
    is_pcm = stated.tag in (_PCM_TAG, _EXTENSIBLE_TAG) and stated.bits == 16
    if not is_pcm or stated.channels != 1 or not 1000 <= stated.rate_hz <= 768_000:
        raise NoValidAudioError(
            f"the WAV must hold 16-bit mono PCM; it holds {stated.channels} channels of {stated.bits} bits, "
            f"format tag {stated.tag}, {stated.rate_hz} Hz"
        )
    return stated.rate_hz
