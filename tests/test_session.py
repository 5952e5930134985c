"""One session without sockets and without waiting: stages, deadlines, and whose error counts."""

from __future__ import annotations

import json
import queue
import threading
from collections.abc import Iterable, Iterator

import pytest

from asrcli.errors import AudioError, DecodeError, LinkError, ProtocolViolation, ServiceError, ServiceTimeout
from asrcli.events import (
    AudioEnded,
    AudioFinished,
    AudioSent,
    Event,
    FinalResult,
    InboxItem,
    LinkClosed,
    LinkOpened,
    LinkReady,
    MessageReceived,
    SessionFinished,
    SessionStarted,
    UplinkProgress,
)
from asrcli.pcm import Chunk
from asrcli.protocols.base import Endpoint, RecognitionOptions
from asrcli.protocols.run_task import RunTask
from asrcli.session import Limits, Session
from tests.support.fakes import FakeClock, FakeLink

LIMITS = Limits(connect_s=5, start_s=6, finish_s=7, grace_s=1)


class HandedChunks:
    """Chunks from any iterable, as a tape's reader would hand them out."""

    start_sample = 0

    def __init__(self, chunks: Iterable[Chunk]) -> None:
        self._chunks = chunks
        self._closed = False

    def __iter__(self) -> Iterator[Chunk]:
        for chunk in self._chunks:
            if self._closed:
                return
            yield chunk

    def close(self) -> None:
        self._closed = True


class Bench:
    """A session between a link, a clock and chunks that the test holds in its hand."""

    def __init__(self, chunks: Iterable[Chunk] = ()) -> None:
        self.clock = FakeClock()
        self.link = FakeLink()
        self.inbox: queue.SimpleQueue[InboxItem] = queue.SimpleQueue()
        self.protocol = RunTask(RecognitionOptions(model="m"), Endpoint("ws://127.0.0.1", "k"))
        self.session = Session(
            self.protocol,
            self.link,
            HandedChunks(chunks),
            where="ws://here",
            post=self.inbox.put,
            limits=LIMITS,
            clock=self.clock,
        )
        self.session.open()

    def handle(self, item: InboxItem) -> list[Event]:
        return list(self.session.handle(item))

    def say(self, event: str, payload: object = None, **header: object) -> list[Event]:
        document = {"header": {"task_id": self.protocol.session_id, "event": event, **header}, "payload": payload}
        return self.handle(MessageReceived(json.dumps(document)))

    def started(self) -> Bench:
        self.handle(LinkOpened(3.0))
        self.say("task-started")
        return self

    def next(self) -> InboxItem:
        """What the uplink posts next."""
        return self.inbox.get(timeout=10)

    def until_audio_ended(self) -> list[Event]:
        events: list[Event] = []
        while not isinstance(item := self.next(), AudioEnded):
            events += self.handle(item)
        return [*events, *self.handle(item)]

    def actions(self) -> list[str]:
        return [json.loads(m)["header"]["action"] if isinstance(m, str) else "audio" for m in self.link.sent]


@pytest.fixture
def bench() -> Iterator[type[Bench]]:
    made: list[Bench] = []

    def make(chunks: Iterable[Chunk] = ()) -> Bench:
        made.append(Bench(chunks))
        return made[-1]

    yield make
    for each in made:
        each.session.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "uplink"]


def chunks(count: int) -> list[Chunk]:
    return [Chunk(bytes(3200), 1600 * (index + 1)) for index in range(count)]


def raising(error: Exception, count: int = 1) -> Iterator[Chunk]:
    yield from chunks(count)
    raise error


def test_a_whole_session_in_order(bench):
    b = bench(chunks(3))
    assert b.link.opened
    assert b.handle(LinkOpened(3.0)) == [LinkReady(3.0)]
    assert b.actions() == ["run-task"]
    assert b.say("task-started") == [SessionStarted(b.protocol.session_id)]
    assert b.until_audio_ended()[-1] == AudioFinished(300)
    assert b.actions() == ["run-task", "audio", "audio", "audio", "finish-task"]
    sentence = {"sentence_id": 1, "text": "hello", "begin_time": 0, "end_time": 250, "sentence_end": True}
    [final] = b.say("result-generated", {"output": {"sentence": sentence}})
    assert isinstance(final, FinalResult)
    assert b.say("task-finished", {"output": {}}) == [SessionFinished(b.protocol.session_id)]
    assert b.session.done


def test_no_audio_leaves_before_the_service_is_ready(bench):
    b = bench(chunks(3))
    b.handle(LinkOpened(3.0))
    assert b.actions() == ["run-task"]
    assert b.inbox.empty()


def test_progress_is_announced_once_and_says_how_far(bench):
    b = bench(chunks(50)).started()
    items = []
    while not isinstance(item := b.next(), AudioEnded):
        items.append(item)
    assert items == [UplinkProgress()]
    assert b.handle(items[0]) == [AudioSent(5000)]


@pytest.mark.parametrize(
    ("reach", "stage", "bound_s"),
    [
        (lambda b: None, "connect", 5),
        (lambda b: b.handle(LinkOpened(1.0)), "start", 6),
        (lambda b: b.started().until_audio_ended(), "finish", 7),
    ],
)
def test_every_silence_is_bounded_and_named(bench, reach, stage, bound_s):
    b = bench()
    reach(b)
    assert b.session.deadline.remaining_s() == bound_s
    b.clock.advance(bound_s)
    assert b.session.deadline.passed()
    with pytest.raises(ServiceTimeout) as caught:
        list(b.session.expire())
    assert caught.value.stage == stage
    assert "ws://here" in str(caught.value)


def test_results_after_the_audio_extend_the_wait(bench):
    b = bench().started()
    b.until_audio_ended()
    b.clock.advance(6)
    b.say("result-generated", {"output": {"sentence": {"sentence_id": 1, "text": "a", "end_time": None}}})
    assert b.session.deadline.remaining_s() == 7


def test_while_audio_flows_silence_of_the_service_is_no_fault(bench):
    hold = threading.Event()

    def waiting() -> Iterator[Chunk]:
        yield from chunks(1)
        hold.wait(10)

    b = bench(waiting()).started()
    assert b.session.deadline is None
    hold.set()
    b.until_audio_ended()


def test_the_services_reason_beats_our_broken_pipe(bench):
    b = bench(raising(LinkError("broken pipe"))).started()
    b.until_audio_ended()
    with pytest.raises(ServiceError, match="Arrearage"):
        b.say("task-failed", error_code="Arrearage", error_message="unpaid")


def test_the_close_code_beats_our_broken_pipe(bench):
    b = bench(raising(LinkError("broken pipe"))).started()
    b.until_audio_ended()
    with pytest.raises(LinkError, match="1011"):
        b.handle(LinkClosed(1011, "Internal server error"))


def test_our_broken_pipe_is_told_when_nothing_else_comes(bench):
    b = bench(raising(LinkError("broken pipe"))).started()
    b.until_audio_ended()
    b.clock.advance(1)
    with pytest.raises(LinkError, match="broken pipe"):
        list(b.session.expire())


def test_sound_that_breaks_off_is_finished_properly(bench):
    b = bench(raising(DecodeError("talk.mp3 breaks off"), count=2)).started()
    assert b.until_audio_ended()[-1] == AudioFinished(200)
    assert b.actions()[-1] == "finish-task"
    assert isinstance(b.session.audio_error, AudioError)
    assert b.say("task-finished", {}) == [SessionFinished(b.protocol.session_id)]


def test_a_bug_in_the_uplink_is_raised_as_it_is(bench):
    b = bench(raising(ZeroDivisionError())).started()
    with pytest.raises(ZeroDivisionError):
        b.until_audio_ended()


def test_an_early_task_finished_is_a_violation(bench):
    hold = threading.Event()

    def waiting() -> Iterator[Chunk]:
        hold.wait(10)
        yield from ()

    b = bench(waiting()).started()
    with pytest.raises(ProtocolViolation, match="before the audio had ended"):
        b.say("task-finished", {})
    hold.set()


def test_a_link_error_is_raised_as_it_is(bench):
    b = bench()
    with pytest.raises(LinkError, match="refused"):
        b.handle(LinkClosed(error=LinkError("connection refused")))


def test_closing_in_the_middle_finishes_the_task(bench):
    """A task that is left alone goes on counting against the account's limit."""
    b = bench(chunks(1)).started()
    assert isinstance(b.next(), UplinkProgress)
    assert isinstance(b.next(), AudioEnded)
    b.session.close()
    assert b.actions()[-1] == "finish-task"
    assert b.link.closed


def test_what_is_told_twice_starts_nothing_twice(bench):
    """Some gateways deliver a message again."""
    b = bench(chunks(2)).started()
    assert b.say("task-started") == []
    b.until_audio_ended()
    assert b.say("task-started") == []
    assert b.say("task-finished", {}) == [SessionFinished(b.protocol.session_id)]
    assert b.say("task-finished", {}) == []
    assert b.actions() == ["run-task", "audio", "audio", "finish-task"]


def test_an_uplink_that_is_stuck_in_sending_is_cut_loose(bench, monkeypatch):
    """A goodbye would have to wait for the send that never ends."""
    monkeypatch.setattr("asrcli.session._CLOSE_PATIENCE_S", 0.05)
    b = bench(chunks(5))
    cut = threading.Event()
    order: list[str] = []

    def stuck(message: object) -> None:
        if isinstance(message, bytes):
            cut.wait(10)
            raise LinkError("cut")

    monkeypatch.setattr(b.link, "send", stuck)
    monkeypatch.setattr(b.link, "abort", lambda: (order.append("abort"), cut.set()))
    monkeypatch.setattr(b.link, "close", lambda: order.append("close"))
    b.started()
    b.session.close()
    assert order == ["abort", "close"]
