"""The first seconds of a file as a source of their own, and how long a file really is.

Knows sources; nothing of what the sound is for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from asrcli.audio.opening import open_source
from asrcli.audio.source import DecodedSource
from asrcli.values.errors import UsageError
from asrcli.values.source_name import label

if TYPE_CHECKING:
    from asrcli.audio.sample_encodings import Block


class Clip:
    """The first `clip_s` seconds of `source`, to the sample; all of it where it is shorter."""

    sound_format: None = None

    def __init__(self, source: DecodedSource, clip_s: float) -> None:
        self._source = source
        self._clip_s = clip_s
        self.name = source.name
        self.live = source.live
        self.can_wait = source.can_wait
        self.waits = source.waits
        self.captured_at = source.captured_at
        self.sound = source.sound
        self.rate_hz = source.rate_hz
        self.channels = source.channels
        clip_ms = round(clip_s * 1000)
        self.duration_ms = None if source.duration_ms is None else min(source.duration_ms, clip_ms)

    def probe(self) -> None:
        self._source.probe()
        self.rate_hz, self.channels = self._source.rate_hz, self._source.channels

    def blocks(self) -> Iterator[Block]:
        left = round(self._clip_s * self.rate_hz)
        for block in self._source.blocks():
            yield block[:left]
            left -= len(block)
            if left <= 0:
                return

    def stop(self) -> None:
        self._source.stop()

    def close(self) -> None:
        self._source.close()


def measured_ms(path: str, clip_s: float | None) -> int:
    """How long the audio is that each task gets, in milliseconds: `clip_s` seconds, or the whole file for None.

    A clip is decoded to its end, so that a file that is too short or damaged is found before anything is sent; for a
    whole file its own word is taken where it has one. Raises UsageError and DecodeError.
    """
    if path == "-":
        raise UsageError("standard input can be read only once", hint="name a file")
    with contextlib.closing(open_source(path)) as source:
        if source.live:
            raise UsageError(f"{label(path)} can be read only once", hint="name a regular file")
        if clip_s is None and source.duration_ms is not None:
            return source.duration_ms
        heard_ms = _decoded_ms(source if clip_s is None else Clip(source, clip_s))
    if clip_s is None:
        return heard_ms
    wanted_ms = round(clip_s * 1000)
    if heard_ms < wanted_ms:
        raise UsageError(
            f"--clip {clip_s:g} is longer than {label(path)}, which lasts {heard_ms / 1000:g} s",
            hint="choose a shorter clip, or leave it out for the whole file",
        )
    return wanted_ms


def _decoded_ms(source: DecodedSource) -> int:
    source.probe()
    frames = sum(len(block) for block in source.blocks())
    return round(frames * 1000 / source.rate_hz)
