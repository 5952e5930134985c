"""Stretches of a source as sound files of their own, cut in one pass and exported by pydub.

Of the source no more is held than from the begin of the first stretch that is not yet cut. Clips have the source's rate
and channels, but where their kind knows none such (Opus has 48 kHz at most, MP3 two channels), and 16 bits, as pydub
has no floats. What the stretches are and how they are called is not decided here.
"""

from __future__ import annotations

import contextlib
import tempfile
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from asrcli.audio.reading.ffmpeg_tool import find_ffmpeg, last_words
from asrcli.audio.sample_encodings import FULL_SCALE_S16, finite, floats
from asrcli.audio.source import DecodedSource
from asrcli.audio.writing.kinds import Kind
from asrcli.values.errors import DecodeError, OutputError
from asrcli.values.source_name import label

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from asrcli.audio.sample_encodings import Block

    Samples = NDArray[np.int16]

# Services round the end of a sentence up, and a decoder may give less than what was recognised.
TOLERANCE_MS = 500


@dataclass(frozen=True, slots=True)
class Stretch:
    """From where to where in a source, and the name of the file that it becomes, with its ending."""

    begin_ms: int
    end_ms: int
    name: str


def too_short(source: str, duration_ms: int, stretch: Stretch) -> DecodeError:
    """The error of a source that has only `duration_ms` of sound, which does not reach to the end of `stretch`."""
    has, wanted = (f"{ms / 1000:.1f} s" for ms in (duration_ms, stretch.end_ms))
    return DecodeError(
        f"{label(source)} has {has} of sound, and {stretch.name} is to end at {wanted}",
        hint="is it the file that was transcribed?",
    )


def cut(source: DecodedSource, stretches: Sequence[Stretch], folder: Path, kind: Kind) -> Iterator[Stretch]:
    """Make a file in `folder` of each of `stretches`, which may overlap, and yield it when that is whole.

    They come in the order of their ends. What is there is replaced. The source is read as far as need be, and stays
    open. Raises DecodeError where it ends before a stretch does, or breaks off, and OutputError where a file cannot be
    made.
    """
    source.probe()
    with _workshop(folder) as workshop:
        for stretch, samples in _pieces(source, stretches):
            part = workshop / stretch.name
            try:
                _export(samples, source.rate_hz, part, kind)
                part.replace(folder / stretch.name)
            except OSError as error:
                raise OutputError(f"cannot write {folder / stretch.name}: {error.strerror or error}") from error
            yield stretch


def _pieces(source: DecodedSource, stretches: Sequence[Stretch]) -> Iterator[tuple[Stretch, Samples]]:
    """Each stretch with its samples, shape (n, channels)."""

    def frame(ms: int) -> int:
        return ms * source.rate_hz // 1000

    waiting = deque(sorted(stretches, key=lambda stretch: stretch.begin_ms))
    opened: list[Stretch] = []
    window = _Window()
    for block in source.blocks():
        window.append(_s16(block))
        while waiting and frame(waiting[0].begin_ms) < window.end:
            opened.append(waiting.popleft())
        for stretch in sorted(opened, key=lambda stretch: stretch.end_ms):
            if frame(stretch.end_ms) <= window.end:
                opened.remove(stretch)
                yield stretch, window.samples(frame(stretch.begin_ms), frame(stretch.end_ms))
        window.forget(min((frame(stretch.begin_ms) for stretch in opened), default=window.end))
        if not opened and not waiting:
            return
    for stretch in [*sorted(opened, key=lambda stretch: stretch.end_ms), *waiting]:
        if stretch in waiting or frame(stretch.end_ms - TOLERANCE_MS) > window.end:
            raise too_short(source.name, window.end * 1000 // source.rate_hz, stretch)
        yield stretch, window.samples(frame(stretch.begin_ms), window.end)


class _Window:
    """The last samples of what passes by. `end`: how many have passed."""

    def __init__(self) -> None:
        self.end = 0
        self._begin = 0
        self._blocks: deque[Samples] = deque()

    def append(self, block: Samples) -> None:
        self._blocks.append(block)
        self.end += len(block)

    def forget(self, frame: int) -> None:
        """Nothing before `frame` is wanted any more."""
        while self._blocks and self._begin + len(self._blocks[0]) <= frame:
            self._begin += len(self._blocks.popleft())

    def samples(self, begin: int, end: int) -> Samples:
        """A copy of what is between two frames."""
        found, at = [], self._begin
        for block in self._blocks:
            if at < end and at + len(block) > begin:
                found.append(block[max(0, begin - at) : end - at])
            at += len(block)
        joined: Samples = np.concatenate(found)
        return joined


def _s16(block: Block) -> Samples:
    if block.dtype == np.int16:
        return block.astype(np.int16, copy=False)
    scaled = finite(floats(block)) * np.float32(FULL_SCALE_S16)
    whole: Samples = np.rint(np.clip(scaled, -FULL_SCALE_S16, FULL_SCALE_S16 - 1)).astype(np.int16)
    return whole


def _export(samples: Samples, rate_hz: int, path: Path, kind: Kind) -> None:
    with warnings.catch_warnings():
        # pydub warns of audioop's removal, of its own escape sequences and of a missing ffmpeg.
        warnings.simplefilter("ignore")
        from pydub import AudioSegment
        from pydub.exceptions import CouldntEncodeError
    container, encoder = kind.pydub
    sound = AudioSegment(
        samples.astype("<i2", copy=False).tobytes(), sample_width=2, frame_rate=rate_hz, channels=samples.shape[1]
    )
    # Its own choice looks into the current folder first.
    sound.converter = find_ffmpeg()
    try:
        sound.export(path, format=container, codec=encoder).close()
    except CouldntEncodeError as error:
        said = str(error).partition("Output from ffmpeg/avlib:")[2]
        raise OutputError(f"cannot make {path.name}: {last_words(said) or 'ffmpeg failed'}") from error


@contextlib.contextmanager
def _workshop(folder: Path) -> Iterator[Path]:
    """A folder in `folder` for what is not whole yet, and for the temporary files that pydub leaves when it fails."""
    before = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix=".asrcli-", dir=folder) as inside:
        tempfile.tempdir = inside
        try:
            yield Path(inside)
        finally:
            tempfile.tempdir = before
