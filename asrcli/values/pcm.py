"""Arithmetic of linear PCM: milliseconds, samples and bytes, in whole numbers."""

from __future__ import annotations

from dataclasses import dataclass

BYTES_PER_SAMPLE = 2


@dataclass(frozen=True, slots=True)
class PcmFormat:
    """Mono signed 16-bit little-endian PCM at `sample_rate_hz`: the sound that asrcli decodes and compresses."""

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
