"""A stretch of another source, as a source of its own.

Knows where the stretch lies, not why, and no format: a source that can begin in the middle is asked to, of any other
the beginning is read and left out.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator
from typing import TYPE_CHECKING

from asrcli.audio.source import DecodedSource

if TYPE_CHECKING:
    from asrcli.audio.sample_encodings import Block


@typing.runtime_checkable
class Enterable(typing.Protocol):
    """A source whose blocks need not begin at its start.

    `is_uneven`: it turned out that sound in it was passed over, so that a place in what its blocks give is only found
    by reading them from the start. Known when all of them were read.
    """

    is_uneven: bool

    def enter(self, frame: int) -> int:
        """Let `blocks` begin at some frame before `frame`, from which on that one comes out right; returns which."""
        ...


class Part:
    """The sound of `source` from `begin_ms` to `end_ms`, None for its end; frames at a border belong to what follows.

    Of parts that meet, each frame is in exactly one, in an uneven source if they are all read `from_start`. The part
    owns the source; what that has to tell of its end is told by the part that reaches it.
    """

    live = False
    can_wait = True
    captured_at: str | None = None
    sound_format: None = None
    sound: str | None = None

    def __init__(self, source: DecodedSource, begin_ms: int, end_ms: int | None, *, from_start: bool = False) -> None:
        self.name = source.name
        self.rate_hz = source.rate_hz
        self.channels = source.channels
        last_ms = source.duration_ms if end_ms is None else end_ms
        self.duration_ms = None if last_ms is None else last_ms - begin_ms
        # To pass over the beginning of what cannot be entered in the middle takes a while.
        self._entered = source if isinstance(source, Enterable) and not from_start else None
        self.waits = source.waits or self._entered is None
        self._source = source
        self._begin_ms = begin_ms
        self._end_ms = end_ms

    def probe(self) -> None:
        """Wait until the source knows its rate and its channels."""
        self._source.probe()
        self.rate_hz, self.channels = self._source.rate_hz, self._source.channels

    def blocks(self) -> Iterator[Block]:
        """The source's blocks, the first and the last one cut."""
        self.probe()
        begin = self._frame(self._begin_ms)
        end = None if self._end_ms is None else self._frame(self._end_ms)
        position = self._entered.enter(begin) if begin and self._entered is not None else 0
        for block in self._source.blocks():
            wanted = block[max(0, begin - position) : None if end is None else end - position]
            position += len(block)
            if len(wanted):
                yield wanted
            if end is not None and position >= end:
                return

    def stop(self) -> None:
        """End the source."""
        self._source.stop()

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def _frame(self, ms: int) -> int:
        return ms * self.rate_hz // 1000
