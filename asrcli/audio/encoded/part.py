"""A stretch of sound that goes as it is, as a source of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

from asrcli.audio.encoded.cutting import cut, cut_behind
from asrcli.audio.encoded.source import EncodedInput
from asrcli.values.sound import Chunk


class EncodedPart:
    """The sound of `source` from `begin_ms` to `end_ms`, None for its end, each to a frame.

    It begins as much sooner as a decoder needs to be right by then. The part owns the source; what that has to tell of
    its end is told by the part that reaches it.
    """

    live = False
    can_wait = True
    # What precedes it is read and left out.
    waits = True
    captured_at: str | None = None
    sound: str | None = None
    filler: Chunk | None = None

    def __init__(self, source: EncodedInput, begin_ms: int, end_ms: int | None) -> None:
        self.name = source.name
        self.rate_hz = rate_hz = source.rate_hz
        self.channels = source.channels
        last_ms = source.duration_ms if end_ms is None else end_ms
        self.duration_ms = None if last_ms is None else last_ms - begin_ms
        self._source = source
        self._begin = begin_ms * rate_hz // 1000
        self._end = None if end_ms is None else end_ms * rate_hz // 1000
        sound = source.sound_format
        self._entry = source.entry(self._begin - sound.preroll_samples) if self._begin else -sound.lead_samples
        self.sound_format = dataclasses.replace(sound, lead_samples=self._begin - self._entry)

    def probe(self) -> None:
        """Nothing to wait for."""

    def chunks(self, chunk_ms: int) -> Iterator[Chunk]:
        """The source's chunks, the first and the last one cut; counted from where the part begins."""
        for chunk in self._source.chunks(chunk_ms):
            if chunk.end_sample <= self._entry:
                continue
            ours = cut(chunk, self._entry, self.rate_hz)
            if self._end is not None:
                ours = cut_behind(ours, self._end, self.rate_hz)
            yield ours._replace(end_sample=ours.end_sample - self._begin)
            if self._end is not None and chunk.end_sample >= self._end:
                return

    def stop(self) -> None:
        """End the source."""
        self._source.stop()

    def close(self) -> None:
        """Close the source."""
        self._source.close()
