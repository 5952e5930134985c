"""Whether the network carries sound as fast as it is spoken."""

from __future__ import annotations

from typing import Protocol

# Sound that waits for a moment is none of anybody's business: a burst, a pause of the network.
_PATIENCE_S = 10.0
# Of real time: the last hundredths are within what is measured here.
_ENOUGH = 0.95


class Carrier(Protocol):
    """What carries the sound; see Session."""

    @property
    def is_held_up(self) -> bool: ...
    @property
    def carried_ms(self) -> int: ...


class Uplink:
    """Measures while sound waits for room in the network, and says once that there is too little of it.

    `keep_s` is how long sound may wait before it is lost, None where it can wait for ever.
    """

    def __init__(self, keep_s: float | None) -> None:
        self._keep_s = keep_s
        self._since: tuple[float, int] | None = None
        self._has_told = False

    def observe(self, now: float, carrier: Carrier, has_unsent: bool) -> tuple[str, str] | None:
        """Message and hint, once, where what got through has been less than real time for a while; else None."""
        if self._has_told or not (carrier.is_held_up and has_unsent):
            self._since = None
            return None
        carried_ms = carrier.carried_ms
        if self._since is None or carried_ms < self._since[1]:
            # Also where a new session begins anew.
            self._since = now, carried_ms
        began, from_ms = self._since
        if now - began < _PATIENCE_S:
            return None
        share = (carried_ms - from_ms) / ((now - began) * 1000)
        self._since = None
        self._has_told = share < _ENOUGH
        return self._words(share) if self._has_told else None

    def _words(self, share: float) -> tuple[str, str]:
        hint = "a faster network helps, or fewer bytes: --send opus sends a tenth"
        if self._keep_s is not None:
            hint += f"; sound that has waited for {self._keep_s:g} s is lost (--max-outage, --save-audio)"
        return f"the network, or the service, takes {share:.0%} of the sound in real time: results come late", hint
