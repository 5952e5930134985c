from __future__ import annotations

from pathlib import Path

import pytest

from asrcli.audio.encoded.ogg import OggParser
from asrcli.audio.encoded.ogg_pages import BEGINS, CONTINUED, ENDS, Page, changed, new_page, page_bytes, read_page
from asrcli.audio.encoded.parser import Unfit
from tests.audio.encoded.test_parsers import Speech, take_apart
from tests.support.sounds import decoded_s, needs_ffmpeg, splits, tone, write

pytestmark = needs_ffmpeg


def pages_of(data: bytes) -> list[Page]:
    found = []
    while data:
        length = page_bytes(data)
        page = read_page(data[:length])
        assert page is not None
        found.append(page)
        data = data[length:]
    return found


def joined(pages: list[Page]) -> bytes:
    return b"".join(page.data for page in pages)


def raw_page(lacing: bytes, body: bytes, *, flags: int, number: int, like: Page) -> Page:
    """A page of packets that need not end in it."""
    page = like._replace(data=bytes(26) + bytes((len(lacing),)) + lacing + body)
    return changed(page, flags=flags, granule=like.granule, serial=like.serial, number=number)


def with_serial(page: Page, serial: int) -> Page:
    return changed(page, flags=page.flags, granule=page.granule, serial=serial, number=page.number)


@pytest.fixture
def opus(speech: Speech) -> list[Page]:
    """Four seconds of Opus, two pages of head and 40 of sound."""
    return pages_of(speech("start.opus", "-b:a", "24k", "-page_duration", "100000").read_bytes())


def test_the_pages_of_the_file_are_passed_on_as_they_are(opus: list[Page]) -> None:
    parser = OggParser()
    parts = take_apart(parser, [joined(opus)])
    traits = parser.traits
    assert traits is not None
    assert traits.header == joined(opus[:2])
    assert [part.data for part in parts] == [page.data for page in opus[2:]]
    assert (traits.name, traits.rate_hz, traits.original_hz, traits.channels) == ("opus", 48000, 16000, 1)
    assert parser.samples == 4 * 48000


def test_a_page_made_anew_is_the_page(opus: list[Page]) -> None:
    for page in opus:
        whole = [packet for packet, _ in page.packets]
        fields = {"flags": page.flags, "granule": page.granule, "serial": page.serial, "number": page.number}
        assert new_page(whole, **fields) == page == changed(opus[3]._replace(data=page.data), **fields)


def test_a_damaged_page_is_left_out(opus: list[Page]) -> None:
    broken = bytearray(opus[9].data)
    broken[60] ^= 1
    parser = OggParser()
    parts = take_apart(parser, splits(joined(opus[:9]) + broken + joined(opus[10:]), 700))
    assert [part.data for part in parts] == [page.data for page in opus[2:9] + opus[10:]]
    assert (parser.lost_pages, parser.lost_bytes, parser.damaged_at) == (1, len(broken), 7 * 4800)
    assert parser.samples == 4 * 48000 - 4800


def test_lost_pages_are_counted(opus: list[Page]) -> None:
    parser = OggParser()
    take_apart(parser, [joined(opus[:9] + opus[12:])])
    assert (parser.lost_pages, parser.lost_bytes, parser.is_cut) == (3, 0, False)


def test_an_end_that_is_missing_is_seen(opus: list[Page]) -> None:
    for data, is_cut in ((joined(opus[:-1]), False), (joined(opus)[:-5], True)):
        parser = OggParser()
        assert len(take_apart(parser, [data])) == len(opus) - 3
        assert (parser.lacks_end, parser.is_cut) == (True, is_cut)


def test_what_goes_on_beside_the_sound_is_left_out(opus: list[Page]) -> None:
    picture = [
        new_page([b"\x80theora" + bytes(30)], flags=BEGINS, granule=0, serial=9, number=0),
        *(new_page([bytes(300)], flags=0, granule=at, serial=9, number=at) for at in range(1, 40)),
    ]
    mixed = [picture[0], opus[0], opus[1]]
    for page, other in zip(opus[2:], picture[1:], strict=False):
        mixed += [other, page]
    mixed += opus[len(picture) + 1 :]
    parser = OggParser()
    parts = take_apart(parser, [joined(mixed)])
    assert [part.data for part in parts] == [page.data for page in opus[2:]]
    assert parser.traits is not None
    assert parser.traits.header == joined(opus[:2])


def test_two_streams_of_sound_are_told(opus: list[Page]) -> None:
    others = [with_serial(page, 77) for page in opus]
    both = [page for pair in zip(opus, others, strict=True) for page in pair]
    with pytest.raises(Unfit, match="is Ogg with 2 streams of sound"):
        take_apart(OggParser(), [joined(both)])


def test_streams_behind_one_another_become_one(opus: list[Page], tmp_path: Path) -> None:
    links = (
        joined(opus) + joined([with_serial(page, 5) for page in opus]) + joined([with_serial(page, 6) for page in opus])
    )
    parser = OggParser()
    parts = take_apart(parser, splits(links, 999))
    assert parser.traits is not None
    sent = pages_of(parser.traits.header + b"".join(part.data for part in parts))
    assert {page.serial for page in sent} == {opus[0].serial}
    assert [page.number for page in sent] == list(range(len(sent)))
    assert [page.flags & ENDS for page in sent] == [0] * (len(sent) - 1) + [ENDS]
    assert [packet for page in sent[2:] for packet in page.packets] == 3 * [
        packet for page in opus[2:] for packet in page.packets
    ]
    path = tmp_path / "sent.opus"
    path.write_bytes(joined(sent))
    assert decoded_s(path) == pytest.approx(parser.samples / 48000, abs=0.03)
    assert parser.samples / 48000 == pytest.approx(12, abs=0.06)
    assert (parser.lost_pages, parser.is_cut) == (0, False)


def test_a_stream_that_goes_on_as_another_is_told(opus: list[Page], speech: Speech) -> None:
    two = speech("two.opus", "-ac", "2").read_bytes()
    for more in (two, speech("talk.spx").read_bytes()):
        with pytest.raises(Unfit, match=r"goes on as a stream of another kind after 4\.0 s|3\.9 s"):
            take_apart(OggParser(), [joined(opus) + more])


def test_long_tags_are_not_sent_with_every_session(opus: list[Page], tmp_path: Path) -> None:
    # A packet that fills three pages and ends in the fourth.
    full = raw_page(b"\xff" * 255, b"OpusTags" + bytes(255 * 255 - 8), flags=0, number=1, like=opus[0])
    more = [raw_page(b"\xff" * 255, bytes(255 * 255), flags=CONTINUED, number=at, like=opus[0]) for at in (2, 3)]
    pages = [opus[0], full, *more, raw_page(b"\0", b"", flags=CONTINUED, number=4, like=opus[0])]
    sound = [
        changed(page, flags=page.flags, granule=page.granule, serial=page.serial, number=5 + at)
        for at, page in enumerate(opus[2:])
    ]
    parser = OggParser()
    parts = take_apart(parser, splits(joined(pages + sound), 4000))
    assert [part.data for part in parts] == [page.data for page in sound]
    assert parser.traits is not None
    assert len(parser.traits.header) < 200
    path = tmp_path / "sent.opus"
    path.write_bytes(parser.traits.header + b"".join(part.data for part in parts))
    assert decoded_s(path) == 4


def test_a_page_that_continues_a_packet_is_no_place_to_begin(opus: list[Page]) -> None:
    page = opus[5]
    packets = [packet for packet, _ in page.packets]
    # The last packet of one page is torn after 255 bytes of it.
    long = (packets[-1] * 300)[:300]
    lacing = bytes(len(packet) for packet in packets[:-1]) + b"\xff"
    body = b"".join(packets[:-1]) + long[:255]
    torn = raw_page(lacing, body, flags=0, number=page.number, like=page._replace(granule=page.granule - 960))
    rest = new_page([long[255:]], flags=CONTINUED, granule=page.granule, serial=page.serial, number=page.number + 1)
    later = [
        changed(each, flags=each.flags, granule=each.granule, serial=each.serial, number=each.number + 1)
        for each in opus[6:]
    ]
    parser = OggParser()
    parts = take_apart(parser, [joined([*opus[:5], torn, rest, *later])])
    assert [part.is_whole for part in parts[2:6]] == [True, False, True, True]
    assert parts[3].samples + parts[4].samples == 4800
    assert parser.samples == 4 * 48000


def test_other_sound_in_ogg_is_told(tmp_path: Path) -> None:
    vorbis = write(tmp_path / "a.ogg", tone(0.5), subtype="VORBIS", kind="OGG").read_bytes()
    with pytest.raises(Unfit, match="is Vorbis in Ogg, and the service takes Opus and Speex only"):
        take_apart(OggParser(), [vorbis])
    text = new_page([b"fishead\0" + bytes(40)], flags=BEGINS, granule=0, serial=1, number=0).data
    with pytest.raises(Unfit, match="is Ogg without Opus or Speex"):
        take_apart(OggParser(), [text + new_page([b"x"], flags=0, granule=0, serial=1, number=1).data])
