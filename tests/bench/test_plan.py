"""Which tasks run in which order, and how much audio they send."""

from __future__ import annotations

import pytest

from asrcli.bench.plan import Plan, Round, default_tasks, parse_pauses
from asrcli.values.errors import UsageError
from tests.support.wording import says


def test_a_warm_up_is_as_long_as_it_is_wanted():
    for seconds, rounds in ((0, 1), (3, 1), (4.5, 2), (60, 15)):
        plan = Plan(2000, 16, at_once=4, warm_up_s=seconds)
        warm_ups = [each for each in plan.rounds() if each.warm_up]
        assert [each.kind for each in warm_ups] == ["cold", "warm"] * rounds
        assert plan.sent_tasks == 16 + 8 * rounds


def test_cold_and_warm_come_by_turns_after_a_warm_up_of_each():
    rounds = list(Plan(2000, 4).rounds())
    assert rounds == [
        Round("cold", 1, warm_up=True),
        Round("warm", 1, warm_up=True),
        Round("cold", 1),
        Round("warm", 1),
        Round("cold", 1),
        Round("warm", 1),
    ]


def test_rounds_are_as_wide_as_the_concurrency():
    rounds = list(Plan(2000, 16, at_once=4).rounds())
    assert {planned.size for planned in rounds} == {4}
    assert sum(planned.size for planned in rounds if not planned.warm_up) == 16
    assert [planned.kind for planned in rounds] == ["cold", "warm"] * 3


@pytest.mark.parametrize(
    ("tasks", "at_once", "advice"),
    [(1, 1, "2 or 4"), (3, 1, "2 or 4"), (-2, 1, "2 or 4"), (7, 1, "6 or 8"), (10, 4, "8 or 16")],
)
def test_tasks_that_do_not_divide_are_refused_with_what_would(tasks, at_once, advice):
    with pytest.raises(UsageError, check=says(f"--tasks {tasks} does not divide: .*{advice}")):
        Plan(2000, tasks, at_once)


def test_no_tasks_are_enough_only_where_pauses_are_asked_for():
    assert list(Plan(2000, 0, pauses_s=(1.0,)).rounds()) == []
    with pytest.raises(UsageError, match="nothing to measure but --idle"):
        Plan(2000, 0)


@pytest.mark.parametrize(("at_once", "tasks"), [(1, 20), (2, 20), (4, 24), (8, 32), (100, 200)])
def test_the_default_divides(at_once, tasks):
    assert default_tasks(at_once) == tasks
    Plan(1000, tasks, at_once)


def test_all_audio_is_counted_with_warm_ups_and_in_whole_seconds():
    assert Plan(2000, 10).sent_s == 24
    assert Plan(1200, 10).sent_s == 24
    assert (Plan(2000, 4).tasks, Plan(2000, 4).warm_up_tasks, Plan(2000, 4).pause_tasks) == (4, 2, 0)
    assert Plan(2000, 16, at_once=4).sent_s == 48
    assert Plan(2000, 10, pauses_s=(0.0, 10.0)).sent_s == 32


def test_pauses_alone_need_no_tasks():
    plan = Plan(2000, 0, pauses_s=(0.0, 10.0, 30.0))
    assert list(plan.rounds()) == []
    assert plan.sent_tasks == 6


def test_pauses_are_read():
    assert parse_pauses("0,10, 30.5,65") == (0.0, 10.0, 30.5, 65.0)


@pytest.mark.parametrize("text", ["", "a", "1,,2", "-1", "1e3", "100000", "nan", "inf", "10;20"])
def test_other_pauses_are_refused(text):
    with pytest.raises(UsageError, match="--idle"):
        parse_pauses(text)
