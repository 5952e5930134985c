"""Links made ahead, where sessions cannot follow one another on the same one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from asrcli.engine.control import Control
from asrcli.engine.many import Ended, Job, transcribe_many
from asrcli.engine.wiring import Engine
from asrcli.protocols import REGISTRY
from asrcli.service.faults.kinds import parse_fault
from asrcli.values.events import Event, FinalResult, LinkReady, Reconnecting
from asrcli.values.recognition import Endpoint, RecognitionOptions
from asrcli.wire.pool import Pool
from asrcli.wire.retry import Retry
from tests.support.fakes import ToneSource
from tests.support.looping import on_loop, threads_left
from tests.support.scripted_server import Conversation, scripted_server
from tests.support.service import running_service
from tests.support.transcribing import transcribe

PATIENCE_S = 20


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool()
    yield pool
    pool.close()
    assert pool.idle_count == 0
    assert threads_left() == []


def engine(url: str, pool: Pool, *, protocol: str = "realtime", tries: int = 0, manual: bool = False) -> Engine:
    model = "qwen3-asr-flash-realtime" if protocol == "realtime" else "fun-asr-realtime"
    options = RecognitionOptions(model=model, manual=manual)
    return Engine(
        lambda _: REGISTRY[protocol](options, Endpoint(url, "k")),
        speed=None,
        tick_s=0.05,
        retry=Retry(tries=tries, first_s=0.01),
        new_link=pool.new_link,
        connect_ahead=pool.connect_ahead,
    )


def run_jobs(setup: Engine, count: int) -> list[tuple[int, Event | Ended]]:
    """One after the other."""
    jobs = [Job(lambda control: ToneSource(0.2)) for _ in range(count)]
    told = [(number, what) for number, what in transcribe_many(jobs, setup, 1) if not isinstance(what, ToneSource)]
    assert [what for _, what in told if isinstance(what, Ended)] == [Ended()] * count
    return told  # type: ignore[return-value]


def texts(told: list[tuple[int, Event | Ended]]) -> list[str]:
    return [what.sentence.text for _, what in told if isinstance(what, FinalResult)]


def answer(talk: Conversation, text: str) -> None:
    """What belongs to the end of a session, once the client has asked for it."""
    talk.say_event("conversation.item.input_audio_transcription.completed", item_id=text, transcript=text)
    talk.say_event("session.finished")
    talk.expect_close()


def session(text: str, *, before_answer: Callable[[], object] = lambda: None) -> Callable[[Conversation], None]:
    def script(talk: Conversation) -> None:
        talk.begin_session()
        talk.expect_type("session.finish")
        before_answer()
        answer(talk, text)

    return script


def test_the_next_session_is_let_in_while_the_one_before_waits_for_its_last_results(pool):
    greeted = threading.Event()

    def early(talk: Conversation) -> None:
        # Said long before there is a session to hear it.
        talk.say_event("session.created", session={"id": "early"})
        greeted.set()
        talk.expect_type("session.update")
        talk.say_event("session.updated", session={"id": "early"})
        talk.expect_type("session.finish")
        answer(talk, "two")

    def is_greeted() -> None:
        assert greeted.wait(PATIENCE_S)

    with scripted_server(session("one", before_answer=is_greeted), early) as url:
        told = run_jobs(engine(url, pool), 2)
    assert texts(told) == ["one", "two"]
    assert pool.idle_count == 0


def test_the_next_session_of_a_long_sound_is_let_in_meanwhile_too(pool):
    """In manual mode a session carries a minute."""
    greeted = threading.Event()

    def second(talk: Conversation) -> None:
        greeted.set()
        session("two")(talk)

    def is_greeted() -> None:
        assert greeted.wait(PATIENCE_S)

    with scripted_server(session("one", before_answer=is_greeted), second) as url:
        events = list(transcribe(ToneSource(61.0), engine(url, pool, manual=True), Control()))
    assert len([event for event in events if isinstance(event, LinkReady)]) == 2
    assert not [event for event in events if isinstance(event, Reconnecting)]


def test_where_links_are_kept_none_is_made_ahead(pool):
    with running_service() as service:
        told = run_jobs(engine(service.url, pool, protocol="run-task"), 3)
        assert [what.connect_ms > 0 for _, what in told if isinstance(what, LinkReady)] == [True, False, False]
        assert pool.idle_count == 1
        pool.close()


def test_a_service_that_refuses_what_comes_ahead_is_not_asked_again(pool, monkeypatch):
    """The account may allow one connection only: that costs no session one of its tries."""
    made: list[object] = []
    make = pool.make
    monkeypatch.setattr(pool, "make", lambda *arguments: made.append(arguments) or make(*arguments))
    with running_service(faults=(parse_fault("refuse=429#2"),)) as service:
        told = run_jobs(engine(service.url, pool), 4)
    assert not [what for _, what in told if isinstance(what, Reconnecting)]
    assert len(made) == 5
    assert pool.ahead_is_refused


def test_a_session_that_got_one_on_its_way_connects_itself_when_that_is_refused(pool):
    faults = (parse_fault("refuse=429#2"), parse_fault("delay=50ms"))
    with running_service(faults=faults) as service:
        setup = engine(service.url, pool)
        list(transcribe(ToneSource(0.2), setup, Control()))
        setup.loop.call(setup.prepare_session)
        events = list(transcribe(ToneSource(0.2), setup, Control()))
    assert not [event for event in events if isinstance(event, Reconnecting)]
    assert pool.ahead_is_refused


def test_one_that_the_service_gives_up_meanwhile_costs_nothing_but_itself(pool):
    def leaves(talk: Conversation) -> None:
        talk.say_event("session.created", session={"id": "early"})
        talk.close(1000, "too late")

    with scripted_server(session("one"), leaves, session("two")) as url:
        told = run_jobs(engine(url, pool, tries=3), 2)
    assert texts(told) == ["one", "two"]


def test_one_that_nobody_wants_any_more_is_closed_in_good_order(pool):
    left = threading.Event()

    def unwanted(talk: Conversation) -> None:
        talk.say_event("session.created", session={"id": "early"})
        talk.expect_close()
        left.set()

    with scripted_server(session("one"), unwanted) as url:
        setup = engine(url, pool)
        list(transcribe(ToneSource(0.2), setup, Control()))
        setup.loop.call(setup.prepare_session)
        while not on_loop(setup.loop, lambda: pool._idle and len(pool._idle[0].said) == 2):
            continue
        pool.close()
        assert left.wait(PATIENCE_S)
