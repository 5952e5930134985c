"""The figures of a whole run, and what many failures have in common."""

from __future__ import annotations

import io
import logging

import pytest

from asrcli.output.base import Failure
from asrcli.output.output import Output
from asrcli.output.views.plain import QuietView
from asrcli.runs.tally import NAMED, Tally
from asrcli.values.errors import Bug, Interrupted, LinkError, UsageError
from asrcli.values.events import WorkersChanged
from asrcli.values.summary import Summary
from tests.support.fakes import FakeClock


def _failed(*kinds: tuple[int, str], total: int = 2000) -> Tally:
    tally = Tally(total, FakeClock(), is_many=True)
    for count, kind in kinds:
        for number in range(count):
            tally.fail(UsageError(f"{kind}: {number:04}.wav"), f"{number:04}.wav")
    return tally


def test_few_failures_have_been_told_one_by_one() -> None:
    assert _failed((NAMED, "no such file"))._failures() == "20 of 2000 sources failed"


def test_many_failures_are_told_by_what_they_have_in_common() -> None:
    tally = _failed((7, "cannot open"), (30, "no such file"))
    assert tally._failures() == "37 of 2000 sources failed: 30 no such file, 7 cannot open"
    tally.not_begun = 3
    assert tally._failures().startswith("37 of 2000 sources failed, 3 not begun: 30 ")


def test_the_most_frequent_reasons_are_told_and_the_rest_counted() -> None:
    tally = _failed(*((number, f"reason {number}") for number in range(1, 9)))
    assert tally._failures() == (
        "36 of 2000 sources failed: 8 reason 8, 7 reason 7, 6 reason 6, 5 reason 5, 4 reason 4, 6 for other reasons"
    )


def test_what_is_kept_of_failures_is_bounded() -> None:
    """Also where each of them says something else."""
    tally = _failed(*((1, f"reason {number}") for number in range(1000)))
    assert len(tally._kinds) <= 201
    assert sum(tally._kinds.values()) == tally.failed == 1000
    output = Told()
    assert tally.code(None, output, stats=False) == 1
    tally.fail(Bug.of(ValueError("a")), "a.wav")
    tally.fail(LinkError("no"), "a.wav")
    assert tally.code(None, output, stats=False) == 70


def test_the_log_has_a_line_for_each_source(caplog: pytest.LogCaptureFixture) -> None:
    """What a person has been told of a failure is not said again."""
    logger = logging.getLogger("asrcli.runs.tally")
    logger.addHandler(caplog.handler)
    caplog.set_level(logging.INFO, logger.name)
    try:
        tally = Tally(6, FakeClock(), is_many=True)
        tally.ended("a", Summary("a", True, 4.25, audio_ms=12_500), worker="process 2")
        tally.ended("https://me:secret@host/b.wav", Summary("b", True, 61.0, audio_ms=60_000))
        tally.ended("c", None, Failure(LinkError("told"), "c"))
        tally.ended("d", None, Failure(LinkError("no way", hint="look there"), "d", silent=True), "tcp://host:1")
        tally.ended("e", None, Failure(Interrupted(2, "interrupted"), "e", silent=True))
        tally.skip("f")
        Tally(1, FakeClock(), is_many=False).ended("a", Summary("a", True, 1.0, audio_ms=1000))
    finally:
        logger.removeHandler(caplog.handler)
    assert list(dict.fromkeys(caplog.messages)) == [
        "a: done, 12 s of sound in 4.2 s, by process 2",
        "https://***@host/b.wav: done, 60 s of sound in 61 s",
        "d: failed, by tcp://host:1: no way (look there)",
        "f: done already",
    ]


def test_all_figures_of_a_run_stand_in_one_block() -> None:
    clock = FakeClock()
    tally = Tally(5, clock, is_many=True, skipped=2)
    for _ in range(2):
        tally.done()
    tally.fail(LinkError("no"), "c")
    tally.fail(Interrupted(2, "interrupted by SIGINT"), "d")
    tally.not_begun = 1
    tally.ended("a", Summary("a", True, 1.0, audio_ms=40_000, billed_s=40, resent_ms=12_500))
    tally.ended("b", Summary("b", False, 1.0, audio_ms=20_000))
    tally.ended("c", None)
    tally.workers = WorkersChanged(3, 1, 12_000)
    clock.time += 4.0
    output = Told()
    assert tally.code(None, output, stats=True) == 1
    assert output.said == (
        "all sources\n"
        "  done                2\n"
        "  failed              1\n"
        "  interrupted         1\n"
        "  done before         2\n"
        "  not begun           1\n"
        "  audio               60.0 s\n"
        "  billed              40 s\n"
        "  sent twice          12.5 s\n"
        "  workers lost        1\n"
        "  wall time           4.0 s\n"
        "  times real time     15.00\n"
        "12 s of sound went over twice, since 1 worker was lost\n"
        "2 of 5 sources failed, 1 not begun\n"
    )


def test_what_a_lost_worker_cost_is_told_whatever_is_asked_for() -> None:
    tally, output = Tally(1, FakeClock(), is_many=False), Told()
    tally.done()
    assert tally.code(None, output, stats=True) == 0
    tally.workers = WorkersChanged(3, 2, 0)
    assert tally.code(None, output, stats=False) == 0
    assert output.said == ""
    tally.workers = WorkersChanged(3, 2, 2500)
    assert tally.code(None, output, stats=False) == 0
    assert output.said == "2.5 s of sound went over twice, since 2 workers were lost\n"


class Told(Output):
    """What is said to the person."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        super().__init__([], QuietView(self._stream))

    @property
    def said(self) -> str:
        return self._stream.getvalue()
