"""A million files on a hundred workers, by the code that schedules them and a virtual clock.

Dispatch and Allowance are those of a cluster. The service, the workers and the network are simulated: the service
counts for itself what reaches it and when, takes nothing for a while now and then, and fewer starts than were agreed
for longer; workers die, or are cut off and go on until their lease is over, and others come.
"""

from __future__ import annotations

import heapq
import math
import time
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from random import Random
from typing import Any

from asrcli.engine.allowance import SETTLE_S, Allowance, Rate
from asrcli.fleet.dispatch import LEASE_S, Dispatch, Grant

_PATIENCE_S = 10.0
_FAR = math.inf


@dataclass(frozen=True)
class World:
    """What is simulated. Lengths, here and below, are in seconds.

    `scale`: of the files' lengths, which are 16 s in the mean and 200 at most, and no more than `longest_s`. In each
    `storm_every_s` the service refuses every start for `storm_s`; in each `slow_every_s` it takes half of the rate for
    `slow_s`.
    """

    files: int = 1_000_000
    workers: int = 100
    rate: Rate = field(default=Rate(20))
    slots: int = 300
    scale: float = 1.0
    longest_s: float = 300.0
    failing: float = 0.01
    unheard: float = 0.0002
    worker_lost_every_s: float = 600.0
    storm_every_s: float = 3600.0
    storm_s: float = 20.0
    slow_every_s: float = 7200.0
    slow_s: float = 600.0
    seed: int = 18

    def takes(self, moment_s: float) -> int:
        """How many starts in a second the service takes then."""
        if moment_s % self.storm_every_s >= self.storm_every_s - self.storm_s:
            return 0
        is_slow = moment_s % self.slow_every_s >= self.slow_every_s - self.slow_s
        return self.rate.starts // 2 if is_slow else self.rate.starts

    def length_s(self, number: int) -> float:
        """Of most files a few seconds, of some minutes; always the same for a number."""
        mixed = (number + self.seed) * 0x9E3779B97F4A7C15 & (1 << 64) - 1
        share = ((mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9 & (1 << 64) - 1) / (1 << 64)
        if share < 0.7:
            length_s = 2 + share / 0.7 * 8
        elif share < 0.95:
            length_s = 10 + (share - 0.7) / 0.25 * 30
        else:
            length_s = 40 + (share - 0.95) / 0.05 * 160
        return min(length_s * self.scale, self.longest_s)


@dataclass
class Report:
    """What came of it; `bound_s` is the least that it can take. `busiest`: starts in any second."""

    world: World
    took_s: float = 0.0
    bound_s: float = 0.0
    length_s: float = 0.0
    resent_s: float = 0.0
    starts: int = 0
    refused: int = 0
    busiest: int = 0
    most: int = 0
    ended: int = 0
    given_up: int = 0
    lost: int = 0
    cpu_s: float = 0.0
    peak_bytes: list[int] = field(default_factory=list)
    """Of a tenth of the files, and of all; empty where that was not looked at."""

    def lines(self) -> list[str]:
        """For people."""
        world, files = self.world, self.world.files
        limit = "the rate" if self.bound_s > self.length_s / world.slots else "the slots"
        memory = ""
        if self.peak_bytes:
            tenth, all_ = (peak / 1e6 for peak in self.peak_bytes)
            memory = f", memory {tenth:.2f} MB after a tenth of them and {all_:.2f} MB after all"
        return [
            f"{files:,} files of {self.length_s / files:.1f} s on {world.workers} workers at {world.rate} and"
            f" {world.slots} slots: {self.took_s:,.0f} s, {self.took_s / self.bound_s:.3f} of the bound, {limit}",
            f"  {self.starts:,} starts, {self.refused:,} of them refused, {self.busiest} in the busiest second, at most"
            f" {self.most} at once; {self.lost} workers lost, {self.given_up} files given up,"
            f" {self.resent_s / self.length_s:.3%} of the sound sent twice",
            f"  {self.cpu_s / files * 1e6:.0f} µs of CPU a file, those of the simulation among them{memory}",
        ]


class _Clock:
    time = 0.0

    def now(self) -> float:
        return self.time

    def wait_until(self, moment: float, wake: object) -> bool:
        raise NotImplementedError


class _Service:
    """Counts what reaches it, and refuses what is too much for it."""

    def __init__(self, world: World, clock: _Clock, report: Report) -> None:
        self._world, self._clock, self._report = world, clock, report
        self._reached: deque[float] = deque()
        self._taken: deque[float] = deque()
        self.running: dict[int, tuple[str, float]] = {}

    def start(self, session: int, worker: str) -> bool:
        """Whether it takes one more, of which it is told now."""
        now, report = self._clock.time, self._report
        report.starts += 1
        report.busiest = max(report.busiest, _within_a_second(self._reached, now))
        taken = self._taken
        while taken and now - taken[0] >= 1:
            taken.popleft()
        if len(taken) >= self._world.takes(now):
            report.refused += 1
            return False
        taken.append(now)
        self.running[session] = (worker, now)
        report.most = max(report.most, len(self.running))
        return True

    def cut(self, worker: str) -> None:
        for session, (whose, since) in list(self.running.items()):
            if whose == worker:
                self._report.resent_s += self._clock.time - since
                del self.running[session]


def _within_a_second(moments: deque[float], now: float) -> int:
    moments.append(now)
    while now - moments[0] >= 1:
        moments.popleft()
    return len(moments)


@dataclass(slots=True)
class _Begun:
    """A file that runs: which session of it counts, and how much of it is to come."""

    session: int
    worker: str
    left_s: float
    is_further: bool = False


class Simulation:
    """`run` once."""

    def __init__(self, world: World) -> None:
        self.report = Report(world)
        self._world = world
        self._random = Random(world.seed)
        self._clock = _Clock()
        self._service = _Service(world, self._clock, self.report)
        self._dispatch = Dispatch(
            self._files(), Allowance(self._clock, world.slots, world.rate), world.slots, self._clock
        )
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._ids = count()
        self._names = count()
        self._begun: dict[int, _Begun] = {}
        # Workers that are gone, as long as anything of them is under way.
        self._silent_from: dict[str, float] = {}
        self._workers: list[str] = []
        self._wake_at = _FAR
        # Whether anything was told at the head.
        self._has_news = True

    def run(self, looked: Callable[[], None] | None = None) -> Report:
        """To its end; `looked` is called after a tenth of the files and in the end."""
        world, report, began_s = self._world, self.report, time.process_time()
        for _ in range(world.workers):
            self._join()
        self._after(world.worker_lost_every_s, self._lose_one)
        tenth = world.files // 10
        while not self._dispatch.is_over:
            if self._has_news:
                self._begin_what_may()
            self._clock.time, _, do, arguments = heapq.heappop(self._events)
            do(*arguments)
            if looked is not None and report.ended == tenth:
                tenth = -1
                looked()
        if looked is not None:
            looked()
        report.took_s = self._clock.time
        report.bound_s = max(_shortest_s(world), report.length_s / world.slots)
        report.cpu_s = time.process_time() - began_s
        return report

    def _files(self) -> Iterator[int]:
        for number in range(self._world.files):
            self.report.length_s += self._world.length_s(number)
            yield number

    def _after(self, delay_s: float, do: Callable[..., None], *arguments: Any) -> None:
        heapq.heappush(self._events, (self._clock.time + delay_s, next(self._ids), do, arguments))

    # --- the head ----------------------------------------------------------------------------------------------------

    def _begin_what_may(self) -> None:
        self._has_news = False
        for grant in self._dispatch.grants():
            session = next(self._ids)
            if isinstance(grant, Grant):
                self._begun[grant.number] = _Begun(session, grant.worker, self._world.length_s(grant.number))
            else:
                self._begun[grant.number].session = session
            self._after(self._way_s() + 0.005, self._reaches, session, grant.number, grant.worker)
        moment = self._dispatch.next_at()
        if moment is not None and moment < self._wake_at:
            self._wake_at = moment
            self._after(moment - self._clock.time, self._wake, moment)

    def _wake(self, moment: float) -> None:
        if moment == self._wake_at:
            self._wake_at = _FAR
            self._has_news = True

    def _told(self, session: int, number: int, do: Callable[[_Begun], None]) -> None:
        """A worker's word comes with the next bundle of its words, unless it is gone or others have the file now."""
        begun = self._begun.get(number)
        if begun is not None and begun.session == session and begun.worker not in self._silent_from:
            self._has_news = True
            do(begun)

    def _over(self, number: int, settle_s: float = 0.0) -> None:
        self._dispatch.over(number, settle_s)
        del self._begun[number]
        self.report.ended += 1

    # --- on the way, at the service, at the workers ------------------------------------------------------------------

    def _way_s(self) -> float:
        return 0.01 + self._random.expovariate(1 / 0.012)

    def _reaches(self, session: int, number: int, worker: str) -> None:
        begun = self._begun.get(number)
        if worker in self._silent_from and self._clock.time >= self._silent_from[worker]:
            return
        is_taken = self._service.start(session, worker)
        if begun is None or begun.session != session:
            # Of one that is cut off and does not know it yet.
            return
        bundled_s = self._random.random() * 0.1
        if self._random.random() < self._world.unheard:
            self._service.running.pop(session, None)
            self._after(_PATIENCE_S, self._told, session, number, lambda begun: self._given_up(number))
        elif not is_taken:
            self._after(self._way_s() + bundled_s, self._told, session, number, lambda begun: self._full(number, begun))
        else:
            ago_s = bundled_s
            self._after(
                self._way_s() + bundled_s,
                self._told,
                session,
                number,
                lambda begun: self._dispatch.arrived(number, ago_s),
            )
            fails = self._random.random() < self._world.failing
            runs_s = begun.left_s * (self._random.random() if fails else 1.0)
            self._after(runs_s, self._ends, session, number, runs_s, fails)

    def _ends(self, session: int, number: int, runs_s: float, fails: bool) -> None:
        if self._service.running.pop(session, None) is None:
            return
        later_s = self._way_s() + self._random.random() * 0.1
        if not fails:
            self._after(later_s, self._told, session, number, lambda begun: self._over(number))
        elif self._random.random() < 0.1:
            self._after(later_s, self._told, session, number, lambda begun: self._over(number, SETTLE_S))
        else:
            self._after(later_s, self._told, session, number, lambda begun: self._broken(number, begun, runs_s))

    def _broken(self, number: int, begun: _Begun, done_s: float) -> None:
        """It goes on where it was, a moment later."""
        begun.left_s -= done_s
        begun.is_further = True
        self._want_further(number, begun)

    def _given_up(self, number: int) -> None:
        self._dispatch.arrived(number, -SETTLE_S)
        self._want_further(number, self._begun[number])

    def _full(self, number: int, begun: _Begun) -> None:
        wait_s = self._random.uniform(0.25, 0.5)
        if begun.is_further:
            self._dispatch.throttled(number, wait_s)
            self._want_further(number, begun, wait_s)
        else:
            self._dispatch.returned(number, wait_s)
            del self._begun[number]

    def _want_further(self, number: int, begun: _Begun, wait_s: float = 0.4) -> None:
        ask = self._dispatch.further
        self._after(wait_s, self._told, begun.session, number, lambda begun: ask(number))

    # --- workers come and go -----------------------------------------------------------------------------------------

    def _join(self) -> None:
        self._workers.append(f"worker-{next(self._names)}")
        self._dispatch.joined(self._workers[-1], 1000)
        self._has_news = True

    def _lose_one(self) -> None:
        """Half of them die, which is seen at once; half are cut off, and go on until their lease is over."""
        worker = self._workers.pop(self._random.randrange(len(self._workers)))
        self.report.lost += 1
        self._dispatch.alive(worker)
        if self._random.random() < 0.5:
            self._silent_from[worker] = self._clock.time
            self._service.cut(worker)
            self._left(worker)
        else:
            self._silent_from[worker] = self._clock.time + LEASE_S
            self._after(LEASE_S, self._service.cut, worker)
            self._after(LEASE_S + 2, self._look_for_silent, worker)
        self._after(60.0, self._join)
        self._after(self._world.worker_lost_every_s, self._lose_one)

    def _look_for_silent(self, worker: str) -> None:
        for silent in self._dispatch.silent():
            if silent == worker:
                self._left(worker)

    def _left(self, worker: str) -> None:
        lost = self._dispatch.left(worker)
        self._has_news = True
        for number in (*lost.again, *lost.given_up):
            del self._begun[number]
        self.report.ended += len(lost.given_up)
        self.report.given_up += len(lost.given_up)
        # By then nothing of it is under way any more.
        self._after(60.0, self._forget, worker)

    def _forget(self, worker: str) -> None:
        del self._silent_from[worker]


def _shortest_s(world: World) -> float:
    """How long so many starts take at the rate that is in force over time."""
    starts = moment_s = 0.0
    while starts < world.files:
        starts += world.takes(moment_s)
        moment_s += 1.0
    return moment_s


def simulate(world: World, *, traces_memory: bool = False) -> Report:
    """Run it. To trace its memory takes several times as long."""
    if not traces_memory:
        return Simulation(world).run()
    simulation = Simulation(world)
    peaks = simulation.report.peak_bytes
    tracemalloc.start()
    try:
        return simulation.run(lambda: peaks.append(tracemalloc.get_traced_memory()[1]))
    finally:
        tracemalloc.stop()


def check(report: Report) -> None:
    """Raise AssertionError where a limit was exceeded, or time or memory were wasted."""
    world = report.world
    assert report.ended == world.files, f"{report.ended} of {world.files} have ended"
    assert report.busiest <= world.rate.starts, f"{report.busiest} starts in a second"
    assert report.most <= world.slots, f"{report.most} at once"
    assert report.took_s <= 1.1 * report.bound_s, f"{report.took_s / report.bound_s:.3f} of the bound"
    if report.peak_bytes:
        tenth, all_ = report.peak_bytes
        assert all_ <= 1.1 * tenth + 100_000, f"memory grows from {tenth} to {all_} bytes"


RATE_BOUND = World(scale=0.5)
SLOTS_BOUND = World(scale=1.3)


def main(files: int = 1_000_000) -> None:
    """Print the figures of both, and fail where they are not as they should be."""
    for world, traces_memory in ((RATE_BOUND, False), (SLOTS_BOUND, True)):
        report = simulate(replace(world, files=files), traces_memory=traces_memory)
        print("\n".join(report.lines()), flush=True)
        check(report)


if __name__ == "__main__":
    main()
