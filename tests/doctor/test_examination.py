"""Checks run at the same time, are told in their order, and none of them holds up the end or ends the rest."""

from __future__ import annotations

import threading

from asrcli.doctor.examination import examine
from asrcli.doctor.findings import Check, Finding, Loudness, Subject
from asrcli.values.errors import UsageError

FIRST, SECOND, THIRD = (Subject(name, "group", name, f"what {name} is for") for name in ("first", "second", "third"))


def test_they_are_told_in_their_order_and_loudness_at_once():
    second_is_done, loud = threading.Event(), Loudness(-20.0)

    def first():
        yield FIRST.ok("begins")
        assert second_is_done.wait(30)
        yield FIRST.warn("ends", "do this")

    def second():
        yield loud
        yield SECOND.ok("was quicker")
        second_is_done.set()

    told = list(examine([Check(FIRST, first), Check(SECOND, second)]))
    assert told == [loud, FIRST.ok("begins"), FIRST.warn("ends", "do this"), SECOND.ok("was quicker")]


def test_one_that_hangs_is_told_of_with_what_it_had_found_and_is_abandoned():
    never, abandoned = threading.Event(), []

    def hanging():
        yield FIRST.ok("so far")
        never.wait()

    checks = [Check(FIRST, hanging, lambda: abandoned.append(True)), Check(SECOND, lambda: [SECOND.ok("fine")])]
    so_far, hang, fine = examine(checks, limit_s=0.2)
    assert (so_far, fine) == (FIRST.ok("so far"), SECOND.ok("fine"))
    assert isinstance(hang, Finding)
    assert (hang.id, hang.status, hang.detail) == ("first", "fail", "no answer within 0.2 s")
    assert abandoned == [True]
    never.set()


def test_one_that_raises_is_a_finding():
    def crashing():
        yield FIRST.ok("so far")
        raise KeyError("gone")

    def refusing():
        raise UsageError("it is wrong", hint="mend it")

    checks = [Check(FIRST, crashing), Check(SECOND, refusing), Check(THIRD, lambda: [THIRD.ok("fine")])]
    so_far, crash, refusal, fine = examine(checks)
    assert (so_far, fine) == (FIRST.ok("so far"), THIRD.ok("fine"))
    assert isinstance(crash, Finding)
    assert isinstance(refusal, Finding)
    assert crash.status == "fail"
    assert crash.detail.startswith("a bug in asrcli: KeyError: 'gone' at test_examination.py:")
    assert "report" in (crash.fix or "")
    assert (refusal.status, refusal.detail, refusal.fix) == ("fail", "it is wrong", "mend it")


def test_only_a_fault_says_what_it_affects():
    assert FIRST.ok("fine", ms=1.6) == Finding("first", "group", "first", "ok", "fine", None, None, 2)
    assert FIRST.warn("odd", "").affects == "what first is for"
    assert FIRST.fail("broken", "").fix is None
