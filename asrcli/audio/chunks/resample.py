"""One channel at the rate of the wire: downmix first, then soxr as a stream.

Nothing here knows where blocks come from. The only place that knows soxr.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from asrcli.audio.sample_encodings import finite, floats

if TYPE_CHECKING:
    from asrcli.audio.sample_encodings import Block, Samples

# High quality: an alias at -156 dB, 7 to 35 ms held back, a tenth of the cost of decoding.
QUALITY = "HQ"


def load() -> None:
    """Import soxr now rather than with the first block, for those who have the time now."""
    import soxr  # noqa: F401


def to_mono(block: Block) -> Samples:
    """The mean of all channels: (n, channels) to float32 (n,). A single channel of floats is not copied."""
    block = floats(block)
    if block.shape[1] == 1:
        return block[:, 0]
    # Channel by channel: many times faster than a mean over the short axis, and the same for any split into blocks.
    with np.errstate(over="ignore", invalid="ignore"):
        mono = block[:, 0] + block[:, 1]
        for channel in range(2, block.shape[1]):
            mono += block[:, channel]
        mono *= np.float32(1 / block.shape[1])
    return mono


def _one_channel(block: Block) -> Block:
    return block[:, 0] if block.shape[1] == 1 else to_mono(block)


def resample(blocks: Iterable[Block], from_hz: int, to_hz: int) -> Iterator[Block]:
    """Yield one channel, shape (n,), at `to_hz` from blocks of shape (n, channels) at `from_hz`.

    The filter holds back up to about 100 ms and gives it out after the last block, so the sum of lengths is right
    only when the iterator is exhausted. Equal rates pass through. The result does not depend on how the input is split.
    It is float32, but for a single channel of 16 bits that passes through.
    """
    # No block is held here while what became of it is sent: of a thousand sources each would hold one.
    if from_hz == to_hz:
        yield from map(_one_channel, blocks)
        return
    import soxr

    stream = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", quality=QUALITY)
    # One NaN would spread over everything that the filter holds.
    resampled = map(stream.resample_chunk, map(finite, map(to_mono, blocks)))
    yield from (part for part in resampled if part.size)
    rest = stream.resample_chunk(np.empty(0, np.float32), last=True)
    if rest.size:
        yield rest
