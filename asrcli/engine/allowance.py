"""What an account allows: how many recognitions at once, and how many starts in a second. For one process or many.

**Never more starts than N in any second, at the service.** A start is given here at g, reaches the service at s, and is
known to have reached it at a, so g ≤ s ≤ a: what the service answers it was asked before. It counts from g until a + 1.
Take any second at the service, and s' of the last start in it: each start in that second has g ≤ s ≤ s', and, since it
is no older than a second, s' < s + 1 ≤ a + 1. So all of them count here at s', and here no more than N ever count. It
is the best that can be done with what is known: were fewer than all of them counted, they might fall into one second.
The price: N starts take a second and the way to the service and back. Of N in a minute the same holds with 60 s.

**Never more at once than there are slots**: a source has its slot before its first start, and until its last session is
over at the service; where we cannot know that, because it did not say so, for SETTLE_S longer. What a link that broke
has left behind over there is not seen from here.

**Never stuck**: what is given is given back, by `over` or `returned` at the latest; a pause ends; there is always one
slot and one start in a second.
"""

from __future__ import annotations

import heapq
import math
import re
import threading
from dataclasses import dataclass

from asrcli.system.clock import Clock
from asrcli.values.errors import UsageError

SETTLE_S = 2.0
"""What was sent, and not answered when we gave it up, has reached the service within so many seconds, or never will."""

# A service that was full is asked again for a little more after each that went well, and every so often: for so much
# of the whole the first time, twice as much the second, and so on.
_GROW_S = 5.0
_GROWTH = 0.05
_BOLDER = 4.0
_SLOWER = 0.8
# What is refused may be too many at once as well as too fast: being slower than this would not help.
_SLOWEST = 0.25
# Clocks of two machines go differently, by less than this.
_CLOCKS = 1.001

_RATE = re.compile(r"(?P<starts>[1-9][0-9]{0,5})/(?P<unit>s|min)")
_UNITS = {"s": 1, "min": 60}


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `starts` in any stretch of so many `seconds`."""

    starts: int
    seconds: int = 1

    def __str__(self) -> str:
        return f"{self.starts}/{next(unit for unit, seconds in _UNITS.items() if seconds == self.seconds)}"


def parse_rate(text: str) -> Rate:
    """What "20/s" or "600/min" says. Raises UsageError for anything else."""
    found = _RATE.fullmatch(text)
    if found is None:
        raise UsageError(
            f"--rate {text} is neither so many starts in a second or a minute nor a sample rate",
            hint=f"so many starts in a second are {text}/s, and a sample rate is 1000 Hz at least"
            if _RATE.fullmatch(f"{text}/s")
            else "such as 20/s, 600/min, or 16000 for raw audio",
        )
    return Rate(int(found["starts"]), _UNITS[found["unit"]])


class Allowance:
    """Who may start now. Sources are numbers. Nothing here waits; for any thread.

    `slots`: sources at once. `rate`: starts, further tries among them; None for any number.
    """

    def __init__(self, clock: Clock, slots: int, rate: Rate | None = None) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self.slots = slots
        self.rate = rate
        self._window_s = 0.0 if rate is None else rate.seconds * _CLOCKS
        # Who has a slot, and when those come free that nobody has any more.
        self._held: set[int] = set()
        self._freed_at: list[float] = []
        # Whose start is on its way, since when, and until when the others count.
        self._given: dict[int, float] = {}
        self._counts_until: list[float] = []
        # Further tries that wait, in their order.
        self._further: dict[int, None] = {}
        self._paused_until = clock.now()
        # What the service bears, as far as it has let us know.
        self._limit = float(slots)
        self._pace = 0.0 if rate is None else float(rate.starts)
        # How much more is tried after each that went well: less, when the last attempt was too much, until it is long
        # ago.
        self._step = 1.0
        self._grown_at = self._paused_until
        self._grown = 0
        # Whether it has refused all that has begun since it was last asked for less.
        self._refuses = False

    @property
    def limit(self) -> int:
        """How many may run at once, as far as the service has let us know."""
        with self._lock:
            self._settle()
            return int(self._limit)

    def take(self, source: int) -> bool:
        """A slot and a start for `source`, if both are there now; those who wait for a further one come first."""
        with self._lock:
            now = self._settle()
            if now < self._paused_until or self._lacks_slots() or self._lacks_starts():
                return False
            self._held.add(source)
            self._give(source, now)
            return True

    def further(self, source: int) -> None:
        """`source`, which has its slot, wants to start once more; see `due`."""
        with self._lock:
            if source in self._given:
                # The one before was given up, and nobody has said so.
                self._reached(source, self._clock.now() + SETTLE_S)
            self._further[source] = None

    def due(self) -> list[int]:
        """Those who may start once more now, in the order in which they asked: each has its start by this."""
        with self._lock:
            now = self._settle()
            if not self._further or now < self._paused_until:
                return []
            most = len(self._further) if self.rate is None else int(self._pace) - self._counting()
            granted = list(self._further)[: max(0, most)]
            for source in granted:
                del self._further[source]
                self._give(source, now)
            return granted

    def arrived(self, source: int, at: float | None = None) -> None:
        """The start of `source` has surely reached the service, or come to nothing, by the moment `at` [now].

        It may lie in the future, where that is not known for sure. Harmless where no start is on its way.
        """
        with self._lock:
            now = self._clock.now()
            self._further.pop(source, None)
            if (at is None or at <= now) and self._given.get(source, -math.inf) >= self._paused_until:
                self._refuses = False
            self._reached(source, now if at is None else at)

    def unused(self, source: int) -> None:
        """The start of `source` has not left, and will not."""
        with self._lock:
            self._given.pop(source, None)

    def over(self, source: int, at: float | None = None) -> None:
        """`source` has come to its end: its slot is free from the moment `at` on [now]."""
        with self._lock:
            self._settle()
            self._let_go(source, at)
            self._refuses = self._refuses and self.rate is not None
            self._grow(self._step)

    def returned(self, source: int, at: float | None = None) -> None:
        """`source` gives its slot back without having come to its end; see `over`."""
        with self._lock:
            self._let_go(source, at)

    def throttled(self, source: int, wait_s: float) -> None:
        """The service, full, has refused `source`: all wait for so long, and then it is asked for less.

        Beside those that it bears now, it bears no more.
        """
        with self._lock:
            now = self._settle()
            # Those that are refused at the same time tell the same thing, and as long as all are.
            if now >= self._paused_until and not self._refuses:
                if self._limit < self.slots:
                    self._step = max(self._step / 2, 1 / self._limit)
                if self.rate is not None:
                    self._pace = max(1.0, self.rate.starts * _SLOWEST, self._pace * _SLOWER)
            others = len(self._held) - (source in self._held)
            self._limit = max(1.0, min(self._limit, others))
            self._paused_until = self._grown_at = max(self._paused_until, now + wait_s)
            self._refuses, self._grown = True, 0

    def next_at(self) -> float | None:
        """When more may be possible without anything being told here; None where nothing changes by itself."""
        with self._lock:
            now = self._settle()
            if now < self._paused_until:
                return self._paused_until
            moments = []
            if self._lacks_starts():
                is_slow = self.rate is not None and self._pace < self.rate.starts
                moments.append(self._soonest(self._counts_until, grows=is_slow))
            if self._lacks_slots() and not self._further:
                moments.append(self._soonest(self._freed_at, grows=self._limit < self.slots))
            # Where both are wanting, the later one.
            moment = max(moments, default=math.inf)
            return None if moment == math.inf else moment

    def _lacks_slots(self) -> bool:
        return len(self._held) + len(self._freed_at) >= int(self._limit)

    def _lacks_starts(self) -> bool:
        return self.rate is not None and self._counting() + len(self._further) >= int(self._pace)

    def _counting(self) -> int:
        return len(self._given) + len(self._counts_until)

    def _soonest(self, moments: list[float], *, grows: bool) -> float:
        """When there may be one more; infinity where that depends on what is told."""
        return min([*moments[:1], *([self._grown_at + _GROW_S] if grows else ())], default=math.inf)

    def _give(self, source: int, now: float) -> None:
        if self.rate is not None:
            self._given[source] = now

    def _reached(self, source: int, at: float) -> None:
        if self._given.pop(source, None) is not None:
            heapq.heappush(self._counts_until, at + self._window_s)

    def _let_go(self, source: int, at: float | None) -> None:
        now = self._clock.now()
        self._further.pop(source, None)
        self._reached(source, now if at is None else at)
        if source in self._held:
            self._held.discard(source)
            if at is not None and at > now:
                heapq.heappush(self._freed_at, at)

    def _settle(self) -> float:
        """See to what time has brought; now."""
        now = self._clock.now()
        for moments in (self._counts_until, self._freed_at):
            while moments and moments[0] <= now:
                heapq.heappop(moments)
        if now >= self._grown_at + _GROW_S:
            grows = max(1, int((now - self._grown_at) / _GROW_S))
            self._grown_at += grows * _GROW_S
            for _ in range(min(grows, 100)):
                self._grown += 1
                self._grow(self._step * max(1.0, self.slots * _GROWTH * self._grown))
                self._step = min(self._step * _BOLDER, 1.0)
                if self.rate is not None:
                    self._pace = min(self._pace + self.rate.starts * _GROWTH * self._grown, self.rate.starts)
        return now

    def _grow(self, step: float) -> None:
        self._limit = min(self._limit + step, self.slots)
        if self._limit == self.slots:
            self._step = 1.0
