from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from asrcli.audio.encoded.continuing import Mp3Stream, OggStream
from asrcli.audio.encoded.mp3 import Mp3Parser
from asrcli.audio.encoded.ogg import OggParser
from asrcli.audio.encoded.ogg_pages import pages_of
from asrcli.values.pcm import PcmFormat
from tests.audio.encoded.test_parsers import FILES, Speech, take_apart
from tests.support.sounds import decoded, needs_ffmpeg

pytestmark = needs_ffmpeg


@pytest.mark.parametrize("name", ["start.opus", "talk.spx"])
def test_pages_go_on_behind_silence_as_one_stream(name: str, speech: Speech, tmp_path: Path) -> None:
    parser = OggParser()
    path = speech(name, *FILES[name][1])
    parts = [part.data for part in take_apart(parser, [path.read_bytes()])]
    traits, silence = parser.traits, parser.silence()
    assert traits is not None
    at = len(parts) // 2
    stream = OggStream(traits.header, PcmFormat())
    plain = traits.header + b"".join(parts)
    assert stream.encode(b"".join(parts[:at])) == traits.header + b"".join(parts[:at])
    sent = traits.header + b"".join(parts[:at]) + stream.encode(silence.data * 3) + stream.encode(b"".join(parts[at:]))
    sent += stream.finish()
    pages = list(pages_of(sent))
    assert [page.number for page in pages] == list(range(len(pages)))
    granules = [page.granule for page in pages]
    assert granules == sorted(granules)
    assert granules[-1] == list(pages_of(plain))[-1].granule + 3 * silence.samples
    for data, more in ((plain, 0), (sent, 3)):
        (tmp_path / path.name).write_bytes(data)
        seconds = len(decoded(tmp_path / path.name)) / (48000 if name == "start.opus" else traits.rate_hz)
        assert seconds == pytest.approx((parser.samples + more * silence.samples) / traits.rate_hz, abs=0.04)


@pytest.mark.parametrize("name", ["start.mp3", "start44.mp3", "variable.mp3"])
def test_the_bits_of_a_frame_before_a_silence_are_found_behind_it(name: str, speech: Speech, tmp_path: Path) -> None:
    parser = Mp3Parser()
    parts = take_apart(parser, [speech(name, *FILES[name][1]).read_bytes()])
    silence = parser.silence()
    for at in (40, 63):
        stream = Mp3Stream(PcmFormat())
        before = b"".join(stream.encode(part.data) for part in parts[:at])
        assert before == b"".join(part.data for part in parts[:at])
        hush = stream.encode(silence.data * 6)
        after = b"".join(stream.encode(part.data) for part in parts[at:])
        plain, sent = tmp_path / "plain.mp3", tmp_path / "sent.mp3"
        plain.write_bytes(before + after)
        sent.write_bytes(before + hush + after)
        heard, expected = decoded(sent), decoded(plain)
        assert len(heard) == len(expected) + 6 * silence.samples
        # A frame overlaps with the one before it, which is silent now, and both filters ring on.
        rest = len(expected) - (at + 3) * silence.samples
        assert np.abs(heard[-rest:].astype(int) - expected[-rest:]).max() <= 2
