"""Chunks without their beginning, as far as a decoder can begin later."""

from __future__ import annotations

from collections.abc import Iterator

from asrcli.audio.encoded import ogg_pages
from asrcli.audio.encoded.adts import AdtsParser
from asrcli.audio.encoded.amr import AmrParser
from asrcli.audio.encoded.frames import FrameParser
from asrcli.audio.encoded.mp3 import Mp3Parser
from asrcli.audio.encoded.ogg_codecs import opus_samples
from asrcli.audio.encoded.ogg_pages import CONTINUED
from asrcli.values.pcm import BYTES_PER_SAMPLE
from asrcli.values.sound import Chunk

_FRAMES: dict[str, type[FrameParser]] = {"mp3": Mp3Parser, "aac": AdtsParser, "amr": AmrParser}


def cut(chunk: Chunk, from_sample: int) -> Chunk:
    """`chunk` without what ends by `from_sample`: what is left begins there, or up to a frame before.

    Plain samples are cut to the sample, streams of frames between two of them, Ogg between two packets: then the page
    around them is made anew.
    """
    before = min(chunk.samples, from_sample - (chunk.end_sample - chunk.samples))
    if before <= 0:
        return chunk
    if chunk.encoding in _FRAMES:
        data, samples = _cut_frames(chunk, before)
    elif chunk.data.startswith(ogg_pages.MAGIC):
        data, samples = _cut_pages(chunk, before)
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
    at, position = max(
        (at, past * chunk.samples // position) for at, past in borders if past * chunk.samples <= before * position
    )
    return data[at:], position


def _cut_pages(chunk: Chunk, before: int) -> tuple[bytes, int]:
    pages = list(ogg_pages.pages_of(chunk.data))
    borders = list(_borders(pages, is_opus=chunk.encoding == "opus"))
    _, _, whole = borders[-1]
    number, packets, position = max(border for border in borders if border[2] * chunk.samples <= before * whole)
    if number == len(pages):
        return b"", chunk.samples
    first = ogg_pages.without(pages[number], packets)
    return b"".join(page.data for page in [first, *pages[number + 1 :]]), position * chunk.samples // whole


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
