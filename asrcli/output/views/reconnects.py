"""What of the reconnects of many sources is news: an outage meets all of them, again and again, for one reason."""

from __future__ import annotations

from asrcli.values.events import Event, Reconnecting, SessionStarted


class ReconnectNews:
    """Each reason is news once, until a session starts again; a service that has too much to do is so once in a run."""

    def __init__(self) -> None:
        self._reasons: set[str] = set()
        self._is_full = False

    def of(self, event: Event) -> Reconnecting | None:
        """`event`, where it is to be told. Wants to see all events of all sources."""
        if isinstance(event, SessionStarted):
            self._reasons.clear()
        if not isinstance(event, Reconnecting) or event.is_told:
            return None
        # While some wait for their turn, sessions of others start all the time.
        is_known = self._is_full if event.throttled else event.reason in self._reasons
        if event.throttled:
            self._is_full = True
        else:
            self._reasons.add(event.reason)
        return None if is_known else event
