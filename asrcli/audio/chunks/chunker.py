"""Floats to what messages carry: equal chunks of 16-bit PCM, and a short last one."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from asrcli.audio.sample_encodings import FULL_SCALE_S16, finite, floats
from asrcli.values.pcm import BYTES_PER_SAMPLE, PcmFormat
from asrcli.values.sound import LIVE_CHUNK_MS, Chunk

if TYPE_CHECKING:
    from asrcli.audio.sample_encodings import Block

_LARGEST = np.float32((FULL_SCALE_S16 - 1) / FULL_SCALE_S16)


def to_s16le(mono: Block) -> bytes:
    """Full scale 1.0 to 32768, rounded to nearest and clipped; NaN and infinity become silence. 16 bits stay as is."""
    if mono.dtype == np.int16:
        return mono.astype("<i2", copy=False).tobytes()
    samples = np.clip(finite(floats(mono)), np.float32(-1.0), _LARGEST)
    samples *= np.float32(FULL_SCALE_S16)
    return np.rint(samples, out=samples).astype("<i2").tobytes()


def chunk(mono: Iterable[Block], pcm: PcmFormat, chunk_ms: int = LIVE_CHUNK_MS) -> Iterator[Chunk]:
    """Yield chunks of `chunk_ms` from float32 or int16 arrays of shape (n,) at the rate of `pcm`, any n.

    A chunk leaves as soon as it is full; the last one holds what is left. No audio, no chunk.
    """
    chunk_bytes = pcm.bytes(chunk_ms)
    pending = b""
    chunk_samples = pcm.samples(chunk_ms)
    end_sample = 0
    for samples in mono:
        pending += to_s16le(samples)
        whole_bytes = len(pending) // chunk_bytes * chunk_bytes
        whole = deque(pending[start : start + chunk_bytes] for start in range(0, whole_bytes, chunk_bytes))
        # Not held while these chunks are sent: of a thousand sources each would hold a block, twice.
        del samples
        pending = pending[whole_bytes:]
        while whole:
            end_sample += chunk_samples
            yield Chunk(whole.popleft(), end_sample, chunk_samples)
    if pending:
        rest = len(pending) // BYTES_PER_SAMPLE
        yield Chunk(pending, end_sample + rest, rest)
