"""Whose turn it is, with transcriptions that do only what the test says."""

from __future__ import annotations

import pytest

from asrcli.engine.many import Ended
from asrcli.system.crowd import TURN_S
from asrcli.values.events import AudioFinished, FinalResult, Notice, Reconnecting, Sentence, SessionStarted, Tick
from tests.support.crew_bench import Bench, until_quiet
from tests.support.fakes import ToneSource
from tests.support.looping import on_loop, settle

STARTED = SessionStarted("s")
FULL = Reconnecting(1, 0, "too many requests", "Throttling", wait_s=5.0, throttled=True)
FINAL = FinalResult(Sentence(1, "once", 0, 900))


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(monkeypatch)


@pytest.mark.parametrize(("at_once", "slots"), [(2, 4), (50, 4), (100, 5), (300, 15), (1000, 20)])
def test_those_that_send_together_send_in_slots_that_are_spread_over_a_chunk(bench, at_once, slots):
    happening = bench.crew(16, at_once)
    until_quiet(happening)
    expected = [number % slots / slots * 0.2 + number // slots * TURN_S for number in range(min(16, at_once))]
    assert [run.phase_s for run in bench.runs] == pytest.approx(expected)
    happening.close()


def test_who_follows_another_has_a_phase_that_one_of_so_many_has(bench):
    """However many there are in all: a phase lies within its slot."""
    happening = bench.crew(12, 2)
    until_quiet(happening)
    for number in range(11):
        bench.runs[number].tell(Ended())
        until_quiet(happening)
    assert {run.phase_s for run in bench.runs} == {0.0, 0.05}
    happening.close()


@pytest.mark.parametrize("at_once", [50, 1000])
def test_what_a_round_of_the_loop_brings_wakes_once(bench, at_once):
    happening = bench.crew(16, at_once)
    until_quiet(happening)

    def tell() -> int:
        for number in (3, 5):
            bench.runs[number].tell(STARTED)
        return len(bench.loop._calls)

    assert on_loop(bench.loop, tell) == 1
    settle(bench.loop)
    assert until_quiet(happening) == [(3, STARTED), (5, STARTED)]
    happening.close()


def test_a_connection_is_made_ahead_for_each_that_waits_and_for_no_more(bench):
    happening = bench.crew(4, 2)
    until_quiet(happening)
    for number in (0, 1, 1):
        bench.runs[number].tell(AudioFinished(100))
        until_quiet(happening)
    settle(bench.loop)
    assert len(bench.ahead) == 2
    for number in (0, 1, 2):
        bench.runs[number].tell(Ended())
        until_quiet(happening)
    bench.runs[3].tell(AudioFinished(100))
    until_quiet(happening)
    settle(bench.loop)
    assert len(bench.ahead) == 2
    happening.close()


def test_after_a_stop_no_connection_is_made_ahead(bench):
    happening = bench.crew(2, 1)
    until_quiet(happening)
    for job in bench.jobs:
        job.control.stop(2)
    bench.runs[0].tell(AudioFinished(100))
    until_quiet(happening)
    settle(bench.loop)
    assert bench.ahead == []
    happening.close()


def test_a_full_service_gets_no_connections_ahead(bench):
    happening = bench.crew(4, 3)
    until_quiet(happening)
    for run in bench.runs:
        run.tell(STARTED)
    bench.runs[2].tell(FULL)
    until_quiet(happening)
    bench.runs[0].tell(AudioFinished(100))
    until_quiet(happening)
    settle(bench.loop)
    assert bench.ahead == []
    happening.close()


def test_who_is_alone_sends_at_once(bench):
    happening = bench.crew(2, 1)
    until_quiet(happening)
    assert [run.phase_s for run in bench.runs] == [None]
    happening.close()


def test_no_more_than_some_handshakes_are_under_way_at_once(bench):
    happening = bench.crew(50, 50)
    until_quiet(happening)
    assert bench.begun == list(range(16))
    bench.runs[5].tell(STARTED)
    bench.runs[7].tell(Ended())
    assert until_quiet(happening) == [(5, STARTED), (7, Ended())]
    assert bench.begun == list(range(18))
    happening.close()
    assert all(run.cancelled for run in bench.runs if run.number != 7)


def test_who_is_sent_away_while_it_starts_comes_again_when_another_has_ended_and_the_pause_is_over(bench):
    happening = bench.crew(3, 2)
    until_quiet(happening)
    bench.runs[0].tell(STARTED)
    bench.runs[1].tell(FULL)
    # Only that there is a limit: for the outside the job has not yet begun.
    assert until_quiet(happening) == [
        (0, STARTED),
        (1, Notice("the service takes no more at once for now", "the others wait their turn")),
    ]
    assert bench.runs[1].cancelled
    assert until_quiet(happening) == []
    assert bench.begun == [0, 1]
    bench.runs[0].tell(Ended())
    assert until_quiet(happening) == [(0, Ended())]
    assert bench.begun == [0, 1]
    bench.clock.advance(5)
    assert until_quiet(happening) == []
    assert bench.begun == [0, 1, 1, 2]
    bench.runs[2].tell(FINAL)
    for run in bench.runs[2:]:
        run.tell(Ended())
    assert list(happening) == [(1, FINAL), (1, Ended()), (2, Ended())]


def test_the_source_of_who_was_sent_away_is_told_only_once(bench):
    happening = bench.crew(2, 2)
    assert [type(what) for _, what in (next(happening), next(happening))] == [ToneSource] * 2
    until_quiet(happening)
    bench.runs[0].tell(STARTED)
    bench.runs[1].tell(FULL)
    until_quiet(happening)
    bench.runs[0].tell(Ended())
    bench.clock.advance(5)
    assert next(happening) == (0, Ended())
    assert next(happening) == (-1, Tick())
    assert bench.begun == [0, 1, 1]
    happening.close()


def test_who_has_begun_is_not_sent_away_when_the_service_is_full(bench):
    happening = bench.crew(2, 2)
    until_quiet(happening)
    for run in bench.runs:
        run.tell(STARTED)
    bench.runs[1].tell(FULL)
    assert until_quiet(happening)[-1] == (1, FULL)
    assert not bench.runs[1].cancelled
    happening.close()


def test_who_is_alone_waits_at_the_door(bench):
    happening = bench.crew(1, 4)
    until_quiet(happening)
    bench.runs[0].tell(FULL)
    assert until_quiet(happening) == [(0, FULL)]
    assert not bench.runs[0].cancelled
    happening.close()


def test_a_service_that_was_full_is_tried_with_one_more_after_each_that_ended(bench):
    happening = bench.crew(12, 4)
    until_quiet(happening)
    bench.runs[0].tell(STARTED)
    for number in (1, 2, 3):
        bench.runs[number].tell(FULL)
    until_quiet(happening)
    bench.clock.advance(5)
    until_quiet(happening)
    running = 1
    assert len(bench.runs) == 4
    for _ in range(4):
        run = next(run for run in bench.runs if not run.cancelled and not run.over)
        run.over = True
        run.tell(Ended())
        until_quiet(happening)
        before, running = running, sum(not run.cancelled and not run.over for run in bench.runs)
        assert running == min(4, before + 1)
    happening.close()


def test_what_is_told_late_by_who_is_sent_away_is_not_told_twice(bench):
    """Whoever takes the events was busy elsewhere, and the job has long had its next try."""
    happening = bench.crew(2, 2)
    until_quiet(happening)
    bench.runs[0].tell(STARTED)
    for what in (FULL, STARTED, FINAL):
        bench.runs[1].tell(what)
    seen = until_quiet(happening)
    bench.clock.advance(5)
    bench.runs[0].tell(Ended())
    seen += until_quiet(happening)
    if len(bench.runs) > 2:
        for what in (STARTED, FINAL, Ended()):  # type: ignore[assignment]
            bench.runs[2].tell(what)
    else:
        bench.runs[1].tell(Ended())
    seen += list(happening)
    assert [what for number, what in seen if number == 1].count(FINAL) == 1
