"""One channel of a source as a source of its own: of a call each side is in one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from asrcli.audio.source import DecodedSource
from asrcli.values.errors import DecodeError
from asrcli.values.source_name import label

if TYPE_CHECKING:
    from asrcli.audio.sample_encodings import Block


def lack_of(channel: int, there: int) -> str:
    """What a source with `there` channels has, which has no such one."""
    many = "1 channel" if there == 1 else f"{there} channels"
    return f"{many}, and no channel {channel}"


class OneChannel:
    """The channel `index` of `source`, from 0. Owns the source.

    `probe` raises DecodeError where there is no such channel.
    """

    channels = 1
    sound_format: None = None

    def __init__(self, source: DecodedSource, index: int) -> None:
        self.name = source.name
        self.rate_hz = source.rate_hz
        self.duration_ms = source.duration_ms
        self.live = source.live
        self.can_wait = source.can_wait
        self.waits = source.waits
        self.captured_at = source.captured_at
        self.sound = source.sound
        self._source = source
        self._index = index

    def probe(self) -> None:
        """Wait until it is known how many channels there are. Raises DecodeError."""
        self._source.probe()
        self.rate_hz = self._source.rate_hz
        there = self._source.channels
        if self._index >= there:
            raise DecodeError(f"{label(self.name)} has {lack_of(self._index, there)}", hint="the first is 0")

    def blocks(self) -> Iterator[Block]:
        """That channel of the source's blocks, shape (n, 1)."""
        self.probe()
        for block in self._source.blocks():
            yield block[:, self._index : self._index + 1].copy()

    def stop(self) -> None:
        self._source.stop()

    def close(self) -> None:
        self._source.close()
