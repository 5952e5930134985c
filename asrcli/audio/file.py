"""Audio files: libsndfile where it can, ffmpeg for the rest, always as a stream and never whole in memory.

Here is decided who reads a file. What it is shows in its content, not in its name; what is wrong with it is said in our
words, because libsndfile's are about something else more often than not.
"""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack, nullcontext

from asrcli.audio import sniff
from asrcli.audio.chatter import quiet_c_library
from asrcli.audio.ffmpeg import INSTALL_HINT, FfmpegSource, file_url, find_ffmpeg, media_info
from asrcli.audio.riff import MAX_HEADER_BYTES, WavHeader, parse_header
from asrcli.audio.samples import ENCODINGS
from asrcli.audio.sndfile import TRAILER_BYTES, UNKNOWN_FRAMES, FileSource, Sound, open_sound
from asrcli.audio.source import NoticeSink, RawFormat, Source, label
from asrcli.audio.stdin import StdinSource
from asrcli.errors import DecodeError, UsageError

_SNIFF_BYTES = 1 << 14
# The longest Ogg page: the last one starts within so many bytes of the end.
_OGG_PAGE_BYTES = 65307


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
    with quiet():
        sound = open_sound(fd)
    if sound is None:
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
        return announced is None or size_bytes - tag_bytes - announced > TRAILER_BYTES
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


def _promised_frames(header: WavHeader | None, sound: Sound) -> int | None:
    """How many frames the file claims to have. libsndfile reports what is there of a WAV file, so its header counts."""
    if header and header.encoding and header.data_bytes is not None:
        return header.data_bytes // (ENCODINGS[header.encoding].sample_bytes * header.channels)
    return int(sound.frames) if sound.frames < UNKNOWN_FRAMES else None


def _open_with_ffmpeg(path: str, kind: sniff.Container | None, name: str, notice: NoticeSink) -> Source:
    shown = label(name)
    not_audio = UsageError(
        f"{shown} is not an audio file of a known kind",
        hint="if it holds raw samples, `asrcli file` takes it with --rate, --channels and --encoding",
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
