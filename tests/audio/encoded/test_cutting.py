from __future__ import annotations

from pathlib import Path

import pytest

from asrcli.audio.encoded.cutting import cut
from asrcli.values.sound import Chunk
from tests.audio.encoded.test_parsers import FILES, Speech, whole
from tests.support.sounds import decoded_s, needs_ffmpeg

pytestmark = needs_ffmpeg
# How far from where it was asked for a chunk may begin, in seconds: a frame.
COARSE_S = {"mp3": 0.036, "aac": 0.064, "amr": 0.02, "speex": 0.02, "opus": 0.02, "wav": 0}


@pytest.mark.parametrize("name", FILES)
def test_what_is_left_of_a_chunk_is_what_its_span_says(name: str, speech: Speech, tmp_path: Path) -> None:
    path, parser, parts = whole(name, speech)
    traits = parser.traits
    assert traits is not None
    # At another rate than that of the container, as Opus of 16 kHz is.
    share = 3 if traits.name == "opus" else 1
    rate_hz = traits.rate_hz // share
    begin, end = 1000, 1000 + parser.samples // share
    chunk = Chunk(b"".join(part.data for part in parts), end, parser.samples // share, traits.name)
    assert cut(chunk, begin, rate_hz) is chunk
    for seconds in (0.5, 1.999, 2.7):
        wanted = begin + int(seconds * rate_hz)
        rest = cut(chunk, wanted, rate_hz)
        begins = rest.end_sample - rest.samples
        assert rest.end_sample == end
        assert begins <= wanted <= begins + COARSE_S[traits.name] * rate_hz
        sent = tmp_path / f"rest{path.suffix}"
        sent.write_bytes(traits.header + rest.data)
        assert decoded_s(sent) == pytest.approx(rest.samples / rate_hz, abs=0.04 if traits.name == "speex" else 0.005)
        assert cut(rest, wanted, rate_hz) == rest
        assert cut(chunk, begins, rate_hz) == rest
    assert cut(chunk, end, rate_hz).samples == 0
    assert cut(chunk, end, rate_hz).data == b""
