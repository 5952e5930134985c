"""Samples as bytes and as numbers: the encodings of raw audio, and what counts as a usable layout.

Nothing here reads a file or knows a container. numpy is imported when the first sample is decoded, so that the names of
the encodings can be had without it.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]
    # 16-bit numbers where the sound is written so and has one channel: most often they can leave as they are.
    Block = NDArray[np.float32] | NDArray[np.int16]

FULL_SCALE_S16 = 2**15

MIN_RATE_HZ = 1000
MAX_RATE_HZ = 768_000
MAX_CHANNELS = 256


@dataclass(frozen=True, slots=True)
class Encoding:
    """How one sample is written. `decode` turns whole samples, as bytes, into float32 of shape (n,), full scale 1.0."""

    sample_bytes: int
    decode: Callable[[bytes], Samples]


def layout_problem(rate_hz: int, channels: int) -> str | None:
    """What is wrong with this rate and this number of channels; None if both can be used."""
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        return f"a sample rate of {rate_hz} Hz is outside {MIN_RATE_HZ} to {MAX_RATE_HZ} Hz"
    if not 1 <= channels <= MAX_CHANNELS:
        return f"{channels} channels are not within 1 to {MAX_CHANNELS}"
    return None


def floats(samples: Block) -> Samples:
    """`samples` as float32, full scale 1.0; the same array where they are that already."""
    import numpy as np

    if samples.dtype == np.float32:
        return typing.cast("Samples", samples)
    return samples.astype(np.float32) * np.float32(1 / FULL_SCALE_S16)


def finite(samples: Samples) -> Samples:
    """`samples` with 0 in place of NaN and infinity; the same array where there are none."""
    import numpy as np

    if np.isfinite(samples).all():
        return samples
    return np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)


def _linear(dtype: str, sample_bytes: int, full_scale: float, middle: float = 0.0) -> Encoding:
    def decode(data: bytes) -> Samples:
        import numpy as np

        # Floating-point input may hold anything, doubles beyond float32 included; `finite` deals with it later.
        with np.errstate(all="ignore"):
            samples = np.frombuffer(data, dtype).astype(np.float32)
            samples -= np.float32(middle)
            samples *= np.float32(1 / full_scale)
        return samples

    return Encoding(sample_bytes, decode)


def _decode_s24le(data: bytes) -> Samples:
    import numpy as np

    packed = np.frombuffer(data, np.uint8).reshape(-1, 3)
    # The three bytes become the upper ones of a 32-bit number, which keeps the sign.
    wide = np.zeros((len(packed), 4), np.uint8)
    wide[:, 1:] = packed
    samples = wide.view("<i4")[:, 0].astype(np.float32)
    samples *= np.float32(1 / 2**31)
    return samples


def _mulaw_value(code: int) -> int:
    """One µ-law code as a 16-bit number (ITU-T G.711, table 2)."""
    code ^= 0xFF
    magnitude = ((((code & 0x0F) << 3) + 0x84) << ((code >> 4) & 7)) - 0x84
    return -magnitude if code & 0x80 else magnitude


def _alaw_value(code: int) -> int:
    """One A-law code as a 16-bit number (ITU-T G.711, table 1)."""
    code ^= 0x55
    segment = (code >> 4) & 7
    magnitude = ((code & 0x0F) << 4) + 8
    if segment:
        magnitude = (magnitude + 0x100) << (segment - 1)
    return magnitude if code & 0x80 else -magnitude


def _companded(value: Callable[[int], int]) -> Encoding:
    @cache
    def table() -> Samples:
        import numpy as np

        return np.array([value(code) / 2**15 for code in range(256)], np.float32)

    def decode(data: bytes) -> Samples:
        import numpy as np

        return table()[np.frombuffer(data, np.uint8)]

    return Encoding(1, decode)


ENCODINGS: dict[str, Encoding] = {
    "s16le": _linear("<i2", 2, 2**15),
    "s16be": _linear(">i2", 2, 2**15),
    "s24le": Encoding(3, _decode_s24le),
    "s32le": _linear("<i4", 4, 2**31),
    "f32le": _linear("<f4", 4, 1.0),
    "f64le": _linear("<f8", 8, 1.0),
    "u8": _linear("u1", 1, 2**7, middle=2**7),
    "mulaw": _companded(_mulaw_value),
    "alaw": _companded(_alaw_value),
}
