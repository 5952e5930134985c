"""Opus: far fewer bytes, the same sound, and every stream whole."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from asrcli.audio.writing.opus import OpusEncoder
from asrcli.values.pcm import PcmFormat


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_a_stream_decodes_to_the_sound_that_went_in(rate_hz):
    moments = np.arange(3 * rate_hz) / rate_hz
    tone = (8000 * np.sin(2 * np.pi * 440 * moments)).astype("<i2")
    encoder = OpusEncoder(PcmFormat(rate_hz))
    step = rate_hz // 10
    stream = b"".join(encoder.encode(tone[start : start + step].tobytes()) for start in range(0, len(tone), step))
    stream += encoder.finish()
    assert stream.startswith(b"OggS")
    assert len(stream) < tone.nbytes / 4
    heard, heard_hz = soundfile.read(io.BytesIO(stream))
    assert abs(len(heard) / heard_hz - 3.0) < 0.1
    spectrum = np.abs(np.fft.rfft(heard[: 2 * heard_hz]))
    assert abs(int(np.argmax(spectrum)) / 2 - 440) < 2


def test_pages_come_while_the_sound_goes_in():
    """A page for each second: the service hears it while somebody speaks."""
    encoder = OpusEncoder(PcmFormat())
    noise = np.random.default_rng(1).integers(-3000, 3000, 48000).astype("<i2")
    pages = [encoder.encode(noise[start : start + 1600].tobytes()) for start in range(0, 48000, 1600)]
    assert sum(map(bool, pages)) >= 3
    encoder.finish()
