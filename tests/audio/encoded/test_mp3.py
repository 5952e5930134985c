from __future__ import annotations

import struct
from pathlib import Path

import pytest

from asrcli.audio.encoded.mp3 import Mp3Parser
from asrcli.audio.encoded.parser import Unfit
from tests.audio.encoded.test_parsers import Speech, take_apart
from tests.support.sounds import needs_ffmpeg, splits, tone, write

pytestmark = needs_ffmpeg


@pytest.fixture
def frames(speech: Speech) -> list[bytes]:
    """Of a file of 32 kbit/s."""
    return [part.data for part in take_apart(Mp3Parser(), [speech("start.mp3", "-b:a", "32k").read_bytes()])]


def id3(size: int) -> bytes:
    return b"ID3\x04\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + b"picture " * (size // 8)


def test_a_tag_of_5_mb_is_passed_over_and_not_kept(frames: list[bytes]) -> None:
    parser = Mp3Parser()
    most = 0
    for piece in splits(id3(5 << 20), 1 << 14):
        assert parser.feed(piece) == []
        most = max(most, len(parser._arrived))
    assert most < 100
    assert [part.data for part in parser.feed(b"".join(frames)) + parser.end()] == frames
    assert (parser.lost_bytes, parser.is_cut) == (0, False)


def test_zeros_behind_a_tag_are_its_padding(frames: list[bytes]) -> None:
    parser = Mp3Parser()
    assert len(take_apart(parser, [id3(80), bytes(3000), *frames])) == len(frames)
    assert parser.lost_bytes == 0


def test_a_tag_that_claims_sound_as_its_own_is_told(frames: list[bytes]) -> None:
    sound = b"".join(frames)
    with pytest.raises(Unfit, match="tag with a wrong length"):
        take_apart(Mp3Parser(), [id3(800)[:10] + sound])


def test_tags_behind_the_sound_are_none(frames: list[bytes]) -> None:
    fields = b"APETAGEX" + struct.pack("<III", 2000, 132, 1) + b"\0\0\0"
    ape = fields + b"\xa0" + bytes(8) + b"\xff\xfb\x90\xc4" * 25 + fields + b"\x80" + bytes(8)
    for tags in (ape, b"TAG" + bytes(125), ape + b"TAG" + bytes(125), ape[132:] + b"TAG" + bytes(125)):
        parser = Mp3Parser()
        assert [part.data for part in take_apart(parser, splits(b"".join(frames) + tags, 500))] == frames
        assert (parser.lost_bytes, parser.is_cut) == (0, False)


@pytest.mark.parametrize("end", [b"LYRICSEND", b"012345LYRICS200"])
def test_lyrics_behind_the_sound_are_none(end: bytes, frames: list[bytes]) -> None:
    tags = b"LYRICSBEGIN" + b"[00:01]words of it" * 300 + end + b"TAG" + bytes(125)
    for size in (7, 500, 100_000):
        parser = Mp3Parser()
        assert [part.data for part in take_apart(parser, splits(b"".join(frames) + tags, size))] == frames
        assert (parser.lost_bytes, parser.is_cut) == (0, False)


def test_lyrics_without_an_end_are_damage(frames: list[bytes]) -> None:
    parser = Mp3Parser()
    assert len(take_apart(parser, [*frames[:9], b"LYRICSBEGIN" + bytes(1 << 19), *frames[9:]])) == len(frames)
    assert parser.lost_bytes == 1 << 19


def test_the_frame_that_describes_the_others_is_no_sound(speech: Speech) -> None:
    parser = Mp3Parser()
    take_apart(parser, [speech("start.mp3", "-b:a", "32k").read_bytes()])
    traits = parser.traits
    assert traits is not None
    # LAME puts 576 samples before the sound, a decoder 529.
    assert (traits.rate_hz, traits.lead_samples, traits.total_samples) == (16000, 1105, 64000)


def test_a_frame_that_is_cut_off_is_left_out_and_the_next_are_not(frames: list[bytes]) -> None:
    for at in range(20, 24):
        for kept in (3, 50, len(frames[at]) - 1):
            parser = Mp3Parser()
            damaged = [*frames[:at], frames[at][:kept], *frames[at + 1 :]]
            parts = take_apart(parser, splits(b"".join(damaged), 333))
            assert [part.data for part in parts] == [*frames[:at], *frames[at + 1 :]]
            assert parser.lost_bytes == kept
            assert parser.damaged_at == at * 576


def test_a_file_that_is_cut_short_gives_whole_frames(frames: list[bytes]) -> None:
    parser = Mp3Parser()
    parts = take_apart(parser, [b"".join(frames)[:-10]])
    assert [part.data for part in parts] == frames[:-1]
    assert parser.is_cut


def test_rubbish_between_frames_is_passed_over(frames: list[bytes]) -> None:
    parser = Mp3Parser()
    rubbish = b"\xff\xfb\x90 what is this? \xff" * 40
    parts = take_apart(parser, splits(b"".join(frames[:30]) + rubbish + b"".join(frames[30:]), 1000))
    assert [part.data for part in parts] == frames
    assert (parser.lost_bytes, parser.damaged_at) == (len(rubbish), 30 * 576)


def test_files_behind_one_another_are_one(speech: Speech) -> None:
    data = speech("variable.mp3", "-q:a", "7", "-metadata", "title=Four seconds").read_bytes()
    parser = Mp3Parser()
    alone = take_apart(Mp3Parser(), [data])
    # The second one is described too, by a frame that decodes to silence.
    assert len(take_apart(parser, [data, data])) == 2 * len(alone) + 1
    assert parser.lost_bytes == 0


def test_other_rates_and_channels_on_the_way_are_told(frames: list[bytes], speech: Speech, tmp_path: Path) -> None:
    others = (speech("start44.mp3", "-ar", "44100", "-b:a", "96k"), speech("two.mp3", "-ac", "2", "-b:a", "32k"))
    for other in others:
        with pytest.raises(Unfit, match=r"changes its sample rate or its channels after 4\.\d s"):
            take_apart(Mp3Parser(), [*frames, other.read_bytes()])


def test_stereo_is_known(speech: Speech) -> None:
    parser = Mp3Parser()
    take_apart(parser, [speech("two.mp3", "-ac", "2", "-b:a", "32k").read_bytes()])
    assert parser.traits is not None
    assert parser.traits.channels == 2


def test_layer_two_is_no_mp3(speech: Speech) -> None:
    with pytest.raises(Unfit, match="is MPEG layer II, not MP3"):
        take_apart(Mp3Parser(), [speech("start.mp2").read_bytes()])


def test_a_free_bit_rate_is_told(frames: list[bytes]) -> None:
    free = [frame[:2] + bytes((frame[2] & 0x0D,)) + frame[3:] for frame in frames]
    for pieces in ([b"".join(free)], splits(b"".join(free), 100)):
        with pytest.raises(Unfit, match="free bit rate"):
            take_apart(Mp3Parser(), pieces)


@pytest.mark.parametrize("rate_hz", [8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000])
def test_every_rate_is_read(rate_hz: int, tmp_path: Path) -> None:
    parser = Mp3Parser()
    path = write(tmp_path / "a.mp3", tone(1.0, rate_hz), rate_hz, "MPEG_LAYER_III", "MP3")
    parts = take_apart(parser, [path.read_bytes()])
    assert parser.traits is not None
    assert parser.traits.rate_hz == rate_hz
    assert sum(part.samples for part in parts) / rate_hz == pytest.approx(1.0, abs=0.3)
