"""Sound that libsndfile reads: as blocks, from anywhere in a file, and with a judgement on how it ends.

Where libsndfile stops although there is more of the file, ffmpeg reads on. The only place that knows soundfile. Which
files it is given is not decided here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from asrcli.audio.reading.after_damage import RUN_UP_S, Rest
from asrcli.audio.reading.ffmpeg import Layout
from asrcli.audio.reading.ffmpeg_tool import find_ffmpeg
from asrcli.audio.reading.lengths import TRAILER_BYTES
from asrcli.audio.reading.sniff import TAIL_BYTES, tag_bytes_at_end
from asrcli.audio.sample_encodings import layout_problem
from asrcli.audio.source import LEAST_SHARE, NoticeSink
from asrcli.system.descriptor import let_go
from asrcli.system.posix import read_at
from asrcli.values.errors import DecodeError, UsageError
from asrcli.values.source_name import label

if TYPE_CHECKING:
    from asrcli.audio.sample_encodings import Block

# Large enough that the calls do not count (an MP3 is read at 550 times real time, with 2048 frames at 255), small
# enough that the first block is there within milliseconds; 0.4 s at 44.1 kHz.
BLOCK_FRAMES = 8192
# Samples as they are cost nothing to decode, but each call does, and of a thousand files each holds what it has not yet
# sent of a block: three messages carry one.
_S16_BLOCK_MS = 600

# libsndfile's mark for "not known", in streams that were never finished.
UNKNOWN_FRAMES = 1 << 62
# A whole file keeps its promise to the sample, but for what encoders count wrongly: a frame or two of an MP3.
_MISSING_S = 0.1
# libsndfile's number for what the system reports.
_SYSTEM_ERROR = 2
# Containers of samples as they are: of these nothing but the header and the end can be damaged.
_UNCOMPRESSED = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF")
# Streams of frames, which libsndfile may leave before their end.
_STREAMS = ("MP3", "OGG", "FLAC")


class Sound(soundfile.SoundFile):  # type: ignore[misc]
    """A file that is read forward only, but for `enter`.

    soundfile follows each read by a seek to where the file is already. Of an MP3 that loses what its decoder carries
    over, and the start of a block came out wrong for up to 50 ms. It does without where a file cannot seek.
    """

    def seekable(self) -> bool:
        """False, for soundfile's own question."""
        return False

    def enter(self, frame: int) -> int:
        """Go to `frame`, or to the start where the file can be entered nowhere else; returns where that is."""
        return int(self.seek(frame)) if super().seekable() else 0


def open_sound(fd: int) -> Sound | None:
    """What `fd` holds, which stays open; None where libsndfile cannot read it."""
    try:
        return Sound(fd, closefd=False)
    except soundfile.LibsndfileError:
        return None


def library() -> tuple[str, tuple[str, ...]]:
    """The version of libsndfile, and the names of what it reads: WAV, FLAC, OGG, MP3 …"""
    return str(soundfile.__libsndfile_version__), tuple(soundfile.available_formats())


@dataclass(frozen=True, slots=True)
class Promise:
    """How many frames a file says it holds, None if it does not.

    `stray_bytes` follow the sound and are nothing that the file accounts for, as far as that shows without decoding.
    """

    frames: int | None
    stray_bytes: int = 0


class FileSource:
    """A Source that libsndfile reads from `fd`, which it closes in the end, and ffmpeg from `path` if need be.

    `quiet` makes a context in which libsndfile may be called.
    """

    live = False
    can_wait = True
    # But once, where ffmpeg begins to read on: 25 ms, half a second after an hour of MP3.
    waits = False
    captured_at: str | None = None
    sound_format: None = None
    sound: str | None = None

    def __init__(
        self,
        fd: int,
        sound: Sound,
        *,
        name: str,
        path: str,
        promise: Promise,
        quiet: Callable[[], AbstractContextManager[None]],
        notice: NoticeSink,
    ) -> None:
        self.name = name
        self.rate_hz = int(sound.samplerate)
        self.channels = int(sound.channels)
        frames = int(sound.frames)
        self.duration_ms = frames * 1000 // self.rate_hz if frames < UNKNOWN_FRAMES else None
        if problem := layout_problem(self.rate_hz, self.channels):
            raise UsageError(f"cannot use {label(name)}: {problem}")
        if frames == 0:
            raise UsageError(f"{label(name)} holds no audio")
        self.is_uneven = False
        """Whether sound was passed over, so that a place is found only by reading from the start. Known at the end."""
        self._fd = fd
        self._path = path
        self._sound = sound
        self._promise = promise
        self._is_s16 = self.channels == 1 and sound.subtype == "PCM_16" and sound.format in _UNCOMPRESSED
        self._quiet = quiet
        self._notice = notice
        self._first_frame = 0
        self._stopped = False
        self._rest: Rest | None = None

    def probe(self) -> None:
        """Nothing to wait for: the header was read when the file was opened."""

    def enter(self, frame: int) -> int:
        """Let `blocks` begin at some frame before `frame`, from which on that one comes out right; returns which."""
        before = max(0, frame - RUN_UP_S * self.rate_hz)
        try:
            with self._quiet():
                self._first_frame = self._sound.enter(before)
        except soundfile.LibsndfileError as error:
            raise DecodeError(f"cannot decode {label(self.name)} from {before / self.rate_hz:.1f} s on") from error
        return self._first_frame

    def blocks(self) -> Iterator[Block]:
        """Blocks of some thousand frames, the last one shorter."""
        frames = self._first_frame
        error: soundfile.LibsndfileError | None = None
        while not self._stopped and error is None:
            block, error = self._read()
            length = len(block)
            frames += length
            if length:
                # Handed over and not held here: of a thousand sources each would hold a block.
                handed_over = [block]
                del block
                yield handed_over.pop()
            elif error is None:
                break
        if not self._stopped:
            is_short = self._is_short(frames, error)
            is_damaged = self._leaves_bytes(is_short) or self._was_cut_off(frames, error)
            self.is_uneven = is_short or is_damaged
            more = 0
            # What libsndfile has read but not decoded is not seen to be left. Over lost pages of an Ogg stream it gets.
            if is_damaged or (is_short and self._sound.format in ("MP3", "FLAC") and find_ffmpeg()):
                more = yield from self._read_on(frames, is_damaged=is_damaged)
            self._judge_end(frames + more, error, is_damaged=is_damaged, has_more=more > 0)

    def stop(self) -> None:
        """End after the block that is being read."""
        self._stopped = True
        if self._rest is not None:
            self._rest.stop()

    def close(self) -> None:
        """Close the file, and end the child if there is one."""
        if self._rest is not None:
            self._rest.close()
        if not self._sound.closed:
            self._sound.close()
            let_go(self._fd)

    def _read(self) -> tuple[Block, soundfile.LibsndfileError | None]:
        """The next block, empty at the end; with an error, what could be read before it.

        libsndfile decodes into the block as far as it gets, but does not say how far when it fails: what is still NaN
        was not reached, and of 16-bit numbers nothing is known.
        """
        block: Block
        if self._is_s16:
            block = np.empty((self.rate_hz * _S16_BLOCK_MS // 1000, 1), np.int16)
        else:
            block = np.full((BLOCK_FRAMES, self.channels), np.nan, np.float32)
        try:
            with self._quiet():
                frames = self._sound.buffer_read_into(block, dtype="int16" if self._is_s16 else "float32")
        except soundfile.LibsndfileError as error:
            unreached = np.array([True]) if self._is_s16 else np.isnan(block[:, 0])
            return block[: int(unreached.argmax()) if unreached.any() else len(block)], error
        return block[:frames], None

    def _is_short(self, frames: int, error: soundfile.LibsndfileError | None) -> bool:
        """Whether libsndfile stopped before the end that it knows of."""
        promised = self._promise.frames if self._promise.frames is not None else int(self._sound.frames)
        if promised < UNKNOWN_FRAMES:
            return error is not None or frames < promised
        # A FLAC of unknown length, as written to a pipe, ends with an error in any case, but not with this one.
        return "lost sync" in str(error)

    def _was_cut_off(self, frames: int, error: soundfile.LibsndfileError | None) -> bool:
        """Whether the system failed before the end, of which that says nothing."""
        return error is not None and error.code == _SYSTEM_ERROR and frames < (self._promise.frames or UNKNOWN_FRAMES)

    def _leaves_bytes(self, is_short: bool) -> bool:
        """Whether bytes that may be sound are left unread; in a file that `is_short`, any may be."""
        size_bytes = os.fstat(self._fd).st_size
        left = size_bytes - os.lseek(self._fd, 0, os.SEEK_CUR)
        if self._sound.format in _STREAMS:
            try:
                tail = read_at(self._fd, TAIL_BYTES, max(0, size_bytes - TAIL_BYTES))
            except OSError as error:
                raise DecodeError(f"cannot read {label(self.name)}: {error.strerror}") from error
            left -= tag_bytes_at_end(tail)
        elif not is_short:
            left = min(left, self._promise.stray_bytes)
        return left > (0 if is_short else TRAILER_BYTES)

    def _read_on(self, frames: int, *, is_damaged: bool) -> Generator[Block, None, int]:
        """Yield what ffmpeg reads behind `frames`, and return how much that was."""
        kind, layout = self._sound.format, Layout(self.rate_hz, self.channels)
        self._rest = Rest(
            self._fd, self._path, name=self.name, kind=kind, layout=layout, frames=frames, counts_gaps=kind == "OGG"
        )
        if self._stopped:
            self._rest.stop()
        more = 0
        for block in self._rest.blocks():
            if is_damaged and not more:
                after = f"after {frames / self.rate_hz:.1f} s"
                self._notice(f"{label(self.name)} is damaged {after}: ffmpeg reads on from there", "")
            more += len(block)
            yield block
        return more

    def _judge_end(
        self, frames: int, error: soundfile.LibsndfileError | None, *, is_damaged: bool, has_more: bool
    ) -> None:
        """Tell of sound that is missing. Raises DecodeError where most is, or ffmpeg knows no more than libsndfile."""
        if self._stopped:
            return
        shown, read_s, promised = label(self.name), frames / self.rate_hz, self._promise.frames
        if not frames:
            raise DecodeError(f"cannot decode {shown}: it is damaged from its start") from error
        if is_damaged and not has_more and self._sound.format not in _STREAMS:
            raise DecodeError(f"cannot decode {shown} any further: it is damaged after {read_s:.1f} s") from error
        # Pages that are lost in the middle of an Ogg stream are passed over.
        misses_middle = is_damaged or self._sound.format == "OGG"
        if promised is not None and promised - frames > _MISSING_S * self.rate_hz:
            told = f"{read_s:.1f} of {promised / self.rate_hz:.1f} s could be read"
            if misses_middle and frames < LEAST_SHARE * promised:
                raise DecodeError(f"cannot decode most of {shown}: it is damaged: {told}") from error
            hint = "times after the damage are too early by what is missing" if misses_middle else ""
            self._notice(f"{shown} is {'damaged' if misses_middle else 'cut short or damaged'}: {told}", hint, True)
        elif promised is None and not has_more and (is_damaged or self._is_short(frames, error)):
            self._notice(f"{shown} is cut short or damaged after {read_s:.1f} s", "", True)
