"""How often to try once more, and how long to wait before."""

from __future__ import annotations

import random
from dataclasses import dataclass

from asrcli.values.errors import AsrcliError


@dataclass(frozen=True, slots=True)
class Retry:
    """Exponential backoff with jitter: at most `tries` in a row, each wait between half and all of the doubled one.

    As they stand here, they bridge an outage of about three minutes. Jitter keeps many clients that lost the same
    service from coming back in the same moment. `bridge_s` bounds what the service may ask for with Retry-After, in all
    tries of a row together.
    """

    tries: int = 12
    first_s: float = 0.5
    longest_s: float = 30.0
    bridge_s: float = 180.0

    def wait_s(self, attempt: int, error: AsrcliError, waited_s: float = 0.0) -> float | None:
        """Seconds to wait before try number `attempt`, counted from 1, after `waited_s` before the tries of this row.

        The service's own wish outranks ours; None where it asks for more when all has been waited already.
        """
        if error.retry_after_s is not None:
            left_s = self.bridge_s - waited_s
            return min(error.retry_after_s, left_s) if left_s > 0 else None
        bound_s = min(self.longest_s, self.first_s * 2.0 ** (attempt - 1))
        return random.uniform(bound_s / 2, bound_s)
