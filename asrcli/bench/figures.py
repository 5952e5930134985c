"""What many measurements come down to: percentiles, and a speed-up with its spread.

Pure arithmetic on numbers of any unit. What too few numbers cannot tell is None.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

# A percentile needs a number beyond it, or it is the maximum by another name: 1 / (1 - 0.95) and 1 / (1 - 0.99).
P95_LEAST = 20
P99_LEAST = 100
# Below this, resampling shows too little of how far the medians could lie elsewhere.
INTERVAL_LEAST = 5
CONFIDENCE = 0.95
RESAMPLINGS = 2000
# The same numbers give the same interval.
_SEED = 20260401


@dataclass(frozen=True, slots=True)
class Figures:
    """`count` numbers. `p95` is None for fewer than P95_LEAST of them, `p99` for fewer than P99_LEAST."""

    count: int
    median: float
    p95: float | None
    p99: float | None
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Spread:
    """An estimate and the interval it lies in with CONFIDENCE; the bounds are None where there are too few numbers."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class SpeedUp:
    """`ratio`: the median of the cold over that of the warm, None where the latter is 0. `saved`: their difference."""

    ratio: Spread | None
    saved: Spread


def figures(numbers: Sequence[float]) -> Figures | None:
    """The figures of `numbers`; None where there are none."""
    if not numbers:
        return None
    return Figures(
        count=len(numbers),
        median=statistics.median(numbers),
        p95=_parts(numbers, 100)[95 - 1] if len(numbers) >= P95_LEAST else None,
        p99=_parts(numbers, 100)[99 - 1] if len(numbers) >= P99_LEAST else None,
        least=min(numbers),
        most=max(numbers),
    )


def _parts(numbers: Sequence[float], count: int) -> list[float]:
    """The count - 1 bounds of `count` equally likely parts, as numpy, R and spreadsheets have them by default."""
    return statistics.quantiles(numbers, n=count, method="inclusive")


def speed_up(cold: Sequence[float], warm: Sequence[float]) -> SpeedUp | None:
    """How much faster `warm` is than `cold`, by their medians; None where one of them is empty.

    The intervals are percentile-bootstrap ones: RESAMPLINGS times, as many numbers as there are are drawn with
    replacement from each side by itself, and the middle 95 % of the resulting ratios and differences is the interval.
    They tell how far chance among these runs carries the medians, not what another hour or another network gives.
    """
    if not cold or not warm:
        return None
    cold_median, warm_median = statistics.median(cold), statistics.median(warm)
    ratio = cold_median / warm_median if warm_median > 0 else None
    saved = cold_median - warm_median
    if min(len(cold), len(warm)) < INTERVAL_LEAST:
        return SpeedUp(None if ratio is None else Spread(ratio), Spread(saved))
    drawn = _resampled_medians(cold, warm)
    differences = _interval(saved, [one - other for one, other in drawn])
    if ratio is None or any(other <= 0 for _, other in drawn):
        return SpeedUp(None if ratio is None else Spread(ratio), differences)
    return SpeedUp(_interval(ratio, [one / other for one, other in drawn]), differences)


def _resampled_medians(cold: Sequence[float], warm: Sequence[float]) -> list[tuple[float, float]]:
    chance = random.Random(_SEED)
    return [
        (
            statistics.median(chance.choices(cold, k=len(cold))),
            statistics.median(chance.choices(warm, k=len(warm))),
        )
        for _ in range(RESAMPLINGS)
    ]


def _interval(value: float, drawn: list[float]) -> Spread:
    bounds = _parts(drawn, round(2 / (1 - CONFIDENCE)))
    return Spread(value, bounds[0], bounds[-1])
