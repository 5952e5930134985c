"""Never more starts in any second than an account allows, never more at once, and nobody is left waiting."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from asrcli.engine.allowance import SETTLE_S, Allowance, Rate, parse_rate
from asrcli.values.errors import UsageError
from tests.support.fakes import FakeClock

RATE = Rate(20)


@pytest.mark.parametrize(("text", "rate"), [("20/s", Rate(20)), ("1/s", Rate(1)), ("600/min", Rate(600, 60))])
def test_a_rate_has_a_number_and_a_unit(text, rate):
    assert parse_rate(text) == rate
    assert str(rate) == text


@pytest.mark.parametrize(
    "text", ["20/h", "0/s", "-1/s", "20 /s", "/s", "20/", "1.5/s", "20/sec", "", "2000000/s", "²/s"]
)
def test_any_other_is_refused_with_what_would_be_one(text):
    with pytest.raises(UsageError) as refused:
        parse_rate(text)
    assert text in refused.value.message
    assert "20/s, 600/min" in refused.value.hint


def allowance(slots: int, rate: Rate | None = None) -> tuple[FakeClock, Allowance]:
    clock = FakeClock()
    return clock, Allowance(clock, slots, rate)


def taken(allowance: Allowance, sources: range) -> list[int]:
    return [source for source in sources if allowance.take(source)]


def test_there_are_so_many_slots_and_each_comes_back():
    _, account = allowance(2)
    assert taken(account, range(4)) == [0, 1]
    account.over(0)
    account.returned(0)
    assert taken(account, range(2, 4)) == [2]
    assert account.next_at() is None


def test_a_slot_that_may_still_be_in_use_comes_back_later():
    clock, account = allowance(1)
    assert account.take(0)
    account.over(0, clock.now() + 7)
    assert not account.take(1)
    assert account.next_at() == clock.now() + 7
    clock.advance(7)
    assert account.take(1)


def test_a_start_counts_until_a_second_after_it_has_surely_arrived():
    clock, account = allowance(9, Rate(2))
    assert taken(account, range(9)) == [0, 1]
    clock.advance(100)
    assert not account.take(2)
    assert account.next_at() is None
    account.arrived(0)
    account.arrived(1, clock.now() - 0.25)
    moment = account.next_at()
    assert moment is not None
    assert moment == pytest.approx(clock.now() + 0.75, abs=0.002)
    clock.time = moment
    assert taken(account, range(2, 9)) == [2]
    account.unused(2)
    assert taken(account, range(3, 9)) == [3]


def test_of_so_many_in_a_minute_each_counts_for_a_minute():
    clock, account = allowance(9, Rate(1, 60))
    assert account.take(0)
    account.over(0)
    clock.advance(59.9)
    assert not account.take(1)
    clock.advance(0.2)
    assert account.take(1)


def test_further_tries_come_before_new_sources_and_in_their_order():
    clock, account = allowance(9, Rate(3))
    assert taken(account, range(9)) == [0, 1, 2]
    for source in (2, 1):
        account.arrived(source)
        account.further(source)
    assert account.due() == []
    clock.advance(1.01)
    # There are two starts, and two who come first.
    assert not account.take(3)
    assert account.due() == [2, 1]
    account.further(0)
    account.arrived(2)
    clock.advance(1.01)
    # The one before was given up, which nobody has said.
    assert account.due() == [0]
    assert not account.take(3)


def test_a_further_try_that_is_given_up_is_in_nobodys_way():
    clock, account = allowance(9, Rate(1))
    assert account.take(0)
    account.arrived(0)
    account.further(0)
    account.arrived(0, clock.now() + SETTLE_S)
    clock.advance(1.01)
    assert account.due() == []
    assert account.take(1)


def test_where_only_slots_count_a_further_try_is_due_at_once():
    _, account = allowance(1)
    assert account.take(0)
    account.further(0)
    assert account.due() == [0]


def test_a_full_service_is_asked_for_less_and_later_for_more_again():
    clock, account = allowance(40, RATE)
    assert taken(account, range(40)) == list(range(20))
    for source in range(10):
        account.arrived(source)
    for source in range(10, 20):
        account.throttled(source, 0.5)
        account.returned(source)
    assert account.limit == 10
    clock.advance(0.4)
    assert not account.take(10)
    assert account.next_at() == pytest.approx(clock.now() + 0.1)
    clock.advance(1.2)
    account.over(0)
    account.over(1)
    # Two have gone well, and each lets one more be tried.
    assert len(taken(account, range(100, 200))) == 4
    for source in range(100, 104):
        account.over(source)
    clock.advance(1.1)
    # Slower: 14 in a second.
    assert len(taken(account, range(200, 300))) == min(account.limit - 8, 14)
    clock.advance(300)
    assert account.limit == 40
    for source in (*range(2, 10), *range(200, 300)):
        account.over(source)
    clock.advance(2)
    assert len(taken(account, range(300, 400))) == 20


def test_a_service_that_stays_full_is_tried_less_and_less():
    clock, account = allowance(100)
    assert len(taken(account, range(10))) == 10
    refused = 0
    for source in range(10, 110):
        # Always ten at once are borne, and one ends after the other.
        account.over(source - 10)
        clock.advance(1)
        assert account.take(source)
        if account.take(1000):
            refused += 1
            account.throttled(1000, 0.5)
            account.returned(1000)
    assert 5 <= refused <= 25


def test_beside_nobody_it_is_still_one_that_may_run():
    clock, account = allowance(3, Rate(1))
    assert account.take(0)
    for _ in range(20):
        account.throttled(0, 0.1)
        clock.advance(0.2)
    account.returned(0)
    clock.advance(2)
    assert account.take(0)
    account.further(0)
    clock.advance(2 + SETTLE_S)
    assert account.due() == [0]


@dataclass(frozen=True)
class Session:
    """What becomes of one: how long it takes there and back, in seconds, what the service says, and how it goes on.

    `told`: "begun", "full", or "" where nothing comes and it is given up after `patience_s`. `then`: "over", "again".
    """

    there_s: float
    back_s: float
    told: str
    runs_s: float
    then: str
    patience_s: float = 1.0


SECONDS = st.floats(0, 3, allow_subnormal=False)
SESSIONS = st.builds(
    Session,
    SECONDS,
    SECONDS,
    st.sampled_from(["begun", "begun", "begun", "full", ""]),
    SECONDS,
    st.sampled_from(["over", "over", "failed", "again"]),
)


@dataclass
class Account:
    """A service, its clients, and the account of all of them, on a virtual clock."""

    sources: list[list[Session]]
    slots: int
    rate: Rate | None
    clock: FakeClock = field(default_factory=FakeClock)
    events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    # At the service.
    starts: list[float] = field(default_factory=list)
    running: set[int] = field(default_factory=set)
    ended: int = 0

    def __post_init__(self) -> None:
        self.account = Allowance(self.clock, self.slots, self.rate)
        self.ids = count()
        self.waiting = deque(range(len(self.sources)))
        self.further: list[int] = []

    def at(self, moment: float, do: Callable[[], None]) -> None:
        heapq.heappush(self.events, (moment, next(self.ids), do))

    def run(self) -> None:
        wakes: set[float] = set()
        while self.ended < len(self.sources):
            self.begin_what_may()
            moment = self.account.next_at()
            if moment is not None:
                assert moment > self.clock.now()
                if moment not in wakes:
                    wakes.add(moment)
                    self.at(moment, lambda: None)
            assert self.events, "stuck"
            self.clock.time, _, do = heapq.heappop(self.events)
            do()

    def begin_what_may(self) -> None:
        due = self.account.due()
        assert due == self.further[: len(due)]
        del self.further[: len(due)]
        for source in due:
            self.begin(source)
        while self.waiting and self.account.take(self.waiting[0]):
            assert not self.further
            self.begin(self.waiting.popleft())

    def begin(self, source: int) -> None:
        """A session of `source`: the last one that it has goes well."""
        plan, now = self.sources[source], self.clock.now()
        session = plan.pop() if plan else Session(0.1, 0.1, "begun", 0.1, "over")
        self.at(now + session.there_s, lambda: self.reaches(source, session))
        if session.told:
            self.at(now + session.there_s + session.back_s, lambda: self.told(source, session))
        else:
            # It is given up, which may be before it has reached the service, and will have by SETTLE_S later.
            patience_s = max(session.patience_s, session.there_s - SETTLE_S)
            self.at(now + patience_s, lambda: self.given_up(source))

    def reaches(self, source: int, session: Session) -> None:
        self.starts.append(self.clock.now())
        if session.told == "begun":
            self.running.add(source)
            assert len(self.running) <= self.slots

    def given_up(self, source: int) -> None:
        self.account.arrived(source, self.clock.now() + SETTLE_S)
        self.once_more(source)

    def told(self, source: int, session: Session) -> None:
        if session.told == "full":
            self.account.throttled(source, session.runs_s)
            if session.then == "again":
                self.account.arrived(source)
                self.at(self.clock.now() + session.runs_s, lambda: self.once_more(source))
            else:
                self.account.returned(source)
                self.waiting.appendleft(source)
            return
        self.account.arrived(source)
        self.at(self.clock.now() + session.runs_s, lambda: self.ends(source, session))

    def ends(self, source: int, session: Session) -> None:
        if session.then == "failed":
            # It may run on for a moment.
            self.at(self.clock.now() + min(session.there_s, SETTLE_S), lambda: self.running.discard(source))
            self.account.over(source, self.clock.now() + SETTLE_S)
            self.ended += 1
            return
        self.running.discard(source)
        if session.then == "over":
            self.account.over(source)
            self.ended += 1
        else:
            self.once_more(source)

    def once_more(self, source: int) -> None:
        self.further.append(source)
        self.account.further(source)


PLANS = st.lists(st.lists(SESSIONS, max_size=4), min_size=1, max_size=25)


@given(PLANS, st.integers(1, 6), st.integers(1, 5), st.sampled_from([1, 60]))
@example([[Session(2.9, 0.0, "begun", 0.0, "over")], *([[Session(0.0, 0.0, "begun", 0.0, "over")]] * 24)], 6, 5, 1)
@example([[Session(3.0, 0.0, "", 0.0, "over")] * 4] * 25, 6, 2, 1)
def test_whatever_happens_no_second_has_more_starts_and_no_moment_more_at_once(plans, slots, starts, seconds):
    account = Account([list(plan) for plan in plans], slots, Rate(starts, seconds))
    account.run()
    begun = sorted(account.starts)
    assert len(begun) >= len(plans)
    for earlier, later in zip(begun, begun[starts:], strict=False):
        assert later - earlier >= seconds


@given(PLANS, st.integers(1, 6))
def test_without_a_rate_nobody_is_stuck_either(plans, slots):
    Account([list(plan) for plan in plans], slots, None).run()


def test_what_takes_no_time_on_the_way_starts_as_fast_as_it_may():
    account = Account([[Session(0.02, 0.03, "begun", 0.5, "over")] for _ in range(2000)], 40, RATE)
    account.run()
    took_s = account.starts[-1] - account.starts[0]
    # Those that are on their way count too: that is what the certainty costs.
    assert 99 <= took_s <= 100 * 1.055
