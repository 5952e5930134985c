"""What is said of sound that was not recognised: from when to when, why, and where it lies."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from asrcli.errors import AsrcliError
from asrcli.pcm import Chunk


def name_what_is_missing(
    error: AsrcliError,
    from_ms: int,
    end_ms: int,
    rest: Iterator[Chunk],
    rescue: Callable[[Iterator[Chunk]], str | None] | None,
    *,
    live: bool,
) -> None:
    """Add to `error`, which ends a transcription, what of its sound up to `end_ms` has no result.

    Live sound cannot be had again: `rest` of it is given to `rescue`, which says where it lies.
    """
    if end_ms <= from_ms:
        return
    if not live:
        error.message += f"; nothing was recognised after {_clock_time(from_ms)}"
        return
    error.message += f"; nothing was recognised from {_clock_time(from_ms)} to {_clock_time(end_ms)}"
    if rescue is not None:
        error.hint = rescue(rest) or error.hint


def gap_notice(begin_ms: int, end_ms: int, *, keep_s: float) -> tuple[str, str]:
    """Message and hint for sound that an outage outlasted."""
    begin, end = _clock_time(begin_ms), _clock_time(end_ms)
    return (
        f"nothing was recognised from {begin} to {end}, and that sound is no longer there to be sent again",
        f"no more than {keep_s:g} s are kept; --save-audio FILE keeps all",
    )


def _clock_time(ms: int) -> str:
    return f"{ms // 60000}:{ms // 1000 % 60:02d}"
