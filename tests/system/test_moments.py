"""Moments without a loop: what is due is done in its order, once, and an alarm only moves nearer."""

from __future__ import annotations

import math

import pytest

from asrcli.system.moments import Alarm, Moments, Timer
from tests.support.fakes import FakeClock


@pytest.fixture
def moments(clock: FakeClock) -> Moments:
    return Moments(clock)


def test_the_next_moment_is_the_first_of_which_something_is_left(moments):
    assert moments.next() == math.inf
    first, *_ = [moments.at(at, lambda: None) for at in (1001, 1002, 1002)]
    assert moments.next() == 1001
    first.cancel()
    assert moments.next() == 1002
    moments.clear()
    assert moments.next() == math.inf


def test_what_is_due_is_done_once(moments, clock):
    done: list[float] = []
    for at in (1002, 1001, 1003):
        moments.at(at, lambda at=at: done.append(at))
    clock.advance(2)
    for _ in range(2):
        moments.do_what_is_due()
    assert done == [1001, 1002]
    assert moments.next() == 1003


def test_one_of_a_moment_may_cancel_another_of_it(moments, clock):
    done: list[str] = []
    timers: list[Timer] = []

    def first() -> None:
        timers[1].cancel()

    for work in (first, lambda: done.append("cancelled"), lambda: done.append("kept")):
        timers.append(moments.at(1001, work))
    clock.advance(1)
    moments.do_what_is_due()
    assert done == ["kept"]


def test_an_alarm_rings_at_the_nearest_moment_that_it_was_set_to_and_then_anew(moments, clock):
    rung: list[float] = []
    alarm = Alarm(moments, lambda: rung.append(clock.now()))
    for at in (1005, 1003, 1009):
        alarm.set(at)
    for _ in range(10):
        clock.advance(1)
        moments.do_what_is_due()
    assert rung == [1003]
    alarm.set(1012)
    assert moments.next() == 1012
    alarm.cancel()
    assert moments.next() == math.inf
