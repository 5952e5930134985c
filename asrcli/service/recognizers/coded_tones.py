"""Sound that says where it is and still does after lossy coding, for scripts that begin with {"timeline": "tones"}.

Every 20 ms the sound is one of 16 tones between 500 and 3050 Hz; which one follows from the number of the step, so that
eight steps in a row tell where in the talk they are. Opus at 28 kbit/s, mp3 and aac at 32, AMR at 12 and Speex at 12
leave at least nine in ten of them as they were. A place is told to within 10 ms.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

STEP_MS = 20
TONES_HZ = 500 + 170 * np.arange(16)
# Tones are looked for in windows of 15 ms, one every 5 ms.
_HOPS_PER_STEP = 4
_HOP_MS = STEP_MS // _HOPS_PER_STEP
_WINDOW_MS = 15
# A window is heard as what is in its middle, which is on average half a hop behind the beginning of one.
_LEAD_MS = (_WINDOW_MS - _HOP_MS) // 2
# So many windows tell a place if so many of them are right; where the place is known, half of any number will do.
_FEWEST, _MOST = 30, 60
_RIGHT, _STILL_RIGHT = 0.75, 0.5
# Of full scale: less is silence, which agrees with nothing.
_QUIET = 0.01
# A talk goes on behind its last sentence.
_TAIL_MS = 120_000

Tones = NDArray[np.int64]


def tones_of(first: int, count: int) -> Tones:
    """Which of the tones sounds in `count` steps from that one on, shape (count,)."""
    mixed = np.arange(first, first + count, dtype=np.uint64) * np.uint64(0x9E3779B1) & np.uint64(0xFFFFFFFF)
    mixed ^= mixed >> np.uint64(15)
    mixed = mixed * np.uint64(0x85EBCA77) & np.uint64(0xFFFFFFFF)
    return ((mixed ^ mixed >> np.uint64(13)) & np.uint64(15)).astype(np.int64)


class ToneCode:
    """Where in a talk that lasts about `until_ms` a stretch of sound is: mono s16le of the given rate."""

    tolerance_ms = 15
    # Decoders begin with what is no sound of the talk, for up to a tenth of a second.
    patience_ms = 600

    def __init__(self, until_ms: int) -> None:
        self._expected = np.repeat(tones_of(0, (until_ms + _TAIL_MS) // STEP_MS), _HOPS_PER_STEP)

    def continues(self, data: bytes, position: int, rate_hz: int) -> bool:
        """Whether `data` is what follows at that sample of the talk; too little of it does not tell."""
        heard = _heard(data, rate_hz)
        first = _hop(position, rate_hz)
        expected = self._expected[max(0, first) : max(0, first + len(heard))]
        heard = heard[max(0, -first) :][: len(expected)]
        return int(np.count_nonzero(heard == expected)) >= _STILL_RIGHT * len(heard)

    def position(self, data: bytes, rate_hz: int) -> int | None:
        """Which sample of the talk the first one of `data` is, by the end of it; None where that cannot be told."""
        heard = _heard(data, rate_hz)
        last = heard[-_MOST:]
        if len(last) < _FEWEST:
            return None
        right = np.count_nonzero(np.lib.stride_tricks.sliding_window_view(self._expected, len(last)) == last, axis=1)
        best = int(right.argmax())
        if right[best] < _RIGHT * len(last):
            return None
        first = best - (len(heard) - len(last))
        return (first * _HOP_MS - _LEAD_MS) * rate_hz // 1000


def _hop(position: int, rate_hz: int) -> int:
    """The number of the first window of sound that begins there."""
    return round((position * 1000 / rate_hz + _LEAD_MS) / _HOP_MS)


def _heard(data: bytes, rate_hz: int) -> Tones:
    """The tone in each window of `data`, -1 where it is quiet."""
    length = rate_hz * _WINDOW_MS // 1000
    samples = np.frombuffer(data, "<i2").astype(np.float32) / 32768
    if len(samples) < length:
        return np.empty(0, np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(samples, length)[:: rate_hz * _HOP_MS // 1000]
    swings = np.ascontiguousarray(windows) @ _waves(length, rate_hz)
    strengths = (swings**2).reshape(len(swings), 2, -1).sum(axis=1)
    loud = np.sqrt(np.mean(windows**2, axis=1)) >= _QUIET
    return np.where(loud, strengths.argmax(axis=1), -1)


@cache
def _waves(length: int, rate_hz: int) -> NDArray[np.float32]:
    """Each tone as a cosine and as a sine, with soft ends; shape (length, 2 * tones)."""
    turns = 2 * np.pi * np.outer(np.arange(length), TONES_HZ) / rate_hz
    waves = np.hstack((np.cos(turns), np.sin(turns))) * np.hanning(length)[:, np.newaxis]
    return waves.astype(np.float32)
