"""Audio files: libsndfile where it can, ffmpeg for the rest, always as a stream and never whole in memory.

The only place that knows soundfile. What a file is shows in its content, not in its name; what is wrong with it is said
in our words, because libsndfile's are about something else more often than not.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from asrcli.audio import sniff
from asrcli.audio.chatter import quiet_c_library
from asrcli.audio.ffmpeg import INSTALL_HINT, FfmpegSource, file_url, find_ffmpeg, media_info
from asrcli.audio.riff import MAX_HEADER_BYTES, WavHeader, parse_header
from asrcli.audio.samples import ENCODINGS, layout_problem
from asrcli.audio.source import NoticeSink, RawFormat, Source, label
from asrcli.audio.stdin import StdinSource
from asrcli.errors import DecodeError, UsageError

if TYPE_CHECKING:
    from asrcli.audio.samples import Block

# Large enough that the calls do not count (an MP3 is read at 550 times real time, with 2048 frames at 255), small
# enough that the first block is there within milliseconds; 0.4 s at 44.1 kHz.
BLOCK_FRAMES = 16384

_SNIFF_BYTES = 1 << 14
# Tags of text behind the audio are not longer; with a picture they are, which then costs a look at the file by ffmpeg.
_TRAILER_BYTES = 4096
# The longest Ogg page: the last one starts within so many bytes of the end.
_OGG_PAGE_BYTES = 65307
# libsndfile's mark for "not known", in streams that were never finished.
_UNKNOWN_FRAMES = 1 << 62
# The length of an MP3 without an index is an estimate.
_ESTIMATE_TOLERANCE = 0.02
_DETOUR_HINT = "ffmpeg may read it whole: ffmpeg -i FILE -f wav - | asrcli file -"


def open_file(path: str, *, raw: RawFormat | None, notice: NoticeSink, name: str | None = None) -> Source:
    """Open the file or pipe at `path`. `name` is what the user typed where that is not the path.

    Raises UsageError or DecodeError as `open_source` says.
    """
    name = path if name is None else name
    fd = _open(path, label(name))
    with ExitStack() as unless_kept:
        unless_kept.callback(os.close, fd)
        mode = os.fstat(fd).st_mode
        if stat.S_ISDIR(mode):
            raise UsageError(f"{label(name)} is a folder, not an audio file")
        if os.isatty(fd):
            raise UsageError(f"{name} is a terminal, not audio")
        source: Source | None
        if stat.S_ISREG(mode):
            kind = _sniff(fd)
            source = _open_regular(fd, kind, name, raw, notice)
        else:
            source = StdinSource(fd, name=name, raw=raw, notice=notice, close_fd=True)
        if source is not None:
            unless_kept.pop_all()
            return source
    return _open_with_ffmpeg(path, kind, name, notice)


def _open(path: str, shown: str) -> int:
    try:
        # Without O_NONBLOCK, opening a named pipe would wait for its writer.
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"no such file: {shown}", hint="check the name and the folder") from error
    except PermissionError as error:
        raise UsageError(f"no permission to read {shown}", hint="check its owner and mode with ls -l") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"cannot open {shown}: {reason}") from error


def _sniff(fd: int) -> sniff.Container | None:
    """What the file is by its content; behind an ID3 tag there need not be an MP3."""
    head = os.pread(fd, _SNIFF_BYTES, 0)
    if tag_bytes := sniff.id3_bytes(head):
        return sniff.sniff(os.pread(fd, _SNIFF_BYTES, tag_bytes)) or sniff.MP3
    return sniff.sniff(head)


def _open_regular(
    fd: int, kind: sniff.Container | None, name: str, raw: RawFormat | None, notice: NoticeSink
) -> Source | None:
    """A source that keeps `fd`, or None if it takes ffmpeg to read the file."""
    size_bytes = os.fstat(fd).st_size
    if size_bytes == 0:
        raise UsageError(f"{label(name)} is empty")
    if raw is not None:
        if kind is None:
            return StdinSource(fd, name=name, raw=raw, notice=notice, close_fd=True)
        notice(f"{label(name)} is a {kind.name} file, and read as one", "leave out --rate, --channels and --encoding")
    header = _wav_header(fd) if kind is sniff.WAV else None
    if header and header.data_offset >= size_bytes:
        raise UsageError(f"{label(name)} holds no audio: nothing follows its header")
    if header and header.encoding and header.data_bytes is None:
        # libsndfile would believe a length of 0.
        return StdinSource(fd, name=name, notice=notice, close_fd=True)
    if kind and (kind.ffmpeg_only or (_may_be_longer(fd, kind, size_bytes) and find_ffmpeg())):
        return None
    quiet = quiet_c_library if kind is sniff.MP3 else nullcontext
    try:
        with quiet():
            sound = soundfile.SoundFile(fd, closefd=False)
    except soundfile.LibsndfileError:
        return None
    return FileSource(fd, sound, name=name, promised_frames=_promised_frames(header, sound), quiet=quiet, notice=notice)


def _may_be_longer(fd: int, kind: sniff.Container, size_bytes: int) -> bool:
    """Whether libsndfile could stop too early: it reads no further than the length that it found or guessed at first.

    An MP3 may come without an index, or be several in a row of which only the first is indexed, as podcasts with
    inserted parts are; an Ogg file may hold one stream after another.
    """
    if kind is sniff.MP3:
        tag_bytes = sniff.id3_bytes(os.pread(fd, _SNIFF_BYTES, 0))
        announced = sniff.announced_bytes(os.pread(fd, _SNIFF_BYTES, tag_bytes))
        return announced is None or size_bytes - tag_bytes - announced > _TRAILER_BYTES
    if kind is sniff.OGG:
        tail = os.pread(fd, _OGG_PAGE_BYTES, max(0, size_bytes - _OGG_PAGE_BYTES))
        last_page = tail[max(0, tail.rfind(b"OggS")) :]
        return sniff.ogg_serial(last_page) != sniff.ogg_serial(os.pread(fd, _SNIFF_BYTES, 0))
    return False


def _wav_header(fd: int) -> WavHeader | None:
    """The header of a WAV file; None if it makes no sense to us, which does not mean that it makes none."""
    for size_bytes in (_SNIFF_BYTES, MAX_HEADER_BYTES + 1):
        try:
            if header := parse_header(os.pread(fd, size_bytes, 0)):
                return header
        except DecodeError:
            return None
    return None


def _promised_frames(header: WavHeader | None, sound: soundfile.SoundFile) -> int | None:
    """How many frames the file claims to have. libsndfile reports what is there of a WAV file, so its header counts."""
    if header and header.encoding and header.data_bytes is not None:
        return header.data_bytes // (ENCODINGS[header.encoding].sample_bytes * header.channels)
    return int(sound.frames) if sound.frames < _UNKNOWN_FRAMES else None


def _open_with_ffmpeg(path: str, kind: sniff.Container | None, name: str, notice: NoticeSink) -> Source:
    shown = label(name)
    not_audio = UsageError(
        f"{shown} is not an audio file of a known kind",
        hint="describe raw samples with --rate, --channels and --encoding",
    )
    ffmpeg = find_ffmpeg()
    if ffmpeg is None and kind is None:
        raise not_audio
    if ffmpeg is None and kind and not kind.ffmpeg_only:
        reason = f"this {kind.name} data is damaged or needs ffmpeg, which is not installed"
        raise DecodeError(f"cannot decode {shown}: {reason}", hint=INSTALL_HINT)
    url = file_url(path)
    info = media_info(url, ffmpeg) if ffmpeg else None
    if kind is None and (info is None or info.guessed or not info.has_audio):
        raise not_audio
    if info and not info.has_audio:
        raise UsageError(f"{shown} holds no audio, only pictures")
    source = FfmpegSource(
        name,
        kind.name if kind else "unknown format",
        url=url,
        duration_ms=info.duration_ms if info else None,
        notice=notice,
    )
    if kind is None or info is None:
        # ffmpeg guesses by the extension too, so that decoding the first samples is the only proof.
        try:
            source.probe()
        except DecodeError as error:
            source.close()
            if kind is None:
                raise not_audio from error
            raise
    return source


class FileSource:
    """A Source that libsndfile reads from `fd`, which it closes in the end.

    `promised_frames` is what the file claims to hold, None if it does not say. `quiet` makes a context in which
    libsndfile may be called.
    """

    live = False

    captured_at: str | None = None

    def __init__(
        self,
        fd: int,
        sound: soundfile.SoundFile,
        *,
        name: str,
        promised_frames: int | None,
        quiet: Callable[[], AbstractContextManager[None]],
        notice: NoticeSink,
    ) -> None:
        self.name = name
        self.rate_hz = int(sound.samplerate)
        self.channels = int(sound.channels)
        frames = int(sound.frames)
        self.duration_ms = frames * 1000 // self.rate_hz if frames < _UNKNOWN_FRAMES else None
        if problem := layout_problem(self.rate_hz, self.channels):
            raise UsageError(f"cannot use {label(name)}: {problem}")
        if frames == 0:
            raise UsageError(f"{label(name)} holds no audio")
        self._fd = fd
        self._sound = sound
        self._promised_frames = promised_frames
        self._quiet = quiet
        self._notice = notice
        self._stopped = False

    def probe(self) -> None:
        """Nothing to wait for: the header was read when the file was opened."""

    def blocks(self) -> Iterator[Block]:
        """Blocks of BLOCK_FRAMES, the last one shorter."""
        frames = 0
        while not self._stopped:
            block, error = self._read()
            if len(block):
                frames += len(block)
                yield block
            if error is not None:
                self._judge_error(error, frames)
            if error is not None or not len(block):
                break
        if not self._stopped:
            self._judge_end(frames)

    def stop(self) -> None:
        """End after the block that is being read."""
        self._stopped = True

    def close(self) -> None:
        """Close the file."""
        if not self._sound.closed:
            self._sound.close()
            os.close(self._fd)

    def _read(self) -> tuple[Block, soundfile.LibsndfileError | None]:
        """The next block, empty at the end; with an error, what could be read before it.

        libsndfile decodes into the block as far as it gets, but does not say how far when it fails: what is still NaN
        was not reached.
        """
        block = np.full((BLOCK_FRAMES, self.channels), np.nan, np.float32)
        try:
            with self._quiet():
                frames = self._sound.buffer_read_into(block, dtype="float32")
        except soundfile.LibsndfileError as error:
            unreached = np.isnan(block[:, 0])
            return block[: int(unreached.argmax()) if unreached.any() else BLOCK_FRAMES], error
        return block[:frames], None

    def _judge_error(self, error: soundfile.LibsndfileError, frames: int) -> None:
        """Raise DecodeError for damage in the middle; a file that is merely cut short has no bytes left."""
        shown, read_s = label(self.name), frames / self.rate_hz
        if not frames or self._bytes_left():
            after = f"after {read_s:.1f} s" if frames else "from its start"
            raise DecodeError(f"cannot decode {shown}: it is damaged {after}", hint=_DETOUR_HINT) from error
        # A FLAC of unknown length, as written to a pipe, ends with an error in any case, but not with this one.
        if self._promised_frames is None and "lost sync" in str(error):
            self._notice(f"{shown} is cut short or damaged after {read_s:.1f} s", "")

    def _judge_end(self, frames: int) -> None:
        shown, read_s = label(self.name), frames / self.rate_hz
        promised = self._promised_frames
        slack = _ESTIMATE_TOLERANCE * frames if self._sound.format == "MP3" else 0
        if promised is not None and promised - frames > slack:
            promised_s = promised / self.rate_hz
            self._notice(f"{shown} is cut short or damaged: {read_s:.1f} of {promised_s:.1f} s could be read", "")
        elif self._sound.format in ("MP3", "OGG") and self._bytes_left() > _TRAILER_BYTES:
            hint = _DETOUR_HINT if find_ffmpeg() else INSTALL_HINT
            self._notice(f"{shown} may go on after {read_s:.1f} s, but libsndfile reads no further", hint)

    def _bytes_left(self) -> int:
        return os.fstat(self._fd).st_size - os.lseek(self._fd, 0, os.SEEK_CUR)
