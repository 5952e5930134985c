"""Opus: far fewer bytes, the same sound, every stream whole, and no sound that waits for long."""

from __future__ import annotations

import io
import logging
import struct
import subprocess
from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from asrcli.audio.encoded.ogg_pages import pages_of
from asrcli.audio.writing.libopus import LibOpusEncoder, library
from asrcli.audio.writing.opus import OpusEncoder
from asrcli.values.errors import AudioError
from asrcli.values.pcm import PcmFormat
from asrcli.values.sound import OPUS_BITRATE
from tests.support.sounds import FFMPEG

# What a decoder leaves out at the beginning.
PRE_SKIP = 312

encoders = pytest.mark.parametrize(
    "new_encoder",
    [OpusEncoder, pytest.param(LibOpusEncoder, marks=pytest.mark.skipif(library() is None, reason="no libopus here"))],
)


def speech(seconds: int, rate_hz: int = 16000) -> bytes:
    """Noise, which has no pauses, in s16le."""
    return np.random.default_rng(1).integers(-3000, 3000, seconds * rate_hz).astype("<i2").tobytes()


def granules(pages: bytes) -> Iterator[int]:
    """Where each of the whole pages ends, in samples at 48 kHz."""
    position = 0
    while position < len(pages):
        segments = pages[position + 26]
        (granule,) = struct.unpack_from("<q", pages, position + 6)
        yield granule
        position += 27 + segments + sum(pages[position + 27 : position + 27 + segments])
    assert position == len(pages)


@encoders
@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_a_stream_decodes_to_the_sound_that_went_in(rate_hz, new_encoder):
    moments = np.arange(3 * rate_hz) / rate_hz
    tone = (8000 * np.sin(2 * np.pi * 440 * moments)).astype("<i2")
    encoder = new_encoder(OPUS_BITRATE, PcmFormat(rate_hz))
    step = rate_hz // 10
    stream = b"".join(encoder.encode(tone[start : start + step].tobytes()) for start in range(0, len(tone), step))
    stream += encoder.finish()
    assert stream.startswith(b"OggS")
    assert len(stream) < tone.nbytes / 3
    heard, heard_hz = soundfile.read(io.BytesIO(stream))
    assert len(heard) / heard_hz == 3.0
    spectrum = np.abs(np.fft.rfft(heard[: 2 * heard_hz]))
    assert abs(int(np.argmax(spectrum)) / 2 - 440) < 2


@encoders
@pytest.mark.parametrize(("chunk_ms", "rate_hz"), [(100, 16000), (200, 16000), (100, 8000)])
def test_pages_come_while_the_sound_goes_in(chunk_ms, rate_hz, new_encoder):
    """Less than 100 ms of what went in is still missing: with the next chunk all of this one can be heard."""
    pcm = PcmFormat(rate_hz)
    encoder, sound = new_encoder(OPUS_BITRATE, pcm), speech(3, rate_hz)
    heard_ms = 0.0
    for end_ms in range(chunk_ms, 3001, chunk_ms):
        pages = encoder.encode(sound[pcm.bytes(end_ms - chunk_ms) : pcm.bytes(end_ms)])
        heard_ms = max([heard_ms, *((granule - PRE_SKIP) / 48 for granule in granules(pages))])
        assert end_ms - heard_ms < 100
    encoder.finish()


@encoders
def test_fewer_bits_are_fewer_bytes(new_encoder):
    lengths = []
    for bitrate in (12_000, 28_000, 64_000):
        encoder = new_encoder(bitrate, PcmFormat())
        lengths.append(len(encoder.encode(speech(1)) + encoder.finish()))
    assert lengths[0] < 0.6 * lengths[1] < 0.4 * lengths[2]


@pytest.mark.parametrize("refusal", ["not heeded", "gone"])
def test_where_pages_cannot_be_short_that_is_told_and_the_stream_is_whole(refusal, monkeypatch, caplog):
    """libsndfile answers 0 to whatever it does not know: only the pages tell."""
    if refusal == "gone":
        public = SimpleNamespace(SoundFile=soundfile.SoundFile, LibsndfileError=soundfile.LibsndfileError)
        monkeypatch.setattr("asrcli.audio.writing.opus.soundfile", public)
    else:
        monkeypatch.setattr("asrcli.audio.writing.opus._PAGE_LATENCY", 0x1399)
    with caplog.at_level(logging.WARNING):
        encoder, sound = OpusEncoder(OPUS_BITRATE, PcmFormat()), speech(2)
        stream = b"".join(encoder.encode(sound[start : start + 3200]) for start in range(0, len(sound), 3200))
        stream += encoder.finish()
    assert [record.message for record in caplog.records] == [
        "this libsndfile makes a page of Opus for each second of sound: results come that much later"
    ]
    assert soundfile.info(io.BytesIO(stream)).duration == 2.0


def test_a_library_without_opus_is_told_of(monkeypatch):
    def refuse(*_: object, **__: object) -> None:
        raise soundfile.LibsndfileError(1, "unknown format")

    monkeypatch.setattr(soundfile, "SoundFile", refuse)
    with pytest.raises(AudioError, match="cannot be sent as Opus") as caught:
        OpusEncoder(OPUS_BITRATE, PcmFormat())
    assert caught.value.hint == "--send pcm"


@pytest.mark.skipif(library() is None, reason="no libopus here")
@pytest.mark.parametrize("samples", [1, 319, 320, 960, 16000, 16001])
def test_a_stream_of_any_length_is_whole_to_the_sample_and_to_others(samples, tmp_path):
    """Its pages are in order, the last one says that it is, and ffmpeg reads what libsndfile reads."""
    encoder, sound = LibOpusEncoder(OPUS_BITRATE, PcmFormat()), speech(2)[: 2 * samples]
    stream = b"".join(encoder.encode(sound[start : start + 1000]) for start in range(0, len(sound), 1000))
    stream += encoder.finish()
    pages = list(pages_of(stream))
    assert [page.number for page in pages] == list(range(len(pages)))
    assert [page.flags for page in pages] == [2, 0, *[0] * (len(pages) - 3), 4]
    assert len(soundfile.read(io.BytesIO(stream))[0]) == samples
    path = tmp_path / "sound.opus"
    path.write_bytes(stream)
    assert FFMPEG is not None
    decoded = subprocess.run(
        [FFMPEG, "-v", "error", "-i", path, "-f", "s16le", "-"], capture_output=True, check=True, timeout=30
    )
    assert decoded.stderr == b""
    assert len(decoded.stdout) == 2 * 3 * samples
