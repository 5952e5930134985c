"""When a chunk may leave: absolute deadlines, so that small delays never add up.

Knows chunks and a clock, nothing of where either comes from.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator

from asrcli.errors import UsageError
from asrcli.pcm import Chunk
from asrcli.timing import Clock

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
        f"unknown pace {text!r}", hint=f"realtime, fast, or a factor from {MIN_SPEED:g} to {MAX_SPEED:g}, for example 4"
    )


def pace(
    chunks: Iterable[Chunk], *, sample_rate_hz: int, speed: float | None, clock: Clock, stop: threading.Event
) -> Iterator[Chunk]:
    """Hand each chunk on when its first sample is due, `speed` times as fast as it was spoken; None means at once.

    The first chunk leaves as it comes and sets the start. A source that fell behind catches up without waiting. Ends
    as soon as `stop` is set, with the chunk at hand not sent.
    """
    start_s: float | None = None
    first_sample = 0
    for chunk in chunks:
        if stop.is_set():
            return
        if speed is not None:
            begin_sample = chunk.end_sample - chunk.samples
            if start_s is None:
                start_s, first_sample = clock.now(), begin_sample
            due_s = start_s + (begin_sample - first_sample) / (sample_rate_hz * speed)
            if clock.wait_until(due_s, stop):
                return
        yield chunk
