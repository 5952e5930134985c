"""What the head knows of the attempts that go on at its crews, and of those that came to nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from asrcli.fleet.manifest import Row
from asrcli.fleet.messages import Opened
from asrcli.system.clock import Clock
from asrcli.values.events import AudioFinished, AudioSent, Event, SessionStarted


@dataclass(slots=True)
class Running:
    """An attempt at source `number`. `sent_ms`: what it had sent at `sent_at`, as far as it has told."""

    ticket: int
    number: int
    worker: str
    sent_ms: int = 0
    sent_at: float = 0.0
    has_started: bool = False
    is_told_to_stop: bool = False


class Attempts:
    """Those of a run at pace `speed`; None is as fast as it goes."""

    def __init__(self, speed: float | None, clock: Clock) -> None:
        self._speed = speed
        self._clock = clock
        self._running: dict[int, Running] = {}
        self._tickets: dict[int, int] = {}
        self._next = 0
        # What was told of the sources that are not over.
        self._shown: dict[int, Opened] = {}
        # What lost attempts had sent, by the number of the source; and what of it is not sent once more yet.
        self._lost_ms: dict[int, int] = {}
        self._to_resend_ms: dict[int, int] = {}
        self.resent_ms = 0
        """Sound that went over, or may have gone over, and had to go once more, in all."""

    def __len__(self) -> int:
        return len(self._running)

    def __iter__(self) -> Iterator[Running]:
        return iter([*self._running.values()])

    def at(self, worker: str) -> list[Running]:
        """Those of one worker."""
        return [running for running in self if running.worker == worker]

    def get(self, ticket: int) -> Running | None:
        return self._running.get(ticket)

    def of(self, number: int) -> Running | None:
        """The one at that source; None where none goes on."""
        return self._running.get(self._tickets.get(number, -1))

    def begin(self, number: int, worker: str) -> Running:
        """A further one."""
        self._next += 1
        running = self._running[self._next] = Running(self._next, number, worker, sent_at=self._clock.now())
        self._tickets[number] = self._next
        self.resent_ms += self._to_resend_ms.pop(number, 0)
        return running

    def forget(self, running: Running) -> None:
        """It is over."""
        del self._running[running.ticket]
        del self._tickets[running.number]

    def lose(self, running: Running, row: Row) -> None:
        """It is over with its worker, which may have sent more than it has told."""
        self.forget(running)
        if not running.has_started:
            return
        sent_ms = running.sent_ms
        if self._speed is not None:
            sent_ms += round((self._clock.now() - running.sent_at) * 1000 * self._speed)
        if row.duration_ms is not None:
            sent_ms = row.duration_ms if self._speed is None else min(sent_ms, row.duration_ms)
        for lost_ms in (self._lost_ms, self._to_resend_ms):
            lost_ms[running.number] = lost_ms.get(running.number, 0) + sent_ms

    def show(self, number: int, opened: Opened) -> bool:
        """Whether `opened` is still to be told of the source; what was told before names its sound from now on."""
        told = self._shown.setdefault(number, opened)
        told.sound, told.state, told.sha256 = opened.sound, opened.state, opened.sha256
        return told is opened

    def is_shown(self, number: int) -> bool:
        return number in self._shown

    def over(self, number: int) -> None:
        """Nothing more is told of the source."""
        self._shown.pop(number, None)

    def note(self, running: Running, event: Event) -> Event:
        """Take note of `event`; as it is to be told."""
        if isinstance(event, SessionStarted):
            running.has_started = True
        elif isinstance(event, AudioSent | AudioFinished):
            running.sent_ms, running.sent_at = event.end_ms, self._clock.now()
            if running.number in self._lost_ms:
                return replace(event, resent_ms=event.resent_ms + self._lost_ms[running.number])
        return event
