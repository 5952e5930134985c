"""Percentiles and speed-ups, and what too few numbers cannot tell."""

from __future__ import annotations

import random
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.bench.figures import Spread, figures, speed_up

_NUMBER = st.floats(0, 1e6, allow_nan=False)
NUMBERS = st.lists(_NUMBER, min_size=1, max_size=150) | st.lists(_NUMBER, min_size=100, max_size=150)


@given(NUMBERS)
def test_percentiles_are_those_of_numpy(numbers):
    of = figures(numbers)
    for value, percent in ((of.median, 50), (of.p95, 95), (of.p99, 99)):
        if value is not None:
            assert value == pytest.approx(np.percentile(numbers, percent), abs=1e-6)


@given(NUMBERS)
def test_figures_are_in_order(numbers):
    of = figures(numbers)
    assert of.count == len(numbers)
    assert of.median == pytest.approx(statistics.median(numbers))
    known = [value for value in (of.least, of.median, of.p95, of.p99, of.most) if value is not None]
    assert known == sorted(known)


@pytest.mark.parametrize(("count", "p95", "p99"), [(1, False, False), (19, False, False), (20, True, False),
                                                   (99, True, False), (100, True, True)])  # fmt: skip
def test_a_percentile_needs_a_number_beyond_it(count, p95, p99):
    of = figures(range(count))
    assert (of.p95 is not None, of.p99 is not None) == (p95, p99)


def test_no_numbers_have_no_figures():
    assert figures([]) is None
    assert speed_up([], [1.0]) is None
    assert speed_up([1.0], []) is None


def test_a_speed_up_is_the_ratio_of_the_medians():
    found = speed_up([200.0, 210.0, 1000.0], [50.0, 52.0, 54.0])
    assert found.ratio == Spread(210 / 52)
    assert found.saved == Spread(158.0)


def test_an_interval_holds_the_estimate_and_is_the_same_every_time():
    chance = random.Random(1)
    cold, warm = ([chance.gauss(mean, 10) for _ in range(20)] for mean in (200, 50))
    found = speed_up(cold, warm)
    assert found.ratio.low < found.ratio.value < found.ratio.high
    assert found.ratio.low > 3.5
    assert found.ratio.high < 4.6
    assert found.saved.low < 150 < found.saved.high
    assert speed_up(cold, warm) == found


def test_about_19_of_20_intervals_hold_the_true_ratio():
    """The method is as good as its word: the true ratio is 2, and chance alone puts it outside now and then."""
    chance = random.Random(3)
    held = 0
    for _ in range(60):
        cold, warm = ([chance.lognormvariate(0, 0.3) * scale for _ in range(15)] for scale in (2, 1))
        ratio = speed_up(cold, warm).ratio
        held += ratio.low <= 2 <= ratio.high
    assert 53 <= held <= 60


def test_a_wait_of_nothing_has_no_ratio():
    found = speed_up([5.0] * 5, [0.0] * 5)
    assert found.ratio is None
    assert found.saved == Spread(5.0, 5.0, 5.0)


def test_a_ratio_that_resampling_can_make_infinite_has_no_interval():
    found = speed_up([5.0] * 5, [0.0, 0.0, 1.0, 1.0, 1.0])
    assert found.ratio == Spread(5.0)
    assert found.saved.high == 5.0
