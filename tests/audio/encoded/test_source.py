from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from asrcli.audio.encoded import opening
from asrcli.audio.encoded.mp3 import Mp3Parser
from asrcli.audio.encoded.ogg_pages import BEGINS, new_page, page_bytes, read_page
from asrcli.audio.encoded.source import EncodedInput
from asrcli.audio.opening import Files, open_input
from asrcli.audio.source import AsIs, EncodedSource, Source
from asrcli.values.errors import DecodeError, UsageError
from asrcli.values.sound import Chunk
from tests.audio.encoded.test_parsers import FILES, Speech, take_apart
from tests.support.sounds import Notices, hide_ffmpeg, needs_ffmpeg, open_descriptors, tone, write

pytestmark = needs_ffmpeg
ALL = AsIs(("pcm", "wav", "mp3", "opus", "speex", "aac", "amr"))
SIXTEEN = AsIs(ALL.formats, (16000,))
QWEN = AsIs(("pcm", "opus"), (8000, 16000))
# Name, rate that the service is told, longest chunk that 200 ms may become.
TOLD = {
    "start.mp3": ("mp3", 16000, 0.236),
    "start44.mp3": ("mp3", 44100, 0.23),
    "variable.mp3": ("mp3", 16000, 0.236),
    "start.opus": ("opus", 16000, 0.2),
    "start.aac": ("aac", 16000, 0.256),
    "talk.spx": ("speex", 16000, 2.6),
    "talk.amr": ("amr", 8000, 0.2),
    "start.wav": ("wav", 16000, 0.2),
}


def opened(path: Path, as_is: AsIs = ALL, notices: Notices | None = None) -> Source:
    return open_input(
        Files(as_is=as_is), str(path), Notices() if notices is None else notices, lambda _peak, _rms: None
    )


def encoded(path: Path, as_is: AsIs = ALL, notices: Notices | None = None) -> EncodedInput:
    source = opened(path, as_is, notices)
    assert isinstance(source, EncodedInput)
    assert isinstance(source, EncodedSource)
    return source


def chunks_of(source: EncodedInput, chunk_ms: int = 200) -> list[Chunk]:
    try:
        return list(source.chunks(chunk_ms))
    finally:
        source.close()


@pytest.mark.parametrize("name", FILES)
def test_a_file_goes_in_chunks_as_it_is(name: str, speech: Speech) -> None:
    kind, options = FILES[name]
    path = speech(name, *options)
    parser = kind()
    parts = take_apart(parser, [path.read_bytes()])
    traits = parser.traits
    assert traits is not None
    before = open_descriptors()
    notices = Notices()
    source = encoded(path, notices=notices)
    format_name, rate_hz, longest_s = TOLD[name]
    sound = source.sound_format
    assert (sound.name, sound.sample_rate_hz, sound.header) == (format_name, rate_hz, traits.header)
    assert (source.live, source.waits, source.filler) == (False, False, None)
    chunks = chunks_of(source)
    assert b"".join(chunk.data for chunk in chunks) == b"".join(part.data for part in parts)
    ends = [chunk.end_sample for chunk in chunks]
    assert [chunk.end_sample - chunk.samples for chunk in chunks] == [-traits.lead_samples, *ends[:-1]]
    assert ends[-1] == (parser.samples - traits.lead_samples) * rate_hz // traits.rate_hz
    assert all(0.19 <= chunk.samples / rate_hz <= longest_s for chunk in chunks[:-1])
    assert all(len(chunk.data) < 16_384 and chunk.encoding == format_name for chunk in chunks)
    assert notices == []
    assert open_descriptors() == before


@pytest.mark.parametrize("name", ["start.mp3", "start44.mp3", "variable.mp3", "start.opus", "start.wav", "talk.spx"])
def test_the_length_is_known_where_the_file_says_it(name: str, speech: Speech) -> None:
    source = encoded(speech(name, *FILES[name][1]))
    source.close()
    assert source.duration_ms == (8000 if name == "talk.spx" else 4000)


@pytest.mark.parametrize("name", [name for name in FILES if name != "start.wav"])
def test_a_stream_goes_as_it_comes(name: str, speech: Speech, tmp_path: Path) -> None:
    """Each chunk is there with the bytes that complete it and, where frames bear no length, those behind it."""
    data = speech(name, *FILES[name][1]).read_bytes()
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    keep = os.open(fifo, os.O_RDWR)
    writer = os.open(fifo, os.O_WRONLY)
    os.write(writer, data[:10_000])
    source = encoded(fifo)
    os.close(keep)
    assert source.live
    assert source.filler is not None
    assert source.filler.is_filler
    chunks = source.chunks(100)
    got = [next(chunks) for _ in range(2 if name == "talk.spx" else 5)]
    os.write(writer, data[10_000:])
    os.close(writer)
    got += list(chunks)
    source.close()
    assert b"".join(chunk.data for chunk in got) == b"".join(
        chunk.data for chunk in chunks_of(encoded(speech(name, *FILES[name][1])))
    )


def test_stopping_a_stream_ends_it(speech: Speech, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    keep = os.open(fifo, os.O_RDWR)
    os.write(keep, speech("start.mp3", "-b:a", "32k").read_bytes()[:6000])
    source = encoded(fifo)
    chunks = source.chunks(100)
    next(chunks)
    source.stop()
    # What had come still comes.
    assert sum(len(chunk.data) for chunk in chunks) < 6000
    source.close()
    os.close(keep)


@pytest.mark.parametrize(
    ("name", "options", "as_is", "reason"),
    [
        ("two.mp3", ("-ac", "2"), ALL, "it has 2 channels, and the service takes one"),
        ("start44.mp3", FILES["start44.mp3"][1], SIXTEEN, "it has 44100 Hz, and the model takes 16000 Hz only"),
        ("start.mp3", FILES["start.mp3"][1], QWEN, "it is mp3, and the model takes pcm and opus only"),
        ("start.m4a", (), ALL, "it is MP4 (m4a), and the service takes AAC in ADTS only"),
        ("start.flac", (), ALL, "it is FLAC, which the service does not take"),
        ("start.mp2", (), ALL, "it is MPEG layer II, not MP3"),
    ],
)  # fmt: skip
def test_what_cannot_go_is_converted_and_told_or_refused(
    name: str, options: tuple[str, ...], as_is: AsIs, reason: str, speech: Speech
) -> None:
    path = speech(name, *options)
    notices = Notices()
    source = opened(path, as_is, notices)
    assert not isinstance(source, EncodedSource)
    assert sum(len(block) for block in source.blocks()) / source.rate_hz == pytest.approx(4, abs=0.1)
    source.close()
    assert notices == [f"{path} is converted: {reason}"]
    with pytest.raises(UsageError, match="cannot be sent as it is") as refused:
        opened(path, replace(as_is, insists=True))
    assert refused.value.message.endswith(reason)


def test_what_only_a_decoder_finds_sound_in_is_told_too(speech: Speech, tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(b"\x01rubbish" * 400 + speech("start.mp3", *FILES["start.mp3"][1]).read_bytes())
    notices = Notices()
    opened(path, ALL, notices).close()
    assert notices == [f"{path} is converted: it is of a kind that is not known"]


def test_a_stream_that_cannot_go_is_decoded_from_its_beginning(speech: Speech, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    keep = os.open(fifo, os.O_RDWR)
    writer = os.open(fifo, os.O_WRONLY)
    os.write(writer, speech("two.mp3", "-ac", "2").read_bytes())
    notices = Notices()
    source = opened(fifo, ALL, notices)
    os.close(keep)
    os.close(writer)
    assert not isinstance(source, EncodedSource)
    assert sum(len(block) for block in source.blocks()) / source.rate_hz == pytest.approx(4, abs=0.1)
    source.close()
    assert notices == [f"{fifo} is converted: it has 2 channels, and the service takes one"]


def test_opus_is_told_by_a_rate_that_the_model_takes(speech: Speech) -> None:
    for options, as_is, rate_hz in (
        (("-ar", "48000"), ALL, 48000),
        (("-ar", "48000"), QWEN, 16000),
        (("-ar", "8000"), ALL, 8000),
        ((), AsIs(("opus",), (8000,)), 8000),
    ):
        source = encoded(speech(f"opus{options[-1:]}.opus", *options), as_is)
        assert source.sound_format.sample_rate_hz == source.rate_hz == rate_hz
        chunks = chunks_of(source)
        assert chunks[-1].end_sample / rate_hz == pytest.approx(4, abs=0.001)


def test_a_file_that_changes_on_the_way_is_converted(speech: Speech, tmp_path: Path) -> None:
    both = tmp_path / "both.mp3"
    both.write_bytes(
        speech("start.mp3", "-b:a", "32k").read_bytes()
        + speech("start44.mp3", "-ar", "44100", "-b:a", "96k").read_bytes()
    )
    notices = Notices()
    source = opened(both, notices=notices)
    source.close()
    assert not isinstance(source, EncodedSource)
    assert notices[0].endswith("it changes its sample rate or its channels on the way")


def test_a_stream_that_changes_on_the_way_ends_there(speech: Speech, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    keep = os.open(fifo, os.O_RDWR)
    writer = os.open(fifo, os.O_WRONLY)
    os.write(writer, speech("start.mp3", "-b:a", "32k").read_bytes())
    source = encoded(fifo)
    os.write(writer, speech("two.mp3", "-ac", "2").read_bytes())
    os.close(keep)
    os.close(writer)
    with pytest.raises(
        DecodeError, match=r"cannot go on as it is: it changes its sample rate or its channels after 4\.1 s"
    ):
        chunks_of(source)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("start.mp3", "is cut short or damaged: 3.0 of 4.0 s could be read"),
        ("start.opus", "is cut short after 2."),
        ("start.aac", "is cut short after 2."),
        ("talk.amr", "is cut short after 6."),
        ("start.wav", "is cut short or damaged: 3.0 of 4.0 s could be read"),
    ],
)
def test_sound_that_is_missing_at_the_end_is_told(name: str, told: str, speech: Speech, tmp_path: Path) -> None:
    whole = speech(name, *FILES[name][1])
    cut = tmp_path / f"cut{whole.suffix}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 3 // 4 + 5])
    notices = Notices()
    chunks_of(encoded(cut, notices=notices))
    assert len(notices) == 1
    assert notices[0].startswith(f"{cut} {told}")
    assert notices.truncated


def test_damage_on_the_way_is_told(speech: Speech, tmp_path: Path) -> None:
    data = speech("start.mp3", "-b:a", "32k").read_bytes()
    broken = tmp_path / "broken.mp3"
    broken.write_bytes(data[:8000] + bytes(3000) + data[8000:])
    notices = Notices()
    chunks_of(encoded(broken, notices=notices))
    assert notices == [f"{broken} is damaged after 1.9 s: 3000 bytes are no sound"]
    assert notices.truncated


@pytest.mark.parametrize(
    ("name", "told"), [("start.mp3", "of 4.0 s could be read"), ("talk.amr", "bytes are no sound")]
)
def test_a_file_of_which_most_is_damaged_fails(name: str, told: str, speech: Speech, tmp_path: Path) -> None:
    whole = speech(name, *FILES[name][1])
    data = whole.read_bytes()
    hole = len(data) * 7 // 10
    broken = tmp_path / f"broken{whole.suffix}"
    broken.write_bytes(data[: len(data) // 10] + bytes(hole) + data[len(data) // 10 + hole :])
    with pytest.raises(DecodeError, match=f"cannot read most of .*: it is damaged: .*{told}"):
        chunks_of(encoded(broken))


def test_a_wav_whose_header_is_wrong_is_decoded(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tone(1.0))
    path.write_bytes(path.read_bytes() + tone(1.0).astype("<f4").tobytes())
    notices = Notices()
    source = opened(path, notices=notices)
    source.close()
    assert not isinstance(source, EncodedSource)
    assert notices[0].endswith("it goes on behind the end that its header states")


def test_what_is_no_sound_is_told_as_ever(tmp_path: Path) -> None:
    for data, said in (
        (b"", "is empty"),
        (b"this is a text and no sound at all" * 9, "is not an audio file of a known kind"),
    ):
        path = tmp_path / "a.mp3"
        path.write_bytes(data)
        with pytest.raises(UsageError, match=said):
            opened(path)


def test_a_source_may_come_with_a_tag_of_5_mb(speech: Speech, tmp_path: Path) -> None:
    sound = speech("start.mp3", "-b:a", "32k").read_bytes()
    tag = b"ID3\x04\0\0" + bytes((5 << 20) >> shift & 0x7F for shift in (21, 14, 7, 0)) + bytes(5 << 20)
    path = tmp_path / "tag.mp3"
    path.write_bytes(tag + b"".join(part.data for part in take_apart(Mp3Parser(), [sound])))
    source = encoded(path)
    assert chunks_of(source)[-1].end_sample == 114 * 576


def he_aac(frames: int) -> bytes:
    """Silence whose headers say 16 kHz, with what doubles that in each frame (ISO/IEC 14496-3, 4.4.2.8)."""
    doubling = "1101" + "1" + "1" + "0101" + "1001" + "000" + "00" + "0" + "0"
    bits = "0" * 29 + "110" + "1111" + format(2, "08b") + doubling.ljust(16 * 8, "0") + "111"
    body = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    length = 7 + len(body)
    head = bytes((0xFF, 0xF1, 0x40 | 8 << 2, 0x40, length >> 3, (length & 7) << 5 | 0x1F, 0xFC))
    return frames * (head + body)


def test_aac_whose_rate_is_doubled_is_told_by_what_comes_out(tmp_path: Path) -> None:
    path = tmp_path / "he.aac"
    path.write_bytes(he_aac(50))
    source = encoded(path)
    assert source.sound_format.sample_rate_hz == 32_000
    chunks = chunks_of(source)
    assert chunks[-1].end_sample == 50 * 2048
    assert b"".join(chunk.data for chunk in chunks) == path.read_bytes()
    notices = Notices()
    opened(path, SIXTEEN, notices).close()
    assert notices == [f"{path} is converted: it has 32000 Hz, and the model takes 16000 Hz only"]


def test_aac_that_may_have_another_rate_is_not_sent_without_ffmpeg(
    speech: Speech, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = speech("start.aac", *FILES["start.aac"][1])
    hide_ffmpeg(monkeypatch, tmp_path)
    with pytest.raises(UsageError, match="it may be HE-AAC, which only ffmpeg can tell, and that is not installed"):
        opened(path, replace(ALL, insists=True))


def test_a_stream_that_does_not_come_to_its_sound_is_left_to_the_decoder(
    speech: Speech, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tags without end, which are not kept without end."""
    monkeypatch.setattr(opening, "_MOST_HEAD_BYTES", 20_000)
    whole = speech("start.opus", *FILES["start.opus"][1]).read_bytes()
    first = whole[: page_bytes(whole)]
    page = read_page(first)
    assert page is not None
    head = b"".join(
        new_page([b"OpusTags" + bytes(4000)], flags=BEGINS, granule=0, serial=number, number=0).data
        for number in range(9)
    )
    path = tmp_path / "tags.opus"
    path.write_bytes(first + head + whole[len(first) :])
    notices = Notices()
    opened(path, ALL, notices).close()
    assert notices == [f"{path} is converted: it holds no sound in its first 0 MB"]


@pytest.mark.parametrize(("name", "more"), [("start.opus", "talk.spx"), ("start.mp3", None)])
def test_all_before_what_cannot_go_on_is_sent(name: str, more: str | None, speech: Speech, tmp_path: Path) -> None:
    whole = speech(name, *FILES[name][1]).read_bytes()
    path = tmp_path / name
    path.write_bytes(whole + (bytes(2 << 20) if more is None else speech(more).read_bytes()))
    parser = FILES[name][0]()
    parts = take_apart(parser, [whole])
    source = encoded(path)
    sent: list[Chunk] = []
    with pytest.raises(DecodeError, match="cannot go on as it is"):
        sent.extend(source.chunks(200))
    source.close()
    assert b"".join(chunk.data for chunk in sent) == b"".join(part.data for part in parts)
