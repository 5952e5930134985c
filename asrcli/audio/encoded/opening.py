"""Opening sound that is to go as it is: what it is shows in its first bytes, and in a file at some places behind."""

from __future__ import annotations

import dataclasses
import os

from asrcli.audio.encoded.adts import HIGHEST_CORE_HZ, AdtsParser
from asrcli.audio.encoded.amr import AmrParser
from asrcli.audio.encoded.fitness import wire_rate_hz
from asrcli.audio.encoded.mp3 import Mp3Parser
from asrcli.audio.encoded.ogg import OggParser
from asrcli.audio.encoded.parser import Parser, Part, Traits, Unfit
from asrcli.audio.encoded.source import EncodedInput, FileReader, Reader
from asrcli.audio.encoded.wav import WavParser
from asrcli.audio.reading import sniff
from asrcli.audio.reading.arriving import Arriving
from asrcli.audio.reading.ffmpeg_tool import find_ffmpeg
from asrcli.audio.reading.lengths import TRAILER_BYTES, stated_extent, stray_bytes
from asrcli.audio.source import AsIs, NoticeSink
from asrcli.system.posix import read_at
from asrcli.values.errors import DecodeError, UsageError
from asrcli.values.source_name import label

_PARSERS: dict[str, type[Parser]] = {
    sniff.WAV.name: WavParser,
    sniff.OGG.name: OggParser,
    sniff.MP3.name: Mp3Parser,
    sniff.AAC.name: AdtsParser,
    sniff.AMR.name: AmrParser,
}
# A file of frames may be several in one: so many places are looked at, at each so much.
_PLACES = 16
_PLACE_BYTES = 1 << 14
# Pictures may stand before the sound; more than this never comes to the point.
_MOST_HEAD_BYTES = 16 << 20


def encoded_file(
    fd: int, kind: sniff.Container | None, name: str, as_is: AsIs, notice: NoticeSink
) -> EncodedInput | None:
    """A source that gives the file `fd` as it is, and keeps it; None where it does not, of which `notice` is told.

    Raises UsageError instead where `as_is` insists.
    """
    reader = FileReader(fd, label(name))
    size_bytes = os.fstat(fd).st_size
    try:
        parser = _parser(kind)
        first, seen = _begin(reader, parser)
        traits = _look_within(parser, seen, name)
        _look_around(fd, parser, size_bytes)
        _look_behind(fd, kind, size_bytes)
        rate_hz = wire_rate_hz(traits, as_is)
    except Unfit as unfit:
        os.lseek(fd, 0, os.SEEK_SET)
        _give_up(unfit, name, as_is, notice)
        return None
    samples = traits.total_samples
    if isinstance(parser, OggParser):
        tail = read_at(fd, sniff.OGG_PAGE_BYTES, max(0, size_bytes - sniff.OGG_PAGE_BYTES))
        samples = parser.samples_until(sniff.last_ogg_page(tail))
    duration_ms = None if samples is None else samples * 1000 // traits.rate_hz
    return EncodedInput(
        reader, parser, first, name=name, sample_rate_hz=rate_hz, live=False, duration_ms=duration_ms, notice=notice
    )


def encoded_stream(
    reader: Arriving, name: str, as_is: AsIs, notice: NoticeSink, head: bytes = b""
) -> tuple[EncodedInput | None, bytes]:
    """As `encoded_file`, of what arrives behind `head`; also returns what was read, for whoever decodes it instead.

    Waits until enough has come to tell.
    """
    try:
        while len(head) < sniff.wanted_bytes(head) and (data := reader.read()):
            head += data
        kind = sniff.sniff(head)
        if kind is None and not as_is.insists:
            # Raw samples, which go as they are in any case, or nothing that can be heard: that is for others to say.
            return None, head
        parser = _parser(kind)
        first, head = _begin(reader, parser, head)
        traits = _look_within(parser, head, name)
        rate_hz = wire_rate_hz(traits, as_is)
    except Unfit as unfit:
        _give_up(unfit, name, as_is, notice)
        return None, unfit.seen or head
    samples = None if reader.live else traits.total_samples
    source = EncodedInput(
        reader,
        parser,
        first,
        name=name,
        sample_rate_hz=rate_hz,
        live=reader.live,
        waits=True,
        duration_ms=None if samples is None else samples * 1000 // traits.rate_hz,
        notice=notice,
    )
    return source, b""


def _parser(kind: sniff.Container | None) -> Parser:
    if kind is not None and kind.name in _PARSERS:
        return _PARSERS[kind.name]()
    if kind is sniff.MP4:
        raise Unfit("is MP4 (m4a), and the service takes AAC in ADTS only")
    raise Unfit(
        "is of a kind that is not known" if kind is None else f"is {kind.name}, which the service does not take"
    )


def _begin(reader: Reader, parser: Parser, head: bytes = b"") -> tuple[list[Part], bytes]:
    """Read until `parser` knows the stream; return the parts so far, and what was read but for tags of no use."""
    parts: list[Part] = []
    seen = bytearray()
    data = head or reader.read()
    try:
        while data:
            seen += data
            parts += parser.feed(data)
            if parser.is_passing:
                seen.clear()
            if parser.traits is not None and parts:
                return parts, bytes(seen)
            if len(seen) > _MOST_HEAD_BYTES:
                raise Unfit(f"holds no sound in its first {_MOST_HEAD_BYTES >> 20} MB")
            data = reader.read()
        return parts + parser.end(), bytes(seen)
    except Unfit as unfit:
        unfit.seen = bytes(seen)
        raise


def _look_within(parser: Parser, seen: bytes, name: str) -> Traits:
    """The traits of the stream that begins with `seen`, and whether an AAC is twice as fast as its headers say.

    That is seen by decoding its first frames, once.
    """
    traits = parser.traits
    assert traits is not None
    if isinstance(parser, AdtsParser) and traits.rate_hz <= HIGHEST_CORE_HZ:
        from asrcli.audio.reading.ffmpeg import FfmpegSource

        if find_ffmpeg() is None:
            raise Unfit("may be HE-AAC, which only ffmpeg can tell, and that is not installed")
        decoded = FfmpegSource(name, sniff.AAC.name, feed=iter([seen]))
        try:
            decoded.probe()
        except DecodeError:
            return traits
        finally:
            decoded.close()
        # Of the channels it says nothing: where the rate is doubled, ffmpeg makes two of one in any case.
        parser.traits = traits = dataclasses.replace(traits, original_hz=decoded.rate_hz)
    return traits


def _look_around(fd: int, parser: Parser, size_bytes: int) -> None:
    """Raise Unfit where a file goes on as something else, as far as that shows at some places in it."""
    if not isinstance(parser, Mp3Parser | AdtsParser):
        return
    for place in range(1, _PLACES):
        there = type(parser)()
        try:
            there.feed(read_at(fd, _PLACE_BYTES, size_bytes * place // _PLACES))
        except Unfit:
            # What cannot be read there is damage, and is told of when it is reached.
            continue
        if there.kind is not None and there.kind != parser.kind:
            raise Unfit("changes its sample rate or its channels on the way")


def _look_behind(fd: int, kind: sniff.Container | None, size_bytes: int) -> None:
    """Raise Unfit where the header of a WAV leaves sound out."""
    extent = stated_extent(fd, kind.name, size_bytes) if kind is sniff.WAV else None
    if extent is not None and stray_bytes(fd, sniff.WAV.name, extent.end, size_bytes) > TRAILER_BYTES:
        raise Unfit("goes on behind the end that its header states")


def _give_up(unfit: Unfit, name: str, as_is: AsIs, notice: NoticeSink) -> None:
    if as_is.insists:
        raise UsageError(f"{label(name)} cannot be sent as it is: it {unfit.reason}", hint="--send as-is converts it")
    notice(f"{label(name)} is converted: it {unfit.reason}", "")
