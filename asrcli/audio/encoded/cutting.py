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
        at, past = max(border for border in _frame_borders(chunk) if border[1] <= before)
        data = chunk.data[at:]
    elif chunk.data.startswith(ogg_pages.MAGIC):
        pages, borders = _page_borders(chunk, rate_hz)
        number, packets, past = max((border for border in borders if border[2] <= before), default=(0, 0, 0))
        first = ogg_pages.without(pages[number], packets)
        data = b"".join(page.data for page in [first, *pages[number + 1 :]])
    else:
        data, past = chunk.data[before * BYTES_PER_SAMPLE :], before
    return chunk._replace(data=data, samples=chunk.samples - past)


def cut_behind(chunk: Chunk, to_sample: int, rate_hz: int) -> Chunk:
    """`chunk` without what begins at `to_sample` or later: it ends there, or up to a frame behind. See `cut`."""
    begin_sample = chunk.end_sample - chunk.samples
    kept = to_sample - begin_sample
    if kept >= chunk.samples:
        return chunk
    if chunk.encoding in _FRAMES:
        at, past = min(border for border in _frame_borders(chunk) if border[1] >= kept)
        data = chunk.data[:at]
    elif chunk.data.startswith(ogg_pages.MAGIC):
        pages, borders = _page_borders(chunk, rate_hz)
        whole = len(pages), 0, chunk.samples
        number, packets, past = min((border for border in borders if border[2] >= kept), default=whole)
        data = b"".join(page.data for page in pages[:number])
        if packets:
            data += _only(pages[number], packets, chunk).data
    else:
        data, past = chunk.data[: kept * BYTES_PER_SAMPLE], kept
    return chunk._replace(data=data, end_sample=begin_sample + past, samples=past)


def _only(page: ogg_pages.Page, packets: int, chunk: Chunk) -> ogg_pages.Page:
    """The first packets of a page of `chunk`."""
    rest = page.packets[packets:]
    if chunk.encoding == "opus":
        return ogg_pages.only(page, packets, sum(opus_samples(packet) for packet, _ in rest))
    # Those of Speex are all of one length.
    count = sum(len(each.packets) for each in ogg_pages.pages_of(chunk.data))
    return ogg_pages.only(page, packets, len(rest) * chunk.samples // count)


def _frame_borders(chunk: Chunk) -> list[tuple[int, int]]:
    """Where frames begin and the last one ends: in bytes, and in samples at the rate of the chunk."""
    header_at = _FRAMES[chunk.encoding]().header_at
    borders = [(0, 0)]
    at = position = 0
    while at < len(chunk.data) and (header := header_at(chunk.data, at)) is not None:
        at += header.length
        position += header.samples
        borders.append((at, position))
    # The rate of the chunk need not be that of the frames.
    return [(at, past * chunk.samples // max(1, position)) for at, past in borders]


def _page_borders(chunk: Chunk, rate_hz: int) -> tuple[list[ogg_pages.Page], list[tuple[int, int, int]]]:
    """The pages of a chunk, and where a decoder can begin: see `_borders`, in samples at the rate of the chunk."""
    pages = list(ogg_pages.pages_of(chunk.data))
    *borders, (_, _, whole) = _borders(pages, is_opus=chunk.encoding == "opus")
    # The last page may say that not all in it counts, so that Opus is measured by its own clock.
    unit, units = (rate_hz, OPUS_HZ) if chunk.encoding == "opus" else (chunk.samples, max(1, whole))
    return pages, [(number, packets, past * unit // units) for number, packets, past in borders]


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
