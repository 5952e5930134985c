"""How far several transcriptions have got, and when all of them will be done. Knows no terminal.

What is asked takes as long as there are transcriptions that run, however many there are in all.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

# The first seconds tell too little about the pace.
_PACE_KNOWN_AFTER_S = 1.0
# Where lengths are not known, so many that are over tell enough about how long the others take.
_ENDS_THAT_TELL = 20


@dataclass(slots=True)
class _Running:
    """What one that runs has sent: up to `sent_ms` (-1: nothing), from `first_ms` at `first_at` on."""

    duration_ms: int | None
    first_ms: int
    first_at: float
    sent_ms: int
    last_at: float

    @property
    def rest_ms(self) -> int:
        return max(0, (self.duration_ms or 0) - max(0, self.sent_ms))


class BatchProgress:
    """Follows transcriptions of `durations_ms` (None: not known), `at_once` of them together.

    Numbers count from 0, times `now` are seconds of the caller's clock. They begin in order, but for a few.
    """

    def __init__(self, durations_ms: Sequence[int | None], at_once: int) -> None:
        self._durations_ms = durations_ms
        self._at_once = at_once
        self._running: dict[int, _Running] = {}
        self._over = 0
        # Of those that are over: audio sent, and the time that it took.
        self._past_ms, self._past_s = 0, 0.0
        self._begun_at: float | None = None
        self.total_ms = None if None in durations_ms else sum(filter(None, durations_ms))
        """All audio; None where the length of a source is not known."""
        self.done_ms = 0
        """How much audio has left of all together."""
        # The first one of those of which none has begun, and what is to be sent from there on.
        self._next = 0
        self._waiting_ms = self.total_ms or 0
        # From each one on, what the longest has.
        self._longest_ms = array("q", accumulate((each or 0 for each in reversed(durations_ms)), max))

    def begin(self, number: int, duration_ms: int | None) -> None:
        """It begins, and may have told only now how long it is."""
        if number not in self._running:
            self._running[number] = _Running(duration_ms, 0, 0.0, -1, 0.0)
            self._pass(number)

    def sent(self, number: int, end_ms: int, now: float) -> None:
        """Audio of transcription `number` has left, up to `end_ms`; less than before where it begins anew."""
        if self._begun_at is None:
            self._begun_at = now
        self.begin(number, self._durations_ms[number])
        run = self._running[number]
        self.done_ms += end_ms - max(0, run.sent_ms)
        if run.sent_ms < 0 or end_ms < run.sent_ms:
            self._count(run)
            run.first_ms, run.first_at = end_ms, now
        run.sent_ms, run.last_at = end_ms, now

    def over(self, number: int) -> None:
        """Nothing more of it will be sent."""
        self._over += 1
        self._pass(number)
        if (run := self._running.pop(number, None)) is not None:
            self._count(run)

    def position_ms(self, number: int) -> int:
        """How much of it has left, while it runs."""
        run = self._running.get(number)
        return 0 if run is None else max(0, run.sent_ms)

    def duration_ms(self, number: int) -> int | None:
        """How long it is; None where that is not known."""
        run = self._running.get(number)
        return self._durations_ms[number] if run is None else run.duration_ms

    def share(self, number: int) -> float | None:
        """Its position as a share of the whole; None where its length is not known."""
        duration_ms = self.duration_ms(number)
        return self.position_ms(number) / duration_ms if duration_ms else None

    def left_s(self, now: float) -> float | None:
        """Time until all audio has left, at the pace so far; None while that is not known.

        It takes at least what the longest one needs alone, and what all need that share the places: as many as there
        were on average, for a service that is full leaves some of them empty, and so do beginnings and ends.
        """
        if self._begun_at is None:
            return None
        wall_s = now - self._begun_at
        if self.total_ms is None:
            return self._left_by_ends_s(wall_s)
        running = [run for run in self._running.values() if run.sent_ms >= 0]
        sent_ms = self._past_ms + sum(run.sent_ms - run.first_ms for run in running)
        passed_s = self._past_s + sum(now - run.first_at for run in running)
        if passed_s < _PACE_KNOWN_AFTER_S or sent_ms <= 0:
            return None
        rests_ms = [run.rest_ms for run in self._running.values()]
        longest_ms = max(max(rests_ms, default=0), self._longest_waiting_ms)
        places = min(float(self._at_once), max(1.0, passed_s / wall_s)) if wall_s > 0 else float(self._at_once)
        return max((self._waiting_ms + sum(rests_ms)) / places, longest_ms) * passed_s / sent_ms

    def _left_by_ends_s(self, wall_s: float) -> float | None:
        """The same where lengths are not known: the others take as long as those that are over."""
        if self._over < max(_ENDS_THAT_TELL, self._at_once):
            return None
        return (len(self._durations_ms) - self._over) * wall_s / self._over

    @property
    def _longest_waiting_ms(self) -> int:
        waiting = len(self._durations_ms) - self._next
        return self._longest_ms[waiting - 1] if waiting else 0

    def _pass(self, number: int) -> None:
        """None up to `number` waits any more."""
        while self._next <= number:
            self._waiting_ms -= self._durations_ms[self._next] or 0
            self._next += 1

    def _count(self, run: _Running) -> None:
        """Add what it has sent to what is over."""
        if run.sent_ms >= 0:
            self._past_ms += run.sent_ms - run.first_ms
            self._past_s += run.last_at - run.first_at
