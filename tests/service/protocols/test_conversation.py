"""A conversation by hand: its loop's time is moved, and its recogniser is prompt."""

from __future__ import annotations

import json

import pytest

from asrcli.service.hearing.recognition import Hearings
from asrcli.service.protocols.base import Handshake, Limits
from asrcli.service.protocols.conversation import Conversation
from asrcli.service.protocols.run_task import RunTask
from asrcli.service.recognizers.script import ScriptRecognizer
from tests.service.client import run_task
from tests.service.hand_loop import HandLoop


class Connection:
    """What was done to it, and what was said over it: the names of events."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def send(self, text: str) -> None:
        self.log.append(json.loads(text)["header"]["event"])

    def close(self, code: int, reason: str) -> None:
        self.log.append(f"close {code}")

    def hold(self) -> None:
        self.log.append("hold")

    def go_on(self) -> None:
        self.log.append("go on")

    def show_life(self) -> None:
        self.log.append("show life")

    def read_once(self) -> None:
        self.log.append("read once")

    def taken(self) -> list[str]:
        log, self.log = self.log, []
        return log


@pytest.fixture
def loop() -> HandLoop:
    return HandLoop()


@pytest.fixture
def connection() -> Connection:
    return Connection()


def begun(connection: Connection, loop: HandLoop, alive_s: float) -> Conversation:
    """With a task that runs."""
    half = RunTask(Handshake(RunTask.path), Limits(), loop)  # type: ignore[arg-type]
    hearings = Hearings(ScriptRecognizer(()), 1, loop)  # type: ignore[arg-type]
    conversation = Conversation(connection, half, hearings, loop, alive_s=alive_s)  # type: ignore[arg-type]
    conversation.opened()
    conversation.received(json.dumps(run_task()))
    assert connection.taken() == ["task-started"]
    return conversation


@pytest.fixture
def conversation(connection: Connection, loop: HandLoop) -> Conversation:
    return begun(connection, loop, 5)


def test_a_client_that_sends_nothing_is_given_up(
    conversation: Conversation, connection: Connection, loop: HandLoop
) -> None:
    loop.advance(22.9)
    assert connection.taken() == []
    loop.advance(0.1)
    assert connection.taken() == ["task-failed", "close 1000"]


def test_a_client_on_hold_is_shown_life_and_owes_nothing(
    conversation: Conversation, connection: Connection, loop: HandLoop
) -> None:
    conversation.hold()
    loop.advance(4.9)
    assert connection.taken() == ["hold"]
    loop.advance(60.1)
    assert connection.taken() == ["show life", "read once"] * 13
    # From the last sign of life on.
    conversation.go_on()
    loop.advance(22.9)
    assert connection.taken() == ["go on"]
    loop.advance(1)
    assert connection.taken() == ["task-failed", "close 1000"]


def test_a_client_on_hold_owes_nothing_however_seldom_it_is_shown_life(connection: Connection, loop: HandLoop) -> None:
    conversation = begun(connection, loop, 1000)
    conversation.hold()
    loop.advance(999)
    assert connection.taken() == ["hold"]


def test_nothing_is_done_to_a_connection_that_ends_on_hold(
    conversation: Conversation, connection: Connection, loop: HandLoop
) -> None:
    conversation.hold()
    conversation.fail("InternalError", "on demand")
    assert connection.taken() == ["hold", "task-failed", "close 1000"]
    conversation.go_on()
    conversation.closed()
    loop.advance(100)
    assert connection.taken() == ["go on"]
