"""Which workers a run has, moment by moment."""

from __future__ import annotations

from asrcli.fleet.roster import AGAIN_S, FIRST_S, GATHER_S, Roster
from asrcli.values.errors import UsageError


def test_those_that_are_there_at_the_beginning_are_waited_for_but_not_for_ever():
    roster = Roster(0.0)
    roster.comes("a")
    roster.comes("b")
    assert roster.is_gathering(0.1)
    roster.works("a")
    assert roster.is_gathering(0.2)
    roster.works("b")
    assert not roster.is_gathering(0.3)
    roster.comes("busy")
    assert not roster.is_gathering(GATHER_S)


def test_nobody_is_waited_for_longer_when_somebody_was_there():
    roster = Roster(0.0)
    assert (roster.alone_s(3.0), roster.wait_s) == (3.0, FIRST_S)
    roster.comes("a")
    assert roster.alone_s(5.0) is None
    roster.works("a")
    roster.goes("a", 10.0)
    assert (roster.alone_s(11.0), roster.wait_s) == (1.0, AGAIN_S)
    assert (roster.count, roster.lost) == (0, 1)


def test_one_that_never_worked_is_no_loss():
    roster = Roster(0.0)
    roster.comes("a")
    assert roster.goes("a", 1.0) is not None
    assert roster.goes("a", 1.0) is None
    assert roster.lost == 0


def test_workers_are_useless_where_none_can_be_used():
    roster = Roster(0.0)
    roster.comes("a")
    roster.refuse("b", UsageError("old"), 0.0)
    assert not roster.is_useless
    roster.refuse("a", UsageError("old"), 0.0)
    assert roster.is_useless
    roster.comes("c")
    roster.works("c")
    assert not roster.is_useless
