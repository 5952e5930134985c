"""The engine over one source and one session: everything that was recognised comes out, whatever ends the run."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from asrcli.engine.control import Control
from asrcli.engine.stages import Timeouts
from asrcli.engine.transcription import Transcription
from asrcli.engine.wiring import Engine
from asrcli.output.wording import words
from asrcli.protocols.run_task import RunTask
from asrcli.values.errors import (
    AsrcliError,
    DecodeError,
    Interrupted,
    LinkError,
    ProtocolViolation,
    ServiceError,
    ServiceTimeout,
)
from asrcli.values.events import (
    AudioFinished,
    AudioSent,
    Ended,
    FinalResult,
    LinkReady,
    Notice,
    PartialResult,
    SessionFinished,
    SessionStarted,
    Tick,
)
from asrcli.values.recognition import Endpoint, RecognitionOptions
from tests.support.fakes import ToneSource
from tests.support.scripted_server import Conversation, scripted_server, silent_port
from tests.support.transcribing import closing, engine, never_finishing, polite, run, texts, transcribe

pytestmark = pytest.mark.usefixtures("no_thread_is_left")


def test_a_source_to_its_end():
    with scripted_server(polite) as url:
        events, error = run(url, ToneSource(2.05))
    assert error is None
    kinds = [type(event) for event in events]
    assert kinds[:2] == [LinkReady, SessionStarted]
    assert kinds[-2:] == [FinalResult, SessionFinished]
    assert PartialResult in kinds
    assert [event.end_ms for event in events if isinstance(event, AudioFinished)] == [2050]
    assert texts(events) == ["one", "two"]


def test_every_sample_arrives_and_once():
    received = {}

    def count(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-started")
        received["audio"] = talk.expect_audio(2 * 33333)
        talk.expect("finish-task")
        talk.say("task-finished", {"output": {}})

    with scripted_server(count) as url:
        _, error = run(url, ToneSource(33333 / 16000))
    assert error is None
    assert len(received["audio"]) == 2 * 33333


def failing(talk: Conversation) -> None:
    talk.expect("run-task")
    talk.say("task-started")
    talk.say_sentence(1, "kept", 0, 900)
    talk.say("task-failed", error_code="InternalError", error_message="boom")
    talk.close(1000)


def resetting(talk: Conversation) -> None:
    talk.expect("run-task")
    talk.say("task-started")
    talk.expect_audio(3200)
    talk.say_sentence(1, "kept", 0, 900)
    talk.expect_audio(3200)
    talk.reset()


def half_json(talk: Conversation) -> None:
    talk.expect("run-task")
    talk.say("task-started")
    talk.say_sentence(1, "kept", 0, 900)
    talk.send('{"header": {"event": "result-gen')
    talk.hang()


def binary(talk: Conversation) -> None:
    talk.expect("run-task")
    talk.say("task-started")
    talk.say_sentence(1, "kept", 0, 900)
    talk.send(b"\x00\x01\x02")
    talk.hang()


@pytest.mark.parametrize(
    ("script", "kind", "said"),
    [
        (failing, ServiceError, "boom"),
        (closing, LinkError, "1011, 'Internal server error'"),
        (resetting, LinkError, "lost"),
        (half_json, ProtocolViolation, "not JSON"),
        (binary, ProtocolViolation, "binary"),
        (never_finishing, ServiceTimeout, "after the end of the audio"),
    ],
)
def test_what_was_final_is_kept_and_the_reason_is_told(script, kind, said):
    with scripted_server(script) as url:
        events, error = run(url, ToneSource(5.0), speed=10.0, timeouts=Timeouts(finish_s=0.3))
    assert texts(events) == ["kept"]
    assert type(error) is kind
    assert isinstance(error, AsrcliError)
    assert said in words(error)


def test_a_service_that_never_answers_is_a_timeout_that_names_the_stage():
    with silent_port() as url:
        _, error = run(url, ToneSource(0.1), timeouts=Timeouts(connect_s=0.2))
    assert isinstance(error, ServiceTimeout)
    assert error.stage == "connect"
    with scripted_server(lambda talk: talk.hang()) as url:
        _, error = run(url, ToneSource(0.1), timeouts=Timeouts(start_s=0.2))
    assert isinstance(error, ServiceTimeout)
    assert error.stage == "start"


def test_sound_that_breaks_off_keeps_its_results():
    def broken() -> None:
        raise DecodeError("talk.mp3 breaks off at 0:01")

    with scripted_server(polite) as url:
        events, error = run(url, ToneSource(2.0, after=broken))
    assert texts(events) == ["one", "two"]
    assert isinstance(error, DecodeError)


def test_a_stop_delivers_the_last_words():
    control = Control()
    events = []
    with scripted_server(polite) as url:
        source = ToneSource(60.0)
        for event in transcribe(source, engine(url, speed=2.0), control):
            events.append(event)
            if isinstance(event, FinalResult) and event.sentence.text == "one":
                control.stop(signal.SIGINT)
    assert texts(events) == ["one", "two"]
    assert control.stopped_by == signal.SIGINT
    assert isinstance(events[-1], SessionFinished)


def test_a_second_stop_ends_at_once():
    control = Control()
    with scripted_server(never_finishing) as url, pytest.raises(Interrupted):
        for event in transcribe(ToneSource(60.0), engine(url, speed=2.0), control):
            if isinstance(event, FinalResult):
                control.stop(signal.SIGINT)
                control.stop(signal.SIGINT)


def test_a_stop_before_the_service_is_ready_ends_at_once():
    control = Control()
    control.stop(signal.SIGTERM)
    with silent_port() as url, pytest.raises(Interrupted) as caught:
        list(transcribe(ToneSource(1.0), engine(url), control))
    assert caught.value.signal_number == signal.SIGTERM


def test_giving_up_in_the_middle_finishes_the_task_at_the_service():
    seen = []

    def wait_for_finish(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-started")
        seen.append(talk.expect("finish-task")["header"]["action"])

    with scripted_server(wait_for_finish) as url:
        events = transcribe(ToneSource(60.0), engine(url, speed=1.0), Control())
        for event in events:
            if isinstance(event, AudioSent):
                break
        events.close()
    assert seen == ["finish-task"]


@pytest.mark.parametrize("waits", [False, True])
def test_what_a_source_tells_at_its_very_end_is_told_before_the_end_of_all(waits):
    """However soon the last result is in."""
    control = Control()
    with scripted_server(polite) as url:
        source = ToneSource(1.0, after=lambda: control.notice("it is cut short"), waits=waits)
        events = list(transcribe(source, engine(url), control))
    assert Notice("it is cut short") in events


def test_notices_that_come_when_all_is_over_are_told():
    control = Control()
    told: list[Any] = []
    with scripted_server(polite) as url:
        setup = engine(url)
        source = ToneSource(1.0)
        source.close = lambda: control.notice("closing shows it")  # type: ignore[method-assign]
        run = Transcription(source, setup, control, told.append)
        setup.loop.hold()
        run.start()
        run.wait()
        setup.loop.release()
    assert told[-2:] == [Notice("closing shows it"), Ended()]


def test_notices_of_the_source_and_ticks_come_through():
    control = Control()
    control.notice("the file is truncated")
    with scripted_server(polite) as url:
        events = list(transcribe(ToneSource(2.0), engine(url, speed=4.0, tick_s=0.01), control))
    assert events[0] == Notice("the file is truncated")
    assert Tick() in events


def test_the_key_goes_into_the_handshake_and_nowhere_else():
    seen = {}

    def script(talk: Conversation) -> None:
        seen["authorization"] = talk.request.headers["Authorization"]
        seen["run-task"] = json.dumps(talk.expect("run-task"))
        talk.say("task-failed", error_code="X", error_message="y")

    with scripted_server(script) as url:
        protocol = Engine(lambda _: RunTask(RecognitionOptions(model="m"), Endpoint(url, "sk-planted")), speed=None)
        with pytest.raises(ServiceError) as caught:
            list(transcribe(ToneSource(0.1), protocol, Control()))
    assert seen["authorization"] == "Bearer sk-planted"
    assert "sk-planted" not in seen["run-task"] + words(caught.value) + repr(protocol)
