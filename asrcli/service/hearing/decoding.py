"""What the client sent, as samples: pcm and wav are read here, the compressed formats by ffmpeg. Nothing is resampled.

A decoder is fed by one thread and hands Pcm to a sink: pcm and wav at once, the others from a thread that reads what
ffmpeg writes. It knows nothing of protocols and recognisers.
"""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Callable
from typing import Protocol

from asrcli.service.recognizers.base import Pcm, RecognitionError, RecognitionSettings
from asrcli.system.threads import Thread
from asrcli.values.errors import DecodeError, Shortage
from asrcli.values.wav_header import RiffFormat, read_riff

Sink = Callable[[Pcm], None]

_FFMPEG_FORMATS = {"mp3": "mp3", "opus": "ogg", "speex": "ogg", "aac": "aac", "amr": "amr"}
_FFMPEG_RATE_HZ = 16000
_READ_BYTES = 16 * 1024
# A header longer than this holds no WAV that anyone streams.
_LONGEST_HEADER_BYTES = 1024 * 1024
_PCM_TAG, _EXTENSIBLE_TAG = 1, 0xFFFE
_log = logging.getLogger(__name__)


class AudioDecoder(Protocol):
    """Raises RecognitionError: NO_VALID_AUDIO_ERROR for audio that is not what it is said to be, or the sink's own."""

    def feed(self, data: bytes) -> None: ...

    def finish(self) -> None:
        """Hand over what is left; returns when the sink has it all."""
        ...

    def close(self) -> None:
        """Let go of everything; harmless after finish and more than once."""
        ...


def open_decoder(settings: RecognitionSettings, sink: Sink) -> AudioDecoder:
    """The decoder for `settings.audio_format`."""
    if settings.audio_format in ("pcm", "wav"):
        return SampleDecoder(settings.sample_rate_hz, sink)
    return FfmpegDecoder(settings.audio_format, sink)


def no_valid_audio(message: str) -> RecognitionError:
    return RecognitionError("NO_VALID_AUDIO_ERROR", message)


class SampleDecoder:
    """Mono s16le, raw or in RIFF/WAVE, as a stream: what it begins with tells, because the vendor's samples do not.

    They send a WAV as pcm, and what a microphone gives as wav. Raw samples are kept whole. A header may come in pieces,
    its lengths may be unknown, and its rate is the one that counts.
    """

    def __init__(self, sample_rate_hz: int, sink: Sink) -> None:
        self._sample_rate_hz = sample_rate_hz
        self._sink = sink
        # What cannot be told apart or read yet; None once the samples have begun.
        self._head: bytes | None = b""
        self._left_bytes: int | None = None  # None until the end of the stream.
        self._rest = b""

    def feed(self, data: bytes) -> None:
        """Take what follows of the stream, cut anywhere. Raises as `no_valid_audio` for a WAV of another kind."""
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
            raise no_valid_audio("the WAV ends within its header")
        if self._head:
            head, self._head = self._head, None
            self.feed(head)

    def close(self) -> None:
        """Nothing is held."""

    def _begin(self, data: bytes) -> tuple[bytes, bytes | None]:
        """The first samples, and what of `data` must wait for more of the header."""
        begins_wav = _begins_wav(data)
        if begins_wav is None:
            return b"", data
        if not begins_wav:
            return data, None
        try:
            found = read_riff(data)
        except DecodeError as error:
            raise no_valid_audio(error.message) from error
        if isinstance(found, int):
            if found > _LONGEST_HEADER_BYTES:
                raise no_valid_audio("the WAV header does not end")
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
        raise no_valid_audio("the WAV has samples before their format")
    is_pcm = stated.tag in (_PCM_TAG, _EXTENSIBLE_TAG) and stated.bits == 16
    if not is_pcm or stated.channels != 1 or not 1000 <= stated.rate_hz <= 768_000:
        raise no_valid_audio(
            f"the WAV must hold 16-bit mono PCM; it holds {stated.channels} channels of {stated.bits} bits, "
            f"format tag {stated.tag}, {stated.rate_hz} Hz"
        )
    return stated.rate_hz


class FfmpegDecoder:
    """mp3, aac, amr, and opus or speex in Ogg, through an ffmpeg process.

    Its reader thread lives from the first audio to `finish` or `close`; what it runs into is raised by the next call.
    """

    def __init__(self, audio_format: str, sink: Sink) -> None:
        self._format = audio_format
        self._sink = sink
        self._failure: RecognitionError | None = None
        self._decoded_bytes = 0
        self._begun = False
        command = [_ffmpeg(audio_format), "-nostdin", "-v", "error"]
        # Not looking ahead: with the usual probing nothing comes out before 1.7 s of a 24 kbit/s mp3 are in.
        command += ["-fflags", "nobuffer", "-probesize", "32", "-analyzeduration", "0"]
        command += ["-f", _FFMPEG_FORMATS[audio_format], "-i", "-", "-vn", "-ac", "1", "-ar", str(_FFMPEG_RATE_HZ)]
        command += ["-f", "s16le", "-flush_packets", "1", "-"]
        # Without buffers of ours: what is written must reach ffmpeg, and what it writes must reach the recogniser.
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, bufsize=0
        )
        self._reader = Thread("ffmpeg output", self._read, self._died)
        try:
            self._reader.start()
        except Shortage as error:
            with self._process as process:
                process.kill()
            raise RecognitionError("InternalError", error.message) from error

    def feed(self, data: bytes) -> None:
        if not self._begun and self._format in ("opus", "speex") and data[:4] != b"OggS"[: len(data)]:
            raise no_valid_audio(f"{self._format} must be sent in an Ogg container")
        self._begun = True
        assert self._process.stdin is not None
        view = memoryview(data)
        try:
            while view:
                view = view[self._process.stdin.write(view) or 0 :]
        except BrokenPipeError as error:
            self._reader.join()
            raise self._failure or no_valid_audio(f"the audio is not {self._format}") from error

    def finish(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._reader.join()
        self.close()
        if self._failure is not None:
            raise self._failure
        if self._begun and not self._decoded_bytes:
            raise no_valid_audio(f"the audio is not {self._format}")

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        # Not from within the reader, which cannot wait for itself; the pipes are closed once it is gone.
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        samples = SampleDecoder(_FFMPEG_RATE_HZ, self._sink)
        try:
            while data := self._process.stdout.read(_READ_BYTES):
                self._decoded_bytes += len(data)
                samples.feed(data)
        except RecognitionError as error:
            self._failure = error
            self._process.kill()

    def _died(self, bug: BaseException) -> None:
        _log.error("the decoding of %s broke", self._format, exc_info=bug)
        self._failure = RecognitionError("InternalError", "the decoder broke")
        self._process.kill()


def _ffmpeg(audio_format: str) -> str:
    found = shutil.which("ffmpeg")
    if found is None:
        try:
            import imageio_ffmpeg
        except ImportError as error:
            raise RecognitionError("InternalError", f"this service needs ffmpeg to read {audio_format}") from error
        found = imageio_ffmpeg.get_ffmpeg_exe()
    return str(found)
