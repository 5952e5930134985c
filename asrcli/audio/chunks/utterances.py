"""Where utterances end, for the mode in which we and not the service decide that.

Works on chunks by their loudness alone: enough to cut at a pause, not meant to tell speech from noise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np

from asrcli.values.pcm import PcmFormat
from asrcli.values.recognition import ONE_UTTERANCE_MS
from asrcli.values.sound import Chunk

# Louder than this above the quietest of the last seconds is taken for speech.
_ABOVE_FLOOR_DB = 12.0
# Quieter than this is never speech.
_LEAST_DBFS = -55.0
# The floor does not rise above this: in a recording without any pause it would end up at the speech itself.
_MOST_FLOOR_DBFS = -42.0
# How fast the floor may rise again, so that a change of the room is learnt.
_FLOOR_RISE_DB_PER_S = 2.0

DEFAULT_SILENCE_MS = 500


class Patience(NamedTuple):
    """An utterance that grows long is cut at ever shorter pauses, and in the end wherever it is: after how long, in ms.

    `from_first`: its length counts from the first of its sound, not from where somebody speaks.
    """

    impatient_ms: int
    hasty_ms: int
    longest_ms: int
    from_first: bool = False


_USUAL = Patience(15_000, 20_000, 25_000)
# A session carries no more than 55 s.
ONE_UTTERANCE = Patience(ONE_UTTERANCE_MS, ONE_UTTERANCE_MS, 54_600, from_first=True)
"""As much in one as there may be."""


def mark_utterances(
    chunks: Iterable[Chunk],
    pcm: PcmFormat,
    silence_ms: int | None = DEFAULT_SILENCE_MS,
    asked: Callable[[], bool] = lambda: False,
    patience: Patience = _USUAL,
) -> Iterator[Chunk]:
    """Hand the chunks on, each that completes an utterance marked so.

    An utterance is complete after `silence_ms` of silence (None: no pause is long enough), when somebody has `asked`
    for it since the last chunk, or at the last chunk where something was said since the last one. It is never longer
    than `patience` says, usually 25 s: past 15 s shorter pauses will do. Hands each chunk on when the next has come,
    since only then it is known not to be the last.
    """
    watch = _PauseWatch(pcm, silence_ms, patience)
    held: Chunk | None = None
    for chunk in chunks:
        if held is not None:
            yield held
        held = chunk._replace(ends_utterance=True) if watch.ends_utterance(chunk, asked=asked()) else chunk
    if held is not None:
        yield held._replace(ends_utterance=held.ends_utterance or watch.in_utterance)


class _PauseWatch:
    def __init__(self, pcm: PcmFormat, silence_ms: int | None, patience: Patience) -> None:
        self._pcm = pcm
        self._patience = patience
        self._silence_ms = patience.longest_ms if silence_ms is None else silence_ms
        self._floor_dbfs = _LEAST_DBFS - _ABOVE_FLOOR_DB
        self._quiet_ms = 0
        self._spoken_ms = 0
        self.in_utterance = False

    def ends_utterance(self, chunk: Chunk, *, asked: bool = False) -> bool:
        """Whether the utterance that is open, if one is, is complete with `chunk`."""
        length_ms = self._pcm.ms(chunk.samples)
        if self._is_speech(chunk, length_ms):
            self.in_utterance = True
            self._quiet_ms = 0
        else:
            self._quiet_ms += length_ms
        if self.in_utterance or self._patience.from_first:
            self._spoken_ms += length_ms
        if not self.in_utterance:
            return False
        if not asked and self._quiet_ms < self._pause_ms() and self._spoken_ms < self._patience.longest_ms:
            return False
        self.in_utterance, self._quiet_ms, self._spoken_ms = False, 0, 0
        return True

    def _pause_ms(self) -> int:
        if self._spoken_ms >= self._patience.hasty_ms:
            return min(self._silence_ms, 100)
        return min(self._silence_ms, 300) if self._spoken_ms >= self._patience.impatient_ms else self._silence_ms

    def _is_speech(self, chunk: Chunk, length_ms: int) -> bool:
        level = loudness_dbfs(chunk)
        risen = self._floor_dbfs + _FLOOR_RISE_DB_PER_S * length_ms / 1000
        self._floor_dbfs = min(level, risen, _MOST_FLOOR_DBFS)
        return level > max(_LEAST_DBFS, self._floor_dbfs + _ABOVE_FLOOR_DB)


def loudness_dbfs(chunk: Chunk) -> float:
    """Root mean square of a chunk in dB below full scale; -120 for digital silence."""
    samples = np.frombuffer(chunk.data, dtype="<i2").astype(np.float32) / 32768
    mean_square = float(np.mean(samples * samples)) if len(samples) else 0.0
    return 10 * float(np.log10(mean_square)) if mean_square > 1e-12 else -120.0
