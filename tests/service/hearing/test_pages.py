"""opus and speex in Ogg: heard page by page, from any page on, one stream after another, or refused with the reason."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.service.hearing.decoding import open_decoder
from asrcli.service.hearing.ogg import PacketReader, PageReader
from asrcli.service.recognizers.base import Pcm, RecognitionError, RecognitionSettings
from tests.support.compressed import SPEEX, compressed, decode, pieces, samples, tone

SECONDS = 2.0
OPUS = compressed("opus", tone(SECONDS), page_duration="100000")


def pages(data: bytes) -> list[bytes]:
    """The pages of an Ogg, as they are in it."""
    return [b"OggS" + rest for rest in data.split(b"OggS")[1:]]


OPUS_PAGES = pages(OPUS)
HEADS, SOUND = b"".join(OPUS_PAGES[:2]), OPUS_PAGES[2:]


@pytest.mark.parametrize(
    ("audio_format", "data", "seconds"), [("opus", OPUS, SECONDS), ("speex", SPEEX.read_bytes(), 1)]
)
def test_pages_are_heard_however_they_are_cut(audio_format: str, data: bytes, seconds: float) -> None:
    """To the sample: the last packet is filled up, and the granule says how far."""
    heard = samples(audio_format, data)
    assert len(heard) == seconds * 16000
    assert 9_000 < np.abs(heard[4000:12000]).max() < 14_000
    for size in (1, 7, 100_000):
        assert np.array_equal(samples(audio_format, data, size=size), heard)


def test_a_page_is_heard_when_it_is_whole() -> None:
    heard: list[Pcm] = []
    decoder = open_decoder(RecognitionSettings(audio_format="opus"), heard.append)
    decoder.feed(HEADS)
    for number, page in enumerate(SOUND[:-1], start=1):
        decoder.feed(page)
        # What Opus leaves out at the beginning, and what the resampler holds back.
        assert sum(len(pcm.data) for pcm in heard) / 32000 > number * 0.1 - 0.01


def test_a_stream_may_begin_with_any_page() -> None:
    """A client that goes on in the middle sends the heads again, and positions that are not from 0 on."""
    heard = samples("opus", HEADS + b"".join(SOUND[7:]))
    assert abs(len(heard) / 16000 - (SECONDS - 0.7)) < 0.01
    assert np.abs(heard[4000:8000]).max() > 9_000


def test_streams_follow_one_another() -> None:
    speech = samples("opus", OPUS)
    assert np.array_equal(samples("opus", OPUS + OPUS), np.concatenate((speech, speech)))
    # The first one without its end.
    cut = samples("opus", HEADS + b"".join(SOUND[:5]) + OPUS)
    assert abs(len(cut) / 16000 - (SECONDS + 0.5)) < 0.01


def test_another_track_beside_the_sound_is_passed_over() -> None:
    other = pages(compressed("opus", tone(), page_duration="200000", serial_offset="7"))
    mixed = [OPUS_PAGES[0], other[0], OPUS_PAGES[1], other[1]]
    for number, page in enumerate(SOUND):
        mixed += [page, *other[2 + number : 3 + number]]
    assert np.array_equal(samples("opus", b"".join(mixed)), samples("opus", OPUS))


@pytest.mark.parametrize("damage", ["lost", "changed", "cut", "junk"])
def test_what_lies_beside_damage_is_heard(damage: str) -> None:
    bad = {
        "lost": b"",
        "changed": SOUND[8][:60] + bytes([SOUND[8][60] ^ 1]) + SOUND[8][61:],
        "cut": SOUND[8][:100],
        "junk": SOUND[8] + b"OggS" + bytes(200),
    }[damage]
    heard = samples("opus", HEADS + b"".join((*SOUND[:8], bad, *SOUND[9:])))
    assert SECONDS - 0.25 < len(heard) / 16000 <= SECONDS


def test_half_a_page_at_the_end_is_no_sound() -> None:
    heard = samples("opus", HEADS + b"".join(SOUND[:8]) + SOUND[8][:100])
    assert abs(len(heard) / 16000 - 0.8) < 0.01


@pytest.mark.parametrize(
    ("audio_format", "data", "why"),
    [
        ("opus", b"\xfc\xff\xfe" * 100, "opus must be sent in an Ogg container"),
        ("speex", b"RIFF", "speex must be sent in an Ogg container"),
        ("opus", SPEEX.read_bytes(), "does not begin with the head of opus"),
        ("speex", OPUS, "does not begin with the head of speex"),
        ("opus", b"".join(SOUND), "does not begin with the head of opus"),
        ("opus", HEADS, "the audio is not opus in Ogg"),
        ("opus", b"OggS" + np.random.default_rng(1).bytes(20_000), "the audio is not opus in Ogg"),
        ("opus", b"Og", "the audio is not opus in Ogg"),
        ("opus", compressed("opus", tone(), layout="stereo"), "the opus must be mono; it has 2 channels"),
    ],
)
def test_what_is_something_else_is_refused(audio_format: str, data: bytes, why: str) -> None:
    with pytest.raises(RecognitionError, match=why) as caught:
        decode(audio_format, data)
    assert caught.value.code == "NO_VALID_AUDIO_ERROR"


def test_the_rate_of_speex_is_what_the_client_states_and_that_of_opus_is_free() -> None:
    with pytest.raises(RecognitionError, match="the speex is at 16000 Hz, and sample_rate says 8000"):
        decode("speex", SPEEX.read_bytes(), rate_hz=8000)
    assert len(decode("opus", OPUS, rate_hz=8000)[0]) == 32000 * SECONDS


def test_a_packet_goes_on_over_pages() -> None:
    """Packets of one second and more are longer than a page with all its segments may be."""
    packet = bytes(range(256)) * 300
    segments = b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255])
    made, at = [], 0
    for sequence, lacing in enumerate((segments[:255], segments[255:])):
        size = sum(lacing)
        made.append(page(sequence, 1 if sequence else 0, lacing, packet[at : at + size]))
        at += size
    reader = PacketReader()
    assert [reader.read(each) for each in PageReader().read(b"".join(made))] == [[], [packet]]
    # The first half is lost.
    assert [PacketReader().read(each) for each in PageReader().read(made[1])] == [[]]


def page(sequence: int, flags: int, lacing: bytes, body: bytes) -> bytes:
    """A page, with the checksum worked out bit by bit."""
    head = struct.pack("<4sBBqIIIB", b"OggS", 0, flags, 0, 1, sequence, 0, len(lacing)) + lacing
    register = 0
    for byte in head + body:
        register ^= byte << 24
        for _ in range(8):
            register = (register << 1 ^ (0x04C11DB7 if register & 0x80000000 else 0)) & 0xFFFFFFFF
    return head[:22] + struct.pack("<I", register) + head[26:] + body


@given(st.lists(st.one_of(st.binary(max_size=60), st.sampled_from(OPUS_PAGES)), max_size=8), st.integers(1, 900))
def test_pages_are_found_in_whatever_they_stand(parts: list[bytes], size: int) -> None:
    whole = PageReader().read(b"".join(parts))
    reader = PageReader()
    assert [found for piece in pieces(b"".join(parts), size) for found in reader.read(piece)] == whole
    assert len(whole) <= sum(part.count(b"OggS") for part in parts)
