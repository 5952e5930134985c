"""What is to be done at moments of a clock, in their order; at the same one, in the order in which it was asked for."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from typing import Protocol

from asrcli.system.clock import Clock

Work = Callable[[], object]


class Timer:
    """Something to do at a moment of the clock, once."""

    __slots__ = ("_work", "moment")

    def __init__(self, moment: float, work: Work) -> None:
        self.moment = moment
        self._work: Work | None = work

    def cancel(self) -> None:
        """Once it is over that changes nothing."""
        self._work = None

    def cancelled(self) -> bool:
        return self._work is None

    def fire(self) -> None:
        """Do it now, unless it was done or cancelled."""
        work, self._work = self._work, None
        if work is not None:
            work()


class Moments:
    """For one thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # By their moments, and those as a heap: of a thousand links, fifty are looked after at the same one.
        self._timers: dict[float, list[Timer]] = {}
        self._moments: list[float] = []

    def at(self, moment: float, work: Work) -> Timer:
        """Have `work` done at `moment` of the clock, or as soon after it as the thread is free."""
        timer = Timer(moment, work)
        together = self._timers.get(moment)
        if together is None:
            self._timers[moment] = [timer]
            heapq.heappush(self._moments, moment)
        else:
            together.append(timer)
        return timer

    def next(self) -> float:
        """The first moment at which something is to be done; infinity where there is none."""
        # For what was cancelled nobody has to be awake.
        while self._moments and all(timer.cancelled() for timer in self._timers[self._moments[0]]):
            del self._timers[heapq.heappop(self._moments)]
        return self._moments[0] if self._moments else math.inf

    def do_what_is_due(self) -> None:
        """Raises what that raises."""
        # No more moments than there are now: what they lead to must not keep the sockets waiting.
        for _ in range(len(self._moments)):
            if not self._moments or self._moments[0] > self._clock.now():
                break
            for timer in self._timers.pop(heapq.heappop(self._moments)):
                timer.fire()

    def clear(self) -> None:
        self._timers.clear()
        self._moments.clear()


class HasMoments(Protocol):
    """A loop, or a share in one."""

    def at(self, moment: float, work: Work) -> Timer: ...


class Alarm:
    """One thing to do, at a moment that may be brought forward again and again; early is no harm to it."""

    def __init__(self, loop: HasMoments, work: Work) -> None:
        self._loop = loop
        self._work = work
        self._timer: Timer | None = None

    def set(self, moment: float) -> None:
        """Not later than at `moment`."""
        if self._timer is not None:
            if self._timer.moment <= moment:
                return
            self._timer.cancel()
        self._timer = self._loop.at(moment, self._ring)

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        self._work()
