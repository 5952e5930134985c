"""One transcription run to its end, and conversations of a service that several tests use."""

from __future__ import annotations

import contextlib
from collections.abc import Generator
from typing import Any

from asrcli.audio.source import Source
from asrcli.engine.control import Control
from asrcli.engine.many import Ended, Job, transcribe_many
from asrcli.engine.wiring import Engine
from asrcli.protocols.run_task import RunTask
from asrcli.values.events import Event, FinalResult
from asrcli.values.recognition import Endpoint, RecognitionOptions
from asrcli.wire.retry import Retry
from tests.support.fakes import ToneSource
from tests.support.scripted_server import Conversation


def engine(url: str, **fields) -> Engine:
    fields.setdefault("speed", None)
    fields.setdefault("retry", Retry(tries=0))
    fields.setdefault("new_protocol", lambda _: RunTask(RecognitionOptions(model="m"), Endpoint(url, "k")))
    return Engine(**fields)


def transcribe(source: Source, engine: Engine, control: Control) -> Generator[Event, None, None]:
    """The events of one source, as of one job among many; what ended it early is raised after all of them.

    A source that nobody has opened is closed here, as by whoever has looked at it before.
    """
    handed_over: list[Source] = []

    def open_source(_: Control) -> Source:
        handed_over.append(source)
        return source

    try:
        with contextlib.closing(transcribe_many([Job(open_source, control)], engine, at_once=1)) as told:
            for _, what in told:
                if isinstance(what, Ended) and what.error is not None:
                    raise what.error
                if isinstance(what, Event):
                    yield what
    finally:
        if not handed_over:
            source.close()


def run(url: str, source: ToneSource, **fields) -> tuple[list[Any], BaseException | None]:
    """All events, and what ended the transcription early, if anything did."""
    events: list[Any] = []
    try:
        for event in transcribe(source, engine(url, **fields), Control()):
            events.append(event)
    except Exception as error:
        assert source.closed
        return events, error
    assert source.closed
    return events, None


def texts(events: list[Any]) -> list[str]:
    return [event.sentence.text for event in events if isinstance(event, FinalResult)]


def polite(talk: Conversation) -> None:
    """A service that hears "one" in the first second and "two" after the end."""
    talk.expect("run-task")
    talk.say("task-started")
    talk.expect_audio(32000)
    talk.say_sentence(1, "on", 0, None)
    talk.say_sentence(1, "one", 0, 900)
    talk.expect("finish-task")
    talk.say_sentence(2, "two", 1000, 1900)
    talk.say("task-finished", {"output": {}, "usage": None})


def closing(talk: Conversation) -> None:
    talk.expect("run-task")
    talk.say("task-started")
    talk.say_sentence(1, "kept", 0, 900)
    talk.close(1011, "Internal server error")


def never_finishing(talk: Conversation) -> None:
    talk.expect("run-task")
    talk.say("task-started")
    talk.say_sentence(1, "kept", 0, 900)
    talk.expect("finish-task")
    talk.hang()
