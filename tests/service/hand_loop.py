"""A loop that moves only when told to, and the two ends of a stream for what is tested on it."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import ParamSpec

from asrcli.service.wire.loop import Timer, Work

P = ParamSpec("P")


class HandLoop:
    """Timers by an own clock, posted work when asked for; no sockets."""

    def __init__(self) -> None:
        self.time = 1000.0
        self._timers: list[tuple[float, int, Timer]] = []
        self._posted: list[Work] = []
        self._set = 0

    def now(self) -> float:
        return self.time

    def at(self, moment: float, work: Work) -> Timer:
        self._set += 1
        timer = Timer(moment, work)
        heapq.heappush(self._timers, (moment, self._set, timer))
        return timer

    def post(self, work: Work) -> None:
        self._posted.append(work)

    def guarded(self, work: Callable[P, object]) -> Callable[P, object]:
        """Nothing is caught: what breaks shows in the test."""
        return work

    def run_posted(self) -> None:
        posted, self._posted = self._posted, []
        for work in posted:
            work()

    def advance(self, seconds: float) -> None:
        """Let time pass, timer by timer."""
        end = self.time + seconds
        while self._timers and self._timers[0][0] <= end + 1e-9:
            moment, _, timer = heapq.heappop(self._timers)
            self.time = max(self.time, moment)
            timer.fire()
        self.time = end


class Recorder:
    """A stream, and a listener, that note what is done to them and when."""

    def __init__(self, now: Callable[[], float] = lambda: 0.0) -> None:
        self._now, self._start = now, now()
        self.log: list[tuple[int, str]] = []
        self.written = b""
        self.listener = self

    def _note(self, what: str) -> None:
        self.log.append((round((self._now() - self._start) * 1000), what))

    def open(self, listener: Recorder) -> None:
        self.listener = listener

    def write(self, data: bytes) -> None:
        self.written += data
        self._note(f"write {len(data)}")

    def received(self, data: bytes) -> None:
        self._note(f"received {len(data)}")

    def ended(self) -> None:
        self._note("ended")

    def finish(self) -> None:
        self._note("finish")

    def close(self) -> None:
        self._note("close")

    def reset(self) -> None:
        self._note("reset")

    def cut(self) -> None:
        self._note("cut")

    def hold(self) -> None:
        self._note("hold")

    def go_on(self) -> None:
        self._note("go on")

    def deafen(self) -> None:
        self._note("deafen")
