"""Sessions begin no faster than an account allows, further tries too, and a long wait is told once."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import pairwise

import pytest

from asrcli.engine.session import Session
from asrcli.engine.stages import Turn
from asrcli.engine.starts import Starts
from asrcli.protocols.run_task import RunTask
from asrcli.values.errors import ServiceTimeout
from asrcli.values.recognition import Endpoint, RecognitionOptions
from tests.support.fakes import FakeClock, FakeLink
from tests.support.service import TALK_WAV, running_service
from tests.support.session_bench import LIMITS, HandedChunks


def test_each_gets_its_moment_and_the_first_long_wait_is_told():
    clock = FakeClock()
    starts = Starts(20, clock)
    assert starts.take() == (0.0, None)
    assert starts.take() == (3.0, None)
    wait_s, notice = starts.take()
    assert wait_s == 6.0
    assert notice == ("a start waits 6 s for its turn", "--starts-per-minute 20 is one in 3 s")
    assert starts.take() == (9.0, None)
    # What was not taken is not made up for.
    clock.advance(60)
    assert [starts.take()[0] for _ in range(3)] == [0.0, 3.0, 6.0]


def test_a_session_connects_at_its_turn_and_is_as_patient_then_as_any():
    clock, link = FakeClock(), FakeLink()
    starts = Starts(20, clock)
    starts.take()
    protocol = RunTask(RecognitionOptions(model="m"), Endpoint("ws://127.0.0.1", "k"))
    session = Session(protocol, link, HandedChunks([]), where="here", timeouts=LIMITS, clock=clock, starts=starts)
    session.open()
    assert not link.opened
    assert session.deadline is not None
    assert session.deadline.remaining_s() == 3.0
    clock.advance(3)
    assert list(session.handle(Turn.EXPIRED)) == []
    assert link.opened
    assert session.deadline.remaining_s() == LIMITS.connect_s
    clock.advance(LIMITS.connect_s)
    with pytest.raises(ServiceTimeout):
        list(session.handle(Turn.EXPIRED))


def test_a_session_that_is_not_wanted_any_more_never_connects():
    clock, link = FakeClock(), FakeLink()
    starts = Starts(20, clock)
    starts.take()
    protocol = RunTask(RecognitionOptions(model="m"), Endpoint("ws://127.0.0.1", "k"))
    session = Session(protocol, link, HandedChunks([]), where="here", timeouts=LIMITS, clock=clock, starts=starts)
    session.open()
    session.close()
    clock.advance(3)
    assert list(session.handle(Turn.EXPIRED)) == []
    assert not link.opened


def test_the_starts_of_a_whole_run_are_spread(asrcli, tmp_path):
    """Three sources at once, and the second try of one of them."""
    from asrcli.service.faults.kinds import parse_fault

    path = tmp_path / "messages.log"
    with running_service(faults=(parse_fault("reset@1s#1"),)) as service:
        options = ("--jobs", 3, "--pace", "fast", "--starts-per-minute", 300, "--log", path, "-q")
        done = asrcli("file", TALK_WAV, TALK_WAV, TALK_WAV, "--endpoint", service.url, *options)
    assert done.code == 0, done.err
    begun = re.findall(r"(?m)^(\S+) \d+ = (?:connected|kept connection) to", path.read_text(encoding="utf-8"))
    times = [datetime.fromisoformat(at) for at in begun]
    assert len(times) == 4
    # Connecting takes a moment too, longer for one than for another.
    assert all((after - before).total_seconds() > 0.1 for before, after in pairwise(times)), times
    assert (times[-1] - times[0]).total_seconds() > 0.55
