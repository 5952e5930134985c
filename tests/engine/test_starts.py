"""Sessions begin no faster than an account allows, further tries too, and a long wait is told once."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from asrcli.engine.allowance import SETTLE_S, Allowance, Rate
from asrcli.engine.session import Session
from asrcli.engine.stages import Turn
from asrcli.engine.starts import AllowedStarts, EvenStarts, Ticket
from asrcli.protocols.run_task import RunTask
from asrcli.system.moments import Work
from asrcli.values.errors import ServiceTimeout
from asrcli.values.recognition import Endpoint, RecognitionOptions
from tests.service.hand_loop import HandLoop
from tests.support.fakes import FakeClock, FakeLink
from tests.support.service import TALK_WAV, running_service
from tests.support.session_bench import LIMITS, HandedChunks


class Gone:
    """Notes who was let go, and when."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now, self._begin_s = now, now()
        self.at: dict[object, float] = {}

    def __call__(self, who: object) -> Callable[[], None]:
        return lambda: self.at.__setitem__(who, round(self._now() - self._begin_s, 2))

    def told(self) -> dict[object, float]:
        told, self.at = self.at, {}
        return told


def test_each_gets_its_moment_and_the_first_long_wait_is_told():
    loop = HandLoop()
    starts, gone = EvenStarts(20, loop), Gone(loop.now)
    assert starts.ask(gone(0)).notice is None
    assert gone.at == {}
    assert starts.ask(gone(1)).notice is None
    ticket = starts.ask(gone(2))
    assert ticket.notice == ("a start waits 6 s for its turn", "--starts-per-minute 20 is one in 3 s")
    assert starts.ask(gone(3)).notice is None
    # What was not taken is not made up for.
    loop.advance(60)
    assert gone.told() == {0: 0.0, 1: 3.0, 2: 6.0, 3: 9.0}
    tickets = [starts.ask(gone(number)) for number in range(3)]
    tickets[1].arrived()
    tickets[1].cancel()
    loop.advance(60)
    assert gone.told() == {0: 60.0, 2: 66.0}


def session_asking(starts: EvenStarts, clock: FakeClock, link: FakeLink) -> Session:
    protocol = RunTask(RecognitionOptions(model="m"), Endpoint("ws://127.0.0.1", "k"))
    session: Session

    def go() -> None:
        assert list(session.handle(Turn.ALLOWED)) == []

    ask = functools.partial(starts.ask, go)
    session = Session(protocol, link, HandedChunks([]), where="here", timeouts=LIMITS, clock=clock, ask=ask)
    return session


def test_a_session_connects_at_its_turn_and_is_as_patient_then_as_any():
    loop, link = HandLoop(), FakeLink()
    clock = loop.clock
    starts = EvenStarts(20, loop)
    starts.ask(lambda: None)
    session = session_asking(starts, clock, link)
    session.open()
    loop.advance(2.99)
    assert not link.opened
    # Until then it waits for nobody.
    assert session.deadline is None
    loop.advance(0.01)
    assert link.opened
    assert session.deadline is not None
    assert session.deadline.remaining_s() == LIMITS.connect_s
    clock.advance(LIMITS.connect_s)
    with pytest.raises(ServiceTimeout):
        list(session.handle(Turn.EXPIRED))


def test_a_session_that_is_not_wanted_any_more_never_connects():
    loop, link = HandLoop(), FakeLink()
    starts = EvenStarts(20, loop)
    starts.ask(lambda: None)
    session = session_asking(starts, loop.clock, link)
    session.open()
    session.close()
    loop.advance(3)
    assert list(session.handle(Turn.ALLOWED)) == []
    assert not link.opened


class PromptLoop(HandLoop):
    """Does what it is asked for as soon as it moves."""

    def call(self, work: Work) -> None:
        self.at(self.now(), work)


class Shared:
    """Two starts in a second for all, on a loop that moves when told to."""

    def __init__(self) -> None:
        self.loop = PromptLoop()
        self.allowance = Allowance(self.loop.clock, 9, Rate(2))
        self.starts = AllowedStarts(self.allowance, self.loop)
        self.gone = Gone(self.loop.now)
        self.of = {number: self.starts.of(number) for number in range(4)}

    def ask(self, number: int) -> Ticket:
        return self.of[number].ask(self.gone(number))


def test_the_first_session_of_a_source_has_its_start_and_further_ones_wait_for_theirs():
    shared = Shared()
    tickets = {}
    for number in (0, 1):
        assert shared.allowance.take(number)
        tickets[number] = shared.ask(number)
        assert tickets[number].notice is None
    assert shared.gone.at == {}
    shared.loop.advance(0.1)
    assert shared.gone.told() == {0: 0.0, 1: 0.0}
    tickets[0].arrived()
    again = shared.ask(0)
    shared.loop.advance(0.9)
    tickets[1].arrived()
    tickets[1].cancel()
    assert shared.gone.told() == {}
    # The first one counts until 1.1.
    shared.loop.advance(0.2)
    assert shared.gone.told() == {0: 1.1}
    again.arrived()


def test_a_further_session_that_nobody_wants_any_more_is_in_nobodys_way():
    shared = Shared()
    for number in (0, 1):
        assert shared.allowance.take(number)
        shared.ask(number).arrived()
    shared.ask(0).cancel()
    shared.ask(1)
    shared.loop.advance(2)
    assert shared.gone.told() == {0: 0.0, 1: 1.0}
    # It has gone on its second start, since whose end nothing is known of the first.
    assert shared.allowance.take(2)
    assert not shared.allowance.take(3)


def test_what_was_given_up_unheard_counts_longer():
    shared = Shared()
    assert [shared.allowance.take(number) for number in (0, 1)] == [True, True]
    for number in (0, 1):
        shared.ask(number).cancel()
        shared.ask(number)
    shared.loop.advance(SETTLE_S + 0.9)
    assert shared.gone.told() == {0: 0.0, 1: 0.0}
    shared.loop.advance(0.2)
    assert shared.gone.told() == {0: 3.0, 1: 3.0}


def test_the_starts_of_a_whole_run_are_spread(asrcli, tmp_path):
    """Three sources at once, and the second try of one of them."""
    from asrcli.service.faults.kinds import parse_fault

    path = tmp_path / "messages.log"
    with running_service(faults=(parse_fault("reset@1s#1"),)) as service:
        began = datetime.now(UTC)
        options = ("--jobs", 3, "--pace", "fast", "--starts-per-minute", 300, "--log", path, "-q")
        done = asrcli("file", TALK_WAV, TALK_WAV, TALK_WAV, "--endpoint", service.url, *options)
    assert done.code == 0, done.err
    begun = re.findall(r"(?m)^(\S+) \d+ = (?:connected|kept connection) to", path.read_text(encoding="utf-8"))
    times = [datetime.fromisoformat(at) for at in begun]
    assert len(times) == 4
    # Connecting takes a moment too, longer for one than for another.
    assert all((at - began).total_seconds() > 0.2 * number - 0.01 for number, at in enumerate(sorted(times))), times
