"""Another try: when, and when not."""

from __future__ import annotations

from itertools import pairwise

import pytest

from asrcli.engine.retry import Attempts
from asrcli.values.errors import AuthError, LinkError, ServiceError, ServiceTimeout
from asrcli.wire.retry import Retry
from tests.support.fakes import FakeClock

LOST = LinkError("lost")


def test_waits_double_up_to_a_bound_and_are_never_the_same_for_all(monkeypatch):
    assert 0.25 <= Retry().wait_s(1, LOST) <= 0.5
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    waits = [Retry().wait_s(attempt, LOST) for attempt in range(1, 10)]
    assert waits[:4] == [0.5, 1.0, 2.0, 4.0]
    assert all(later >= earlier for earlier, later in pairwise(waits))
    assert waits[-1] == 30.0
    monkeypatch.setattr("random.uniform", lambda low, high: low)
    assert [Retry().wait_s(attempt, LOST) * 2 for attempt in range(1, 10)] == waits


def test_the_services_own_wish_counts_up_to_a_bound():
    error = ServiceError("Throttling", "slow down", retryable=True)
    error.retry_after_s = 7.0
    assert Retry().wait_s(1, error) == 7.0
    error.retry_after_s = 1e9
    assert Retry().wait_s(1, error) == 180.0
    assert Retry().wait_s(2, error, waited_s=170.0) == 10.0
    assert Retry().wait_s(3, error, waited_s=180.0) is None


def test_what_the_service_asks_for_counts_against_the_three_minutes_of_a_row_of_tries():
    asked = ServiceError("Throttling", "slow down", retryable=True)
    asked.retry_after_s = 100.0
    counted, _ = attempts(tries=12)
    waits = [counted.failed(asked) for _ in range(3)]
    assert [wait and wait.length_s for wait in waits] == [100.0, 80.0, None]
    counted.progressed()
    assert counted.failed(asked)


def attempts(tries: int = 2) -> tuple[Attempts, FakeClock]:
    clock = FakeClock()
    return Attempts(Retry(tries=tries), clock), clock


def test_tries_in_a_row_are_counted_and_a_result_starts_anew():
    counted, _ = attempts()
    counted.ready()
    assert counted.failed(LOST)
    assert counted.failed(LOST)
    assert counted.failed(LOST) is None
    counted.progressed()
    assert counted.failed(LOST)


def test_a_session_that_lived_long_starts_anew_without_a_result():
    counted, clock = attempts(1)
    for _ in range(5):
        counted.ready()
        clock.advance(31)
        assert counted.failed(LOST)
    counted.ready()
    clock.advance(1)
    assert counted.failed(LOST) is None


@pytest.mark.parametrize(
    "error",
    [AuthError("refused"), ServiceError("Arrearage", "unpaid"), ServiceError("close 1007", "Model not found")],
)
def test_what_cannot_heal_is_not_tried_again(error):
    counted, _ = attempts()
    counted.ready()
    assert counted.failed(error) is None


def test_an_unreachable_service_is_not_tried_again_but_a_busy_one_is():
    counted, _ = attempts()
    assert counted.failed(LOST) is None
    assert counted.failed(ServiceTimeout("connect", 10, message="no connection")) is None
    assert counted.failed(LinkError("HTTP 503", refused=True))
    assert counted.failed(ServiceError("Throttling", "slow down", retryable=True))


def test_a_link_that_stood_once_is_made_again_though_the_service_was_never_ready():
    counted, _ = attempts()
    counted.reached()
    assert counted.failed(LOST)
    assert counted.failed(ServiceTimeout("start", 10, message="not started")) is None
