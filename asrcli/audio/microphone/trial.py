"""A microphone tried out: so much of its sound, measured, and given to nobody."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from asrcli.audio.level import Level, Meter

if TYPE_CHECKING:
    from asrcli.audio.microphone.mic_source import MicSource

TRIAL_S = 2.0


def levels(source: MicSource) -> Iterator[Level]:
    """How loud each tenth of a second is, as it is heard, to the end of `source`. Raises what its `blocks` does."""
    meter = Meter(source.rate_hz)
    for block in source.blocks():
        yield from meter.feed(block)
