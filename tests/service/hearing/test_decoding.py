"""What clients send, as samples: whole or in pieces, and what is no audio at all."""

from __future__ import annotations

import io
import struct
import sys
import wave

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from asrcli.service.hearing.beginnings import kind_of
from asrcli.service.hearing.decoding import open_decoder
from asrcli.service.recognizers.base import RecognitionError, RecognitionSettings
from tests.support.compressed import compressed, decode, tone


def wav(pcm: bytes, rate_hz: int = 16000, channels: int = 1, width: int = 2) -> bytes:
    written = io.BytesIO()
    with wave.open(written, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(width)
        writer.setframerate(rate_hz)
        writer.writeframes(pcm)
    return written.getvalue()


# What begins like a WAV, and is none.
beginnings = st.sampled_from([b"", b"R", b"RIF", b"RIFF", b"RIFF\0\0\0\0", b"RIFF\0\0\0\0WAV", b"RIFF\0\0\0\0AVI "])


@given(st.sampled_from(["pcm", "wav"]), beginnings, st.binary(max_size=200), st.integers(1, 50))
def test_raw_samples_pass_whole_whatever_they_are_called(
    audio_format: str, beginning: bytes, data: bytes, size: int
) -> None:
    """The vendor's Java sample calls what its microphone gives wav."""
    data = beginning + data
    assume(data[:4] != b"RIFF" or data[8:12] != b"WAVE")
    assume(audio_format == "pcm" or kind_of(data) in (None, "a WAV"))
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


@pytest.mark.parametrize("audio_format", ["mp3", "opus", "amr"])
@pytest.mark.parametrize("size", [1, 5, 3200])
def test_another_kind_of_file_is_no_wav(audio_format: str, size: int) -> None:
    data = (b"ID3\4\0\0\0\0\0\0" if audio_format == "mp3" else b"") + compressed(audio_format, tone(0.3))
    with pytest.raises(RecognitionError, match=r"the audio is not wav: it begins as (mp3|Ogg|amr)") as caught:
        decode("wav", data, size=size)
    assert caught.value.code == "NO_VALID_AUDIO_ERROR"


def test_silence_before_any_audio_is_no_error() -> None:
    for audio_format in ("pcm", "wav", "mp3", "aac", "amr", "opus", "speex"):
        assert decode(audio_format, b"") == (b"", set())


def test_a_missing_library_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(RecognitionError, match="needs PyAV to read mp3") as caught:
        open_decoder(RecognitionSettings(audio_format="mp3"), lambda pcm: None)
    assert caught.value.code == "InternalError"
