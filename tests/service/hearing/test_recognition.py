"""Recognitions that may wait get a thread and a limit on what waits for them; prompt ones get neither."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from asrcli.service.hearing.recognition import Hearings
from asrcli.service.recognizers.base import (
    Failed,
    Hypothesis,
    OnResult,
    Opened,
    Pcm,
    RecognitionEnded,
    RecognitionError,
    RecognitionSettings,
    Result,
)
from asrcli.service.recognizers.script import ScriptRecognizer
from asrcli.system.loop import Loop
from tests.support.looping import on_loop

PATIENCE_S = 20


class Slow:
    """Takes one piece of audio for each `step`; says which thread called it."""

    capacity = 5

    def __init__(self) -> None:
        self.steps = threading.Semaphore(0)
        self.threads: set[int] = set()
        self.closed = threading.Event()

    def open(self, settings: RecognitionSettings, on_result: OnResult) -> Slow:
        self._on_result = on_result
        on_result(Opened())
        return self

    def feed(self, pcm: Pcm) -> None:
        self.threads.add(threading.get_ident())
        assert self.steps.acquire(timeout=PATIENCE_S)
        if pcm.data == b"!!":
            raise ZeroDivisionError
        self._on_result(Hypothesis(str(len(pcm.data)), 0))

    def change_context(self, context: str) -> None: ...

    def end_utterance(self) -> None: ...

    def finish(self) -> None:
        self._on_result(RecognitionEnded(0))

    def close(self) -> None:
        self.closed.set()


class Service:
    """The loop in a thread, and the other side of a hearing."""

    def __init__(self) -> None:
        self.loop = Loop(name="service")
        self.told: list[Result] = []
        self.held: list[bool] = []
        self.heard = threading.Semaphore(0)
        self.loop.hold()
        self.thread = on_loop(self.loop, threading.current_thread)

    def tell(self, result: Result) -> None:
        assert threading.current_thread() is self.thread
        self.told.append(result)
        self.heard.release()

    def hold(self) -> None:
        self.held.append(True)

    def go_on(self) -> None:
        self.held.append(False)

    def wait(self, results: int) -> list[Result]:
        for _ in range(results):
            assert self.heard.acquire(timeout=PATIENCE_S)
        return self.told

    def on_loop(self, *work: object) -> None:
        done = threading.Event()
        for each in (*work, done.set):
            self.loop.call(each)  # type: ignore[arg-type]
        assert done.wait(PATIENCE_S)


@pytest.fixture
def service() -> Iterator[Service]:
    service = Service()
    yield service
    service.loop.release()


def test_what_may_wait_is_called_by_a_thread_of_its_own_and_heard_on_the_loop(service: Service) -> None:
    slow = Slow()
    hearings = Hearings(slow, 5, service.loop)
    hearing = hearings.new(RecognitionSettings(), service.tell, service)
    service.on_loop(hearing.begin, lambda: hearing.feed(bytes(320)), hearing.finish)
    slow.steps.release()
    assert service.wait(3) == [Opened(), Hypothesis("320", 0), RecognitionEnded(0)]
    assert len(slow.threads) == 1
    assert service.thread.ident not in slow.threads
    service.on_loop(hearing.close)
    hearings.join()
    assert slow.closed.is_set()


def test_the_client_is_held_back_while_much_waits_for_the_recogniser(service: Service) -> None:
    slow = Slow()
    hearings = Hearings(slow, 5, service.loop)
    hearing = hearings.new(RecognitionSettings(), service.tell, service)
    service.on_loop(hearing.begin, *[lambda: hearing.feed(bytes(600_000))] * 3)
    assert service.held == [True]
    slow.steps.release()
    service.wait(2)
    service.on_loop()
    assert service.held == [True]
    slow.steps.release()
    service.wait(1)
    # What is heard comes before what is told of it.
    while service.held == [True]:
        service.on_loop()
    assert service.held == [True, False]
    slow.steps.release()
    service.on_loop(hearing.close)
    hearings.join()


def test_a_client_on_hold_may_send_a_little_more(service: Service) -> None:
    slow = Slow()
    hearings = Hearings(slow, 5, service.loop)
    hearing = hearings.new(RecognitionSettings(), service.tell, service)
    service.on_loop(hearing.begin)
    for count in range(1, 6):
        service.on_loop(lambda: hearing.feed(bytes(600_000)))
        assert hearing.bears_more() == (count < 4)
    assert service.held == [True]
    service.on_loop(hearing.close)
    slow.steps.release()
    hearings.join()


def test_a_mistake_in_a_recogniser_is_a_failure_of_its_task(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    slow = Slow()
    hearings = Hearings(slow, 5, service.loop)
    hearing = hearings.new(RecognitionSettings(), service.tell, service)
    slow.steps.release()
    service.on_loop(hearing.begin, lambda: hearing.feed(b"!!"))
    assert service.wait(2)[1] == Failed("InternalError", "the recogniser broke")
    assert "ZeroDivisionError" in caplog.text
    service.on_loop(hearing.close)
    hearings.join()


def test_a_thread_that_cannot_be_started_is_a_failure_of_its_task(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "recognition":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr("threading.Thread.start", refuse)
    hearings = Hearings(Slow(), 5, service.loop)
    hearing = hearings.new(RecognitionSettings(), service.tell, service)
    service.on_loop(hearing.begin)
    (failed,) = service.wait(1)
    assert isinstance(failed, Failed)
    assert failed.code == "InternalError"
    assert "no further thread" in failed.message
    service.on_loop(hearing.close)
    hearings.join()


def test_a_prompt_recogniser_is_called_at_once_and_needs_no_thread() -> None:
    told: list[Result] = []
    before = threading.active_count()
    loop = Loop()
    hearing = Hearings(ScriptRecognizer(()), 5, loop).new(RecognitionSettings(), told.append, Slow())  # type: ignore[arg-type]
    hearing.begin()
    hearing.feed(bytes(3200))
    hearing.finish()
    assert told == [Opened(), RecognitionEnded(100)]
    assert threading.active_count() == before


def test_places_are_counted() -> None:
    loop = Loop()
    hearings = Hearings(ScriptRecognizer(()), 2, loop)
    hearings.take_place()
    hearings.take_place()
    with pytest.raises(RecognitionError, match="2 tasks at once"):
        hearings.take_place()
    hearings.free_place()
    hearings.take_place()
