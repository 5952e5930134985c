"""Chunks without their beginning, as far as a decoder can begin later."""

from __future__ import annotations

from collections.abc import Iterator

from asrcli.audio.encoded import ogg_pages
from asrcli.audio.encoded.adts import AdtsParser
from asrcli.audio.encoded.amr import AmrParser
from asrcli.audio.encoded.frames import FrameParser
from asrcli.audio.encoded.mp3 import Mp3Parser
from asrcli.audio.encoded.ogg_codecs import OPUS_HZ, opus_samples
from asrcli.audio.encoded.ogg_pages import CONTINUED
from asrcli.values.pcm import BYTES_PER_SAMPLE
from asrcli.values.sound import Chunk

_FRAMES: dict[str, type[FrameParser]] = {"mp3": Mp3Parser, "aac": AdtsParser, "amr": AmrParser}


def cut(chunk: Chunk, from_sample: int, rate_hz: int) -> Chunk:
    """`chunk` without what ends by `from_sample`: what is left begins there, or up to a frame before.

    Samples are counted at `rate_hz`. Plain ones are cut to the sample, streams of frames between two of them, Ogg
    between two packets: then the page around them is made anew.
    """
    before = from_sample - (chunk.end_sample - chunk.samples)
    if before <= 0:
        return chunk
    if before >= chunk.samples:
        return chunk._replace(data=b"", samples=0)
    if chunk.encoding in _FRAMES:
        data, samples = _cut_frames(chunk, before)
    elif chunk.data.startswith(ogg_pages.MAGIC):
        data, samples = _cut_pages(chunk, before, rate_hz)
    else:
        data, samples = chunk.data[before * BYTES_PER_SAMPLE :], before
    return chunk._replace(data=data, samples=chunk.samples - samples)


def _cut_frames(chunk: Chunk, before: int) -> tuple[bytes, int]:
    """What is left, and how many samples are not."""
    header_at, data = _FRAMES[chunk.encoding]().header_at, chunk.data
    borders = [(0, 0)]
    at = position = 0
    while at < len(data) and (header := header_at(data, at)) is not None:
        at += header.length
        position += header.samples
        borders.append((at, position))
    # At the rate of the chunk, which need not be that of the frames.
    ours = ((at, past * chunk.samples // max(1, position)) for at, past in borders)
    at, past = max(border for border in ours if border[1] <= before)
    return data[at:], past


def _cut_pages(chunk: Chunk, before: int, rate_hz: int) -> tuple[bytes, int]:
    pages = list(ogg_pages.pages_of(chunk.data))
    *borders, (_, _, whole) = _borders(pages, is_opus=chunk.encoding == "opus")
    # The last page may say that not all in it counts, so that Opus is measured by its own clock.
    unit, units = (rate_hz, OPUS_HZ) if chunk.encoding == "opus" else (chunk.samples, max(1, whole))
    ours = ((number, packets, past * unit // units) for number, packets, past in borders)
    number, packets, past = max((border for border in ours if border[2] <= before), default=(0, 0, 0))
    first = ogg_pages.without(pages[number], packets)
    return b"".join(page.data for page in [first, *pages[number + 1 :]]), past


def _borders(pages: list[ogg_pages.Page], *, is_opus: bool) -> Iterator[tuple[int, int, int]]:
    """Where a decoder can begin: a page, how many of its packets come before, and how long all before that lasts."""
    past, is_border = 0, True
    length = 0
    for number, page in enumerate(pages):
        for count, (packet, is_whole) in enumerate(page.packets):
            if count or not page.flags & CONTINUED:
                if is_border:
                    yield number, count, past
                length = opus_samples(packet) if is_opus else 1
            past += length * is_whole
            is_border = is_whole
    yield len(pages), 0, past
