"""What a crew has to tell, gathered: what others wait for goes at once, all else some times a second.

For the thread of the crew's loop.
"""

from __future__ import annotations

from collections.abc import Callable

from asrcli.fleet.messages import FromCrew, Told, pack
from asrcli.system.loop import Loop
from asrcli.system.moments import Alarm
from asrcli.values.events import AudioSent, Event, PartialResult

# How long what happens meanwhile may wait for more of its kind.
_GATHER_S = 0.1
# Of these only the last one is of interest, for each source.
_LATEST = (AudioSent, PartialResult)


class Mail:
    """Hands bytes to `post`."""

    def __init__(self, loop: Loop, post: Callable[[bytes], None]) -> None:
        self._loop = loop
        self._post = post
        self._gathered: list[FromCrew] = []
        self._live: dict[int, list[Event]] = {}
        self._alarm = Alarm(loop, self.send)
        self._is_due = False

    def tell(self, said: FromCrew) -> None:
        """With all that was told before, as soon as what happens now is over."""
        self._gather()
        self._gathered.append(said)
        if not self._is_due:
            self._is_due = True
            self._loop.call(self.send)

    def happened(self, ticket: int, event: Event) -> None:
        """In its time."""
        events = self._live.setdefault(ticket, [])
        if isinstance(event, _LATEST):
            events[:] = [before for before in events if type(before) is not type(event)]
        events.append(event)
        self._alarm.set(self._loop.now() + _GATHER_S)

    def forget(self, ticket: int) -> None:
        """Nothing more of it is told."""
        self._live.pop(ticket, None)

    def send(self) -> None:
        self._is_due = False
        self._alarm.cancel()
        self._gather()
        said, self._gathered = self._gathered, []
        if said:
            self._post(pack(said))

    def _gather(self) -> None:
        self._gathered += [Told(ticket, tuple(events)) for ticket, events in self._live.items()]
        self._live.clear()
