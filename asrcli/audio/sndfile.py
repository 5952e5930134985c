"""Sound that libsndfile reads: as blocks, from anywhere in a file, and with a judgement on how it ends.

The only place that knows soundfile. Which files it is given is not decided here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from asrcli.audio.ffmpeg import INSTALL_HINT, find_ffmpeg
from asrcli.audio.samples import layout_problem
from asrcli.audio.source import NoticeSink, label
from asrcli.errors import DecodeError, UsageError

if TYPE_CHECKING:
    from asrcli.audio.samples import Block

# Large enough that the calls do not count (an MP3 is read at 550 times real time, with 2048 frames at 255), small
# enough that the first block is there within milliseconds; 0.4 s at 44.1 kHz.
BLOCK_FRAMES = 8192
# Samples as they are cost nothing to decode, but each call does, and of a thousand files each holds what it has not yet
# sent of a block: three messages carry one.
_S16_BLOCK_MS = 600

# Tags of text behind the audio are not longer; with a picture they are, which then costs a look at the file by ffmpeg.
TRAILER_BYTES = 4096
# libsndfile's mark for "not known", in streams that were never finished.
UNKNOWN_FRAMES = 1 << 62
# The length of an MP3 without an index is an estimate.
_ESTIMATE_TOLERANCE = 0.02
# What a decoder needs to have read before it is right: measured, 0.5 s for MP3 and Vorbis, more than 1 s for Opus.
_RUN_UP_S = 2
# Containers of samples as they are: of these nothing but the end can be damaged, and it is noticed by its absence.
_UNCOMPRESSED = ("WAV", "WAVEX", "RF64", "W64", "AIFF", "AU", "CAF")
_DETOUR_HINT = "ffmpeg may read it whole: ffmpeg -i FILE -f wav - | asrcli file -"


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


class FileSource:
    """A Source that libsndfile reads from `fd`, which it closes in the end.

    `promised_frames` is what the file claims to hold, None if it does not say. `quiet` makes a context in which
    libsndfile may be called.
    """

    live = False
    can_wait = True
    waits = False
    captured_at: str | None = None

    def __init__(
        self,
        fd: int,
        sound: Sound,
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
        self.duration_ms = frames * 1000 // self.rate_hz if frames < UNKNOWN_FRAMES else None
        if problem := layout_problem(self.rate_hz, self.channels):
            raise UsageError(f"cannot use {label(name)}: {problem}")
        if frames == 0:
            raise UsageError(f"{label(name)} holds no audio")
        self._fd = fd
        self._sound = sound
        self._promised_frames = promised_frames
        self._is_s16 = self.channels == 1 and sound.subtype == "PCM_16" and sound.format in _UNCOMPRESSED
        self._quiet = quiet
        self._notice = notice
        self._first_frame = 0
        self._stopped = False

    def probe(self) -> None:
        """Nothing to wait for: the header was read when the file was opened."""

    def enter(self, frame: int) -> int:
        """Let `blocks` begin at some frame before `frame`, from which on that one comes out right; returns which."""
        before = max(0, frame - _RUN_UP_S * self.rate_hz)
        try:
            with self._quiet():
                self._first_frame = self._sound.enter(before)
        except soundfile.LibsndfileError as error:
            at_s = before / self.rate_hz
            raise DecodeError(f"cannot decode {label(self.name)} from {at_s:.1f} s on", hint=_DETOUR_HINT) from error
        return self._first_frame

    def blocks(self) -> Iterator[Block]:
        """Blocks of some thousand frames, the last one shorter."""
        frames = self._first_frame
        while not self._stopped:
            block, error = self._read()
            length = len(block)
            frames += length
            if length:
                # Handed over and not held here: of a thousand sources each would hold a block.
                handed_over = [block]
                del block
                yield handed_over.pop()
            if error is not None:
                self._judge_error(error, frames)
            if error is not None or not length:
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
        elif self._sound.format in ("MP3", "OGG") and self._bytes_left() > TRAILER_BYTES:
            hint = _DETOUR_HINT if find_ffmpeg() else INSTALL_HINT
            self._notice(f"{shown} may go on after {read_s:.1f} s, but libsndfile reads no further", hint)

    def _bytes_left(self) -> int:
        return os.fstat(self._fd).st_size - os.lseek(self._fd, 0, os.SEEK_CUR)
