"""Which reconnects of many sources are told."""

from __future__ import annotations

import io

from asrcli.output.base import Many
from asrcli.output.views.plain import QuietView
from asrcli.output.views.reconnects import ReconnectNews
from asrcli.values.events import Event, Reconnecting, SessionStarted
from tests.output.views.board import DURATIONS, NAMES, Board
from tests.output.views.screen import terminal

UNREACHABLE = Reconnecting(1, 0, "cannot connect", wait_s=5.0)
RESET = Reconnecting(1, 0, "connection lost")
FULL = Reconnecting(1, 0, "HTTP 429", throttled=True)
STARTED = SessionStarted("a")
# Two sources cannot connect, twice; then one can, and loses its connection.
OUTAGE: list[tuple[int, Event]] = [
    *((number, UNREACHABLE) for number in (0, 1, 0, 1)),
    (0, STARTED),
    (0, RESET),
    (1, UNREACHABLE),
    (0, UNREACHABLE),
]
TOLD = [
    "talks/one.wav: cannot connect; reconnecting in 5 s",
    "talks/one.wav: connection lost; reconnecting",
    "two.wav: cannot connect; reconnecting in 5 s",
]


def told(*events: Event) -> list[Event]:
    news = ReconnectNews()
    return [found for event in events if (found := news.of(event)) is not None]


def test_a_reason_is_told_once_until_a_session_starts():
    assert told(UNREACHABLE, UNREACHABLE, RESET, UNREACHABLE, RESET) == [UNREACHABLE, RESET]
    assert told(UNREACHABLE, STARTED, UNREACHABLE, UNREACHABLE) == [UNREACHABLE, UNREACHABLE]


def test_a_full_service_is_told_of_once_though_sessions_start_meanwhile():
    assert told(FULL, STARTED, FULL, UNREACHABLE, FULL) == [FULL, UNREACHABLE]


def test_what_the_person_knows_already_is_not_told():
    assert told(Reconnecting(1, 0, "lost", is_told=True), Reconnecting(1, 0, "lost")) == [Reconnecting(1, 0, "lost")]


def test_lines_tell_of_an_outage_once():
    stream = io.StringIO()
    view = QuietView(stream).for_many(Many(NAMES, DURATIONS, 2))
    for number, event in OUTAGE:
        view.event(event, number)
    assert stream.getvalue().splitlines() == [f"asrcli: warning: {line}" for line in TOLD]


def test_one_source_alone_tells_of_each_try():
    stream = io.StringIO()
    view = QuietView(stream)
    for _ in range(2):
        view.event(UNREACHABLE)
    assert stream.getvalue() == "asrcli: warning: cannot connect; reconnecting in 5 s\n" * 2


def test_the_table_tells_of_an_outage_once():
    with terminal(80, 24) as screen:
        board = Board(screen)
        for number in (0, 1):
            board.begin(number)
        for number, event in OUTAGE:
            board.output.event(event, number)
        board.tick()
        assert [line for line in screen.lines if line.endswith(("reconnecting", " s"))] == TOLD
