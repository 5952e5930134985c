"""What becomes of the others when one of many meets a bug, or the loop that carries them all."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from asrcli.audio.source import Source
from asrcli.engine.control import Control
from asrcli.engine.many import Ended, Job
from asrcli.values.errors import Bug, DecodeError
from tests.support.crew_bench import Bench, until_quiet
from tests.support.looping import PATIENCE_S


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


def failing_with(error: Exception) -> Callable[..., Source]:
    def fail(control: Control | None = None) -> Source:
        raise error

    return fail


def test_a_bug_in_one_is_its_end_and_the_others_go_on(bench):
    happening = bench.crew(3, 2)
    until_quiet(happening)
    bug = Bug(ZeroDivisionError())
    bench.runs[0].tell(Ended(bug))
    assert (0, Ended(bug)) in until_quiet(happening)
    assert not bench.runs[1].cancelled
    assert bench.runs[2].started
    happening.close()


@pytest.mark.parametrize("error", [DecodeError("no audio"), ZeroDivisionError()], ids=["ours", "a bug"])
def test_whatever_keeps_one_from_being_opened_is_its_end_and_the_others_go_on(bench, error):
    happening = bench.crew(2, 1)
    bench.jobs[0] = Job(failing_with(error))
    (number, ended), *_ = until_quiet(happening)
    assert (number, ended.error if isinstance(error, DecodeError) else ended.error.__cause__) == (0, error)
    assert bench.runs[0].number == 1
    happening.close()


def test_when_a_bug_has_ended_the_loop_those_that_wait_are_not_opened(bench):
    happening = bench.crew(3, 1)
    until_quiet(happening)
    bug = ZeroDivisionError()
    ended = threading.Event()
    bench.loop.dependants.add(lambda bug: ended.set())
    bench.loop.call(failing_with(bug))
    assert ended.wait(PATIENCE_S)
    bench.runs[0].tell(Ended(Bug(bug, ends_all=True)))
    ends = list(happening)
    assert [(number, end.error.__cause__, end.error.ends_all) for number, end in ends] == [
        (number, bug, True) for number in range(3)
    ]
    assert len(bench.runs) == 1
