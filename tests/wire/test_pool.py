"""Kept links: used again only when that is safe, and given up in time."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from asrcli.engine.control import Control
from asrcli.engine.stages import Timeouts
from asrcli.engine.wiring import Engine
from asrcli.protocols import REGISTRY
from asrcli.service.faults.kinds import parse_fault
from asrcli.values.errors import ServiceError
from asrcli.values.events import Event, FinalResult, LinkReady, Reconnecting, SessionStarted
from asrcli.values.recognition import Endpoint, RecognitionOptions
from asrcli.wire.pool import Pool
from asrcli.wire.retry import Retry
from tests.support.fakes import ToneSource
from tests.support.scripted_server import Conversation, scripted_server
from tests.support.service import running_service
from tests.support.transcribing import transcribe

pytestmark = pytest.mark.usefixtures("no_thread_is_left")

PATIENCE_S = 20


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool()
    yield pool
    pool.close()
    assert pool.idle_count == 0


def engine(url: str, pool: Pool, protocol: str = "run-task", key: str = "k", **fields: Any) -> Engine:
    options = RecognitionOptions(model="qwen3-asr-flash-realtime" if protocol == "realtime" else "m")
    fields.setdefault("retry", Retry(tries=0))
    return Engine(
        lambda _: REGISTRY[protocol](options, Endpoint(url, key)), speed=None, new_link=pool.new_link, **fields
    )


def once(setup: Engine) -> list[Event]:
    return list(transcribe(ToneSource(0.2), setup, Control()))


def was_kept(events: list[Event]) -> bool:
    [ready] = [event for event in events if isinstance(event, LinkReady)]
    assert (ready.phases is None) == (ready.connect_ms == 0.0)
    return ready.phases is None


def task(talk: Conversation, text: str) -> str:
    """One task to its end; returns its id."""
    task_id: str = talk.expect("run-task")["header"]["task_id"]
    talk.say("task-started")
    talk.expect("finish-task")
    talk.say_sentence(1, text, 0, 200)
    talk.say("task-finished", {"output": {}})
    return task_id


def test_the_next_task_follows_on_the_same_link_with_a_new_id(pool):
    ids: list[str] = []

    def three_tasks(talk: Conversation) -> None:
        ids.extend(task(talk, text) for text in ("one", "two", "three"))
        talk.expect_close()

    with scripted_server(three_tasks) as url:
        setup = engine(url, pool)
        runs = [once(setup) for _ in range(3)]
        assert pool.idle_count == 1
        pool.close()
    assert [was_kept(events) for events in runs] == [False, True, True]
    assert [event.sentence.text for events in runs for event in events if isinstance(event, FinalResult)] == [
        "one",
        "two",
        "three",
    ]
    assert len(set(ids)) == 3
    assert ids == [event.session_id for events in runs for event in events if isinstance(event, SessionStarted)]


def test_a_late_word_of_the_task_before_is_dropped(pool):
    def late(talk: Conversation) -> None:
        old = task(talk, "one")
        new = talk.expect("run-task")["header"]["task_id"]
        talk.say("task-started")
        sentence = {"sentence_id": 9, "text": "late", "begin_time": 0, "end_time": 200, "sentence_end": True}
        talk.say("result-generated", {"output": {"sentence": sentence}}, task_id=old)
        talk.expect("finish-task")
        talk.say_sentence(1, "two", 0, 200)
        talk.say("task-finished", {"output": {}})
        assert new != old
        talk.expect_close()

    with scripted_server(late) as url:
        setup = engine(url, pool)
        texts = [event.sentence.text for _ in range(2) for event in once(setup) if isinstance(event, FinalResult)]
        pool.close()
    assert texts == ["one", "two"]


def test_a_link_that_saw_an_error_is_not_used_again(pool):
    def failing(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-failed", error_code="X", error_message="no")
        talk.expect_close()

    def good(talk: Conversation) -> None:
        task(talk, "one")
        talk.expect_close()

    with scripted_server(failing, good) as url:
        setup = engine(url, pool)
        with pytest.raises(ServiceError):
            once(setup)
        assert pool.idle_count == 0
        assert not was_kept(once(setup))
        pool.close()


def test_another_try_does_not_get_the_link_that_has_just_failed(pool):
    """The service does not answer our goodbye either, so that the link is still on its way out then."""
    with running_service(faults=(parse_fault("deaf@1msg#1"),)) as service:
        quick = engine(service.url, pool, retry=Retry(tries=1, first_s=0.01), timeouts=Timeouts(finish_s=0.3))
        events = once(quick)
        assert [event.attempt for event in events if isinstance(event, Reconnecting)] == [1]
        assert len([event for event in events if isinstance(event, LinkReady) and event.phases is not None]) == 2
        pool.close()


def test_a_link_that_the_service_closed_meanwhile_is_forgotten(pool):
    closed, seen = threading.Event(), threading.Event()

    def one_task(talk: Conversation) -> None:
        task(talk, "one")
        talk.close(1000, "idle")
        closed.set()

    with scripted_server(one_task) as url:
        setup = engine(url, pool)
        assert not was_kept(once(setup))
        # The service waits for our answer; what we do with its close is done when the loop has come round again.
        assert closed.wait(PATIENCE_S)
        setup.loop.call(seen.set)
        assert seen.wait(PATIENCE_S)
        assert pool.idle_count == 0
        assert not was_kept(once(setup))


def test_an_idle_link_is_given_up_before_the_service_does():
    closed = threading.Event()

    def one_task(talk: Conversation) -> None:
        task(talk, "one")
        talk.expect_close()
        closed.set()

    pool = Pool(idle_s=0.05)
    with scripted_server(one_task) as url:
        once(engine(url, pool))
        assert closed.wait(PATIENCE_S)
        pool.close()
    assert pool.idle_count == 0


def test_another_key_gets_a_link_of_its_own(pool):
    def one_task(talk: Conversation) -> None:
        task(talk, "one")
        talk.expect_close()

    with scripted_server(one_task) as url:
        setup = engine(url, pool)
        once(setup)
        other = dataclasses.replace(engine(url, pool, key="another"), loop=setup.loop)
        assert not was_kept(once(other))
        assert pool.idle_count == 2
        pool.close()


def test_sessions_of_the_realtime_protocol_are_never_followed_by_another(pool):
    with running_service() as service:
        setup = engine(service.url, pool, "realtime")
        assert not was_kept(once(setup))
        assert pool.idle_count == 0
        assert not was_kept(once(setup))
