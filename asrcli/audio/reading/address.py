"""Sound at an address: read as it comes where its kind allows that, and from a file of ours where it has to be whole.

All waiting for a network is done in the thread that reads the sound, but for what goes as it is, which the service is
told of before the first of it leaves.
"""

from __future__ import annotations

import typing
from collections.abc import Iterator
from itertools import chain

from asrcli.audio.encoded.headers import id3_bytes
from asrcli.audio.reading import passing, sniff
from asrcli.audio.reading.ffmpeg_tool import find_ffmpeg
from asrcli.audio.reading.lengths import TRAILER_BYTES
from asrcli.audio.reading.stdin import StdinSource
from asrcli.audio.reading.wav_header import WavHeader, parse_header
from asrcli.audio.sample_encodings import ENCODINGS
from asrcli.audio.source import AsIs, DecodedSource, NoticeSink, RawFormat, Source
from asrcli.remote.fetch import Fetch
from asrcli.remote.places import fetch, shown
from asrcli.remote.temporary import TemporaryFile
from asrcli.values.addresses import file_name
from asrcli.values.errors import DecodeError, UsageError

if typing.TYPE_CHECKING:
    from asrcli.audio.sample_encodings import Block
    from asrcli.remote.base import Way

# What shows what it is.
_HEAD_BYTES = 1 << 14
_RAW_SUFFIX = ".pcm"
# What is decoded from its beginning on; of anything else the decoder, or the judgement of its end, wants more.
_PASSING = (sniff.WAV, sniff.OGG, sniff.MP3, sniff.AAC, sniff.AMR, sniff.FLAC, sniff.MP4, sniff.MATROSKA, sniff.ASF)
_PAGE_MARKS = (b"<!doctype html", b"<html")


def open_address(
    address: str,
    *,
    raw: RawFormat | None,
    notice: NoticeSink,
    as_is: AsIs | None,
    way: Way,
    known: str | None,
    looks: bool,
) -> Source:
    """The sound at `address`; see open_input. Raises what reading there does, where it `looks` or goes as it is."""
    name = shown(address)
    fetched = fetch(address, way, known=known, told=lambda message: notice(message, ""))
    source = AddressSource(fetched, raw, notice, is_to_be_decoded=as_is is None)
    try:
        if as_is is None or raw is not None:
            if looks:
                source.look()
            return source
        from asrcli.audio.encoded.opening import encoded_stream

        source.look()
        if (as_is := source.still_as_is(as_is)) is None:
            return source
        encoded, source.head = encoded_stream(fetched, name, as_is, notice, source.head)
    except BaseException:
        source.close()
        raise
    if encoded is None:
        return source
    encoded.sound = source.sound
    return encoded


class AddressSource:
    """A DecodedSource of what is fetched. `sound`: what a change of its bytes would show in, once it was looked at."""

    can_wait = True
    waits = True
    live = False
    captured_at: str | None = None
    sound_format: None = None

    def __init__(self, fetched: Fetch, raw: RawFormat | None, notice: NoticeSink, *, is_to_be_decoded: bool) -> None:
        layout = raw or RawFormat()
        self.name = shown(fetched.address)
        self.rate_hz = layout.rate_hz
        self.channels = layout.channels
        self.duration_ms: int | None = None
        self.sound: str | None = None
        self.head = b""
        """What was read of it to see what it is."""
        self._fetch = fetched
        self._raw = raw
        self._notice = notice
        self._is_to_be_decoded = is_to_be_decoded
        self._was_looked_at = False
        self._kind: sniff.Container | None = None
        self._size_bytes: int | None = None
        self._source: DecodedSource | None = None
        self._passing: passing.Passing | None = None
        self._file: TemporaryFile | None = None

    def look(self) -> None:
        """Read its beginning, and find out what it is. Raises RemoteError, DecodeError, UsageError."""
        if self._was_looked_at:
            return
        remote = self._fetch.look()
        while len(self.head) < _HEAD_BYTES and (data := self._fetch.read()):
            self.head += data
        if self._fetch.stopped or remote is None:
            return
        self._was_looked_at = True
        self.sound, self._size_bytes = remote.identity, remote.size_bytes
        if not self.head:
            raise UsageError(f"{self.name} is empty")
        if any(mark in self.head[:1024].lower() for mark in _PAGE_MARKS) and self._raw is None:
            raise DecodeError(
                f"{self.name} is a web page, not audio",
                hint="a page comes where one has to log in, or shows the sound: give the address of the sound itself",
            )
        self._kind = sniff.sniff(self.head) if self._raw is None else sniff.signature(self.head)
        if self._kind is None and self._raw is None and (foreign := sniff.foreign(self.head)):
            raise DecodeError(f"{self.name} is {foreign}, not audio", hint="raw samples that look so need --encoding")
        self.duration_ms = self._stated_ms()

    def still_as_is(self, as_is: AsIs) -> AsIs | None:
        """`as_is`, or None where its header leaves sound out, of which the user is told. Raises UsageError."""
        header = self._wav_header()
        if header is None or header.data_bytes is None or self._size_bytes is None:
            return as_is
        if self._size_bytes - header.data_offset - header.data_bytes <= TRAILER_BYTES:
            return as_is
        reason = "goes on behind the end that its header states"
        if as_is.insists:
            raise UsageError(f"{self.name} cannot be sent as it is: it {reason}", hint="--send as-is converts it")
        self._notice(f"{self.name} is converted: it {reason}", "")
        return None

    def probe(self) -> None:
        """Begin to decode it."""
        if self._source is None:
            self.look()
            if self._fetch.stopped:
                return
            self._source = self._passed() if self._can_pass() else self._kept()
            if self._fetch.stopped:
                self._source.stop()
        self._source.probe()
        self.rate_hz, self.channels = self._source.rate_hz, self._source.channels
        self.duration_ms = self._source.duration_ms or self.duration_ms

    def blocks(self) -> Iterator[Block]:
        """See DecodedSource."""
        self.probe()
        if self._source is None:
            return
        frames = 0
        for block in self._source.blocks():
            frames += len(block)
            yield block
        if self._passing is not None and not self._fetch.stopped:
            self._passing.judge_end(self.name, frames / self.rate_hz, self._notice)

    def stop(self) -> None:
        """End what waits."""
        self._fetch.stop()
        if self._source is not None:
            self._source.stop()

    def close(self) -> None:
        """Let go of it."""
        self._fetch.stop()
        if self._source is not None:
            self._source.close()
        self._fetch.close()
        if self._file is not None:
            self._file.close()

    def _can_pass(self) -> bool:
        """Whether it can be decoded from its beginning on, and how it ends be judged."""
        if self._raw is not None or self._is_raw():
            return True
        if self._kind not in _PASSING:
            return False
        if self._kind is sniff.WAV:
            header = self._wav_header()
            return header is not None and header.encoding is not None
        if self._kind is sniff.MP4 and not passing.begins_with_index(self.head):
            return False
        tag_bytes = id3_bytes(self.head) if self._kind is sniff.MP3 else 0
        if tag_bytes < len(self.head) and passing.is_tag_too_long(self.head[:tag_bytes], self.head[tag_bytes:]):
            return False
        return bool(self._kind and self._kind.ffmpeg_only) or find_ffmpeg() is not None

    def _is_raw(self) -> bool:
        return self._kind is None and file_name(self._fetch.address).lower().endswith(_RAW_SUFFIX)

    def _passed(self) -> DecodedSource:
        """It is decoded as it comes."""
        if self._is_raw() and self._raw is None:
            self._notice(
                f"{self.name} is taken for raw samples: 16 kHz, mono, s16le",
                "--rate, --channels and --encoding say otherwise",
            )
        self._passing = passing.Passing(self._fetch, self._kind, self.head)
        return StdinSource(
            self._passing, name=self.name, raw=self._raw, notice=self._passing.noticed(self._notice), head=self.head
        )

    def _kept(self) -> DecodedSource:
        """It is decoded from a file, when all of it is there."""
        from asrcli.audio.reading.file import open_file

        self._file = TemporaryFile(self.name)
        self._file.fill(chain([self.head], iter(self._fetch.read, b"")), self._size_bytes)
        if self._fetch.stopped:
            return StdinSource(self._fetch, name=self.name)
        if self._kind is None and not self._is_to_be_decoded:
            self._notice(f"{self.name} is converted: it is of a kind that is not known", "")
        source = open_file(self._file.path, raw=self._raw, notice=self._notice, name=self.name)
        return typing.cast(DecodedSource, source)

    def _wav_header(self) -> WavHeader | None:
        if self._kind is not sniff.WAV:
            return None
        try:
            return parse_header(self.head)
        except DecodeError:
            return None

    def _stated_ms(self) -> int | None:
        """How long it is, as far as its beginning tells."""
        header = self._wav_header()
        if header is not None and header.encoding is not None:
            layout = RawFormat(header.rate_hz, header.channels, header.encoding)
            left = None if self._size_bytes is None else self._size_bytes - header.data_offset
            lengths = [length for length in (left, header.data_bytes) if length is not None]
        elif self._raw is not None or self._is_raw():
            layout = self._raw or RawFormat()
            lengths = [] if self._size_bytes is None else [self._size_bytes]
        else:
            return None if self._kind is None else passing.stated_ms(self._kind, self.head)
        frame_bytes = ENCODINGS[layout.encoding].sample_bytes * layout.channels
        return min(lengths) // frame_bytes * 1000 // layout.rate_hz if lengths else None
