"""Whether another try at a session is worth it, and when."""

from __future__ import annotations

from asrcli.system.clock import Clock, Deadline
from asrcli.values.errors import AsrcliError, LinkError, ProtocolViolation, ServiceTimeout, Shortage
from asrcli.wire.retry import Retry

# A session that has lived this long was a good one: what ends it is a new trouble, with tries of its own.
_PROVEN_S = 30.0


class Attempts:
    """The tries of one transcription."""

    def __init__(self, retry: Retry, clock: Clock) -> None:
        self._retry = retry
        self._clock = clock
        self._proven_at: Deadline | None = None
        self.count = 0
        """Tries since the last success."""
        self._waited_s = 0.0
        self.was_ready = False
        """Whether the service has ever been ready for audio."""
        self._was_reached = False

    def reached(self) -> None:
        """A connection stands: the address is right."""
        self._was_reached = True

    def ready(self) -> None:
        """The service takes audio."""
        self.was_ready = True
        self._proven_at = Deadline(self._clock, _PROVEN_S)

    def progressed(self) -> None:
        """The service has delivered."""
        self.count, self._waited_s = 0, 0.0

    def failed(self, error: AsrcliError) -> Deadline | None:
        """When to try again after `error`; None where that is no use.

        A service that could never be reached is more likely a wrong address than a fault that passes.
        """
        if self._proven_at is not None and self._proven_at.passed():
            self.progressed()
        self._proven_at = None
        if not error.retryable or self._is_unreachable(error) or self.count >= self._retry.tries:
            return None
        wait_s = self._retry.wait_s(self.count + 1, error, self._waited_s)
        if wait_s is None:
            return None
        self.count += 1
        self._waited_s += wait_s
        return Deadline(self._clock, wait_s)

    def _is_unreachable(self, error: AsrcliError) -> bool:
        if self.was_ready:
            return False
        if isinstance(error, LinkError):
            return not error.refused and not self._was_reached
        # Nonsense from the very first is the wrong address too; later it is a stray page of a gateway.
        return isinstance(error, ServiceTimeout | ProtocolViolation | Shortage)
