"""Whether the network carries sound as fast as it is spoken, and what becomes of the sound where it does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from asrcli.values.sound import OPUS

# Sound that waits for a moment is none of anybody's business: a burst, a pause of the network.
_PATIENCE_S = 10.0
# Of real time: the last hundredths are within what is measured here.
_ENOUGH = 0.95
# So much sound that waits is more than a moment's, if there is half as much less of it at some time before: what has
# gathered while there was no connection says nothing of the network.
_LAG_MS = 2000
# What waits is asked of the system: not with each chunk.
_LOOK_S = 0.25


class Economy:
    """Whether sound goes over as Opus that began as PCM: since a source of the run lagged behind, and for good.

    Shared by all sources of a run: the sessions of any of them that begin later begin with it. `pace` is that of the
    sound, 1.0 in real time: of what comes faster more is on its way.
    """

    def __init__(self, pace: float) -> None:
        self.is_on = False
        self.pace = max(1.0, pace)
        self.lag_ms = _LAG_MS * self.pace


class Carrier(Protocol):
    """What carries the sound; see Session."""

    @property
    def is_held_up(self) -> bool: ...
    @property
    def carried_ms(self) -> int: ...


class Gathered(Protocol):
    """The sound that is there to be carried; see Tape."""

    @property
    def end_ms(self) -> int: ...
    @property
    def has_unread(self) -> bool: ...


class Uplink:
    """Measures while sound waits for room in the network, and says once that there is too little of it.

    `keep_s` is how long sound may wait before it is lost, None where it can wait for ever. With an `economy` a session
    that sends PCM and lags behind is to be followed by one that sends Opus. `notice` gets a message and a hint.
    """

    def __init__(self, keep_s: float | None, economy: Economy | None, notice: Callable[[str, str], None]) -> None:
        self._keep_s = keep_s
        self._economy = economy
        self._notice = notice
        self._can_go_over = economy is not None and not economy.is_on
        self._least_ms: int | None = None
        self._look_at = 0.0
        self._since: tuple[float, int] | None = None
        self._has_told = False

    @property
    def begun_with(self) -> str | None:
        """The encoding that the session has because another source lagged behind before; None where it is the usual."""
        return OPUS if self._economy is not None and not self._can_go_over else None

    def begin(self) -> str | None:
        """What is observed from now on is another session, which is about to be made.

        Returns its encoding where that is not the one before's: another source may have lagged behind meanwhile.
        """
        could_go_over = self._can_go_over
        self._can_go_over = self._economy is not None and not self._economy.is_on
        self._least_ms = self._since = None
        return OPUS if could_go_over and not self._can_go_over else None

    def observe(self, now: float, carrier: Carrier, sound: Gathered) -> bool:
        """Whether another session is to follow at once, in fewer bytes. Tells what there is to be told."""
        if self._economy is not None and self._can_go_over:
            if now < self._look_at:
                return False
            self._look_at = now + _LOOK_S
            return self._is_too_slow(self._economy, now, carrier, sound)
        if not self._has_told:
            share = self._share(now, carrier, sound)
            if share is not None and share < _ENOUGH:
                self._has_told = True
                self._notice(*self._words(share))
        return False

    def _is_too_slow(self, economy: Economy, now: float, carrier: Carrier, sound: Gathered) -> bool:
        waiting_ms = sound.end_ms - carrier.carried_ms
        share = self._share(now, carrier, sound)
        # A file is read no further ahead: behind what has gathered once, the sound that waits does not grow.
        falls_short = waiting_ms >= _LAG_MS and share is not None and share < _ENOUGH * economy.pace
        if not (falls_short or self._lags(economy, waiting_ms)):
            return False
        if not economy.is_on:
            economy.is_on = True
            self._notice(
                f"the network is too slow for PCM: {waiting_ms / 1000:.1f} s of sound wait; it goes over as Opus now",
                "--send opus begins with that",
            )
        return True

    def _lags(self, economy: Economy, waiting_ms: int) -> bool:
        self._least_ms = waiting_ms if self._least_ms is None else min(waiting_ms, self._least_ms)
        return waiting_ms >= economy.lag_ms and waiting_ms - self._least_ms >= economy.lag_ms / 2

    def _share(self, now: float, carrier: Carrier, sound: Gathered) -> float | None:
        """How much of real time got through while sound waited for so long that it is no moment; else None."""
        if not (carrier.is_held_up and sound.has_unread):
            self._since = None
            return None
        carried_ms = carrier.carried_ms
        if self._since is None or carried_ms < self._since[1]:
            # Also where a new session begins anew.
            self._since = now, carried_ms
        began, from_ms = self._since
        if now - began < _PATIENCE_S:
            return None
        self._since = None
        return (carried_ms - from_ms) / ((now - began) * 1000)

    def _words(self, share: float) -> tuple[str, str]:
        hint = "a faster network helps, or fewer bytes: --send opus sends a tenth"
        if self._keep_s is not None:
            hint += f"; sound that has waited for {self._keep_s:g} s is lost (--max-outage, --save-audio)"
        return f"the network, or the service, takes {share:.0%} of the sound in real time: results come late", hint
