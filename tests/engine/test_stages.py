"""The tables of sessions and transcriptions are true: all of each can happen, and what they do not name cannot."""

from __future__ import annotations

import contextlib
import enum
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from asrcli.engine.control import Control
from asrcli.engine.session import Session
from asrcli.engine.stages import SESSION, TRANSCRIPTION, Change, Machine, Stage, State, Timeouts, Turn
from asrcli.engine.transcription import Transcription
from asrcli.protocols.realtime import Realtime
from asrcli.protocols.run_task import RunTask
from asrcli.values.errors import AsrcliError, LinkError, ProtocolViolation
from asrcli.values.events import Ended, Reconnecting, SessionStarted
from asrcli.values.recognition import Endpoint, RecognitionOptions
from asrcli.wire.link_events import LinkOpened, MessageReceived
from asrcli.wire.retry import Retry
from tests.support.fakes import FakeClock, FakeLink, ToneSource
from tests.support.scripted_server import Conversation, scripted_server
from tests.support.session_bench import LIMITS, Bench, HandedChunks, chunks
from tests.support.transcribing import closing, engine, polite, texts, transcribe

Table = Mapping[Any, Mapping[Any, Any]]
Moves = set[tuple[enum.Enum, enum.Enum, enum.Enum]]

TABLES = pytest.mark.parametrize(("table", "kind"), [(SESSION, Stage), (TRANSCRIPTION, State)])


def moves_of(table: Table) -> Moves:
    return {(at, what, to) for at, turns in table.items() for what, to in turns.items()}


@pytest.fixture
def moves(monkeypatch: pytest.MonkeyPatch) -> Moves:
    """Every move that any machine makes from now on."""
    made: Moves = set()
    move = Machine.move

    def noted(machine: Machine[Any, Any], what: enum.Enum) -> bool:
        before = machine.at
        moves = move(machine, what)
        made.add((before, what, machine.at))
        return moves

    monkeypatch.setattr(Machine, "move", noted)
    return made


# --- the tables themselves ------------------------------------------------------------------------------------------


def reached_from(table: Table, at: enum.Enum) -> set[enum.Enum]:
    found, new = {at}, [at]
    while new:
        new = [to for each in new for to in table[each].values() if to not in found]
        found.update(new)
    return found


@TABLES
def test_all_is_reached_from_the_beginning_and_the_end_from_everywhere(table: Table, kind: type[enum.Enum]) -> None:
    first, *_, last = kind
    assert set(table) == set(kind)
    assert Machine(table).at is first
    assert reached_from(table, first) == set(kind)
    assert all(last in reached_from(table, at) for at in kind)
    assert [at for at in kind if not table[at]] == [last]


@pytest.mark.parametrize(("table", "whats"), [(SESSION, Turn), (TRANSCRIPTION, Change)])
def test_what_has_no_place_is_an_error_and_changes_nothing(table: Table, whats: type[enum.Enum]) -> None:
    for at, turns in table.items():
        for what in set(whats) - set(turns):
            machine = Machine(table)
            machine.at = at
            with pytest.raises(ProtocolViolation if what is Turn.FINISHED else RuntimeError):
                machine.move(what)
            assert machine.at is at


def test_every_stage_is_bounded_in_which_the_service_must_say_something() -> None:
    limits = Timeouts(connect_s=1, start_s=2, finish_s=3, grace_s=4)
    bounds = {stage: limits.of(stage) for stage in Stage if limits.of(stage) is not None}
    assert bounds == {Stage.CONNECTING: 1, Stage.STARTING: 2, Stage.FINISHING: 3, Stage.BROKEN: 4}


# --- a session's ----------------------------------------------------------------------------------------------------


def connecting() -> Bench:
    return Bench(chunks(3))


def starting() -> Bench:
    bench = connecting()
    bench.handle(LinkOpened(1.0))
    return bench


def streaming() -> Bench:
    return connecting().started()


def finishing() -> Bench:
    bench = streaming()
    bench.link.undelivered_bytes = 1000
    bench.until_audio_ended()
    return bench


def broken() -> Bench:
    bench = streaming()
    bench.link.fail = LinkError("broken pipe")
    bench.session.pump(1)
    return bench


def done() -> Bench:
    bench = finishing()
    bench.say("task-finished", {})
    return bench


def broken_again() -> None:
    """The service says something to which this protocol has an answer, which cannot leave either."""
    link = FakeLink()
    link.fail = LinkError("broken pipe")
    protocol = Realtime(RecognitionOptions(model="m"), Endpoint("ws://127.0.0.1", "k"))
    session = Session(protocol, link, HandedChunks(()), where="here", timeouts=LIMITS, clock=FakeClock())
    session.open()
    created = MessageReceived(json.dumps({"type": "session.created", "session": {"id": "s"}}))
    for item in (LinkOpened(1.0), created, created):
        list(session.handle(item))


def test_all_that_a_session_may_do_it_does(moves: Moves) -> None:
    for reach in (connecting, starting, streaming, finishing, broken, done):
        reach().session.close()
    for reach in (streaming, finishing, broken):
        assert reach().say("task-started") == []
    for reach in (streaming, finishing):
        bench = reach()
        bench.link.undelivered_bytes = 0
        assert bench.handle(Turn.EXPIRED) == []
    for reach in (connecting, streaming):
        bench = reach()
        bench.link.fail = LinkError("broken pipe")
        bench.handle(LinkOpened(1.0) if reach is connecting else Turn.AUDIO_ENDED)
    connecting().handle(Turn.ALLOWED)
    broken_again()
    assert moves == moves_of(SESSION)


@pytest.mark.parametrize("reach", [connecting, starting, streaming, broken])
def test_a_service_that_has_finished_too_early_breaks_the_rules(reach: Callable[[], Bench]) -> None:
    with pytest.raises(ProtocolViolation, match="before the audio had ended"):
        reach().say("task-finished", {})


@pytest.mark.parametrize("reach", [connecting, starting, broken])
def test_a_deadline_that_passes_where_nothing_can_excuse_it_is_an_error(reach: Callable[[], Bench]) -> None:
    with pytest.raises(AsrcliError):
        reach().handle(Turn.EXPIRED)


@pytest.mark.parametrize("what", [*Turn, LinkOpened(1.0), MessageReceived("nonsense")])
def test_nothing_is_heard_when_all_is_over(what: Any, moves: Moves) -> None:
    closed = streaming()
    closed.session.close()
    benches = (done(), closed)
    moves.clear()
    for bench in benches:
        assert bench.handle(what) == []
    assert moves == set()


# --- a transcription's ----------------------------------------------------------------------------------------------


def attentive(talk: Conversation) -> None:
    """Hears nothing, and says so when it is asked."""
    talk.expect("run-task")
    talk.say("task-started")
    talk.expect("finish-task")
    talk.say("task-finished", {"output": {}})


class Short(RunTask):
    """Takes no more than half a second."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.max_session_ms = 500


def test_all_that_a_transcription_may_do_it_does(moves: Moves) -> None:
    quick, slow = Retry(tries=1, first_s=0.01), Retry(tries=1, first_s=60.0)
    with scripted_server(closing, polite) as url:
        events = list(transcribe(ToneSource(2.0), engine(url, retry=quick), Control()))
        assert texts(events) == ["kept", "one", "two"]
    with (
        scripted_server(closing) as url,
        contextlib.closing(transcribe(ToneSource(2.0), engine(url, retry=slow), Control())) as told,
    ):
        assert any(isinstance(event, Reconnecting) for event in told)
    with scripted_server(attentive) as url:
        made = engine(url)
        short = engine(url, new_protocol=lambda _: Short(RecognitionOptions(model="m"), Endpoint(url, "k")))
        events = list(transcribe(ToneSource(1.0), short, Control()))
        assert sum(isinstance(event, SessionStarted) for event in events) > 1
    never_begun: list[Any] = []
    run = Transcription(ToneSource(1.0), made, Control(), never_begun.append)
    made.loop.hold()
    run.cancel()
    run.wait()
    made.loop.release()
    assert never_begun == [Ended()]
    assert {move for move in moves if isinstance(move[0], State)} == moves_of(TRANSCRIPTION)
