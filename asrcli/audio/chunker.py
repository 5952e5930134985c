"""Floats to what messages carry: equal chunks of 16-bit PCM, and a short last one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from asrcli.audio.samples import finite
from asrcli.pcm import BYTES_PER_SAMPLE, Chunk, PcmFormat

if TYPE_CHECKING:
    from asrcli.audio.samples import Samples

_FULL_SCALE = 2**15
_LARGEST = np.float32((_FULL_SCALE - 1) / _FULL_SCALE)


def to_s16le(mono: Samples) -> bytes:
    """Full scale 1.0 to 32768, rounded to nearest and clipped; NaN and infinity become silence."""
    samples = np.clip(finite(mono), np.float32(-1.0), _LARGEST)
    samples *= np.float32(_FULL_SCALE)
    return np.rint(samples, out=samples).astype("<i2").tobytes()


def chunk(mono: Iterable[Samples], pcm: PcmFormat, chunk_ms: int = 100) -> Iterator[Chunk]:
    """Yield chunks of `chunk_ms` from float32 arrays of shape (n,) at the rate of `pcm`, any n.

    A chunk leaves as soon as it is full; the last one holds what is left. No audio, no chunk.
    """
    chunk_bytes = pcm.bytes(chunk_ms)
    pending = bytearray()
    end_sample = 0
    for samples in mono:
        pending += to_s16le(samples)
        # Not held while these chunks are sent: of a thousand sources each would hold a block.
        del samples
        whole_bytes = len(pending) // chunk_bytes * chunk_bytes
        for start in range(0, whole_bytes, chunk_bytes):
            end_sample += chunk_bytes // BYTES_PER_SAMPLE
            yield Chunk(bytes(pending[start : start + chunk_bytes]), end_sample)
        del pending[:whole_bytes]
    if pending:
        yield Chunk(bytes(pending), end_sample + len(pending) // BYTES_PER_SAMPLE)
