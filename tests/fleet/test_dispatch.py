"""Which worker takes which source when, whatever becomes of workers and sources."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.engine.allowance import SETTLE_S, Allowance, Rate
from asrcli.fleet.dispatch import LEASE_S, Dispatch, Further, Grant, Lost
from tests.support.fakes import FakeClock

FREED_S = LEASE_S + 2


class Bench:
    def __init__(
        self,
        waiting: Iterable[int] = range(100),
        slots: int = 50,
        rate: Rate | None = None,
        most_each: int = 20,
        workers: str = "",
    ) -> None:
        self.clock = FakeClock()
        self.allowance = Allowance(self.clock, slots, rate)
        self.dispatch = Dispatch(waiting, self.allowance, most_each, self.clock)
        for worker in workers:
            self.dispatch.joined(worker, 1000)

    def granted(self) -> dict[str, list[int]]:
        """Who gets what now, new sources and such as come again."""
        found: dict[str, list[int]] = {}
        for grant in self.dispatch.grants():
            assert isinstance(grant, Grant)
            assert self.dispatch.worker_of(grant.number) == grant.worker
            found.setdefault(grant.worker, []).append(grant.number)
        return found


def test_without_a_worker_everything_waits():
    bench = Bench(range(2))
    assert bench.granted() == {}
    assert not bench.dispatch.is_over
    bench.dispatch.joined("a", 5)
    assert bench.granted() == {"a": [0, 1]}
    bench.dispatch.over(0)
    assert not bench.dispatch.is_over
    bench.dispatch.over(1)
    assert bench.dispatch.is_over
    assert bench.granted() == {}


def test_the_sources_go_to_who_has_the_fewest_and_who_joins_late_catches_up():
    bench = Bench(slots=10, workers="ab")
    assert bench.granted() == {"a": [0, 2, 4, 6, 8], "b": [1, 3, 5, 7, 9]}
    bench.dispatch.joined("c", 1000)
    for number in (0, 1, 2, 3):
        bench.dispatch.over(number)
    assert bench.granted() == {"c": [10, 11, 12], "a": [13]}


def test_no_worker_has_more_than_it_takes_nor_than_any_may():
    bench = Bench(most_each=3)
    bench.dispatch.joined("a", 1)
    bench.dispatch.joined("b", 100)
    assert bench.granted() == {"a": [0], "b": [1, 2, 3]}
    bench.dispatch.over(2)
    assert bench.granted() == {"b": [4]}


def test_a_source_is_asked_for_when_its_turn_comes_and_no_sooner():
    asked = []

    def sources() -> Iterator[int]:
        for number in range(10**12):
            asked.append(number)
            yield number

    bench = Bench(sources(), slots=3, workers="a")
    assert bench.granted() == {"a": [0, 1, 2]}
    assert len(asked) <= 4


def test_further_sessions_come_before_new_sources():
    bench = Bench(rate=Rate(3), workers="ab")
    assert bench.granted() == {"a": [0, 2], "b": [1]}
    for number in range(3):
        bench.dispatch.arrived(number)
    bench.dispatch.further(1)
    bench.dispatch.further(0)
    assert bench.dispatch.grants() == []
    bench.clock.time = bench.dispatch.next_at() or 0.0
    assert bench.dispatch.grants() == [Further("b", 1), Further("a", 0), Grant("b", 3)]


def test_what_has_arrived_a_while_ago_counts_from_then_and_what_never_left_not_at_all():
    bench = Bench(rate=Rate(2), workers="a")
    assert bench.granted() == {"a": [0, 1]}
    bench.dispatch.arrived(0, ago_s=0.6)
    bench.clock.advance(0.41)
    assert bench.granted() == {"a": [2]}
    bench.dispatch.unused(2)
    bench.dispatch.over(2)
    assert bench.granted() == {"a": [3]}
    bench.dispatch.arrived(1, ago_s=-SETTLE_S)
    bench.clock.advance(SETTLE_S + 0.5)
    assert bench.granted() == {}
    bench.clock.advance(0.51)
    assert bench.granted() == {"a": [4]}


def test_a_slot_that_may_still_be_in_use_over_there_comes_back_later():
    bench = Bench(slots=1, workers="a")
    assert bench.granted() == {"a": [0]}
    bench.dispatch.over(0, SETTLE_S)
    assert bench.granted() == {}
    bench.clock.advance(SETTLE_S)
    assert bench.granted() == {"a": [1]}


def test_what_a_lost_worker_had_comes_first_and_its_slots_when_it_surely_runs_nothing():
    bench = Bench(slots=4, workers="ab")
    assert bench.granted() == {"a": [0, 2], "b": [1, 3]}
    bench.clock.advance(2)
    bench.dispatch.alive("b")
    bench.clock.advance(1)
    assert bench.dispatch.left("b") == Lost([1, 3], [])
    assert bench.dispatch.left("b") == Lost([], [])
    # What it says of them now comes too late.
    bench.dispatch.over(1)
    assert bench.granted() == {}
    assert bench.dispatch.next_at() == bench.clock.now() - 1 + FREED_S
    bench.dispatch.over(0)
    # Each is to be alone, and one gets what the others are done with.
    assert bench.granted() == {}
    bench.dispatch.over(2)
    assert bench.granted() == {"a": [1]}
    bench.clock.advance(FREED_S - 1)
    assert bench.granted() == {}
    bench.dispatch.over(1)
    # It was not that one: the other may have company again.
    assert bench.granted() == {"a": [3, 4]}
    bench.dispatch.over(3)
    assert bench.granted() == {"a": [5, 6, 7]}


def test_the_starts_of_a_lost_worker_count_for_as_long_as_it_may_make_them():
    bench = Bench(rate=Rate(1), workers="ab")
    assert bench.granted() == {"a": [0]}
    bench.dispatch.left("a")
    bench.clock.advance(FREED_S + 0.9)
    assert bench.granted() == {}
    bench.clock.advance(0.2)
    assert bench.granted() == {"b": [0]}


def test_who_is_silent_for_longer_than_its_lease_has_left():
    bench = Bench(workers="ab")
    bench.clock.advance(FREED_S - 0.1)
    bench.dispatch.alive("b")
    assert bench.dispatch.silent() == []
    bench.clock.advance(0.1)
    assert bench.dispatch.silent() == ["a"]
    bench.dispatch.left("a")
    bench.dispatch.alive("a")
    assert bench.dispatch.silent() == []
    assert bench.granted().keys() == {"b"}


def test_a_source_that_kills_workers_ends_with_an_error_of_its_own():
    bench = Bench(range(2), most_each=1)
    given_up = []
    for worker in "abcdef":
        bench.dispatch.joined(worker, 1)
        bench.granted()
        lost = bench.dispatch.left(worker)
        assert len(lost.again) + len(lost.given_up) == 1
        given_up += lost.given_up
    assert given_up == [0, 1]
    assert bench.dispatch.is_over


def test_where_workers_die_of_whatever_they_are_given_it_is_in_vain():
    bench = Bench(range(9), most_each=1)
    is_in_vain = []
    for worker in "abcdefghijklmno":
        bench.dispatch.joined(worker, 1)
        assert bench.granted().keys() == {worker}
        bench.dispatch.left(worker)
        is_in_vain.append(bench.dispatch.is_in_vain)
    assert is_in_vain == [False] * 14 + [True]


def test_where_one_has_come_to_its_end_it_is_not_in_vain():
    bench = Bench(range(9), most_each=1, workers="z")
    assert bench.granted() == {"z": [0]}
    bench.dispatch.over(0)
    for _ in "abcdefghijklmno":
        bench.granted()
        bench.dispatch.left("z")
        bench.dispatch.joined("z", 1)
    assert not bench.dispatch.is_in_vain
    assert bench.granted() == {"z": [6]}


def test_what_is_not_begun_at_all_says_nothing_of_the_workers():
    bench = Bench(most_each=1, workers="z")
    assert bench.granted() == {"z": [0]}
    bench.dispatch.passed_over(0)
    for _ in range(5 * 3):
        bench.granted()
        bench.dispatch.left("z")
        bench.clock.advance(FREED_S)
        bench.dispatch.joined("z", 1)
    assert bench.dispatch.is_in_vain


def test_of_what_is_over_no_loss_is_remembered():
    bench = Bench(range(1), most_each=1, workers="ab")
    for worker in "ab":
        assert bench.granted() == {worker: [0]}
        bench.dispatch.left(worker)
    bench.dispatch.joined("c", 1)
    assert bench.granted() == {"c": [0]}
    bench.dispatch.over(0)
    assert (bench.dispatch._suspects._suspects, bench.dispatch._avoid) == ({}, {})


def test_while_what_was_lost_waits_for_a_worker_with_few_the_others_go_on():
    bench = Bench(slots=7, most_each=3, workers="abc")
    assert bench.granted() == {"a": [0, 3, 6], "b": [1, 4], "c": [2, 5]}
    bench.dispatch.left("c")
    bench.clock.advance(FREED_S)
    # One of them gets nothing new, and the other one what there is room for.
    assert bench.granted() == {}
    bench.dispatch.over(0)
    assert bench.granted() == {"a": [7]}
    bench.dispatch.over(1)
    assert bench.granted() == {}
    bench.dispatch.over(4)
    assert bench.granted() == {"b": [2]}
    # That is enough of them: the other one waits for its turn.
    bench.dispatch.over(3)
    assert bench.granted() == {"a": [8]}
    bench.dispatch.over(2)
    # It was not that one: the other may have company again.
    assert bench.granted() == {"b": [5, 9]}
    bench.dispatch.over(5)
    assert bench.granted() == {"b": [10, 11]}


def test_who_lacks_something_leaves_a_source_to_others():
    bench = Bench(range(4), slots=9, most_each=2, workers="ab")
    assert bench.granted() == {"a": [0, 2], "b": [1, 3]}
    assert bench.dispatch.returned(0, avoid="a")
    # The other one has no room yet, and nobody waits for that.
    assert bench.granted() == {}
    bench.dispatch.over(3)
    assert bench.granted() == {"b": [0]}
    # When all lack it, the error that the worker had is that of the source.
    assert not bench.dispatch.returned(0, avoid="b")
    bench.dispatch.over(1)
    bench.dispatch.over(2)
    assert bench.dispatch.is_over


def test_where_only_those_are_left_that_lack_it_one_of_them_takes_it_all_the_same():
    bench = Bench(range(1), workers="ab")
    assert bench.granted() == {"a": [0]}
    assert bench.dispatch.returned(0, avoid="a")
    bench.dispatch.left("b")
    assert bench.granted() == {"a": [0]}
    assert not bench.dispatch.returned(0, avoid="a")
    assert bench.dispatch.is_over


def test_those_that_wait_for_a_few_workers_do_not_pile_up():
    bench = Bench(range(10**9), slots=10**6, most_each=1, workers="ab")
    for _ in range(3000):
        # One takes a source and never ends it; the other can do none.
        for worker, numbers in bench.granted().items():
            for number in numbers:
                if worker == "b":
                    assert bench.dispatch.returned(number, avoid="b")
    assert sum(map(len, bench.dispatch._again.values())) == 1000


def test_a_full_service_sends_sources_back_and_is_asked_for_fewer():
    bench = Bench(slots=4, workers="a")
    assert bench.granted() == {"a": [0, 1, 2, 3]}
    assert bench.dispatch.returned(1, wait_s=3)
    assert bench.dispatch.returned(2, wait_s=3)
    assert bench.granted() == {}
    assert bench.dispatch.next_at() == bench.clock.now() + 3
    bench.clock.advance(3)
    assert bench.granted() == {}
    bench.dispatch.over(0)
    # One more than was borne, and what was sent away comes first.
    assert bench.granted() == {"a": [1, 2]}


class Fleet:
    """Workers that do as told by drawn numbers, and come and go."""

    def __init__(self, sources: int, rate: Rate | None, slots: int, draw: Callable[[int], int]) -> None:
        self.bench = Bench(range(sources), slots=slots, rate=rate, most_each=3)
        self.draw = draw
        self.events: list[tuple[float, int, Callable[[], None]]] = []
        self.ids = count()
        # Source → how often it came to an end; which begin there is in force.
        self.ended: Counter[int] = Counter()
        self.tries: Counter[int] = Counter()
        self.names = count()
        self.sources = sources
        self.left = 0

    def at(self, delay_s: float, do: Callable[[], None]) -> None:
        heapq.heappush(self.events, (self.bench.clock.now() + delay_s, next(self.ids), do))

    def run(self) -> None:
        self.join()
        dispatch = self.bench.dispatch
        wakes = set()
        while not dispatch.is_over:
            for grant in dispatch.grants():
                self.begin(grant)
            moment = dispatch.next_at()
            if moment is not None and moment not in wakes:
                wakes.add(moment)
                self.at(moment - self.bench.clock.now(), lambda: None)
            assert self.events, "stuck"
            moment, _, do = heapq.heappop(self.events)
            self.bench.clock.time = max(moment, self.bench.clock.time)
            do()

    def join(self) -> None:
        self.bench.dispatch.joined(f"w{next(self.names)}", 1 + self.draw(4))

    def begin(self, grant: Grant | Further) -> None:
        number, dispatch = grant.number, self.bench.dispatch
        assert self.ended[number] == 0
        self.tries[number] += 1
        mine = self.tries[number]

        def still(do: Callable[[], Any]) -> Callable[[], None]:
            def act() -> None:
                if self.tries[number] == mine and dispatch.worker_of(number) == grant.worker:
                    do()

            return act

        def end() -> None:
            dispatch.over(number, SETTLE_S * self.draw(2))
            self.ended[number] += 1

        def fall() -> None:
            """Its worker dies, and another comes."""
            self.left += 1
            self.ended.update(dispatch.left(grant.worker).given_up)
            self.join()

        def lack() -> None:
            if not dispatch.returned(number, avoid=grant.worker):
                self.ended[number] += 1

        ways: list[Callable[[], Any]] = [end, fall, lambda: dispatch.returned(number, wait_s=0.5), lack]
        way = self.draw(8)
        if way < len(ways) and mine < 9:
            self.at(0.2, still(ways[way]))
        elif way == 5 and mine < 9:
            self.at(0.3, still(lambda: dispatch.arrived(number)))
            self.at(0.4, still(lambda: dispatch.further(number)))
        else:
            self.at(0.3, still(lambda: dispatch.arrived(number, 0.1)))
            self.at(1.0 + self.draw(3), still(end))


@given(st.integers(1, 10), st.integers(1, 5), st.sampled_from([None, Rate(1), Rate(4), Rate(9, 60)]), st.randoms())
def test_whatever_becomes_of_them_each_source_ends_once(sources, slots, rate, random):
    fleet = Fleet(sources, rate, slots, random.randrange)
    fleet.run()
    assert fleet.ended == Counter(range(sources))
    dispatch = fleet.bench.dispatch
    assert [dispatch._running, dispatch._again, dispatch._suspects._suspects, dispatch._avoid] == [{}] * 4


@pytest.mark.parametrize("seed", range(2))
def test_all_of_it_happens_to_them(seed):
    from random import Random

    fleet = Fleet(300, Rate(20), 9, Random(seed).randrange)
    fleet.run()
    assert fleet.left > 20
    assert max(fleet.tries.values()) > 3
