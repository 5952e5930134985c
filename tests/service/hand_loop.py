"""A loop that moves only when told to, and the two ends of a stream for what is tested on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec

from asrcli.system.moments import Moments, Work
from tests.support.fakes import FakeClock

P = ParamSpec("P")


class HandLoop:
    """Moments by an own clock, calls when asked for; no sockets."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self._moments = Moments(self.clock)
        self._calls: list[Work] = []
        self.now = self.clock.now
        self.at = self._moments.at

    def call(self, work: Work) -> None:
        self._calls.append(work)

    def guarded(self, work: Callable[P, object]) -> Callable[P, object]:
        """Nothing is caught: what breaks shows in the test."""
        return work

    def advance(self, seconds: float) -> None:
        """Let time pass, timer by timer."""
        end = self.clock.time + seconds
        while (moment := self._moments.next()) <= end + 1e-9:
            self.clock.time = max(self.clock.time, moment)
            self._moments.do_what_is_due()
        self.clock.time = end


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
