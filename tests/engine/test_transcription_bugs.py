"""A bug, wherever it is met: the transcription ends with it after what was recognised, and frees its source."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from asrcli.engine.control import Control
from asrcli.engine.transcription import Transcription
from asrcli.engine.wiring import Engine
from asrcli.values.errors import Bug, Shortage
from asrcli.values.events import FinalResult
from tests.support.fakes import OurBug, ToneSource
from tests.support.looping import PATIENCE_S, threads_left
from tests.support.scripted_server import Conversation, scripted_server
from tests.support.transcribing import engine, polite, run, texts, transcribe

pytestmark = pytest.mark.usefixtures("every_thread_ends")


def bug(*arguments: object) -> None:
    raise OurBug


def patient(talk: Conversation) -> None:
    """Hears "kept" at once, and then nothing."""
    talk.expect("run-task")
    talk.say("task-started")
    talk.say_sentence(1, "kept", 0, 900)
    talk.hang()


class EndlessSource(ToneSource):
    """Waits for more, until it is stopped."""

    def __init__(self) -> None:
        super().__init__(1.0, waits=True)

    def blocks(self):
        yield from super().blocks()
        assert self._stopped.wait(PATIENCE_S)


def until_bug(url: str, source: ToneSource, strike, **fields) -> tuple[list[Any], Exception | None]:
    """All events; `strike(engine)` is called after the first final result."""
    made = engine(url, **fields)
    events: list[Any] = []
    try:
        for event in transcribe(source, made, Control()):
            events.append(event)
            if isinstance(event, FinalResult):
                strike(made)
    except Bug as error:
        return events, error
    return events, None


def kill_the_loop(made: Engine) -> None:
    made.loop.call(bug)


@pytest.mark.parametrize("source", [ToneSource(30.0), EndlessSource()], ids=["direct", "threaded"])
def test_a_loop_that_dies_ends_it_at_once(source):
    with scripted_server(patient) as url:
        events, error = until_bug(url, source, kill_the_loop, speed=1.0)
    assert texts(events) == ["kept"]
    assert isinstance(error.__cause__, OurBug)
    assert error.ends_all
    assert source.closed
    assert threads_left("intake", "engine") == []


def test_nothing_that_fails_then_keeps_the_end_from_being_told(monkeypatch):
    def strike(made: Engine) -> None:
        monkeypatch.setattr("asrcli.engine.session.Session.close", bug)
        monkeypatch.setattr("asrcli.engine.sound.tape.Tape.close", bug)
        kill_the_loop(made)

    source = ToneSource(30.0)
    with scripted_server(patient) as url:
        _, error = until_bug(url, source, strike, speed=1.0)
    assert isinstance(error.__cause__, OurBug)


@pytest.mark.parametrize("what", ["session.Session", "sound.intake.Intake"])
def test_what_cannot_be_closed_does_not_keep_the_end_from_being_told(monkeypatch, what):
    """All results are in by then."""
    monkeypatch.setattr("asrcli.engine.ending._CLOSE_S", 0.1)
    source = ToneSource(2.0)
    with monkeypatch.context() as patched:
        patched.setattr(f"asrcli.engine.{what}.close", bug)
        with scripted_server(polite) as url:
            events = list(transcribe(source, engine(url), Control()))
    assert texts(events) == ["one", "two"]


def test_one_that_begins_when_the_loop_is_dead_ends_at_once():
    made = engine("ws://127.0.0.1:1")
    told: list[Any] = []
    died = threading.Event()
    made.loop.hold()
    made.loop.dependants.add(lambda raised: died.set())
    made.loop.call(bug)
    assert died.wait(PATIENCE_S)
    source = ToneSource(1.0)
    run = Transcription(source, made, Control(), told.append)
    run.start()
    run.wait()
    [ended] = told
    assert isinstance(ended.error, Bug)
    assert source.closed
    with pytest.raises(Bug):
        list(transcribe(ToneSource(1.0), made, Control()))
    made.loop.release()


@pytest.mark.parametrize("waits", [False, True], ids=["direct", "threaded"])
def test_a_bug_in_the_source(waits):
    with scripted_server(polite) as url:
        _, error = run(url, ToneSource(1.0, after=bug, waits=waits))
    assert isinstance(error, Bug)
    assert isinstance(error.__cause__, OurBug)
    assert not error.ends_all


def test_a_bug_in_the_thread_that_reads_ends_it_before_the_service_is_there():
    """At once: whether a service is there to be told is not waited for."""
    waiting = threading.Event()

    def silent(talk: Conversation) -> None:
        talk.expect("run-task")
        waiting.wait(PATIENCE_S)

    with scripted_server(silent) as url:
        _, error = run(url, ToneSource(1.0, after=bug, waits=True))
        waiting.set()
    assert isinstance(error, Bug)


def test_a_shortage_met_by_the_source_is_no_regular_end():
    def none_left() -> None:
        raise Shortage("no further thread")

    with scripted_server(polite) as url:
        _, error = run(url, ToneSource(1.0, after=none_left))
    assert isinstance(error, Shortage)


def test_a_recording_that_cannot_be_made_ends_it():
    with scripted_server(patient) as url:
        _, error = run(url, ToneSource(1.0), record=bug)
    assert isinstance(error, Bug)


def test_a_thread_that_cannot_be_started_ends_it(monkeypatch):
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "intake":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr("threading.Thread.start", refuse)
    with scripted_server(polite) as url:
        _, error = run(url, ToneSource(1.0, waits=True))
    assert isinstance(error, Shortage)
