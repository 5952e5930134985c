"""The tasks of a plan over real connections on loopback: what is kept, what fails, what ends it all."""

from __future__ import annotations

import itertools
import threading
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from asrcli.bench.plan import Plan, Round
from asrcli.bench.rounds import run_plan, run_round
from asrcli.engine.wiring import Engine
from asrcli.protocols.run_task import RunTask
from asrcli.values.errors import AuthError, DecodeError, Interrupted, LinkError, ServiceError
from asrcli.values.events import Notice
from asrcli.values.recognition import Endpoint, RecognitionOptions
from asrcli.wire.pool import Pool
from asrcli.wire.retry import Retry
from tests.support.fakes import ToneSource
from tests.support.scripted_server import Conversation, scripted_server

pytestmark = pytest.mark.usefixtures("no_thread_is_left")

PLAN = Plan(200, 6)


def task(talk: Conversation) -> None:
    talk.expect("run-task")
    talk.say("task-started")
    talk.expect_audio(6400)
    talk.say_sentence(1, "o", 0, None)
    talk.expect("finish-task")
    talk.say_sentence(1, "one", 0, 200)
    talk.say("task-finished", {"output": {}})


def task_after_task(talk: Conversation) -> None:
    while True:
        task(talk)


def new_source(control) -> ToneSource:
    return ToneSource(0.2)


def engine(url: str) -> Engine:
    return Engine(
        lambda _: RunTask(RecognitionOptions(model="m"), Endpoint(url, "k")), speed=None, retry=Retry(tries=0)
    )


def bench(url: str, plan: Plan = PLAN, source=new_source) -> list[Any]:
    """All runs of `plan` against `url`."""
    cold = engine(url)
    with closing(Pool(idle_s=3600.0)) as pool:
        return list(run_plan(plan, source, cold, replace(cold, new_link=pool.new_link)))


def tasks_of(runs: list[Any]) -> list[Any]:
    return [each for run in runs for each in run.tasks]


def test_cold_tasks_connect_and_warm_ones_find_a_connection():
    with scripted_server(task_after_task) as url:
        found = tasks_of(bench(url))
    assert [(each.number, each.kind, each.timings.kept) for each in found] == [
        (None, "cold", False),
        (None, "warm", False),
        (1, "cold", False),
        (2, "warm", True),
        (3, "cold", False),
        (4, "warm", True),
        (5, "cold", False),
        (6, "warm", True),
    ]
    assert [each.number for each in found if each.counts] == [1, 2, 3, 4, 5, 6]
    for each in found:
        assert each.timings.total_ms >= each.timings.ready_ms >= each.timings.start_ms > 0
        assert each.timings.first_result_ms > 0
        assert each.timings.last_result_ms > 0
        assert (each.timings.audio_ms, each.timings.results) == (200, 2)


def test_a_task_that_fails_is_counted_and_the_run_goes_on():
    """The service fails the third measured task, a cold one: it is the fourth connection, after the kept one's."""

    def failing(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-failed", error_code="InternalError", error_message="boom")

    scripts = [task_after_task, task_after_task, task_after_task, failing, task_after_task]
    with scripted_server(*scripts) as url:
        found = tasks_of(bench(url, Plan(200, 10)))
    failed = [each for each in found if each.error is not None]
    assert [(each.number, each.kind, each.error.code) for each in failed] == [(3, "cold", "InternalError")]
    assert sum(each.counts for each in found) == 9


def test_a_warm_task_that_fails_costs_its_connection_and_the_next_makes_a_new_one():
    def failing_second(talk: Conversation) -> None:
        task(talk)
        talk.expect("run-task")
        talk.say("task-failed", error_code="InternalError", error_message="boom")
        talk.close(1000)

    with scripted_server(task_after_task, failing_second, task_after_task) as url:
        warm = [each for each in tasks_of(bench(url)) if each.kind == "warm"]
    assert [(each.number, each.error is not None, each.counts) for each in warm] == [
        (None, False, False),
        (2, True, False),
        (4, False, False),
        (6, False, True),
    ]
    assert warm[2].timings.kept is False


def test_a_service_that_closes_between_tasks_is_no_error():
    """Every warm task finds nothing kept, and so none of them counts."""

    def one_task(talk: Conversation) -> None:
        task(talk)
        talk.close(1000, "done")

    with scripted_server(one_task) as url:
        found = tasks_of(bench(url))
    warm = [each for each in found if each.kind == "warm"]
    assert all(each.error is None or isinstance(each.error, LinkError) for each in found)
    assert not any(each.counts for each in warm)
    assert all(each.counts for each in found if each.kind == "cold" and each.number is not None)


def test_a_refused_key_ends_the_run_at_once():
    with scripted_server(task, refuse=401) as url, pytest.raises(AuthError):
        bench(url)


def test_a_service_that_no_warm_up_reaches_ends_the_run(dead_port):
    with pytest.raises(LinkError, match="nothing answers"):
        bench(f"ws://127.0.0.1:{dead_port}")


def test_a_service_that_fails_every_task_is_measured_to_the_end():
    def failing(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-failed", error_code="InternalError", error_message="boom")

    with scripted_server(failing) as url:
        found = tasks_of(bench(url))
    assert len(found) == 8
    assert all(isinstance(each.error, ServiceError) for each in found)


def damaged(control) -> ToneSource:
    def fail() -> None:
        raise DecodeError("damaged")

    return ToneSource(0.2, after=fail)


def interrupted(control) -> ToneSource:
    raise Interrupted(2, "interrupted")


@pytest.mark.parametrize(("source", "kind"), [(damaged, DecodeError), (interrupted, Interrupted)])
def test_what_all_tasks_would_meet_ends_the_run(source, kind):
    with scripted_server(task_after_task) as url, pytest.raises(kind):
        bench(url, source=source)


def test_what_a_source_has_to_tell_is_kept_once():
    def telling(control) -> ToneSource:
        control.notice("cut short", "mend it")
        return ToneSource(0.2)

    with scripted_server(task_after_task) as url:
        runs = bench(url, source=telling)
    assert {notice for run in runs for notice in run.notices} == {Notice("cut short", "mend it")}


def test_rounds_run_at_once_over_the_pool():
    """No task of a round ends before all have begun: the service answers the last results only then."""
    together = threading.Barrier(3)

    def meeting(talk: Conversation) -> None:
        while True:
            talk.expect("run-task")
            talk.say("task-started")
            talk.expect("finish-task")
            together.wait(10)
            talk.say_sentence(1, "one", 0, 200)
            talk.say("task-finished", {"output": {}})

    with scripted_server(meeting) as url:
        runs = bench(url, Plan(200, 12, at_once=3))
    found = tasks_of(runs)
    assert all(each.error is None for each in found)
    assert [each.number for each in found if each.number] == list(range(1, 13))
    assert sum(each.counts for each in found if each.kind == "warm") == 6


def test_a_run_counts_the_processor_time_between_its_ends():
    seconds = itertools.count(100.0, 0.25)
    with scripted_server(task_after_task) as url:
        run = run_round(Round("cold", 1), new_source, engine(url), cpu=lambda: next(seconds))
    assert run.cpu_s == 0.25
    assert run.wall_s > 0
    assert run.lateness_s == ()


@pytest.mark.parametrize("size", [1, 2])
def test_every_chunk_of_every_task_tells_how_late_it_left(size):
    with scripted_server(task_after_task) as url:
        paced = replace(engine(url), speed=100.0)
        run = run_round(Round("cold", size), lambda _: ToneSource(0.4), paced, measures_lateness=True)
    assert [each.error for each in run.tasks] == [None] * size
    assert len(run.lateness_s) == 2 * size
    assert all(late_s >= 0 for late_s in run.lateness_s)
