"""Of whichever source workers die is found, and no other is given up: by deaths, and in whole runs on a model."""

from __future__ import annotations

import heapq
import math
import pickle
from collections import Counter
from collections.abc import Callable
from itertools import count
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrcli.engine.allowance import Allowance
from asrcli.fleet.dispatch import LEASE_S, Dispatch, Grant
from asrcli.fleet.suspects import KillsWorkers, Suspects
from tests.support.fakes import FakeClock

RECOVERIES = 3


def companies(suspects: Suspects, numbers: range) -> set[int | None]:
    return {suspects.company(number) for number in numbers}


def test_what_was_lost_is_heard_in_half_of_its_company_and_at_last_alone():
    suspects = Suspects()
    assert suspects.company(3) is None
    assert suspects.lost(range(20)) == []
    assert companies(suspects, range(20)) == {10}
    assert suspects.company(20) is None
    assert suspects.lost(range(3)) == []
    assert companies(suspects, range(3)) == {1}
    assert companies(suspects, range(3, 20)) == {10}


def test_what_is_outlived_gives_the_others_company_again_up_to_what_they_had_and_not_for_ever():
    suspects = Suspects()
    suspects.lost(range(20))
    suspects.lost(range(10))
    assert (companies(suspects, range(10)), companies(suspects, range(10, 20))) == ({5}, {10})
    assert suspects.ended(0)
    assert (companies(suspects, range(1, 10)), companies(suspects, range(10, 20))) == ({10}, {20})
    assert suspects.ended(10)
    assert companies(suspects, range(1, 10)) == {20}
    assert not suspects.ended(11)
    assert not suspects.ended(30)
    suspects.lost([1])
    assert suspects.company(1) == 1
    assert suspects.ended(2)
    assert suspects.company(1) == 2
    # That was the third time.
    assert not suspects.ended(3)
    assert suspects.company(1) == 2


def test_what_dies_alone_three_times_is_given_up():
    suspects = Suspects()
    assert [suspects.lost([7]) for _ in range(3)] == [[], [], [7]]
    assert suspects.company(7) is None


def test_while_others_are_lost_too_it_takes_more():
    suspects = Suspects()
    assert [suspects.lost(numbers) for numbers in ([7], [], [7], [7], [7])] == [[], [], [], [], [7]]
    # What was lost before says nothing of a source.
    assert [suspects.lost([8]) for _ in range(3)] == [[], [], [8]]


def test_however_many_others_are_lost_there_is_a_last_one():
    suspects = Suspects()
    found = []
    for _ in range(6):
        suspects.lost(range(10, 20))
        suspects.lost([])
        found.append(suspects.lost([7]))
    assert found == [[], [], [], [], [], [7]]


def test_what_is_over_is_no_suspect():
    suspects = Suspects()
    suspects.lost([7])
    suspects.lost([7])
    suspects.forget(7)
    assert suspects.company(7) is None
    assert suspects.lost([7]) == []


def test_the_error_crosses():
    error = pickle.loads(pickle.dumps(KillsWorkers()))
    assert "nothing but this source" in error.message
    assert error.hint


class World:
    """Workers that come back when they have died. `kills`: source → how soon a worker dies that has it."""

    def __init__(self, sources: int, workers: int, slots: int, most_each: int, kills: dict[int, float]) -> None:
        self.clock = FakeClock()
        self.dispatch = Dispatch(range(sources), Allowance(self.clock, slots), most_each, self.clock)
        self.kills = kills
        self.ended: Counter[int] = Counter()
        self.given_up: set[int] = set()
        self.deaths = 0
        self.over_at = 0.0
        # How often each source was alone with a worker that somebody ended.
        self.hit_alone: Counter[int] = Counter()
        self.running: dict[str, dict[int, int]] = {}
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._ids, self._names = count(), count()
        for _ in range(workers):
            self.join()

    def after(self, delay_s: float, do: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.clock.now() + delay_s, next(self._ids), do))

    def join(self) -> None:
        worker = f"w{next(self._names)}"
        self.running[worker] = {}
        self.dispatch.joined(worker, 1000)

    def die(self, worker: str) -> None:
        """It is seen after a while, as if nobody had come to hand over what it had finished."""
        del self.running[worker]
        self.deaths += 1
        self.dispatch.joined(worker, 0)

        def seen() -> None:
            given_up = self.dispatch.left(worker).given_up
            self.given_up.update(given_up)
            self.ended.update(given_up)

        self.after(LEASE_S + 2, seen)
        self.after(3.0, self.join)

    def end_one_after(
        self, delay_s: float, which: float, may_be_alone: Callable[[int], bool] = lambda number: True
    ) -> None:
        """Somebody ends a worker, unless that would meet a source alone that may not be met."""

        def end() -> None:
            if not self.running:
                return
            worker = sorted(self.running)[int(which * len(self.running))]
            numbers = [*self.running[worker]]
            if len(numbers) == 1:
                if not may_be_alone(numbers[0]):
                    return
                self.hit_alone[numbers[0]] += 1
            self.die(worker)

        self.after(delay_s, end)

    def run(self, length_s: Callable[[int], float]) -> None:
        while not self.dispatch.is_over:
            for grant in self.dispatch.grants():
                assert isinstance(grant, Grant)
                self._begin(grant.worker, grant.number, length_s(grant.number))
            moments = [moment for moment in [self.dispatch.next_at()] if moment is not None]
            if self._events and (not moments or self._events[0][0] <= moments[0]):
                moment, _, do = heapq.heappop(self._events)
                self.clock.time = max(moment, self.clock.time)
                do()
            else:
                assert moments, "stuck"
                self.clock.time = max(*moments, self.clock.time)

    def _begin(self, worker: str, number: int, length_s: float) -> None:
        if worker not in self.running:
            return
        self.running[worker][number] = attempt = next(self._ids)

        def act() -> None:
            if self.running.get(worker, {}).get(number) != attempt:
                return
            if number in self.kills:
                self.die(worker)
            else:
                del self.running[worker][number]
                self.dispatch.over(number)
                self.ended[number] += 1
                self.over_at = self.clock.now()

        self.after(self.kills.get(number, length_s), act)


def bound(most: int, killers: int, alone: int = 6) -> int:
    """How many workers may die of them; what ends well beside them gives each some company back."""
    return killers * (math.floor(math.log2(most)) + alone + RECOVERIES)


KILLERS = st.dictionaries(st.integers(0, 59), st.sampled_from([0.0, 0.5, 3.0, 9.0]), max_size=6)


@settings(max_examples=60)
@given(st.integers(1, 60), st.integers(1, 5), st.integers(1, 40), st.integers(1, 30), KILLERS)
def test_where_nothing_else_ends_workers_those_that_kill_are_given_up_and_no_other(
    sources, workers, slots, each, kills
):
    kills = {number: after_s for number, after_s in kills.items() if number < sources}
    world = World(sources, workers, slots, each, kills)
    world.run(lambda number: 1.0 + number % 9)
    assert world.given_up == set(kills)
    assert world.ended == Counter(range(sources))
    assert world.deaths <= bound(min(slots, each), len(kills))


ENDS = st.lists(st.tuples(st.floats(0, 300), st.floats(0, 0.999)), max_size=60)


@settings(max_examples=60)
@given(st.integers(1, 60), st.integers(1, 5), st.integers(1, 40), st.integers(1, 30), KILLERS, ENDS)
def test_however_many_workers_are_ended_no_source_is_given_up_for_it(sources, workers, slots, each, kills, ends):
    kills = {number: after_s for number, after_s in kills.items() if number < sources}
    world = World(sources, workers, slots, each, kills)
    for moment, which in ends:
        # But for what nobody can tell from a source that kills.
        world.end_one_after(moment, which, may_be_alone=lambda number: world.hit_alone[number] < 2)
    world.run(lambda number: 1.0 + number % 9)
    assert world.given_up == set(kills)
    assert world.ended == Counter(range(sources))
    assert world.deaths <= bound(min(slots, each), len(kills)) + len(ends)


@pytest.mark.parametrize(("slots", "most"), [(20, 10), (1000, 15)])
def test_one_that_kills_costs_few_workers(slots, most):
    world = World(1500, 1, slots, 1000, {17: 0.5})
    world.run(lambda number: 5.0)
    assert world.given_up == {17}
    assert world.deaths <= most


@pytest.mark.parametrize(("every_s", "most_s"), [(300, 1700), (150, 2000)])
def test_a_worker_that_is_ended_now_and_then_is_soon_full_again(every_s, most_s):
    """Twenty at once, of a minute each: 1200 s for all where none is ended, a minute or two more for each end."""
    world = World(400, 1, 20, 1000, {})
    began_at = world.clock.now()
    for moment in range(every_s, 10_000, every_s):
        world.end_one_after(moment, 0.0)
    world.run(lambda number: 60.0)
    assert world.given_up == set()
    assert world.over_at - began_at < most_s


def test_workers_that_are_ended_all_the_time_cost_no_source():
    """Four workers, one of which is ended every twenty seconds or so, have twenty sources of ten seconds at once."""
    for seed in range(5):
        random = Random(seed)
        world = World(600, 4, 20, 1000, {})
        moment = 0.0
        for _ in range(20):
            moment += random.expovariate(1 / 20)
            world.end_one_after(moment, random.random())
        world.run(lambda number: 10.0)
        assert world.deaths > 10
        assert world.given_up == set()
