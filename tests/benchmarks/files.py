"""Files as fast as they go: how long decoding takes, and how much memory a long one."""

from __future__ import annotations

from pathlib import Path

from tests.benchmarks.clients import file_command, python, run
from tests.benchmarks.recorder import recorder
from tests.benchmarks.rows import Row
from tests.benchmarks.sounds import long_silence, stereo_mp3

_MP3_S = 600
DECODE = """
import sys, time
from asrcli.audio.opening import open_source
from asrcli.audio.chunks.pipeline import chunks_of
from asrcli.values.pcm import PcmFormat
source = open_source(sys.argv[1])
began = time.perf_counter()
for chunk in chunks_of(source, PcmFormat(), 100):
    pass
print(time.perf_counter() - began)
"""
BARE_DECODE = """
import sys, time
import soundfile
began = time.perf_counter()
with soundfile.SoundFile(sys.argv[1]) as file:
    while len(file.read(4410, dtype="float32")):
        pass
print(time.perf_counter() - began)
"""


def decoding(folder: Path) -> list[Row]:
    """Decode, downmix, resample and cut into chunks: 44.1 kHz stereo mp3, as fast as it goes."""
    path = stereo_mp3(folder, _MP3_S)
    ours, bare = (
        min(float(run(python(code, str(path))).lines[-1][1]) for _ in range(3)) for code in (DECODE, BARE_DECODE)
    )
    return [
        Row(f"decode and resample {_MP3_S / 60:g} minutes of 44.1 kHz stereo mp3", ours, "s", bare,
            "soundfile, decoding alone", aim=1.0, noise=0.15, note=f"{_MP3_S / ours:.0f} × real time"),
    ]  # fmt: skip


def memory(folder: Path) -> list[Row]:
    """Peak memory over a long file, as fast as it goes."""
    peaks = []
    for seconds in (60, 7200):
        with recorder() as record:
            peaks.append(run(file_command(record.url, long_silence(folder, seconds), "--pace", "fast")).peak_mb)
    return [Row("peak memory, 2 hours against 1 minute", peaks[1], "MB", peaks[0], "1 minute", aim=1.1, noise=0.05)]
