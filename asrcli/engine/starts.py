"""When a session may begin: evenly, as --starts-per-minute says, or as the allowance of the account lets it.

Further tries are sessions too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from asrcli.engine.allowance import SETTLE_S, Allowance
from asrcli.system.moments import Alarm, HasMoments, Timer, Work

# What waits for less needs no word.
_LONG_S = 5.0


class Ticket(Protocol):
    """What a session has that asked for its start. For the loop's thread."""

    @property
    def notice(self) -> tuple[str, str] | None:
        """Message and hint where its turn is far away and nobody was told so yet."""

    def arrived(self) -> None:
        """The service has begun the session."""

    def cancel(self) -> None:
        """The session is given up; harmless where it is over."""


class Starts(Protocol):
    """Whom sessions ask before they begin."""

    def ask(self, go: Callable[[], None]) -> Ticket:
        """Have `go` called when the session may connect: later, and on the loop's thread, for which this is."""


class Turns(HasMoments, Protocol):
    """A loop, for what is to be done on its thread."""

    def now(self) -> float: ...
    def call(self, work: Work) -> None: ...


@dataclass(frozen=True, slots=True)
class _Turn:
    timer: Timer
    notice: tuple[str, str] | None

    def arrived(self) -> None:
        """Nobody else waits for that."""

    def cancel(self) -> None:
        self.timer.cancel()


class EvenStarts:
    """Gives each session its moment: evenly, because some limits hold for each second."""

    def __init__(self, per_minute: int, loop: Turns) -> None:
        self._per_minute = per_minute
        self._loop = loop
        self._next_at = loop.now()
        self._has_told = False

    def ask(self, go: Callable[[], None]) -> Ticket:
        now = self._loop.now()
        at = max(now, self._next_at)
        self._next_at = at + 60.0 / self._per_minute
        return _Turn(self._loop.at(at, go), self._notice(at - now))

    def _notice(self, wait_s: float) -> tuple[str, str] | None:
        if wait_s < _LONG_S or self._has_told:
            return None
        self._has_told = True
        return (
            f"a start waits {wait_s:.0f} s for its turn",
            f"--starts-per-minute {self._per_minute} is one in {60 / self._per_minute:.3g} s",
        )


class AllowedStarts:
    """The starts of all sources that run on one loop, as `allowance` gives them."""

    def __init__(self, allowance: Allowance, loop: Turns) -> None:
        self._allowance = allowance
        self._loop = loop
        # Further tries that wait.
        self._waiting: dict[int, Callable[[], None]] = {}
        self._alarm = Alarm(loop, self.look)

    def of(self, source: int) -> Starts:
        """What the sessions of `source` ask, of which the first one has its start by `Allowance.take`."""
        return _StartsOf(self, source)

    def look(self) -> None:
        """See who may begin by now, and when to look again. For the loop's thread."""
        for source in self._allowance.due():
            self._loop.call(self._waiting.pop(source))
        if self._waiting and (moment := self._allowance.next_at()) is not None:
            self._alarm.set(moment)

    def begin(self, go: Callable[[], None]) -> None:
        """Whose start is there already."""
        self._loop.call(go)

    def begin_in_turn(self, source: int, go: Callable[[], None]) -> None:
        """Whose start has to come."""
        self._waiting[source] = go
        self._allowance.further(source)
        self.look()

    def arrived(self, source: int, *, surely: bool) -> None:
        """The start of `source` has reached the service; or it does not matter any more whether it will."""
        self._waiting.pop(source, None)
        self._allowance.arrived(source, self._loop.now() + (0.0 if surely else SETTLE_S))
        self.look()


class _StartsOf:
    """Those of one source."""

    def __init__(self, all_: AllowedStarts, source: int) -> None:
        self._all = all_
        self._source = source
        self._has_start = True

    def ask(self, go: Callable[[], None]) -> Ticket:
        if self._has_start:
            self._has_start = False
            self._all.begin(go)
        else:
            self._all.begin_in_turn(self._source, go)
        return _Allowed(functools.partial(self._all.arrived, self._source))


class _Allowed:
    notice = None

    def __init__(self, tell: Callable[..., None]) -> None:
        self._tell: Callable[..., None] | None = tell

    def arrived(self) -> None:
        self._settle(surely=True)

    def cancel(self) -> None:
        self._settle(surely=False)

    def _settle(self, *, surely: bool) -> None:
        tell, self._tell = self._tell, None
        if tell is not None:
            tell(surely=surely)
