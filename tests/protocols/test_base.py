"""What all protocols share: the service's time and the source's."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from asrcli.protocols.base import Timeline
from asrcli.values.pcm import PcmFormat
from asrcli.values.sound import Chunk
from tests.support.sounds import pcm_chunk

PCM = PcmFormat(16000)


def chunk(ms: int, *, filler: bool = False) -> Chunk:
    return pcm_chunk(bytes(PCM.bytes(ms)), 0, is_filler=filler)


def test_filler_takes_no_time_of_the_source():
    timeline = Timeline(PCM)
    for piece in (chunk(1000), chunk(2000, filler=True), chunk(100, filler=True), chunk(1000)):
        timeline.sent(piece)
    moments = {service: timeline.source_ms(service) for service in (0, 900, 1000, 2500, 3100, 3200, 4100)}
    assert moments == {0: 0, 900: 900, 1000: 1000, 2500: 1000, 3100: 1000, 3200: 1100, 4100: 2000}
    assert timeline.source_ms(None) is None


@given(st.lists(st.tuples(st.integers(1, 3000), st.booleans()), max_size=12))
def test_times_never_go_back_and_end_with_the_source(pieces):
    timeline = Timeline(PCM)
    for length, filler in pieces:
        timeline.sent(chunk(length, filler=filler))
    total = sum(length for length, _ in pieces)
    moments = [timeline.source_ms(moment) for moment in range(0, total + 1, 50)]
    assert moments == sorted(moments)
    assert timeline.source_ms(total) == sum(length for length, filler in pieces if not filler)
