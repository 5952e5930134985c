"""What follows in a file after the place where its decoder stopped: as ffmpeg reads it, which gets over damage.

Knows where that place is and how the blocks before it looked, not who read them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from asrcli.audio.reading.ffmpeg import FfmpegSource, Layout
from asrcli.audio.reading.ffmpeg_tool import file_url, find_ffmpeg, how_to_install
from asrcli.values.errors import DecodeError
from asrcli.values.source_name import label

if TYPE_CHECKING:
    from asrcli.audio.sample_encodings import Block

# What a decoder needs to have read before it is right: measured, 0.5 s for MP3 and Vorbis, more than 1 s for Opus.
RUN_UP_S = 2


class Rest:
    """The sound of the file at `path`, which is open as `fd`, behind its first `frames`; blocks are as `layout` says.

    `kind` names the format in messages. With `counts_gaps` time stamps tell of sound that was lost before that place;
    `frames` never counts it, so then the place is only found from the start of the file. Raises DecodeError where
    there is no ffmpeg, or `path` leads to another file by now.
    """

    def __init__(
        self, fd: int, path: str, *, name: str, kind: str, layout: Layout, frames: int, counts_gaps: bool
    ) -> None:
        shown = f"cannot decode {label(name)} any further"
        stopped_s = frames / layout.rate_hz
        if find_ffmpeg() is None:
            reason = f"it is damaged after {stopped_s:.1f} s, and to read on takes ffmpeg, which is not installed"
            raise DecodeError(f"{shown}: {reason}", hint=how_to_install())
        is_same = False
        with suppress(OSError):
            is_same = os.path.samestat(Path(path).stat(), os.fstat(fd))
        if not is_same:
            raise DecodeError(f"{shown}: it is damaged after {stopped_s:.1f} s, and was moved or replaced")
        self._frames = frames
        self._at = 0 if counts_gaps else max(0, frames - RUN_UP_S * layout.rate_hz)
        at_s = self._at / layout.rate_hz
        self._source = FfmpegSource(name, kind, url=file_url(path), layout=layout, begin_s=at_s)

    def blocks(self) -> Iterator[Block]:
        """Blocks behind the place. Raises DecodeError where ffmpeg fails; that there is nothing more is no failure."""
        position = self._at
        for block in self._source.blocks():
            wanted = block[max(0, self._frames - position) :]
            position += len(block)
            if len(wanted):
                yield wanted

    def stop(self) -> None:
        """End a `blocks` that waits. For other threads."""
        self._source.stop()

    def close(self) -> None:
        """End the child."""
        self._source.close()
