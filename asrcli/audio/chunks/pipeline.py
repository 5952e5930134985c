"""From a source to the chunks that messages carry: the one line that all sound goes along."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from asrcli.audio.source import DecodedSource, EncodedSource, Source
from asrcli.values.errors import AudioError
from asrcli.values.pcm import PcmFormat
from asrcli.values.sound import Chunk

if TYPE_CHECKING:
    from asrcli.audio.sample_encodings import Block


def chunks_of(source: Source, pcm: PcmFormat, chunk_ms: int) -> Iterator[Chunk]:
    """Yield the audio of `source` as chunks of `chunk_ms` in the format `pcm`; what is sent as it is, as it is.

    Waits for the source where it must; `source.stop()` ends that. Does not close the source. Raises the source's
    AudioError after the last chunk of what came before it.
    """
    if isinstance(source, EncodedSource):
        yield from source.chunks(chunk_ms)
        return
    from asrcli.audio.chunks.chunker import chunk
    from asrcli.audio.chunks.resample import resample

    source.probe()
    broken_off: list[AudioError] = []
    mono = resample(_until_it_breaks_off(source, broken_off), source.rate_hz, pcm.sample_rate_hz)
    yield from chunk(mono, pcm, chunk_ms)
    if broken_off:
        raise broken_off[0]


def _until_it_breaks_off(source: DecodedSource, broken_off: list[AudioError]) -> Iterator[Block]:
    """The blocks of `source`, its error put aside: first comes out what the filter and the chunker still hold."""
    try:
        yield from source.blocks()
    except AudioError as error:
        broken_off.append(error)
