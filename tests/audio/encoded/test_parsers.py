"""What holds for every container: how it is fed makes no difference, and nothing that comes in stops it from ending."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asrcli.audio.encoded.adts import AdtsParser
from asrcli.audio.encoded.amr import AmrParser
from asrcli.audio.encoded.frames import FrameParser
from asrcli.audio.encoded.mp3 import Mp3Parser
from asrcli.audio.encoded.ogg import OggParser
from asrcli.audio.encoded.ogg_pages import changed, read_page
from asrcli.audio.encoded.parser import Parser, Part, Unfit
from asrcli.audio.encoded.wav import WavParser
from tests.support.sounds import decoded, decoded_s, needs_ffmpeg, splits

FILES: dict[str, tuple[type[Parser], tuple[str, ...]]] = {
    "start.mp3": (Mp3Parser, ("-b:a", "32k")),
    "start44.mp3": (Mp3Parser, ("-ar", "44100", "-b:a", "96k")),
    "variable.mp3": (Mp3Parser, ("-q:a", "7", "-metadata", "title=Four seconds")),
    "start.opus": (OggParser, ("-b:a", "24k", "-page_duration", "100000")),
    "start.aac": (AdtsParser, ("-b:a", "32k")),
    "talk.spx": (OggParser, ()),
    "talk.amr": (AmrParser, ()),
    "start.wav": (WavParser, ()),
}
PARSERS = sorted({parser for parser, _ in FILES.values()}, key=lambda parser: parser.__name__)
Speech = Callable[..., Path]


def take_apart(parser: Parser, pieces: Iterable[bytes]) -> list[Part]:
    parts = [part for piece in pieces for part in parser.feed(piece)]
    return parts + parser.end()


def whole(name: str, speech: Speech) -> tuple[Path, Parser, list[Part]]:
    """The file of that name, and its parser with all its parts."""
    kind, options = FILES[name]
    parser = kind()
    path = speech(name, *options)
    return path, parser, take_apart(parser, [path.read_bytes()])


def told(parser: Parser, pieces: Iterable[bytes]) -> tuple[object, ...]:
    """All that a parser says of a stream."""
    try:
        parts: object = take_apart(parser, pieces)
    except Unfit as reason:
        return (str(reason),)
    return parts, parser.traits, parser.samples, parser.lost_bytes, parser.damaged_at, parser.is_cut


@needs_ffmpeg
@pytest.mark.parametrize("name", FILES)
def test_parts_last_as_long_as_what_a_decoder_makes_of_them(name: str, speech: Speech, tmp_path: Path) -> None:
    path, parser, parts = whole(name, speech)
    traits = parser.traits
    assert traits is not None
    assert (parser.lost_bytes, parser.is_cut, traits.channels) == (0, False, 1)
    sent = tmp_path / f"sent{path.suffix}"
    sent.write_bytes(traits.header + b"".join(part.data for part in parts))
    seconds = decoded_s(sent)
    # The last packet of Speex is cut by a position in the file, which ffmpeg passes over.
    assert parser.samples / traits.rate_hz == pytest.approx(seconds, abs=0.04 if name == "talk.spx" else 1e-9)
    assert seconds - traits.lead_samples / traits.rate_hz == pytest.approx(decoded_s(path), abs=0.04)
    if traits.total_samples is not None:
        assert traits.total_samples / traits.rate_hz == pytest.approx(decoded_s(path), abs=1e-9)


@pytest.mark.parametrize("name", ["start.mp3", "start44.mp3", "variable.mp3", "start.opus", "start.wav"])
@needs_ffmpeg
def test_stated_lengths_are_what_libsndfile_says(name: str, speech: Speech) -> None:
    path, parser, _ = whole(name, speech)
    assert parser.traits is not None
    seconds = (parser.traits.total_samples or parser.samples) / parser.traits.rate_hz
    assert seconds == pytest.approx(soundfile.info(path).duration, abs=1e-4)


@needs_ffmpeg
@pytest.mark.parametrize("name", FILES)
def test_a_decoder_can_begin_with_any_part(name: str, speech: Speech, tmp_path: Path) -> None:
    path, parser, parts = whole(name, speech)
    assert parser.traits is not None
    rest = parts[len(parts) // 2 :]
    assert all(part.is_whole for part in parts)
    middle = tmp_path / f"middle{path.suffix}"
    middle.write_bytes(parser.traits.header + b"".join(part.data for part in rest))
    seconds = sum(part.samples for part in rest) / parser.traits.rate_hz
    assert decoded_s(middle) == pytest.approx(seconds, abs=0.04 if name == "talk.spx" else 1e-9)


@needs_ffmpeg
@pytest.mark.parametrize("name", FILES)
def test_how_a_stream_is_fed_makes_no_difference(name: str, speech: Speech) -> None:
    kind, options = FILES[name]
    data = speech(name, *options).read_bytes()
    whole = told(kind(), [data])
    assert all(told(kind(), splits(data, size)) == whole for size in (61, 1000, 1 << 14))
    assert told(kind(), splits(data[:9000], 1)) == told(kind(), [data[:9000]])


@needs_ffmpeg
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
def test_damage_costs_what_is_damaged_however_it_comes(name: str, speech: Speech, data: st.DataObject) -> None:
    kind, options = FILES[name]
    whole = speech(name, *options).read_bytes()[:20_000]
    begin = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(begin, min(len(whole), begin + 3000)))
    damaged = whole[:begin] + data.draw(st.binary(max_size=60)) + whole[end:]
    size = data.draw(st.integers(1, 5000))
    at_once = told(kind(), [damaged])
    assert told(kind(), splits(damaged, size)) == at_once
    if len(at_once) > 1 and kind is not WavParser:
        parts = at_once[0]
        assert isinstance(parts, list)
        most = 9000 if kind is OggParser else 4000
        assert sum(len(part.data) for part in parts) >= len(whole) - (end - begin) - most


@settings(max_examples=25, deadline=None)
@pytest.mark.parametrize("kind", PARSERS)
@given(
    data=st.lists(
        st.sampled_from(
            [
                b"OggS",
                b"\xff\xfb\x90\xc4",
                b"\xff\xf1\x60\x40\x02\x1f\xfc",
                b"ID3\x04\0\0\0\0\0\x0a",
                b"#!AMR\n",
                b"\0" * 9,
            ]
        )
        | st.binary(max_size=40),
        max_size=60,
    ).map(b"".join),
    size=st.integers(1, 50),
)
def test_any_bytes_give_parts_or_a_reason(kind: type[Parser], data: bytes, size: int) -> None:
    assert told(kind(), splits(data, size)) == told(kind(), [data])


@pytest.mark.parametrize("kind", PARSERS)
def test_what_is_no_sound_is_not_looked_at_for_ever(kind: type[Parser]) -> None:
    parser = kind()
    with pytest.raises(Unfit):
        for _ in range(100):
            assert parser.feed(b"no sound " * 8192) == []
            assert len(parser._arrived) < 1 << 17


@pytest.mark.parametrize("kind", [Mp3Parser, AdtsParser])
def test_a_stretch_of_nothing_but_ones_is_passed_over_at_once(
    kind: type[FrameParser], monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[int] = []
    monkeypatch.setattr(kind, "header_at", lambda self, data, at: looked.append(at))
    parser = kind()
    for _ in range(10):
        parser.feed(b"\xff" * 8192)
    assert len(looked) < 100


@needs_ffmpeg
@pytest.mark.parametrize("name", FILES)
def test_there_is_silence_in_every_encoding(name: str, speech: Speech, tmp_path: Path) -> None:
    path, parser, _ = whole(name, speech)
    assert parser.traits is not None
    part = parser.silence()
    data = numbered(part.data, 2) if type(parser) is OggParser else 30 * part.data
    silent = tmp_path / f"silent{path.suffix}"
    silent.write_bytes(parser.traits.header + data)
    samples = decoded(silent)
    assert 0.01 < part.samples / parser.traits.rate_hz <= 0.2
    assert np.abs(samples).max() <= 1


def numbered(data: bytes, number: int) -> bytes:
    """A page of silence as the first one of its stream that holds sound."""
    page = read_page(data)
    assert page is not None
    return changed(page, flags=0, granule=4800, serial=page.serial, number=number).data
