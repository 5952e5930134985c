"""The engine on a wire that is bad without being broken: it falls silent, or brings everything in crumbs."""

from __future__ import annotations

import random
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest

from asrcli.engine.control import Control
from asrcli.engine.stages import Timeouts
from asrcli.service.faults.kinds import parse_fault
from asrcli.values.events import FinalResult, PartialResult, Reconnecting
from tests.support.coded_talk import CodedTalk, a_sentence_every
from tests.support.recovery import PROTOCOLS, Cut, engine
from tests.support.service import running_service
from tests.support.transcribing import transcribe

pytestmark = pytest.mark.usefixtures("every_thread_ends")

# The end of the audio has to wait for other things than these tests do.
STALL = Timeouts(finish_s=60.0, stall_s=0.5)


@pytest.fixture(scope="module")
def long_talk(tmp_path_factory: pytest.TempPathFactory) -> CodedTalk:
    """Half a minute; sentences from the first second of every tenth on, each of three."""
    return a_sentence_every(tmp_path_factory.mktemp("coded"), 10, 30)


def told(talk: CodedTalk) -> list[tuple[object, ...]]:
    return [(sentence["text"], sentence["begin_ms"], sentence["end_ms"]) for sentence in talk.sentences]


def finals(events: list[Any]) -> list[tuple[object, ...]]:
    said = [event.sentence for event in events if isinstance(event, FinalResult)]
    return [(each.text, each.begin_ms, each.end_ms) for each in said]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_service_that_falls_silent_in_the_middle_of_a_sentence_is_left(long_talk, protocol):
    with running_service(long_talk.recognizer, faults=(parse_fault("stall@13s#1"),)) as service:
        setup = engine(service.url, Cut(protocol, (), speed=10.0), timeouts=STALL)
        events = list(transcribe(long_talk.source(), setup, Control()))
    [lost] = [event for event in events if isinstance(event, Reconnecting)]
    assert "in the middle of a sentence" in lost.reason
    assert lost.resume_ms == 4000
    before = events[: events.index(lost)]
    # The words of the open sentence were there, and its end came from the next session.
    assert any(isinstance(event, PartialResult) and event.sentence.index == 2 for event in before)
    assert finals(before) == told(long_talk)[:1]
    assert finals(events) == told(long_talk)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_service_with_nothing_to_say_is_not_left(long_talk, protocol):
    """Between two sentences there are seven seconds, which is more than it may be silent in one."""
    with running_service(long_talk.recognizer) as service:
        setup = engine(service.url, Cut(protocol, (), speed=10.0), timeouts=STALL)
        events = list(transcribe(long_talk.source(), setup, Control()))
    assert not [event for event in events if isinstance(event, Reconnecting)]
    assert finals(events) == told(long_talk)


@contextmanager
def crumbling(url: str, seed: int = 1) -> Iterator[str]:
    """The way to the service at `url` on which its answers come a few bytes at a time. For one connection at a time."""
    chance, over = random.Random(seed), threading.Event()
    parts = urlsplit(url)

    def serve(listener: socket.socket) -> None:
        while True:
            client, _ = listener.accept()
            if over.is_set():
                client.close()
                return
            with client, socket.create_connection((parts.hostname, parts.port)) as service:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                pass_on(client, service)

    def pass_on(client: socket.socket, service: socket.socket) -> None:
        with selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ, service)
            ready.register(service, selectors.EVENT_READ, client)
            while True:
                for key, _ in ready.select():
                    data = key.fileobj.recv(1 << 16 if key.fileobj is client else chance.randint(1, 7))
                    if not data:
                        return
                    key.data.sendall(data)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener,))
        thread.start()
        try:
            yield f"ws://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            socket.create_connection(listener.getsockname()).close()
            thread.join()


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("faults", [(), ("split",)], ids=["whole messages", "fragments"])
def test_answers_that_come_a_few_bytes_at_a_time_are_the_same_answers(talk, protocol, faults):
    with (
        running_service(talk.recognizer, faults=tuple(map(parse_fault, faults))) as service,
        crumbling(service.url) as url,
    ):
        # The crumbs take their time after the last audio as well.
        setup = engine(url, Cut(protocol, ()), timeouts=Timeouts())
        events = list(transcribe(talk.source(), setup, Control()))
    assert finals(events) == told(talk)
    assert not [event for event in events if isinstance(event, Reconnecting)]
