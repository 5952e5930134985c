"""Arithmetic of linear PCM: milliseconds, samples and bytes, in whole numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

BYTES_PER_SAMPLE = 2
# How much sound one message carries. What is being spoken must not wait for long until it is full; of what lies ready
# there is more in each, which halves the work for both sides, and results come no later: a chunk leaves when its first
# sample is due. The service takes from 1 to 16 KB.
LIVE_CHUNK_MS = 100
STORED_CHUNK_MS = 200


@dataclass(frozen=True, slots=True)
class PcmFormat:
    """Mono signed 16-bit little-endian PCM at `sample_rate_hz`: the only audio that asrcli sends."""

    sample_rate_hz: int = 16000

    def samples(self, ms: int) -> int:
        """Samples in `ms` milliseconds, rounded down."""
        return self.sample_rate_hz * ms // 1000

    def bytes(self, ms: int) -> int:
        """Bytes in `ms` milliseconds; always whole samples."""
        return self.samples(ms) * BYTES_PER_SAMPLE

    def ms(self, samples: int) -> int:
        """Milliseconds that `samples` last, rounded down."""
        return samples * 1000 // self.sample_rate_hz


class Chunk(NamedTuple):
    """What one audio message carries: s16le bytes, and the sample at which it ends, counted from the first one.

    `ends_utterance`: what was said so far is complete, where we and not the service decide that. `is_filler`:
    silence of ours that keeps the service waiting while the source pauses; it takes no time of the source.
    """

    data: bytes
    end_sample: int
    ends_utterance: bool = False
    is_filler: bool = False

    @property
    def samples(self) -> int:
        return len(self.data) // BYTES_PER_SAMPLE
