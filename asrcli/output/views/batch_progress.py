"""How far several transcriptions have got, and when all of them will be done. Knows no terminal."""

from __future__ import annotations

from collections.abc import Sequence

# The first seconds tell too little about the pace.
_PACE_KNOWN_AFTER_S = 1.0


class BatchProgress:
    """Follows transcriptions of `durations_ms` (None: not known), `at_once` of them together.

    Numbers count from 0, times `now` are seconds of the caller's clock.
    """

    def __init__(self, durations_ms: Sequence[int | None], at_once: int) -> None:
        self._durations_ms = durations_ms
        self._at_once = at_once
        self._sent_ms: dict[int, int] = {}
        self._first_sent: dict[int, tuple[int, float]] = {}
        self._over: set[int] = set()
        # Of those that are over: audio sent, and the time that it took.
        self._past_ms, self._past_s = 0, 0.0
        self._last_sent_at: dict[int, float] = {}
        self._begun_at: float | None = None
        self.total_ms = None if None in durations_ms else sum(filter(None, durations_ms))
        """All audio; None where the length of a source is not known."""

    def sent(self, number: int, end_ms: int, now: float) -> None:
        """Audio of transcription `number` has left, up to `end_ms`."""
        if self._begun_at is None:
            self._begun_at = now
        self._first_sent.setdefault(number, (end_ms, now))
        self._sent_ms[number] = end_ms
        self._last_sent_at[number] = now

    def over(self, number: int) -> None:
        """Nothing more of it will be sent."""
        self._over.add(number)
        if number in self._first_sent:
            first_ms, first_at = self._first_sent.pop(number)
            self._past_ms += self._sent_ms[number] - first_ms
            self._past_s += self._last_sent_at.pop(number) - first_at

    def position_ms(self, number: int) -> int:
        """How much of it has left."""
        return self._sent_ms.get(number, 0)

    def share(self, number: int) -> float | None:
        """The same as a share of the whole; None where its length is not known."""
        duration_ms = self._durations_ms[number]
        return self.position_ms(number) / duration_ms if duration_ms else None

    @property
    def done_ms(self) -> int:
        """How much audio has left of all together."""
        return sum(self._sent_ms.values())

    def left_s(self, now: float) -> float | None:
        """Time until all audio has left, at the pace so far; None while that is not known.

        It takes at least what the longest one needs alone, and what all need that share the places: as many as there
        were on average, for a service that is full leaves some of them empty, and so do beginnings and ends.
        """
        if self.total_ms is None or self._begun_at is None:
            return None
        sent_ms = self._past_ms + sum(self._sent_ms[number] - first for number, (first, _) in self._first_sent.items())
        passed_s = self._past_s + sum(now - at for _, at in self._first_sent.values())
        if passed_s < _PACE_KNOWN_AFTER_S or sent_ms <= 0:
            return None
        rest_ms = [
            max(0, (duration_ms or 0) - self.position_ms(number))
            for number, duration_ms in enumerate(self._durations_ms)
            if number not in self._over
        ]
        wall_s = now - self._begun_at
        places = min(float(self._at_once), max(1.0, passed_s / wall_s)) if wall_s > 0 else float(self._at_once)
        return max(sum(rest_ms) / places, max(rest_ms, default=0)) * passed_s / sent_ms
