"""Sessions that begin no faster than an account allows."""

from __future__ import annotations

from asrcli.system.clock import Clock

# What waits for less needs no word.
_LONG_S = 5.0


class Starts:
    """Gives each session its moment: evenly, because some limits hold for each second. For one thread.

    Further tries are sessions too.
    """

    def __init__(self, per_minute: int, clock: Clock) -> None:
        self._per_minute = per_minute
        self._clock = clock
        self._next_at = clock.now()
        self._has_told = False

    def take(self) -> tuple[float, tuple[str, str] | None]:
        """How many seconds the next session has to wait; message and hint the first time that this is long."""
        now = self._clock.now()
        at = max(now, self._next_at)
        self._next_at = at + 60.0 / self._per_minute
        wait_s = at - now
        if wait_s < _LONG_S or self._has_told:
            return wait_s, None
        self._has_told = True
        return wait_s, (
            f"a start waits {wait_s:.0f} s for its turn",
            f"--starts-per-minute {self._per_minute} is one in {60 / self._per_minute:.3g} s",
        )
