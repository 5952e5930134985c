"""How a source is opened: a file, a pipe, standard input, a microphone.

Decoders and PortAudio are imported when a source is opened, so that importing this module costs neither numpy nor an
audio library.
"""

from __future__ import annotations

import dataclasses
import os
import stat
import sys
import typing
from dataclasses import dataclass
from pathlib import Path

from asrcli.audio.reading.sniff import SIGNATURE_BYTES, signature
from asrcli.audio.source import AsIs, DecodedSource, NoticeSink, RawFormat, Source, ignore
from asrcli.remote.base import Way
from asrcli.system.posix import read_at
from asrcli.values.addresses import is_address
from asrcli.values.errors import UsageError
from asrcli.values.source_name import STANDARD_INPUT, label

if typing.TYPE_CHECKING:
    from asrcli.audio.microphone.devices import Device
    from asrcli.audio.microphone.mic_source import MicOptions

STDIN_FD = 0


@dataclass(frozen=True, slots=True)
class Files:
    """Files, pipes and standard input.

    `raw`: what samples without a header are. `as_is`: what need not be decoded. `channel`: the one that is heard, from
    0; None: all of them mixed. `way`: how to get to those at addresses. `have_ends`: nobody watches them, so that what
    may go on for ever, a pipe or a device, is refused.
    """

    raw: RawFormat | None = None
    as_is: AsIs | None = None
    channel: int | None = None
    way: Way = Way()  # noqa: RUF009 - it is frozen
    have_ends: bool = False


@dataclass(frozen=True, slots=True)
class Microphone:
    """A device, and how to listen to it."""

    device: Device
    options: MicOptions


Input = Files | Microphone
"""How to open the sources of a run, in plain values."""


class LevelSink(typing.Protocol):
    """Takes how loud a microphone is; see SoundLevel."""

    def __call__(self, peak_dbfs: float | None, rms_dbfs: float | None, /) -> None: ...


def open_input(
    how: Input, name: str, notice: NoticeSink, level: LevelSink, *, known: str | None = None, looks: bool = False
) -> Source:
    """Open the source `name`; a microphone then has its first sound already there.

    What lies at an address is fetched when it is read; where one `looks`, its beginning is fetched at once, and what it
    is shows. `known`: what identified its bytes before. Raises what `open_source` does, RemoteError and DeviceError.
    """
    if isinstance(how, Files):
        if how.have_ends:
            _check_has_end(name)
        if how.channel is not None:
            return _open_channel(how, how.channel, name, notice, known=known, looks=looks)
        if is_address(name):
            return _open_address(how, name, notice, known=known, looks=looks)
        return _open(name, how.raw, notice, how.as_is)
    from asrcli.audio.microphone.mic_source import MicSource

    source = MicSource(how.device, how.options, notice=notice, level=level)
    source.probe()
    return source


def open_source(path: str, *, raw: RawFormat | None = None, notice: NoticeSink = ignore) -> DecodedSource:
    """Open a file or a pipe by its path, or standard input by "-".

    `raw` describes samples without a header; where there is a header after all, the header is believed. Raises
    UsageError where the choice cannot work (no such file, a folder, empty, not audio), DecodeError where the audio is
    damaged or its decoder is missing. Never waits for a stream: that is for `Source.probe`.
    """
    return typing.cast(DecodedSource, _open(path, raw, notice, None))


def _check_has_end(name: str) -> None:
    """Raise UsageError for a pipe or a device."""
    path = Path(name)
    if not is_address(name) and path.exists() and not (path.is_file() or path.is_dir()):
        raise UsageError(
            f"{label(name)} is a pipe or a device, which may have no end", hint="asrcli file hears one alone"
        )


def _open_address(how: Files, name: str, notice: NoticeSink, *, known: str | None, looks: bool) -> Source:
    from asrcli.audio.reading.address import open_address

    return open_address(name, raw=how.raw, notice=notice, as_is=how.as_is, way=how.way, known=known, looks=looks)


def _open_channel(how: Files, channel: int, name: str, notice: NoticeSink, *, known: str | None, looks: bool) -> Source:
    """One channel of a source, which has to be decoded for that."""
    from asrcli.audio.reading.channel import OneChannel

    if how.as_is is not None:
        notice(f"{label(name)} does not go as it is: one channel of it is sent", "")
    if is_address(name):
        how = dataclasses.replace(how, as_is=None)
        whole = typing.cast(DecodedSource, _open_address(how, name, notice, known=known, looks=looks))
    else:
        whole = open_source(name, raw=how.raw, notice=notice)
    source = OneChannel(whole, channel)
    if not source.waits:
        # Of a stream it shows with its first bytes.
        try:
            source.probe()
        except BaseException:
            source.close()
            raise
    return source


def _open(path: str, raw: RawFormat | None, notice: NoticeSink, as_is: AsIs | None) -> Source:
    if path != STANDARD_INPUT:
        from asrcli.audio.reading.file import open_file

        return open_file(path, raw=raw, notice=notice, as_is=as_is)
    status = _stdin_status()
    if stat.S_ISREG(status.st_mode) and (real_path := _seekable_stdin(status)):
        from asrcli.audio.reading.file import open_file

        return open_file(real_path, raw=raw, notice=notice, name=STANDARD_INPUT, as_is=as_is)
    from asrcli.audio.reading.stdin import open_stream

    return open_stream(STDIN_FD, STANDARD_INPUT, raw=raw, notice=notice, as_is=as_is)


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
        has_header = signature(read_at(STDIN_FD, SIGNATURE_BYTES, 0)) is not None
    except OSError:
        return None
    return path if same and unread and has_header else None
