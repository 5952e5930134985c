"""The only place that asks what time it is. Everything else is handed a Clock, and tests hand it their own."""

from __future__ import annotations

import math
import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Monotonic seconds, and a wait that can be cut short."""

    def now(self) -> float:
        """Seconds since an arbitrary start; never goes back."""
        ...

    def wait_until(self, moment: float, wake: threading.Event) -> bool:
        """Wait until `moment` on this clock or until `wake` is set; True if it was set."""
        ...


class SystemClock:
    """The machine's monotonic clock."""

    # Nothing around it: each chunk and each result asks several times.
    now = staticmethod(time.monotonic)

    def wait_until(self, moment: float, wake: threading.Event) -> bool:
        remaining = moment - time.monotonic()
        return wake.wait(remaining) if remaining > 0 else wake.is_set()


def cpu_s() -> float:
    """Seconds of processor time that this process has used so far, in all its threads."""
    return time.process_time()


class Deadline:
    """A moment in the future, made once and asked again and again, so that waits do not add up."""

    __slots__ = ("_clock", "at", "length_s")

    def __init__(self, clock: Clock, length_s: float) -> None:
        self._clock = clock
        self.length_s = length_s
        self.at = clock.now() + length_s

    def remaining_s(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self.at - self._clock.now())

    def passed(self) -> bool:
        return self._clock.now() >= self.at


def next_multiple(moment: float, step_s: float) -> float:
    """The first multiple of `step_s` from `moment` on. Those who ask for about the same moment get the same one."""
    return math.ceil(moment / step_s) * step_s


def date_and_time() -> str:
    """The wall clock's date and time in ISO 8601, with milliseconds and the offset from UTC."""
    from datetime import UTC, datetime

    return datetime.now(UTC).astimezone().isoformat(timespec="milliseconds")


def stamp() -> str:
    """The wall clock's date and time in the form of a file's name, such as 20261121-094412."""
    return time.strftime("%Y%m%d-%H%M%S")


def utc_stamp() -> str:
    """The wall clock's date and time in UTC, to the microsecond, in letters that sort: 20261121T094412000317Z."""
    from datetime import UTC, datetime

    return datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
