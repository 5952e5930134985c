"""Moments: what is counted from where, and which of them are one and the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.system.clock import next_multiple

STEPS = st.sampled_from([0.01, 0.04, 0.05, 0.2, 0.25])


@given(st.floats(0, 1e6), STEPS)
def test_the_next_multiple_is_one_and_less_than_a_step_away(moment: float, step_s: float) -> None:
    found = next_multiple(moment, step_s)
    assert found / step_s == pytest.approx(round(found / step_s), abs=1e-6)
    assert -1e-6 <= found - moment < step_s + 1e-6


@given(st.integers(0, 10**6), STEPS, st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_all_moments_between_two_multiples_have_the_same_next_one(
    number: int, step_s: float, part: float, other_part: float
) -> None:
    assert next_multiple((number + part) * step_s, step_s) == next_multiple((number + other_part) * step_s, step_s)
