"""Which worker takes which source when: the one decision for all workers, in plain values.

Pure: it is told what has happened, and says what may begin now. The sources are numbers, of which no more is kept than
of those that run or wait once more, and each step takes the same time however many there are. Those that were lost with
a worker are heard in smaller company: see `suspects`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from asrcli.engine.allowance import Allowance
from asrcli.fleet.loads import Loads
from asrcli.fleet.suspects import Suspects
from asrcli.system.clock import Clock

LEASE_S = 5.0
"""A worker ends what it runs, of its own accord, so long after it has sent the last sign of life that was answered."""
# By then the service has seen that, too.
_FREED_S = LEASE_S + 2.0

# So many that wait for one of few workers hold up the others, rather than pile up.
_MOST_AGAIN = 1000
# Where workers die of so many sources, and of all that they were given, it is not the sources.
_IN_VAIN = 5


class Grant(NamedTuple):
    """`worker` is to begin source `number`, and has its first start with it."""

    worker: str
    number: int


class Further(NamedTuple):
    """`worker`, which runs source `number`, may start a further session of it."""

    worker: str
    number: int


class Lost(NamedTuple):
    """The sources of a worker that is gone: those that wait again, and those of which workers die."""

    again: list[int]
    given_up: list[int]


class _Need(NamedTuple):
    """What a source that waits once more wants of its worker: to be none of these, and not to have too many."""

    avoid: frozenset[str] = frozenset()
    company: int | None = None


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
        self._loads = Loads()
        self._seen: dict[str, float] = {}
        # Source → who runs it.
        self._running: dict[int, str] = {}
        # Sources that wait once more, by what they want.
        self._again: dict[_Need, deque[int]] = {}
        # Of those that are not over.
        self._avoid: dict[int, frozenset[str]] = {}
        self._suspects = Suspects()
        self._given_up = 0
        self._has_done_some = False

    @property
    def is_over(self) -> bool:
        """Whether no source runs or waits."""
        return not self._running and not self._again and self._peek() is None

    @property
    def is_in_vain(self) -> bool:
        """Whether workers die of one source after the other, and none has ever come to its end at one."""
        return self._given_up >= _IN_VAIN and not self._has_done_some

    def worker_of(self, number: int) -> str | None:
        """Who runs source `number` now; a word of anybody else about it is not to be believed."""
        return self._running.get(number)

    def joined(self, worker: str, most: int) -> None:
        """`worker` takes sources from now on, `most` at once, and no more than any does. It is new, or has `left`."""
        self._seen[worker] = self._clock.now()
        self._loads.join(worker, min(most, self._most_each))

    def alive(self, worker: str) -> None:
        """A sign of life."""
        if worker in self._seen:
            self._seen[worker] = self._clock.now()

    def silent(self) -> list[str]:
        """Workers without a sign of life for so long that they have ended what they ran: they have `left`."""
        now = self._clock.now()
        return [worker for worker, seen in self._seen.items() if now >= seen + _FREED_S]

    def left(self, worker: str) -> Lost:
        """`worker` is gone. What it ran waits again, first; its slots come back when surely nothing runs."""
        if worker not in self._seen:
            return Lost([], [])
        free_at = self._seen.pop(worker) + _FREED_S
        numbers = sorted(self._loads.leave(worker))
        for number in numbers:
            del self._running[number]
            self._allowance.returned(number, max(free_at, self._clock.now()))
        given_up = self._suspects.lost(numbers)
        again = [number for number in numbers if number not in given_up]
        for number in given_up:
            self._forget(number)
        self._given_up += len(given_up)
        for number in reversed(again):
            self._queue_for(number).appendleft(number)
        return Lost(again, given_up)

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
            self._has_done_some = True
            if self._suspects.ended(number):
                # What is left of them may have more company than it waits for.
                waiting = [each for numbers in self._again.values() for each in numbers]
                self._again.clear()
                for each in waiting:
                    self._queue_for(each).append(each)
            self._forget(number)
            self._allowance.over(number, self._clock.now() + settle_s)

    def passed_over(self, number: int) -> None:
        """A source whose turn had come is not begun at all."""
        if self._take_away(number):
            self._forget(number)
            self._allowance.over(number, self._clock.now())

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
        self._queue_for(number).append(number)
        return True

    def next_at(self) -> float | None:
        """When more may be granted without anything being told here; None where nothing changes by itself."""
        return self._allowance.next_at()

    def _grant(self) -> Grant | None:
        for need, numbers in self._again.items():
            if (worker := self._loads.least_loaded(*need)) is not None:
                if not self._allowance.take(numbers[0]):
                    return None
                number = numbers.popleft()
                if not numbers:
                    del self._again[need]
                return self._given(worker, number)
            if need.company is not None:
                self._loads.reserve(need.avoid)
        if self._again and sum(map(len, self._again.values())) >= _MOST_AGAIN:
            return None
        worker = self._loads.least_loaded(frozenset())
        next_ = None if worker is None else self._peek()
        if worker is None or next_ is None or not self._allowance.take(next_):
            return None
        self._next = None
        return self._given(worker, next_)

    def _given(self, worker: str, number: int) -> Grant:
        self._loads.give(worker, number, self._suspects.company(number))
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
        self._loads.take_away(worker, number)
        return True

    def _forget(self, number: int) -> None:
        self._avoid.pop(number, None)
        self._suspects.forget(number)

    def _queue_for(self, number: int) -> deque[int]:
        """Where a source waits once more."""
        need = _Need(self._avoid.get(number, frozenset()), self._suspects.company(number))
        return self._again.setdefault(need, deque())
