"""Audio files: libsndfile where it can, ffmpeg for the rest, always as a stream and never whole in memory.

Here is decided who reads a file. What it is shows in its content, not in its name; what is wrong with it is said in our
words, because libsndfile's are about something else more often than not.
"""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

from asrcli.audio.encoded.headers import id3_bytes
from asrcli.audio.reading import sniff
from asrcli.audio.reading.arriving import OpenDescriptor
from asrcli.audio.reading.ffmpeg import FfmpegSource
from asrcli.audio.reading.ffmpeg_tool import file_url, find_ffmpeg, how_to_install, media_info
from asrcli.audio.reading.lengths import TRAILER_BYTES, is_whole_mp4, stated_extent, stray_bytes
from asrcli.audio.reading.stdin import StdinSource, open_stream
from asrcli.audio.reading.wav_header import MAX_HEADER_BYTES, WavHeader, parse_header
from asrcli.audio.sample_encodings import ENCODINGS
from asrcli.audio.source import AsIs, DecodedSource, EncodedSource, NoticeSink, RawFormat, Source
from asrcli.system.chatter import quiet_c_library
from asrcli.system.descriptor import let_go
from asrcli.system.posix import NON_BLOCKING, read_at
from asrcli.values.errors import DecodeError, UsageError
from asrcli.values.source_name import label

if TYPE_CHECKING:
    from asrcli.audio.reading.sndfile import Promise, Sound

_SNIFF_BYTES = 1 << 14
_RAW_SUFFIX = ".pcm"
_MANIFEST_SUFFIX = ".jsonl"


def open_file(
    path: str, *, raw: RawFormat | None, notice: NoticeSink, name: str | None = None, as_is: AsIs | None = None
) -> Source:
    """Open the file or pipe at `path`. `name` is what the user typed where that is not the path.

    Decoded, but for what can be sent `as_is`. Raises UsageError or DecodeError as `open_source` says.
    """
    name = path if name is None else name
    fd = _open(path, label(name))
    with ExitStack() as unless_kept:
        unless_kept.callback(let_go, fd)
        try:
            kind, found = _look_into(fd, path, name, raw, notice, as_is)
        except OSError as error:
            raise DecodeError(f"cannot read {label(name)}: {error.strerror}") from error
        if not isinstance(found, _Shape):
            unless_kept.pop_all()
    source = _open_with_ffmpeg(path, kind, found, name, notice) if isinstance(found, _Shape) else found
    if as_is is not None and kind is None and not isinstance(source, StdinSource | EncodedSource):
        # That it is sound at all was not known before.
        notice(f"{label(name)} is converted: it is of a kind that is not known", "")
    return source


def _look_into(
    fd: int, path: str, name: str, raw: RawFormat | None, notice: NoticeSink, as_is: AsIs | None
) -> tuple[sniff.Container | None, Source | _Shape]:
    """What kind of file `fd` is, and a source that keeps it; or its shape, if it takes ffmpeg to read it."""
    mode = os.fstat(fd).st_mode
    if stat.S_ISDIR(mode):
        raise UsageError(f"{label(name)} is a folder, not an audio file")
    if os.isatty(fd):
        raise UsageError(f"{name} is a terminal, not audio")
    if not stat.S_ISREG(mode):
        return None, open_stream(fd, name, raw=raw, notice=notice, as_is=as_is, close_fd=True)
    kind = _sniff(fd)
    if as_is is not None and raw is None and (kind or as_is.insists) and os.fstat(fd).st_size:
        from asrcli.audio.encoded.opening import encoded_file

        if source := encoded_file(fd, kind, name, as_is, notice):
            return kind, source
    return kind, _open_regular(fd, kind, path, name, raw, notice) or _shape(fd, kind)


def _open(path: str, shown: str) -> int:
    try:
        # Without it, opening a named pipe would wait for its writer.
        return os.open(path, os.O_RDONLY | NON_BLOCKING)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise UsageError(f"no such file: {shown}", hint="check the name and the folder") from error
    except PermissionError as error:
        raise UsageError(f"no permission to read {shown}", hint="check its owner and mode with ls -l") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise UsageError(f"cannot open {shown}: {reason}") from error


def _sniff(fd: int) -> sniff.Container | None:
    """What the file is by its content; behind an ID3 tag there need not be an MP3."""
    head = read_at(fd, _SNIFF_BYTES, 0)
    if tag_bytes := id3_bytes(head):
        return sniff.sniff(read_at(fd, _SNIFF_BYTES, tag_bytes)) or sniff.MP3
    return sniff.sniff(head)


def _open_regular(
    fd: int, kind: sniff.Container | None, path: str, name: str, raw: RawFormat | None, notice: NoticeSink
) -> DecodedSource | None:
    """A source that keeps `fd`, or None if it takes ffmpeg to read the file."""
    size_bytes = os.fstat(fd).st_size
    if size_bytes == 0:
        raise UsageError(f"{label(name)} is empty")
    if raw is None and kind is None and path.lower().endswith(_RAW_SUFFIX):
        # As the vendor's samples have it.
        notice(
            f"{label(name)} is taken for raw samples: 16 kHz, mono, s16le",
            "--rate, --channels and --encoding say otherwise",
        )
        return StdinSource(OpenDescriptor(fd, name, is_ours=True), name=name, notice=notice)
    if raw is not None:
        if kind is None:
            return StdinSource(OpenDescriptor(fd, name, is_ours=True), name=name, raw=raw, notice=notice)
        notice(f"{label(name)} is a {kind.name} file, and read as one", "leave out --rate, --channels and --encoding")
    header = _wav_header(fd) if kind is sniff.WAV else None
    if header and header.data_offset >= size_bytes:
        raise UsageError(f"{label(name)} holds no audio: nothing follows its header")
    if header and header.encoding and (header.data_bytes is None or _has_wrong_length(fd, header, size_bytes)):
        # libsndfile would believe the length.
        if header.data_bytes is not None:
            notice(f"{label(name)} goes on behind the end that its header states: that is read too", "")
        return StdinSource(OpenDescriptor(fd, name, is_ours=True), name=name, notice=notice, believes_length=False)
    if kind is sniff.OGG and not sniff.is_ogg_end(_last_ogg_page(fd, size_bytes)):
        notice(f"{label(name)} is cut short: its last page is missing", "", True)
    if kind is sniff.MP3 and _begin_within_tag(fd):
        return None
    if kind and (kind.ffmpeg_only or (_may_be_longer(fd, kind, size_bytes) and find_ffmpeg())):
        return None
    # What goes as it is needs no decoder, nor the time to load one.
    from asrcli.audio.reading.sndfile import FileSource, open_sound

    quiet = quiet_c_library if kind is sniff.MP3 else nullcontext
    with quiet():
        sound = open_sound(fd)
    if sound is None:
        return None
    promise = _promise(fd, kind, header, sound, size_bytes)
    return FileSource(fd, sound, name=name, path=path, promise=promise, quiet=quiet, notice=notice)


def _has_wrong_length(fd: int, header: WavHeader, size_bytes: int) -> bool:
    """Whether more follows the samples of a WAV than chunks."""
    end = header.data_offset + (header.data_bytes or 0)
    return stray_bytes(fd, sniff.WAV.name, end, size_bytes) > TRAILER_BYTES


def _may_be_longer(fd: int, kind: sniff.Container, size_bytes: int) -> bool:
    """Whether libsndfile could stop too early: it reads no further than the length that it found or guessed at first.

    An MP3 may come without an index, or be several in a row of which only the first is indexed, as podcasts with
    inserted parts are; an Ogg file may hold one stream after another.
    """
    if kind is sniff.MP3:
        tag_bytes, announced = _announced_bytes(fd)
        return announced is None or size_bytes - tag_bytes - announced > TRAILER_BYTES
    if kind is sniff.OGG:
        last_page = _last_ogg_page(fd, size_bytes)
        return sniff.ogg_serial(last_page) != sniff.ogg_serial(read_at(fd, _SNIFF_BYTES, 0))
    return False


def _begin_within_tag(fd: int) -> int:
    """Where the sound of an MP3 begins if that is within its ID3 tag, whose length is wrong then; else 0.

    Only looked for where the tag is not followed by sound.
    """
    tag_bytes = id3_bytes(read_at(fd, _SNIFF_BYTES, 0))
    if not tag_bytes or sniff.sniff(read_at(fd, _SNIFF_BYTES, tag_bytes)) is not None:
        return 0
    return sniff.find_mpeg(read_at(fd, min(tag_bytes, MAX_HEADER_BYTES), 0)) or 0


def _last_ogg_page(fd: int, size_bytes: int) -> bytes:
    return sniff.last_ogg_page(read_at(fd, sniff.OGG_PAGE_BYTES, max(0, size_bytes - sniff.OGG_PAGE_BYTES)))


def _announced_bytes(fd: int) -> tuple[int, int | None]:
    """How long the tag before an MP3 is, and how long its index says that the MP3 is; None where there is no index."""
    tag_bytes = id3_bytes(read_at(fd, _SNIFF_BYTES, 0))
    return tag_bytes, sniff.announced_bytes(read_at(fd, _SNIFF_BYTES, tag_bytes))


def _wav_header(fd: int) -> WavHeader | None:
    """The header of a WAV file; None if it makes no sense to us, which does not mean that it makes none."""
    for size_bytes in (_SNIFF_BYTES, MAX_HEADER_BYTES + 1):
        try:
            if header := parse_header(read_at(fd, size_bytes, 0)):
                return header
        except DecodeError:
            return None
    return None


def _promise(fd: int, kind: sniff.Container | None, header: WavHeader | None, sound: Sound, size_bytes: int) -> Promise:
    """What the file claims to hold.

    libsndfile reports what is there of an uncompressed file, so that its header counts, and guesses where an MP3 has no
    index.
    """
    from asrcli.audio.reading.sndfile import UNKNOWN_FRAMES, Promise

    if header and header.encoding and header.data_bytes is not None:
        return Promise(header.data_bytes // (ENCODINGS[header.encoding].sample_bytes * header.channels))
    is_guess = sound.format == "MP3" and _announced_bytes(fd)[1] is None
    frames = int(sound.frames) if sound.frames < UNKNOWN_FRAMES and not is_guess else None
    extent = stated_extent(fd, kind.name, size_bytes) if kind else None
    if extent is None or kind is None or frames is None:
        return Promise(frames)
    if extent.end > size_bytes:
        frames = frames * (extent.end - extent.begin) // (size_bytes - extent.begin)
    return Promise(frames, stray_bytes(fd, kind.name, extent.end, size_bytes))


@dataclass(frozen=True, slots=True)
class _Shape:
    """What shows in a file without decoding it.

    `begin_bytes`: where its sound begins, if that is not where its header says; else 0. `is_whole`: it was surely not
    cut short. `missing_bytes`: how much surely was cut off.
    """

    begin_bytes: int
    is_whole: bool
    missing_bytes: int


def _shape(fd: int, kind: sniff.Container | None) -> _Shape:
    size_bytes = os.fstat(fd).st_size
    extent = stated_extent(fd, kind.name, size_bytes) if kind else None
    return _Shape(
        begin_bytes=_begin_within_tag(fd) if kind is sniff.MP3 else 0,
        is_whole=kind is sniff.MP4 and is_whole_mp4(fd, size_bytes),
        missing_bytes=max(0, extent.end - size_bytes) if extent else 0,
    )


def _open_with_ffmpeg(
    path: str, kind: sniff.Container | None, shape: _Shape, name: str, notice: NoticeSink
) -> DecodedSource:
    shown = label(name)
    what, how = (
        ("lists sources", "--manifest")
        if name.lower().endswith(_MANIFEST_SUFFIX)
        else ("holds raw samples", "--rate, --channels and --encoding")
    )
    not_audio = UsageError(
        f"{shown} is not an audio file of a known kind", hint=f"if it {what}, `asrcli file` takes it with {how}"
    )
    ffmpeg = find_ffmpeg()
    if ffmpeg is None and kind is None:
        raise not_audio
    if ffmpeg is None and kind and not kind.ffmpeg_only:
        reason = f"this {kind.name} data is damaged or needs ffmpeg, which is not installed"
        raise DecodeError(f"cannot decode {shown}: {reason}", hint=how_to_install())
    url = file_url(path)
    try:
        # What lies within a tag is not seen.
        info = media_info(url, ffmpeg) if ffmpeg and not shape.begin_bytes else None
    except OSError as error:
        raise DecodeError(f"cannot decode {shown}: {ffmpeg}: {error.strerror}") from error
    if kind is None and (info is None or info.guessed or not info.has_audio):
        raise not_audio
    if info and not info.has_audio:
        raise UsageError(f"{shown} holds no audio, only pictures")
    source = FfmpegSource(
        name,
        kind.name if kind else "unknown format",
        url=url,
        duration_ms=info.duration_ms if info else None,
        begin_bytes=shape.begin_bytes,
        is_whole=shape.is_whole,
        notice=notice,
    )
    if shape.missing_bytes:
        notice(f"{shown} is cut short: {shape.missing_bytes} bytes are missing at its end", "", True)
    if shape.begin_bytes:
        notice(f"{shown} has an ID3 tag with a wrong length, which is not believed", "")
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
