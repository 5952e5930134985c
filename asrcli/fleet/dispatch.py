"""Which worker takes which source when: the one decision for all workers, in plain values.

Pure: it is told what has happened, and says what may begin now. The sources are numbers, of which no more is kept than
of those that run or wait once more, and each step takes the same time however many there are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from asrcli.engine.allowance import Allowance
from asrcli.system.clock import Clock
from asrcli.values.errors import AsrcliError

LEASE_S = 5.0
"""A worker ends what it runs, of its own accord, so long after it has sent the last sign of life that was answered."""
# By then the service has seen that, too.
_FREED_S = LEASE_S + 2.0

# Three workers that die of one source are no accident.
_MOST_LOST = 3
# So many that wait for one of few workers hold up the others, rather than pile up.
_MOST_AGAIN = 1000


class Grant(NamedTuple):
    """`worker` is to begin source `number`, and has its first start with it."""

    worker: str
    number: int


class Further(NamedTuple):
    """`worker`, which runs source `number`, may start a further session of it."""

    worker: str
    number: int


class Lost(NamedTuple):
    """The sources of a worker that is gone: those that wait again, and those that have cost too many workers."""

    again: list[int]
    given_up: list[int]


class KillsWorkers(AsrcliError):  # noqa: N818 - it names what was found
    """Each worker that was given a source was lost before it was over."""

    def __init__(self) -> None:
        super().__init__(
            f"{_MOST_LOST} workers were lost, one after the other, while they had it",
            hint="look for what it does to a worker: asrcli file with this source alone, on one of the machines",
        )


class _Workers:
    """Who has room, those with the fewest sources first; of several, who has waited longest."""

    def __init__(self) -> None:
        self.most: dict[str, int] = {}
        self.running: dict[str, set[int]] = {}
        # Those with room, by how many sources they have; below the least level there are none.
        self._levels: list[dict[str, None]] = [{}]
        self._least = 0

    def join(self, worker: str, most: int) -> None:
        self._leave_level(worker)
        self.most[worker] = most
        self.running.setdefault(worker, set())
        self._enter_level(worker)

    def leave(self, worker: str) -> set[int]:
        self._leave_level(worker)
        del self.most[worker]
        return self.running.pop(worker)

    def give(self, worker: str, number: int) -> None:
        self._leave_level(worker)
        self.running[worker].add(number)
        self._enter_level(worker)

    def take_away(self, worker: str, number: int) -> None:
        self._leave_level(worker)
        self.running[worker].discard(number)
        self._enter_level(worker)

    def least_loaded(self, avoid: frozenset[str]) -> str | None:
        """One that has room and is none of `avoid`, unless all are; None where none has room."""
        if avoid and avoid.issuperset(self.most):
            avoid = frozenset()
        while self._least < len(self._levels) - 1 and not self._levels[self._least]:
            self._least += 1
        levels = range(self._least, len(self._levels))
        return next((worker for level in levels for worker in self._levels[level] if worker not in avoid), None)

    def _leave_level(self, worker: str) -> None:
        numbers = self.running.get(worker)
        if numbers is not None and len(numbers) < len(self._levels):
            self._levels[len(numbers)].pop(worker, None)

    def _enter_level(self, worker: str) -> None:
        level = len(self.running[worker])
        if level < self.most[worker]:
            self._levels += [{} for _ in range(level + 1 - len(self._levels))]
            self._levels[level][worker] = None
            self._least = min(self._least, level)


class Dispatch:
    """For one thread. `waiting` are the sources, and is asked for the next one when its turn comes.

    `most_each`: how many one worker has at once. A word about a source that does not run is passed over: it comes late.
    """

    def __init__(self, waiting: Iterable[int], allowance: Allowance, most_each: int, clock: Clock) -> None:
        self._waiting: Iterator[int] = iter(waiting)
        self._next: int | None = None
        self._allowance = allowance
        self._most_each = most_each
        self._clock = clock
        self._workers = _Workers()
        self._seen: dict[str, float] = {}
        # Source → who runs it.
        self._running: dict[int, str] = {}
        # Sources that wait once more, by the workers that are not to have them.
        self._again: dict[frozenset[str], deque[int]] = {}
        # Of those that are not over: whom they avoid, and how many workers they have been lost with.
        self._avoid: dict[int, frozenset[str]] = {}
        self._losses: dict[int, int] = {}

    @property
    def is_over(self) -> bool:
        """Whether no source runs or waits."""
        return not self._running and not self._again and self._peek() is None

    def worker_of(self, number: int) -> str | None:
        """Who runs source `number` now; a word of anybody else about it is not to be believed."""
        return self._running.get(number)

    def joined(self, worker: str, most: int) -> None:
        """`worker` takes sources from now on, `most` at once, and no more than any does. It is new, or has `left`."""
        self._seen[worker] = self._clock.now()
        self._workers.join(worker, min(most, self._most_each))

    def alive(self, worker: str) -> None:
        """A sign of life."""
        if worker in self._seen:
            self._seen[worker] = self._clock.now()

    def silent(self) -> list[str]:
        """Workers without a sign of life for so long that they have ended what they ran: they have `left`."""
        now = self._clock.now()
        return [worker for worker, seen in self._seen.items() if now >= seen + _FREED_S]

    def left(self, worker: str) -> Lost:
        """`worker` is gone. What it ran waits again, first; its slots come back when it surely runs nothing more."""
        if worker not in self._seen:
            return Lost([], [])
        free_at = self._seen.pop(worker) + _FREED_S
        lost = Lost([], [])
        for number in sorted(self._workers.leave(worker)):
            del self._running[number]
            self._allowance.returned(number, max(free_at, self._clock.now()))
            self._losses[number] = self._losses.get(number, 0) + 1
            if self._losses[number] >= _MOST_LOST:
                self._forget(number)
                lost.given_up.append(number)
            else:
                lost.again.append(number)
        for number in reversed(lost.again):
            self._again.setdefault(self._avoid.get(number, frozenset()), deque()).appendleft(number)
        return lost

    def grants(self) -> list[Grant | Further]:
        """All that may begin now; this begins it, as far as it is counted here."""
        granted: list[Grant | Further] = [Further(self._running[number], number) for number in self._allowance.due()]
        while (grant := self._grant()) is not None:
            granted.append(grant)
        return granted

    def further(self, number: int) -> None:
        """A source that runs wants a further session; see `grants`."""
        if number in self._running:
            self._allowance.further(number)

    def arrived(self, number: int, ago_s: float = 0.0) -> None:
        """The service has begun its session, `ago_s` seconds ago; or, below 0, it has or never will in so many."""
        if number in self._running:
            self._allowance.arrived(number, self._clock.now() - ago_s)

    def throttled(self, number: int, wait_s: float) -> None:
        """The service, full, has refused a further session of a source, which keeps its slot and asks once more."""
        if number in self._running:
            self._allowance.throttled(number, wait_s)
            self._allowance.arrived(number)

    def unused(self, number: int) -> None:
        """The start of a source has not left, and will not: it could not be opened."""
        if number in self._running:
            self._allowance.unused(number)

    def over(self, number: int, settle_s: float = 0.0) -> None:
        """A source has come to its end, whatever that is. Its session at the service may end `settle_s` later."""
        if self._take_away(number):
            self._forget(number)
            self._allowance.over(number, self._clock.now() + settle_s)

    def returned(self, number: int, wait_s: float = 0.0, avoid: str | None = None) -> bool:
        """A source comes back without having begun, and waits for its turn again.

        Because the service is full, which wants to be left alone for `wait_s`; or because worker `avoid` lacks
        something that others may have: False where all lack it, and the source is over.
        """
        if not self._take_away(number):
            return True
        if wait_s:
            self._allowance.throttled(number, wait_s)
        self._allowance.returned(number)
        if avoid is not None:
            self._avoid[number] = self._avoid.get(number, frozenset()) | {avoid}
            if self._avoid[number].issuperset(self._seen):
                self._forget(number)
                return False
        self._again.setdefault(self._avoid.get(number, frozenset()), deque()).append(number)
        return True

    def next_at(self) -> float | None:
        """When more may be granted without anything being told here; None where nothing changes by itself."""
        return self._allowance.next_at()

    def _grant(self) -> Grant | None:
        for avoid, numbers in self._again.items():
            if (worker := self._workers.least_loaded(avoid)) is not None:
                if not self._allowance.take(numbers[0]):
                    return None
                number = numbers.popleft()
                if not numbers:
                    del self._again[avoid]
                return self._given(worker, number)
        if self._again and sum(map(len, self._again.values())) >= _MOST_AGAIN:
            return None
        worker = self._workers.least_loaded(frozenset())
        next_ = None if worker is None else self._peek()
        if worker is None or next_ is None or not self._allowance.take(next_):
            return None
        self._next = None
        return self._given(worker, next_)

    def _given(self, worker: str, number: int) -> Grant:
        self._workers.give(worker, number)
        self._running[number] = worker
        return Grant(worker, number)

    def _peek(self) -> int | None:
        if self._next is None:
            self._next = next(self._waiting, None)
        return self._next

    def _take_away(self, number: int) -> bool:
        worker = self._running.pop(number, None)
        if worker is None:
            return False
        self._workers.take_away(worker, number)
        return True

    def _forget(self, number: int) -> None:
        self._avoid.pop(number, None)
        self._losses.pop(number, None)
