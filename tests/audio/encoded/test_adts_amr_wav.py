from __future__ import annotations

import struct
from pathlib import Path

import pytest

from asrcli.audio.encoded.adts import AdtsParser
from asrcli.audio.encoded.amr import MAGIC, SILENCE, AmrParser
from asrcli.audio.encoded.parser import Parser, Unfit
from asrcli.audio.encoded.wav import WavParser
from tests.audio.encoded.test_parsers import Speech, take_apart
from tests.support.sounds import needs_ffmpeg, splits, tone, write

TALK = Path(__file__).parents[2] / "data" / "talk.amr"


@pytest.mark.parametrize(
    ("kind", "data", "reason"),
    [
        (AmrParser, b"#!AMR-WB\n" + bytes(100), "is AMR-WB, and the service takes AMR-NB only"),
        (AmrParser, b"#!AMR_MC1.0\n" + bytes(100), "is AMR of several channels"),
        (AmrParser, b"#!AM", "holds no AMR"),
        (AdtsParser, b"\0\0\0\x20ftypM4A " + bytes(100), "holds no AAC in ADTS"),
        (WavParser, b"RIFF\0\0\0\0WAVE", "ends within its header"),
        (WavParser, b"RIFX\0\0\0\0WAVE", "cannot be read: there is no WAV header"),
    ],
)
def test_what_is_something_else_is_told(kind: type[Parser], data: bytes, reason: str) -> None:
    with pytest.raises(Unfit) as told:
        take_apart(kind(), splits(data, 3))
    assert told.value.reason == reason


@needs_ffmpeg
def test_aac_of_any_layout_is_read(speech: Speech) -> None:
    for options, rate_hz, channels in (((), 16000, 1), (("-ar", "44100", "-ac", "2"), 44100, 2)):
        parser = AdtsParser()
        path = speech(f"{rate_hz}.aac", *options)
        parts = take_apart(parser, splits(path.read_bytes(), 100))
        assert parser.traits is not None
        assert (parser.traits.rate_hz, parser.traits.channels, parts[0].samples) == (rate_hz, channels, 1024)
        assert b"".join(part.data for part in parts) == path.read_bytes()


def test_every_pause_of_amr_has_its_length_in_speech() -> None:
    frames = [part.data for part in take_apart(AmrParser(), [TALK.read_bytes()])]
    noise, nothing = bytes.fromhex("4426c783681e"), bytes.fromhex("7c")
    parser = AmrParser()
    parts = take_apart(parser, splits(MAGIC + b"".join([*frames[:50], noise, nothing, nothing, *frames[50:]]), 9))
    assert [part.data for part in parts] == [*frames[:50], SILENCE, SILENCE, SILENCE, *frames[50:]]
    assert {part.samples for part in parts} == {160}
    assert (parser.lost_bytes, parser.is_cut) == (0, False)


def test_amr_finds_its_step_again() -> None:
    frames = [part.data for part in take_apart(AmrParser(), [TALK.read_bytes()])]
    parser = AmrParser()
    parts = take_apart(parser, [MAGIC + b"".join(frames[:40]) + b"\xff" * 7 + b"".join(frames[40:])])
    assert [part.data for part in parts] == frames
    assert (parser.lost_bytes, parser.damaged_at) == (7, 40 * 160)


def test_a_hole_full_of_zeros_is_no_sound_in_amr() -> None:
    frames = [part.data for part in take_apart(AmrParser(), [TALK.read_bytes()])]
    parser = AmrParser()
    parts = take_apart(parser, splits(MAGIC + b"".join(frames[:40]) + bytes(3000) + b"".join(frames[40:]), 500))
    assert [part.data for part in parts] == frames
    assert (parser.lost_bytes, parser.damaged_at) == (3000, 40 * 160)


def test_a_wav_is_its_samples_behind_a_header_for_every_session(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(1.005, 8000), 8000)
    parser = WavParser()
    parts = take_apart(parser, splits(path.read_bytes(), 77))
    traits = parser.traits
    assert traits is not None
    assert b"".join(part.data for part in parts) == path.read_bytes()[44:]
    assert (traits.rate_hz, traits.channels, traits.total_samples, traits.lead_samples) == (8000, 1, 8040, 0)
    # A header like that of the file, whose lengths say that they are not known.
    unknown = struct.pack("<I", 0xFFFFFFFF)
    assert traits.header == b"RIFF" + unknown + path.read_bytes()[8:40] + unknown


def test_what_follows_the_samples_of_a_wav_is_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(0.5))
    data = path.read_bytes()
    for more in (b"LIST\x04\0\0\0abcd", b"x"):
        assert sum(part.samples for part in take_apart(WavParser(), [data + more])) == 8000
    cut = WavParser()
    assert sum(part.samples for part in take_apart(cut, [data[:-1001]])) == 7499
    assert cut.is_cut


@pytest.mark.parametrize(
    ("subtype", "name"), [("FLOAT", "f32le"), ("ULAW", "mulaw"), ("PCM_24", "s24le"), ("IMA_ADPCM", "a codec")]
)
def test_a_wav_of_something_else_is_told(subtype: str, name: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(0.5), subtype=subtype)
    with pytest.raises(Unfit, match=f"is a WAV of {name}, not of 16-bit PCM"):
        take_apart(WavParser(), [path.read_bytes()])
