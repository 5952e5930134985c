"""From a source to chunks that leave at their time: the one line that all sound goes along."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from asrcli.audio.pacing import pace
from asrcli.audio.source import Source
from asrcli.pcm import Chunk, PcmFormat
from asrcli.timing import Clock


def paced_chunks(
    source: Source, pcm: PcmFormat, *, chunk_ms: int, speed: float | None, clock: Clock, stop: threading.Event
) -> Iterator[Chunk]:
    """Yield the audio of `source` as chunks of `chunk_ms` in the format `pcm`, no sooner than `speed` allows.

    Waits for the source where it must, so whoever sets `stop` calls `source.stop()` too. Does not close the source.
    Raises DecodeError as the source does.
    """
    from asrcli.audio.chunker import chunk
    from asrcli.audio.resample import resample

    source.probe()
    mono = resample(source.blocks(), source.rate_hz, pcm.sample_rate_hz)
    yield from pace(chunk(mono, pcm, chunk_ms), sample_rate_hz=pcm.sample_rate_hz, speed=speed, clock=clock, stop=stop)
