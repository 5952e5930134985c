"""Sound that arrives as a stream of bytes: standard input, a named pipe, a file of raw samples.

What the stream is shows in its first bytes: a WAV header, a compressed format (handed to ffmpeg as it comes), or raw
samples. It never waits for more than it needs to say so, and passes on what has arrived.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

from asrcli.audio.reading import sniff
from asrcli.audio.reading.arriving import Arriving, OpenDescriptor
from asrcli.audio.reading.lengths import may_follow_sound
from asrcli.audio.reading.pcmstream import pcm_blocks, read_header
from asrcli.audio.reading.wav_header import WavHeader
from asrcli.audio.sample_encodings import ENCODINGS
from asrcli.audio.source import AsIs, NoticeSink, RawFormat, Source, ignore
from asrcli.values.errors import DecodeError
from asrcli.values.source_name import label

if TYPE_CHECKING:
    from asrcli.audio.reading.ffmpeg import FfmpegSource
    from asrcli.audio.sample_encodings import Block

# Of text that is no audio.
_SHOWN_CHARACTERS = 40


def open_stream(
    fd: int, name: str, *, raw: RawFormat | None, notice: NoticeSink, as_is: AsIs | None, close_fd: bool = False
) -> Source:
    """What comes through `fd`, as `open_arriving` opens it. With `close_fd`, the source closes it."""
    arriving = OpenDescriptor(fd, name)
    try:
        source = open_arriving(arriving, name, raw=raw, notice=notice, as_is=as_is)
    except BaseException:
        arriving.close()
        raise
    arriving.is_ours = close_fd
    return source


def open_arriving(
    arriving: Arriving, name: str, *, raw: RawFormat | None, notice: NoticeSink, as_is: AsIs | None, head: bytes = b""
) -> Source:
    """What arrives, decoded, but for what can be sent `as_is`; waits for its beginning where that is asked.

    `head` was read before. The source closes it.
    """
    if as_is is not None and raw is None:
        from asrcli.audio.encoded.opening import encoded_stream

        source, head = encoded_stream(arriving, name, as_is, notice, head)
        if source is not None:
            return source
    return StdinSource(arriving, name=name, raw=raw, notice=notice, head=head)


class StdinSource:
    """A Source that reads what arrives to its end, and closes that.

    `raw` is None where the user did not say what raw samples look like: then they are taken for RawFormat(), and
    compressed formats are looked for more eagerly. `head` was read before. Without `believes_length` a WAV is read to
    the end of the stream.
    """

    can_wait = True
    waits = True
    captured_at: str | None = None
    sound_format: None = None
    sound: str | None = None

    def __init__(
        self,
        arriving: Arriving,
        *,
        name: str,
        raw: RawFormat | None = None,
        notice: NoticeSink = ignore,
        believes_length: bool = True,
        head: bytes = b"",
    ) -> None:
        layout = raw or RawFormat()
        self.name = name
        self.rate_hz = layout.rate_hz
        self.channels = layout.channels
        self.duration_ms: int | None = None
        self.live = arriving.live
        self._believes_length = believes_length
        self._raw = raw
        self._notice = notice
        self._reader = arriving
        self._probed = False
        self._encoding = layout.encoding
        self._head = head
        self._stated_bytes: int | None = None
        self._child: FfmpegSource | None = None

    def probe(self) -> None:
        """Read the first bytes and decide what they are."""
        if self._probed:
            return
        self._probed = True
        head = self._read_head()
        if self._reader.stopped:
            return
        if not head:
            raise DecodeError(f"no audio received on {label(self.name)}")
        kind = sniff.sniff(head) if self._raw is None else sniff.signature(head)
        if kind and self._raw:
            self._notice(
                f"{label(self.name)} has a header ({kind.name}), which is believed",
                "leave out --rate, --channels and --encoding",
            )
        if kind is sniff.WAV:
            self._take_header(head)
        elif kind:
            self._decode_with_ffmpeg(head, kind)
        elif self._raw is None and (foreign := sniff.foreign(head)):
            begin = f': "{_first_words(head)}"' if foreign == "text" else ""
            raise DecodeError(
                f"{label(self.name)} is {foreign}, not audio{begin}", hint="raw samples that look so need --encoding"
            )
        else:
            self._head = head
            self._set_duration(len(head))

    def blocks(self) -> Iterator[Block]:
        """Blocks as the bytes arrive."""
        self.probe()
        if self._child:
            yield from self._child.blocks()
            return
        stated_bytes, frame_bytes = self._stated_bytes, self._frame_bytes
        whole_bytes = None if stated_bytes is None else stated_bytes // frame_bytes * frame_bytes
        read = self._reader.read
        received_bytes, beyond = yield from pcm_blocks(
            read, self._encoding, self.channels, head=self._head, limit_bytes=whole_bytes
        )
        if stated_bytes is not None and received_bytes == whole_bytes:
            beyond += self._reader.read_now()
            if _is_sound(beyond, stated_bytes - received_bytes):
                self._notice(f"{label(self.name)} goes on behind the end that its header states: that is read too", "")
                more_bytes, _ = yield from pcm_blocks(read, self._encoding, self.channels, head=beyond)
                received_bytes += more_bytes
            else:
                received_bytes += min(len(beyond), stated_bytes - received_bytes)
        if not self._reader.stopped:
            self._judge_end(received_bytes)

    def stop(self) -> None:
        """End a read that waits, and the child."""
        self._reader.stop()
        if self._child:
            self._child.stop()

    def close(self) -> None:
        """End the child and let go of what arrives."""
        self._reader.stop()
        if self._child:
            self._child.close()
        self._reader.close()

    @property
    def _frame_bytes(self) -> int:
        return ENCODINGS[self._encoding].sample_bytes * self.channels

    def _read_head(self) -> bytes:
        head = self._head
        while len(head) < (sniff.SIGNATURE_BYTES if self._raw else sniff.wanted_bytes(head)):
            data = self._reader.read()
            if not data:
                break
            head += data
        return head

    def _take_header(self, head: bytes) -> None:
        try:
            header, head = read_header(self._reader.read, head)
        except DecodeError as error:
            raise DecodeError(f"cannot decode {label(self.name)}: {error.message}") from error
        if header is None:
            if not self._reader.stopped:
                raise DecodeError(f"no audio received on {label(self.name)}: it ends within the WAV header")
        elif header.encoding is None:
            self._decode_with_ffmpeg(head, sniff.WAV)
        else:
            self._apply(header, header.encoding, head)

    def _apply(self, header: WavHeader, encoding: str, head: bytes) -> None:
        self.rate_hz, self.channels, self._encoding = header.rate_hz, header.channels, encoding
        self._stated_bytes = header.data_bytes if self._believes_length else None
        self._head = head[header.data_offset :]
        self._set_duration(len(self._head))

    def _set_duration(self, read_bytes: int) -> None:
        """From the stated length, or from what is still to come, as far as that is known, behind `read_bytes`."""
        length, left = self._stated_bytes, self._reader.left_bytes()
        if left is not None:
            length = left + read_bytes if length is None else min(left + read_bytes, length)
        if length is not None:
            self.duration_ms = length // self._frame_bytes * 1000 // self.rate_hz

    def _decode_with_ffmpeg(self, head: bytes, kind: sniff.Container) -> None:
        from asrcli.audio.reading.ffmpeg import FfmpegSource

        feed = chain([head], iter(self._reader.read, b""))
        self._child = FfmpegSource(self.name, kind.name, feed=feed, notice=self._notice)
        # A stop that came before the child was there has ended the feed only.
        if self._reader.stopped:
            self._child.stop()
        self._child.probe()
        self.rate_hz, self.channels = self._child.rate_hz, self._child.channels

    def _judge_end(self, received_bytes: int) -> None:
        name, stated_bytes = label(self.name), self._stated_bytes
        if received_bytes < self._frame_bytes:
            raise DecodeError(f"no audio received on {name}")
        if stated_bytes is not None and received_bytes < stated_bytes:
            byte_rate = self._frame_bytes * self.rate_hz
            received_s, stated_s = received_bytes / byte_rate, stated_bytes / byte_rate
            self._notice(
                f"{name} is cut short: its header promised {stated_s:.1f} s, {received_s:.1f} s came", "", True
            )
        if received_bytes % self._frame_bytes:
            self._notice(f"{name} ends in the middle of a sample, which is left out", "check --channels and --encoding")


def _is_sound(beyond: bytes, stated_bytes: int) -> bool:
    """Whether a WAV goes on with sound behind its last whole sample; so many bytes of it still belong to the stated."""
    following = beyond[stated_bytes:]
    # What fills up to an even length may stand before a chunk.
    return len(following) > 8 and not any(may_follow_sound(following[at : at + 4]) for at in (0, 1))


def _first_words(head: bytes) -> str:
    return " ".join(head.decode(errors="ignore").split())[:_SHOWN_CHARACTERS]
