from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from asrcli.audio.chunks.pipeline import chunks_of
from asrcli.audio.opening import open_source
from asrcli.values.errors import DecodeError
from asrcli.values.pcm import PcmFormat
from asrcli.values.sound import Chunk
from tests.support.sounds import Samples, dominant_hz, tone


class ListSource:
    """A Source out of a list of blocks, that may break off."""

    name = "list"
    duration_ms = None
    live = False
    can_wait = True
    waits = False
    captured_at = None

    def __init__(self, blocks: list[Samples], rate_hz: int, error: Exception | None = None) -> None:
        self.rate_hz = 16000
        self.channels = 1
        self._after_probe = (rate_hz, blocks[0].shape[1])
        self._blocks = blocks
        self._error = error

    def probe(self) -> None:
        self.rate_hz, self.channels = self._after_probe

    def blocks(self) -> Iterator[Samples]:
        yield from self._blocks
        if self._error:
            raise self._error

    def stop(self) -> None:
        raise AssertionError("the pipeline does not stop its source")

    close = stop


def run(source) -> Iterator[Chunk]:
    return chunks_of(source, PcmFormat(16000), 100)


def test_a_file_becomes_mono_chunks_at_the_rate_of_the_wire(talk) -> None:
    source = open_source(str(talk))
    chunks = list(run(source))
    source.close()
    samples = np.frombuffer(b"".join(c.data for c in chunks), "<i2").astype(np.float32)
    assert samples.size == 32000
    assert dominant_hz(samples, 16000) == pytest.approx(440, abs=1)
    assert [c.end_sample for c in chunks] == [1600 * (k + 1) for k in range(20)]


def test_the_rate_counts_that_the_probe_found() -> None:
    chunks = list(run(ListSource([tone(1.0, 48000, 2)], 48000)))
    assert chunks[-1].end_sample == 16000


def test_a_source_that_breaks_off_fails_after_its_whole_chunks() -> None:
    source = ListSource([tone(1.0)], 16000, DecodeError("damaged"))
    sent = []
    with pytest.raises(DecodeError):
        for chunk in run(source):
            sent.append(chunk)
    assert sent[-1].end_sample == 16000


def test_nothing_is_read_ahead_of_what_is_asked_for() -> None:
    """Who reads on the loop's thread counts on it: a chunk costs no more than its own sound."""
    read = []

    class Watched(ListSource):
        def blocks(self) -> Iterator[Samples]:
            for block in super().blocks():
                read.append(block)
                yield block

    chunks = run(Watched([tone(0.1)] * 100, 16000))
    assert not read
    next(chunks)
    assert len(read) <= 2


def test_the_sources_own_end_ends_it() -> None:
    assert [chunk.end_sample for chunk in run(ListSource([tone(0.1)] * 2, 16000))] == [1600, 3200]


def test_what_the_filter_and_the_chunker_hold_comes_out_before_the_error() -> None:
    """No sound before the break is lost, down to the last sample."""
    blocks = [tone(0.16, 44100)]
    source = ListSource(blocks, 44100, DecodeError("broken"))
    chunks = []
    with pytest.raises(DecodeError, match="broken"):
        for chunk in run(source):
            chunks.append(chunk)
    assert [chunk.samples for chunk in chunks] == [1600, 960]
