"""mp3, aac and amr: heard frame by frame, whatever stands around and between the frames, or refused with the reason."""

from __future__ import annotations

import numpy as np
import pytest

from asrcli.service.hearing.decoding import open_decoder
from asrcli.service.recognizers.base import Pcm, RecognitionError, RecognitionSettings
from tests.support.compressed import compressed, decode, pieces, samples, tone

FORMATS = ("mp3", "aac", "amr")
SECONDS = 2.0
FILES = {name: compressed(name, tone(SECONDS)) for name in FORMATS}
# An encoder's lead and the filling of the last frame.
PADDING_S = 0.2
ID3 = b"ID3\x04\0\0"


@pytest.mark.parametrize("audio_format", FORMATS)
def test_frames_are_heard_however_they_are_cut(audio_format: str) -> None:
    heard = samples(audio_format, FILES[audio_format])
    assert SECONDS <= len(heard) / 16000 < SECONDS + PADDING_S
    assert 9_000 < np.abs(heard[8000:24000]).max() < 14_000
    for size in (1, 7, 100_000):
        assert np.array_equal(samples(audio_format, FILES[audio_format], size=size), heard)


@pytest.mark.parametrize("audio_format", FORMATS)
def test_no_sound_waits_for_more_than_the_next_frame(audio_format: str) -> None:
    """A frame of mp3 or aac at 16 kHz is 36 or 64 ms of sound."""
    heard: list[Pcm] = []
    decoder = open_decoder(RecognitionSettings(audio_format=audio_format), heard.append)
    data = compressed(audio_format, np.random.default_rng(1).integers(-9000, 9000, 32000, "<i2").tobytes())
    for number, piece in enumerate(pieces(data, len(data) // 20 + 1)):
        decoder.feed(piece)
        sent_s = (number + 1) / 20 * SECONDS
        assert sum(len(pcm.data) for pcm in heard) / 32000 > sent_s - 0.15


def test_a_tag_of_megabytes_is_passed_over() -> None:
    """What is in it may look like frames."""
    picture = FILES["mp3"] * (5_000_000 // len(FILES["mp3"]))
    size = len(picture)
    tag = ID3 + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + picture
    assert np.array_equal(samples("mp3", tag + FILES["mp3"], size=50_000), samples("mp3", FILES["mp3"]))


def test_frames_that_lean_on_what_went_before_the_beginning_are_no_obstacle() -> None:
    """A client that goes on in the middle of an mp3 cannot send what its first frames borrow bits from."""
    middle = FILES["mp3"][len(FILES["mp3"]) // 2 :]
    heard = samples("mp3", middle[middle.index(b"\xff\xf3") :])
    assert SECONDS / 2 - 0.1 < len(heard) / 16000 < SECONDS / 2 + PADDING_S
    assert np.abs(heard[4000:12000]).max() > 9_000


@pytest.mark.parametrize("audio_format", FORMATS)
def test_what_lies_beside_damage_is_heard(audio_format: str) -> None:
    whole = bytearray(FILES[audio_format])
    at = len(whole) // 2
    whole[at : at + 100] = bytes(100)
    assert SECONDS - 0.4 < len(samples(audio_format, bytes(whole))) / 16000 < SECONDS + PADDING_S
    half = samples(audio_format, FILES[audio_format][: at + 5])
    assert SECONDS / 2 - 0.15 < len(half) / 16000 < SECONDS / 2 + PADDING_S


@pytest.mark.parametrize(
    ("audio_format", "data", "why"),
    [
        ("mp3", b"OggS" + bytes(100), "not mp3: it begins as Ogg"),
        ("mp3", ID3 + b"\0\0\0\5hello" + FILES["aac"], "not mp3: it begins as aac"),
        ("aac", b"\0\0\0\x20ftypM4A " + bytes(100), "not aac in ADTS: it begins as MP4"),
        ("aac", FILES["mp3"], "not aac in ADTS: it begins as mp3"),
        ("amr", b"#!AMR-WB\n" + bytes(100), "not amr: it begins as AMR-WB"),
        ("amr", FILES["amr"][6:], "does not begin with #!AMR"),
        ("amr", b"#!", "not amr"),
        ("mp3", ID3 + b"\0\0\1\0", "not mp3"),
        # Noise may look like frames of another kind.
        *((name, np.random.default_rng(1).bytes(20_000), name) for name in FORMATS),
        *((name, bytes(20_000), f"not {name}") for name in FORMATS),
    ],
)
def test_what_is_something_else_is_refused(audio_format: str, data: bytes, why: str) -> None:
    with pytest.raises(RecognitionError, match=why) as caught:
        decode(audio_format, data)
    assert caught.value.code == "NO_VALID_AUDIO_ERROR"


def test_what_holds_no_frame_for_long_is_refused_before_its_end() -> None:
    decoder = open_decoder(RecognitionSettings(audio_format="mp3"), lambda pcm: None)
    with pytest.raises(RecognitionError, match="the audio is not mp3"):
        for _ in range(100):
            decoder.feed(bytes(1000))


@pytest.mark.parametrize("audio_format", ["mp3", "aac"])
def test_another_rate_than_the_client_states_is_refused(audio_format: str) -> None:
    with pytest.raises(RecognitionError, match=f"the {audio_format} is at 16000 Hz, and sample_rate says 44100"):
        decode(audio_format, FILES[audio_format], rate_hz=44100)


def test_a_rate_that_changes_within_is_refused_where_it_does() -> None:
    other = compressed("mp3", tone(), rate_hz=24000)
    heard: list[Pcm] = []
    decoder = open_decoder(RecognitionSettings(audio_format="mp3"), heard.append)
    decoder.feed(FILES["mp3"])
    with pytest.raises(RecognitionError, match="the mp3 is at 24000 Hz"):
        decoder.feed(other)
    assert sum(len(pcm.data) for pcm in heard) / 32000 > SECONDS - 0.1


@pytest.mark.parametrize("audio_format", ["mp3", "aac"])
def test_two_channels_are_refused(audio_format: str) -> None:
    with pytest.raises(RecognitionError, match=f"the {audio_format} must be mono; it has 2 channels"):
        decode(audio_format, compressed(audio_format, tone(), layout="stereo"))


def test_a_pause_in_amr_lasts_as_long_as_it_is() -> None:
    """A sender may leave out what is silent: a frame of comfort noise, then frames of nothing."""
    spoken = FILES["amr"][6 : 6 + 50 * 32]
    pause = b"\x44" + bytes(5) + b"\x7c" * 49
    assert len(samples("amr", b"#!AMR\n" + spoken + pause + spoken)) == pytest.approx(48000, abs=100)


def test_what_the_recogniser_raises_reaches_the_one_who_feeds() -> None:
    def stall(pcm: Pcm) -> None:
        raise RecognitionError("ModelServingError", "too slow")

    decoder = open_decoder(RecognitionSettings(audio_format="mp3"), stall)
    with pytest.raises(RecognitionError, match="too slow"):
        decoder.feed(FILES["mp3"])
