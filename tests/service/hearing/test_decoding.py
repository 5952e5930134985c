"""What clients send, as samples: whole or in pieces, and what is no audio at all."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
import threading
import wave
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from asrcli.service.hearing.decoding import open_decoder
from asrcli.service.recognizers.base import Pcm, RecognitionError, RecognitionSettings
from tests.support.sounds import FFMPEG, needs_ffmpeg


def tone(seconds: float = 1.0, rate_hz: int = 16000) -> bytes:
    at = np.arange(int(seconds * rate_hz)) / rate_hz
    return bytes((np.sin(2 * np.pi * 440 * at) * 12000).astype("<i2").tobytes())


def wav(pcm: bytes, rate_hz: int = 16000, channels: int = 1, width: int = 2) -> bytes:
    written = io.BytesIO()
    with wave.open(written, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(width)
        writer.setframerate(rate_hz)
        writer.writeframes(pcm)
    return written.getvalue()


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[start : start + size] for start in range(0, len(data), size))


def decode(audio_format: str, data: bytes, *, size: int = 3200, rate_hz: int = 16000) -> tuple[bytes, set[int]]:
    """All samples, and the rates they came with."""
    heard: list[Pcm] = []
    decoder = open_decoder(RecognitionSettings(audio_format=audio_format, sample_rate_hz=rate_hz), heard.append)
    try:
        for piece in pieces(data, size):
            decoder.feed(piece)
        decoder.finish()
    finally:
        decoder.close()
    return b"".join(pcm.data for pcm in heard), {pcm.sample_rate_hz for pcm in heard}


# What begins like a WAV, and is none.
beginnings = st.sampled_from([b"", b"R", b"RIF", b"RIFF", b"RIFF\0\0\0\0", b"RIFF\0\0\0\0WAV", b"RIFF\0\0\0\0AVI "])


@given(st.sampled_from(["pcm", "wav"]), beginnings, st.binary(max_size=200), st.integers(1, 50))
def test_raw_samples_pass_whole_whatever_they_are_called(
    audio_format: str, beginning: bytes, data: bytes, size: int
) -> None:
    """The vendor's Java sample calls what its microphone gives wav."""
    data = beginning + data
    assume(data[:4] != b"RIFF" or data[8:12] != b"WAVE")
    heard, rates = decode(audio_format, data, size=size, rate_hz=44100)
    assert heard == data[: len(data) // 2 * 2]
    assert rates <= {44100}


@pytest.mark.parametrize("audio_format", ["pcm", "wav"])
@pytest.mark.parametrize("size", [1, 7, 43, 44, 45, 5000, 100_000])
def test_wav_is_read_in_pieces_of_any_size_at_its_own_rate(audio_format: str, size: int) -> None:
    """The vendor's Go, C# and PHP samples for Paraformer call it pcm."""
    pcm = tone(0.3, 8000)
    assert decode(audio_format, wav(pcm, 8000), size=size) == (pcm, {8000})


def test_chunks_around_the_samples_are_skipped() -> None:
    pcm = tone(0.1)
    whole = wav(pcm)
    odd = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    assert decode("wav", whole[:36] + odd + whole[36:] + odd, size=11)[0] == pcm


@pytest.mark.parametrize("length", [0, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_wav_of_unknown_length_lasts_until_its_end(length: int) -> None:
    pcm = tone(0.1)
    whole = bytearray(wav(pcm))
    struct.pack_into("<I", whole, 40, length)
    assert decode("wav", bytes(whole))[0] == pcm


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (wav(tone(), channels=2), "2 channels"),
        (wav(tone(), width=1), "8 bits"),
        (wav(tone())[:30], "ends within its header"),
        (b"RIFF\0\0\0\0WAVEdata\4\0\0\0abcd", "before their format"),
        (b"RIFF\0\0\0\0WAVE" + (b"junk" + struct.pack("<I", 500_000) + bytes(500_000)) * 3, "does not end"),
    ],
)
def test_what_is_no_mono_16_bit_wav_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(RecognitionError, match=why) as caught:
        decode("wav", data)
    assert caught.value.code == "NO_VALID_AUDIO_ERROR"


def encoded(*arguments: str) -> bytes:
    """One second of tone through ffmpeg's encoder."""
    command = [FFMPEG, "-v", "error", "-f", "s16le", "-ar", "16000", "-ac", "1", "-i", "-", *arguments, "-"]
    done = subprocess.run(command, input=tone(), capture_output=True, check=False)  # type: ignore[arg-type]
    if b"ncoder" in done.stderr:
        pytest.skip(f"this ffmpeg cannot make it: {done.stderr.decode().splitlines()[0]}")
    assert done.returncode == 0, done.stderr
    return done.stdout


ENCODERS = {
    "mp3": ("-f", "mp3"),
    "aac": ("-f", "adts"),
    "opus": ("-c:a", "libopus", "-f", "ogg"),
    "speex": ("-c:a", "libspeex", "-f", "ogg"),
}


@needs_ffmpeg
@pytest.mark.parametrize("audio_format", ENCODERS)
def test_compressed_audio_is_decoded(audio_format: str) -> None:
    heard, rates = decode(audio_format, encoded(*ENCODERS[audio_format]), size=500)
    samples = np.frombuffer(heard, "<i2")
    assert rates == {16000}
    assert 0.9 < len(samples) / 16000 < 1.2
    assert 10_000 < np.abs(samples[4000:12000]).max() < 14_000


@needs_ffmpeg
@pytest.mark.parametrize("audio_format", ["mp3", "aac", "amr", "opus", "speex"])
def test_what_cannot_be_decoded_is_no_valid_audio(audio_format: str) -> None:
    noise = np.random.default_rng(1).bytes(20_000)
    for data in (bytes(20_000), noise, b"OggS" + noise):
        with pytest.raises(RecognitionError) as caught:
            decode(audio_format, data)
        assert caught.value.code == "NO_VALID_AUDIO_ERROR"


@needs_ffmpeg
def test_raw_opus_packets_are_refused_with_the_reason() -> None:
    with pytest.raises(RecognitionError, match="Ogg container"):
        decode("opus", b"\xfc\xff\xfe" * 100)


@needs_ffmpeg
def test_compressed_audio_comes_while_it_is_sent() -> None:
    """A partial result must not wait for the end of the stream."""
    came = threading.Event()
    decoder = open_decoder(RecognitionSettings(audio_format="mp3"), lambda pcm: came.set())
    try:
        decoder.feed(encoded(*ENCODERS["mp3"]))
        assert came.wait(10)
    finally:
        decoder.close()


@needs_ffmpeg
def test_what_the_recogniser_raises_reaches_the_one_who_feeds() -> None:
    """ffmpeg's output is read by a thread of its own; its failure must not be lost there."""

    def stall(pcm: Pcm) -> None:
        raise RecognitionError("ModelServingError", "too slow")

    decoder = open_decoder(RecognitionSettings(audio_format="mp3"), stall)
    try:
        with pytest.raises(RecognitionError, match="too slow"):
            for _ in range(1000):
                decoder.feed(encoded(*ENCODERS["mp3"]))
            decoder.finish()
    finally:
        decoder.close()


def test_silence_before_any_audio_is_no_error() -> None:
    for audio_format in ("pcm", "wav", *(ENCODERS if FFMPEG else ())):
        assert decode(audio_format, b"") == (b"", set())


def test_a_missing_ffmpeg_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(__import__("sys").modules, "imageio_ffmpeg", None)
    with pytest.raises(RecognitionError, match="needs ffmpeg to read mp3"):
        open_decoder(RecognitionSettings(audio_format="mp3"), lambda pcm: None)
