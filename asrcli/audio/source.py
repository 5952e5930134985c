"""What a source of sound is, and how to open one: a file, a pipe, standard input.

Here is only what the rest of the program has to know about them. Decoders are imported when a source is opened, so that
importing this module costs neither numpy nor an audio library.
"""

from __future__ import annotations

import os
import stat
import sys
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from asrcli.audio.reading.sniff import SIGNATURE_BYTES, signature
from asrcli.audio.samples import ENCODINGS, layout_problem
from asrcli.values.errors import UsageError

if typing.TYPE_CHECKING:
    from asrcli.audio.samples import Block as Block

STDIN_FD = 0


class NoticeSink(typing.Protocol):
    """Takes something the user should know that does not end the run, a truncated file for example.

    `truncated`: less sound came than the header of the source says it holds.
    """

    def __call__(self, message: str, hint: str, truncated: bool = False, /) -> None: ...


def label(name: str) -> str:
    """How a source is called in messages."""
    return "standard input" if name == "-" else name


def ignore(message: str, hint: str, truncated: bool = False, /) -> None:
    """A NoticeSink that forgets."""


class Source(typing.Protocol):
    """Sound on its way in.

    `waits` is True where reading may have to wait for something slower than a disk: a pipe, a child, a device.
    `name` is what the user typed. `duration_ms` is None where it is not known. `live` is True where sound comes in its
    own time and cannot be had again. `rate_hz` and `channels` are certain after `probe`; before that, those of a
    stream are the ones it has if it turns out to be raw samples. `captured_at` is the wall clock at the first sample,
    ISO 8601, where it is known.
    """

    name: str
    rate_hz: int
    channels: int
    duration_ms: int | None
    live: bool
    can_wait: bool
    waits: bool
    captured_at: str | None

    def probe(self) -> None:
        """Wait until rate and channels are known; at once for most files, with the first bytes for a stream.

        Raises DecodeError where the stream holds nothing that can be decoded. Returns early after `stop`.
        """
        ...

    def blocks(self) -> Iterator[Block]:
        """Yield blocks of shape (n, channels), any n above 0: float32 with full scale 1.0, or int16 of one channel.

        Ends with the audio, or soon after `stop`. Raises DecodeError where the audio breaks off badly. To be called
        once, by one thread.
        """
        ...

    def stop(self) -> None:
        """Make `probe` and `blocks` end promptly, also where they wait for a pipe or a child. For other threads."""
        ...

    def close(self) -> None:
        """Free files and children; may be called again. The thread that runs `blocks` must be done with it."""
        ...


@dataclass(frozen=True, slots=True)
class RawFormat:
    """What samples without a header look like. `encoding` is a name in ENCODINGS. Raises UsageError."""

    rate_hz: int = 16000
    channels: int = 1
    encoding: str = "s16le"

    def __post_init__(self) -> None:
        if problem := layout_problem(self.rate_hz, self.channels):
            raise UsageError(problem)
        if self.encoding not in ENCODINGS:
            raise UsageError(f"unknown encoding {self.encoding}", hint=f"one of {', '.join(ENCODINGS)}")


def open_source(path: str, *, raw: RawFormat | None = None, notice: NoticeSink = ignore) -> Source:
    """Open a file or a pipe by its path, or standard input by "-".

    `raw` describes samples without a header; where there is a header after all, the header is believed. Raises
    UsageError where the choice cannot work (no such file, a folder, empty, not audio), DecodeError where the audio is
    damaged or its decoder is missing. Never waits for a stream: that is for `Source.probe`.
    """
    if path != "-":
        from asrcli.audio.reading.file import open_file

        return open_file(path, raw=raw, notice=notice)
    status = _stdin_status()
    if stat.S_ISREG(status.st_mode) and (real_path := _seekable_stdin(status)):
        from asrcli.audio.reading.file import open_file

        return open_file(real_path, raw=raw, notice=notice, name="-")
    from asrcli.audio.reading.stdin import StdinSource

    return StdinSource(STDIN_FD, name="-", raw=raw, notice=notice)


def _stdin_status() -> os.stat_result:
    closed = UsageError("standard input is closed", hint="pipe audio into it, or name a file")
    if sys.stdin is None:
        # Its number is taken by something else now.
        raise closed
    try:
        status = os.fstat(STDIN_FD)
    except OSError as error:
        raise closed from error
    if os.isatty(STDIN_FD):
        raise UsageError(
            "standard input is a terminal, not audio",
            hint="pipe audio into it, for example: ffmpeg -i talk.mp4 -f wav - | asrcli file -",
        )
    if stat.S_ISDIR(status.st_mode):
        raise UsageError("standard input is a folder, not audio", hint="name the files instead")
    return status


def _seekable_stdin(status: os.stat_result) -> str | None:
    """The path of the audio file that standard input was redirected from; None where the stream itself has to do.

    Through the path a decoder can seek, which some containers need. The stream has to do for raw samples, for a file
    that was read in part before, and where the system does not tell the path (macOS).
    """
    path = os.path.realpath(f"/dev/fd/{STDIN_FD}")
    try:
        same = os.path.samestat(Path(path).stat(), status)
        unread = os.lseek(STDIN_FD, 0, os.SEEK_CUR) == 0
        has_header = signature(os.pread(STDIN_FD, SIGNATURE_BYTES, 0)) is not None
    except OSError:
        return None
    return path if same and unread and has_header else None
