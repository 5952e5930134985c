"""Whether the other end of a connection is still there, judged by what came in and by what got through.

A half-open connection looks like a quiet service. Knows moments and bytes, no sockets.
"""

from __future__ import annotations

import enum


class Advice(enum.Enum):
    NOTHING = "nothing"
    ASK = "ask for a sign of life"
    GIVE_UP = "give up"


class Liveness:
    """Looked at every now and then; `patience_s` is how long nothing may happen.

    What brings nothing for so long is asked for a sign of life, and given up when there is no answer for as long again.
    The answer is waited for from when the question has got through: on a slow link, what was sent before it takes its
    time. What has to wait for room and finds none for `patience_s` is given up too.
    """

    def __init__(self, patience_s: float, now: float) -> None:
        self._patience_s = patience_s
        # When something came in, or the question got through, or was seen to come nearer to it.
        self._heard_at = now
        # When something got through, or nothing was on its way.
        self._moved_at = now
        self._through_bytes = 0
        # How many bytes must have got through for the question to have; None while none was asked.
        self._question_bytes: int | None = None

    def heard(self, now: float) -> None:
        """Something came in."""
        self._heard_at, self._question_bytes = now, None

    def look(self, now: float, sent_bytes: int, unsent_bytes: int, *, is_held_up: bool) -> Advice:
        """What to do, where `sent_bytes` were handed over in all, of which `unsent_bytes` have not got through yet."""
        through_bytes = sent_bytes - unsent_bytes
        if through_bytes > self._through_bytes or not unsent_bytes:
            self._moved_at = now
            if self._question_bytes is not None and self._through_bytes < self._question_bytes:
                self._heard_at = now
        self._through_bytes = max(self._through_bytes, through_bytes)
        if is_held_up and now - self._moved_at >= self._patience_s:
            return Advice.GIVE_UP
        if now - self._heard_at < self._patience_s:
            return Advice.NOTHING
        if self._question_bytes is not None:
            return Advice.GIVE_UP
        self._heard_at = now
        return Advice.ASK

    def asked(self, sent_bytes: int) -> None:
        """The question is on its way: it ends where `sent_bytes` have been handed over."""
        self._question_bytes = sent_bytes
