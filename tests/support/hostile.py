"""Anything a service, a network and our own threads may put before a session, in any order."""

from __future__ import annotations

import contextlib
import json
from typing import Any

from hypothesis import strategies as st

from asrcli.engine.session import Session
from asrcli.engine.stages import Timeouts, Turn
from asrcli.protocols import REGISTRY
from asrcli.values.errors import DecodeError, LinkError, ProtocolViolation, ServiceError, ServiceTimeout
from asrcli.values.events import Event
from asrcli.values.recognition import Endpoint, RecognitionOptions
from asrcli.values.sound import Chunk
from asrcli.wire.link_events import LinkClosed, LinkDrained, LinkOpened, MessageReceived
from tests.protocols.strategies import json_values
from tests.support.fakes import FakeClock, FakeLink
from tests.support.sounds import pcm_chunk

_TIMES: st.SearchStrategy[Any] = st.sampled_from([None, -5, 0, 120, 1e300, "7", [], True]) | st.integers(0, 10_000)
_SENTENCE = st.fixed_dictionaries(
    {"text": st.sampled_from(["", "a", "a b"]) | st.text(max_size=4)},
    optional={
        "sentence_id": st.integers(0, 3) | json_values,
        "begin_time": _TIMES,
        "end_time": _TIMES,
        "sentence_end": st.booleans() | json_values,
        "heartbeat": st.booleans(),
        "words": st.lists(st.dictionaries(st.sampled_from(["text", "begin_time", "end_time"]), json_values))
        | json_values,
    },
)
_RUN_TASK = st.builds(
    lambda event, task, sentence, more: {
        "header": {"event": event, "task_id": task, **more},
        "payload": {"output": {"sentence": sentence}, "usage": {"duration": 1}},
    },
    st.sampled_from(["task-started", "result-generated", "result-generated", "task-finished", "task-failed", "new"]),
    st.sampled_from(["TASK", "TASK", None, "another"]),
    _SENTENCE | json_values,
    st.dictionaries(st.sampled_from(["error_code", "error_message"]), st.text(max_size=5) | json_values),
)
_REALTIME = st.builds(
    lambda kind, fields: {"type": kind, **fields},
    st.sampled_from(
        ["session.created", "session.updated", "session.updated", "session.finished", "error", "new.event"]
        + [f"input_audio_buffer.{kind}" for kind in ("speech_started", "speech_stopped", "committed")]
        + [f"conversation.item.input_audio_transcription.{kind}" for kind in ("text", "completed", "failed", "delta")]
    ),
    st.dictionaries(st.just("item_id"), st.sampled_from(["a", "b"]) | json_values)
    | st.fixed_dictionaries(
        {"item_id": st.sampled_from(["a", "b", "c"])},
        optional={
            "transcript": st.text(max_size=4) | json_values,
            "text": st.text(max_size=4) | json_values,
            "stash": json_values,
            "audio_start_ms": _TIMES,
            "audio_end_ms": _TIMES,
            "session": st.fixed_dictionaries({"id": st.text(max_size=3)}) | json_values,
            "error": st.dictionaries(st.sampled_from(["code", "message", "param"]), json_values) | json_values,
        },
    ),
)
_CLOSES = st.builds(
    LinkClosed,
    st.none() | st.sampled_from([1000, 1001, 1006, 1007, 1011, 4999]),
    st.text(max_size=5),
    st.none() | st.just(LinkError("lost")),
)
_REST = st.one_of(
    _CLOSES,
    st.just(LinkDrained()),
    st.sampled_from(["the audio goes on", "the audio ends", "the audio breaks off"]),
    st.just("the deadline passes"),
    st.just("sending fails"),
)


def happenings(protocol: str) -> st.SearchStrategy[list[Any]]:
    """What may happen in one session: mostly messages, near to valid ones and far from it."""
    near = _RUN_TASK if protocol == "run-task" else _REALTIME
    message = near | near | near | json_values | st.text() | st.binary()
    return st.lists(message.map(_Said) | message.map(_Said) | _REST, min_size=1, max_size=12)


class _Said:
    """A message, not yet written: the session's own task id belongs in it."""

    def __init__(self, content: object) -> None:
        self.content = content

    def __repr__(self) -> str:
        return f"says {self.content!r}"

    def written(self, task_id: str) -> str | bytes:
        if isinstance(self.content, str | bytes):
            return self.content
        return json.dumps(self.content).replace('"TASK"', json.dumps(task_id))


class _HandedChunks:
    start_sample = 0

    def __init__(self) -> None:
        self.over = False
        self.cause: BaseException | None = None
        self._waiting: list[Chunk] = []

    def feed(self) -> None:
        self._waiting.append(pcm_chunk(bytes(3200), 1600))

    def next(self) -> Chunk | None:
        return self._waiting.pop() if self._waiting else None

    def close(self) -> None:
        self.over = True


def survives(protocol: str, happened: list[Any], *, begun: bool) -> int:
    """Put `happened` before a session; how many messages it got. `begun`: after a regular start, else a handshake.

    Whatever comes is an event or one of the errors that end a session, each of them only once.
    """
    clock, link, messages = FakeClock(), FakeLink(), 0
    machine = REGISTRY[protocol](RecognitionOptions(model="m"), Endpoint("ws://127.0.0.1", "k"))
    limits = Timeouts()
    chunks = _HandedChunks()
    session = Session(machine, link, chunks, where="here", timeouts=limits, clock=clock)
    session.open()
    for item in _beginning(protocol, machine.session_id) if begun else [LinkOpened(1.0)]:
        list(session.handle(item))
    with contextlib.suppress(ServiceError, ProtocolViolation, LinkError, ServiceTimeout):
        for item in happened:
            events: list[Event] = []
            if item == "sending fails":
                link.fail = LinkError("broken pipe")
            elif item == "the deadline passes":
                events += session.handle(Turn.EXPIRED) if session.deadline is not None else ()
            elif isinstance(item, str):
                chunks.feed()
                chunks.over = item != "the audio goes on"
                chunks.cause = DecodeError("breaks off") if item == "the audio breaks off" else None
                session.pump(2)
                if chunks.over and session.takes_audio:
                    events += session.handle(Turn.AUDIO_ENDED)
            elif isinstance(item, _Said):
                messages += 1
                events += session.handle(MessageReceived(item.written(machine.session_id)))
            else:
                events += session.handle(item)
            assert all(isinstance(event, Event) for event in events)
    link.fail = None
    session.close()
    return messages


def _beginning(protocol: str, task_id: str) -> list[Any]:
    if protocol == "run-task":
        said: list[dict[str, Any]] = [{"header": {"event": "task-started", "task_id": task_id}, "payload": {}}]
    else:
        said = [
            {"type": "session.created", "session": {"id": "s"}},
            {"type": "session.updated", "session": {}},
        ]
    return [LinkOpened(1.0), *(MessageReceived(json.dumps(each)) for each in said)]
