from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from asrcli.audio.encoded.part import EncodedPart
from tests.audio.encoded.test_cutting import COARSE_S
from tests.audio.encoded.test_parsers import FILES, Speech
from tests.audio.encoded.test_source import TOLD, encoded
from tests.support.sounds import decoded_s, needs_ffmpeg

pytestmark = needs_ffmpeg


@pytest.mark.parametrize("name", FILES)
def test_parts_that_meet_hold_all_of_the_sound_and_what_a_decoder_needs(
    name: str, speech: Speech, tmp_path: Path
) -> None:
    path = speech(name, *FILES[name][1])
    format_name, rate_hz, _ = TOLD[name]
    borders = [0, 1234, 2600, None]
    for begin_ms, end_ms in itertools.pairwise(borders):
        assert begin_ms is not None
        part = EncodedPart(encoded(path), begin_ms, end_ms)
        sound = part.sound_format
        chunks = list(part.chunks(200))
        part.close()
        # What comes before the part's own beginning: what a decoder needs, and up to a frame.
        before_s = sound.lead_samples / rate_hz
        needed_s = encoded(path).sound_format.preroll_samples / rate_hz if begin_ms else 0
        assert needed_s <= before_s <= needed_s + COARSE_S[format_name] + 0.07
        ends = [chunk.end_sample for chunk in chunks]
        assert [chunk.end_sample - chunk.samples for chunk in chunks] == [-sound.lead_samples, *ends[:-1]]
        if end_ms is not None:
            over_s = ends[-1] / rate_hz - (end_ms - begin_ms) / 1000
            assert -1e-4 <= over_s <= COARSE_S[format_name] + 1e-4
            assert part.duration_ms == end_ms - begin_ms
        sent = tmp_path / f"part{path.suffix}"
        sent.write_bytes(sound.header + b"".join(chunk.data for chunk in chunks))
        seconds = sum(chunk.samples for chunk in chunks) / rate_hz
        assert decoded_s(sent) == pytest.approx(seconds, abs=0.04 if format_name == "speex" else 0.01)
