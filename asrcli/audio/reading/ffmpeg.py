"""Formats that libsndfile does not read, and streams of compressed audio: decoded by an ffmpeg child, as a stream.

The only place that knows ffmpeg and pydub. pydub asks ffprobe about a file; it does not decode, because it would load
the whole file first. The child writes a WAV stream of 32-bit floats at the rate and the channels of the original, so
both are known from the decoder itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asrcli.audio.reading.ffmpeg_tool import last_words, require_ffmpeg
from asrcli.audio.reading.pcmstream import pcm_blocks, read_header
from asrcli.audio.reading.sniff import AAC, MP3, MP4
from asrcli.audio.sample_encodings import ENCODINGS
from asrcli.audio.source import LEAST_SHARE, NoticeSink, RawFormat, ignore
from asrcli.system.child import Child
from asrcli.values.errors import DecodeError
from asrcli.values.source_name import label

if TYPE_CHECKING:
    from asrcli.audio.sample_encodings import Block


_PIPE_URL = "pipe:0"
_ENCODING = "f32le"
# A stream is to be heard as it comes, not after the 5 MB that ffmpeg may look at first. The flag "nobuffer" is not an
# option: it throws away what was looked at, up to 1.2 s of audio.
_LIVE_OPTIONS = ["-probesize", "32768", "-flush_packets", "1"]
# ffmpeg rounds durations, and the priming samples of lossy codecs count or do not count: not worth a notice.
_MISSING_TOLERANCE = 0.02
_MISSING_TOLERANCE_MS = 250
# Streams of frames without an index: their length is guessed by the bit rate of the first ones.
_GUESSED_LENGTHS = (MP3.name, AAC.name)


@dataclass(frozen=True, slots=True)
class Layout:
    """What blocks are to be like, whatever the rate and the channels of the original."""

    rate_hz: int
    channels: int


class FfmpegSource:
    """A Source decoded by an ffmpeg child, from a file, or from `feed` where the bytes come from elsewhere.

    `kind` is the name of the format for messages. The child starts with `probe` or `blocks`; `close` ends and reaps it.
    Whoever gives a feed must end it before `close`. A file is looked at from `begin_bytes` on. `is_whole`: it was not
    cut short, so that what is missing of it is damaged. With a `layout`, it is the rest of a file from `begin_s` on:
    blocks are of that layout, and whoever read the beginning judges what is missing.
    """

    can_wait = True
    waits = True
    captured_at: str | None = None
    sound_format: None = None
    sound: str | None = None

    def __init__(
        self,
        name: str,
        kind: str,
        *,
        url: str = _PIPE_URL,
        feed: Iterator[bytes] | None = None,
        duration_ms: int | None = None,
        begin_bytes: int = 0,
        is_whole: bool = False,
        layout: Layout | None = None,
        begin_s: float = 0.0,
        notice: NoticeSink = ignore,
    ) -> None:
        self.name = name
        self.rate_hz = layout.rate_hz if layout else RawFormat().rate_hz
        self.channels = layout.channels if layout else RawFormat().channels
        self.duration_ms = duration_ms
        self.live = feed is not None
        self._ffmpeg = require_ffmpeg(name, kind)
        self._kind = kind
        self._url = url
        self._feed = feed
        self._feed_ended = False
        self._begin_bytes = begin_bytes
        self._is_whole = is_whole
        self._layout = layout
        self._begin_s = begin_s
        self._notice = notice
        self._head = b""
        self._child: Child | None = None
        self._stopped = False

    def probe(self) -> None:
        """Start the child and wait for its first output."""
        if self._child or self._stopped:
            return
        self._child = child = self._start()
        # A stop may have come while there was no child to be told.
        if self._stopped:
            child.stop()
        header, head = read_header(child.read)
        if header is not None:
            self.rate_hz, self.channels = header.rate_hz, header.channels
            self._head = head[header.data_offset :]
        elif not child.stopped:
            raise self._failure(child, child.wait())

    def blocks(self) -> Iterator[Block]:
        """Blocks as the child delivers them."""
        self.probe()
        if self._child is None:
            return
        received_bytes, _ = yield from pcm_blocks(self._child.read, _ENCODING, self.channels, head=self._head)
        if not self._child.stopped:
            self._judge_end(self._child, received_bytes)

    def stop(self) -> None:
        """End a read that waits for the child."""
        self._stopped = True
        if self._child:
            self._child.stop()

    def close(self) -> None:
        """Kill the child if it runs, and wait for it."""
        self.stop()
        if self._child:
            self._child.close()

    def _start(self) -> Child:
        command = [self._ffmpeg, "-nostdin", "-hide_banner", "-v", "error"]
        if self._feed is not None:
            command += _LIVE_OPTIONS
        if self._begin_bytes:
            command += ["-skip_initial_bytes", str(self._begin_bytes)]
        if self._begin_s:
            command += ["-ss", f"{self._begin_s:.6f}"]
        command += ["-i", self._url, "-vn", "-sn", "-dn", "-map_metadata", "-1", "-c:a", f"pcm_{_ENCODING}"]
        if self._layout:
            command += ["-ar", str(self._layout.rate_hz), "-ac", str(self._layout.channels)]
        command += ["-f", "wav", "pipe:1"]
        feed = None if self._feed is None else self._fed(self._feed)
        try:
            return Child(command, f"the output of ffmpeg for {label(self.name)}", feed)
        except OSError as error:
            raise DecodeError(f"cannot decode {label(self.name)}: {self._ffmpeg}: {error.strerror}") from error

    def _fed(self, feed: Iterator[bytes]) -> Iterator[bytes]:
        yield from feed
        self._feed_ended = True

    def _judge_end(self, child: Child, received_bytes: int) -> None:
        """Tell the regular end from damage. Raises DecodeError for a child that failed in the middle."""
        code = child.wait()
        frames = received_bytes // (ENCODINGS[_ENCODING].sample_bytes * self.channels)
        if code or not (frames or self._layout):
            raise self._failure(child, code)
        # ffmpeg gets over what it cannot decode, and over a missing end, with a complaint and the code 0. Without a
        # complaint a length that differs says nothing: containers without an index have theirs guessed.
        reason = self._last_words(child)
        if not reason or self._layout:
            return
        shown, received_ms = label(self.name), frames * 1000 // self.rate_hz
        if self._feed is not None and not self._feed_ended:
            after = f"after {received_ms / 1000:.1f} s"
            raise DecodeError(f"cannot decode {shown} any further: it is damaged {after}: {reason}")
        promised_ms = (self.duration_ms if self._kind not in _GUESSED_LENGTHS else None) or received_ms
        is_short = promised_ms - received_ms > max(_MISSING_TOLERANCE_MS, _MISSING_TOLERANCE * promised_ms)
        if is_short:
            reason = f"{received_ms / 1000:.1f} of {promised_ms / 1000:.1f} s could be read"
        if is_short and self._is_whole and received_ms < LEAST_SHARE * promised_ms:
            raise DecodeError(f"cannot decode most of {shown}: it is damaged: {reason}")
        # How long a stream should have been, nobody knows.
        self._notice(f"{shown} is cut short or damaged: {reason}", "", is_short or self._feed is not None)

    def _failure(self, child: Child, code: int) -> DecodeError:
        reason = self._last_words(child) or "it holds no audio"
        if code < 0:
            reason = f"ffmpeg was ended by signal {-code}"
        hint = ""
        if self._feed is not None and self._kind == MP4.name:
            hint = "an MP4 whose index comes last cannot be streamed: name the file instead"
        return DecodeError(f"cannot decode {label(self.name)} ({self._kind}): {reason}", hint=hint)

    def _last_words(self, child: Child) -> str:
        return last_words(child.said().replace(f"{self._url}: ", ""))
