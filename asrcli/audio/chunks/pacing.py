"""When a chunk may leave: absolute deadlines, so that small delays never add up.

Knows chunks and a clock, nothing of where either comes from.
"""

from __future__ import annotations

import re

from asrcli.values.errors import UsageError
from asrcli.values.sound import Chunk

MIN_SPEED = 0.1
MAX_SPEED = 1000.0


def parse_pace(text: str) -> float | None:
    """The speed that `text` asks for: 1.0 for "realtime", None for "fast" (no waiting), "4" or "4x" for 4.0.

    Raises UsageError for anything else.
    """
    word = text.strip().lower()
    if word == "fast":
        return None
    if word == "realtime":
        return 1.0
    if re.fullmatch(r"(\d+\.?\d*|\.\d+)x?", word, re.ASCII):
        speed = float(word.removesuffix("x"))
        if MIN_SPEED <= speed <= MAX_SPEED:
            return speed
    raise UsageError(
        f"--pace {text!r} is not known",
        hint=f"realtime, fast, or a factor from {MIN_SPEED:g} to {MAX_SPEED:g}, for example 4",
    )


class Schedule:
    """The moments of one source's chunks, `speed` times as fast as they were spoken; None means at once.

    The first chunk leaves as it comes and sets the start. A source that fell behind catches up without waiting.
    `phase_s` delays the start to the next moment of that phase of a chunk's length, so that many sources do not all
    want to send in the same millisecond.
    """

    def __init__(self, sample_rate_hz: int, speed: float | None, phase_s: float | None = None) -> None:
        self._samples_per_s = None if speed is None else sample_rate_hz * speed
        self._phase_s = phase_s
        self._start_s: float | None = None

    def due_s(self, chunk: Chunk, now: float) -> float:
        """When the first sample of `chunk` is due; `now` where nothing is waited for."""
        if self._samples_per_s is None:
            return now
        begin_sample = chunk.end_sample - chunk.samples
        if self._start_s is None:
            self._start_s = now - begin_sample / self._samples_per_s
            if self._phase_s is not None:
                self._start_s += (self._phase_s - now) % (chunk.samples / self._samples_per_s)
        return self._moment_s(begin_sample)

    def next_due_s(self, chunk: Chunk) -> float | None:
        """When the chunk after `chunk` is due; None where nothing is waited for, and before the first chunk."""
        return None if self._start_s is None else self._moment_s(chunk.end_sample)

    def _moment_s(self, sample: int) -> float:
        assert self._start_s is not None
        assert self._samples_per_s is not None
        # In whole microseconds, so that what is due together is due at the same moment.
        return int((self._start_s + sample / self._samples_per_s) * 1e6 + 0.5) / 1e6
