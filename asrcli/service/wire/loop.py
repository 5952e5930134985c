"""The thread that serves everyone: sockets that are ready, moments that have come, work that other threads post.

What it calls must not wait for anything. It knows nothing of what it serves. What is raised here is a bug: it ends the
thread, unless it was raised for one client, and then that client alone is concerned.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, ParamSpec

from asrcli.system.clock import Clock
from asrcli.system.wakeup import Wakeup

P = ParamSpec("P")

Work = Callable[[], object]
OnReady = Callable[[int], object]
"""Called with what a socket is ready for: selectors.EVENT_READ, EVENT_WRITE, or both."""

# epoll counts in whole milliseconds, and selectors rounds up.
_TICK_S = 0.001
# A round for one socket costs nearly as much as one for ten. Where there are many, a millisecond's worth of them is let
# gather: that saves a third of the time with a thousand streams, and nobody notices a result that comes 1 ms later.
_MANY = 200
_GATHER_S = 0.001


class Timer:
    """Something to be done at a moment on the loop's clock."""

    __slots__ = ("_work", "moment")

    def __init__(self, moment: float, work: Work) -> None:
        self.moment = moment
        self._work: Work | None = work

    def cancel(self) -> None:
        self._work = None

    def cancelled(self) -> bool:
        return self._work is None

    def fire(self) -> None:
        if self._work is not None:
            self._work()


class Loop:
    """`run` is called by one thread; `post` and `stop` by any; everything else by what `run` calls, or before it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Timer]] = []
        # Timers of the same moment fire in the order in which they were set.
        self._order = itertools.count()
        self._posted: deque[Work] = deque()
        self._thread: int | None = None
        self._stopping = False
        self._wakeup = Wakeup()
        self.watch(self._wakeup.descriptor, selectors.EVENT_READ, lambda _: self._wakeup.drain())

    def now(self) -> float:
        """Seconds on the loop's clock."""
        return self._clock.now()

    def at(self, moment: float, work: Work) -> Timer:
        """Call `work` at that moment, within about 0.1 ms if nothing keeps the loop busy."""
        timer = Timer(moment, work)
        heapq.heappush(self._timers, (moment, next(self._order), timer))
        return timer

    def post(self, work: Work) -> None:
        """Call `work` soon, after what was posted before."""
        self._posted.append(work)
        if threading.get_ident() != self._thread:
            self._wakeup.ring()

    def stop(self) -> None:
        """Let `run` return when what was posted before is done."""
        self.post(self._stop)

    def watch(self, readable: Any, events: int, on_ready: OnReady) -> None:
        """Call `on_ready` whenever the socket or descriptor is ready for one of `events`, until `unwatch`."""
        try:
            self._selector.modify(readable, events, on_ready)
        except KeyError:
            self._selector.register(readable, events, on_ready)

    def unwatch(self, readable: Any) -> None:
        """Harmless where it is not watched."""
        with contextlib.suppress(KeyError):
            self._selector.unregister(readable)

    def run(self) -> None:
        """Serve until `stop`."""
        self._thread = threading.get_ident()
        try:
            while not self._stopping:
                for key, events in self._ready():
                    key.data(events)
                # After the sockets: what a client has sent in time counts, however late we come to it.
                self._fire_timers()
                for _ in range(len(self._posted)):
                    self._posted.popleft()()
        finally:
            with contextlib.suppress(OSError):
                self._selector.close()
            self._wakeup.close()

    def _stop(self) -> None:
        self._stopping = True

    def _ready(self) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for sockets, a timer, or what others post."""
        ready = self._selector.select(self._patience_s())
        if len(ready) == 1 and len(self._selector.get_map()) > _MANY:
            time.sleep(_GATHER_S)
            ready = self._selector.select(0)
        return ready

    def _patience_s(self) -> float | None:
        """How long to wait for a socket; the last fraction of a millisecond before a timer is slept through."""
        if self._posted:
            return 0
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        if not self._timers:
            return None
        left_s = self._timers[0][0] - self._clock.now()
        if left_s > _TICK_S:
            return left_s - _TICK_S
        if left_s > 0:
            time.sleep(left_s)
        return 0

    def _fire_timers(self) -> None:
        if not self._timers:
            return
        now = self._clock.now()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2].fire()


class Share:
    """The loop as one client has it: whatever its work raises is handed to `broke`, and is nobody else's trouble."""

    def __init__(self, loop: Loop, broke: Callable[[Exception], None]) -> None:
        self._loop = loop
        self._broke = broke
        self.now = loop.now
        self.unwatch = loop.unwatch

    def at(self, moment: float, work: Work) -> Timer:
        return self._loop.at(moment, self.guarded(work))

    def post(self, work: Work) -> None:
        self._loop.post(self.guarded(work))

    def watch(self, readable: Any, events: int, on_ready: OnReady) -> None:
        self._loop.watch(readable, events, self.guarded(on_ready))

    def guarded(self, work: Callable[P, object]) -> Callable[P, None]:
        """`work`, as it is called here."""

        def do(*arguments: P.args, **named: P.kwargs) -> None:
            try:
                work(*arguments, **named)
            except Exception as error:
                self._broke(error)

        return do
