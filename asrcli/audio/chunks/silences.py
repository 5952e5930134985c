"""Where a recording can be cut without cutting a word: in its silences.

Works on one loudness value for each FRAME_MS: enough to find pauses, not meant to tell speech from noise. What is cut
there, and what for, is not known here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from asrcli.audio.chunks.resample import to_mono
from asrcli.audio.sample_encodings import finite

if TYPE_CHECKING:
    from asrcli.audio.sample_encodings import Block, Samples

FRAME_MS = 10
_FRAMES_PER_S = 1000 // FRAME_MS

SILENCE_S = 0.5
# How far from the ideal place a cut may lie, in parts: no part takes an eighth longer than the others on the average.
_REACH = 1 / 16
# Between short parts that is too little to find a pause in; they may differ more, but stay apart.
_LEAST_REACH = 4 * _FRAMES_PER_S
_MOST_REACH = 1 / 4
# A longer silence is cut as near as can be to the ideal place, with so much of it on either side.
_MOST_MARGIN = round(0.5 * _FRAMES_PER_S)
# Looked at frame by frame, noise is now louder and now less so; over five frames it is even.
_EVEN = 5
_SILENCE = round(SILENCE_S * _FRAMES_PER_S)
# Between two loud sounds, the evened curve falls too late and rises too early.
_LEAST_SILENCE = _SILENCE - (_EVEN - 1)
# The gap between two words, in which the sound should be quiet on the whole.
_GAP = round(0.2 * _FRAMES_PER_S)
# Gaps that differ by less are equally good.
_SAME_DB = 0.5
# Silence is what stays this close above the floor of its surroundings, or in the lower third between floor and speech
# where the two are close together, as over a hum. Where nothing rises above the floor, nobody speaks. All tried on
# talks with noise and hum up to the loudness of the voice: no cut was in a sentence with pauses of 0.55 s.
_MOST_ABOVE_FLOOR_DB = 12.0
_LOWER_PART = 1 / 3
_NOISE_DB = 4.0
# The floor of a recording whose pauses were cut out or faded is lower than its silences. This is silence anywhere.
_SURELY_SILENT_DBFS = -70.0
# How far around a cut its surroundings reach at least.
_SURROUNDINGS = 15 * _FRAMES_PER_S
_FLOOR_PERCENTILE = 5
_SPEECH_PERCENTILE = 95
# The middle of the voice's band.
_VOICE_HZ = 1000
_LEAST_POWER = 1e-12

Levels = NDArray[np.float32]
"""Loudness in dB below full scale of one frame of FRAME_MS after another, shape (n,)."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """Where to cut, in milliseconds from the first sample, ascending. `in_sound`: how many lie in no silence."""

    at_ms: tuple[int, ...]
    in_sound: int


def loudness(blocks: Iterable[Block], rate_hz: int) -> tuple[Levels, int]:
    """How loud the sound of `blocks` is in each frame, and its length in samples. An incomplete last frame is left out.

    Blocks are of shape (n, channels) at `rate_hz`, any n. Frame k begins at sample k * rate_hz // 100, so that
    frames stay in time at any rate.
    """
    width = max(1, rate_hz // _VOICE_HZ // 4)
    powers: list[Samples] = []
    # The samples from `first` on, and before them those that the filter looks back at.
    held = np.zeros(3 * width - 1, np.float32)
    frames = first = end = 0
    for block in blocks:
        held = np.concatenate([held, np.clip(finite(to_mono(block)), -1, 1)])
        end += len(block)
        complete = ((end + 1) * _FRAMES_PER_S - 1) // rate_hz
        if complete == frames:
            continue
        edges = np.arange(frames, complete + 1) * rate_hz // _FRAMES_PER_S - first
        changes = _voice_band(held, width)[: edges[-1]]
        changes *= changes
        powers.append((np.add.reduceat(changes, edges[:-1]) / np.diff(edges)).astype(np.float32))
        held = held[edges[-1] :]
        frames, first = complete, first + int(edges[-1])
    whole = np.concatenate(powers) if powers else np.empty(0, np.float32)
    return 10 * np.log10(np.maximum(whole, np.float32(_LEAST_POWER))), end


def find_cuts(levels: Levels, parts: int) -> Cuts:
    """Cut a recording into `parts` of about the same length, each cut in the silence nearest to its ideal place.

    A silence lasts SILENCE_S or more; a short one is cut in its middle. Where there is none near enough, the cut lies
    at the quietest point there. Needs 4 frames a part.
    """
    if parts == 1:
        return Cuts((), 0)
    length = len(levels) / parts
    reach = int(max(length * _REACH, min(length * _MOST_REACH, _LEAST_REACH)))
    even, gaps = _means(levels, _EVEN), _means(levels, _GAP)
    at: list[int] = []
    in_sound = 0
    for number in range(1, parts):
        ideal = round(number * length)
        cut = _nearest_silence(even, ideal, reach)
        if cut is None:
            in_sound += 1
            cut = _nearest_gap(gaps, ideal, reach)
        at.append(cut)
    return Cuts(tuple(frame * FRAME_MS for frame in at), in_sound)


def _voice_band(samples: Samples, width: int) -> NDArray[np.float64]:
    """The mean of `width` samples less the mean of `width` samples twice as far back; 3 * width - 1 values shorter.

    With a quarter of the period of 1 kHz for the width, the voice stays, and what lies around it loses: a hum of 50 Hz
    16 dB, hiss 3 dB or more, an offset everything.
    """
    sums = np.concatenate([[0.0], np.cumsum(samples, dtype=np.float64)])
    means: NDArray[np.float64] = (sums[width:] - sums[:-width]) / width
    return means[2 * width :] - means[: -2 * width]


def _means(levels: Levels, width: int) -> Levels:
    """How loud it is over the `width` frames around each frame."""
    padded = np.pad(levels, (width // 2, width - 1 - width // 2), mode="edge")
    sums = np.concatenate([[0.0], np.cumsum(10 ** (padded.astype(np.float64) / 10))])
    means: NDArray[np.float64] = np.maximum((sums[width:] - sums[:-width]) / width, _LEAST_POWER)
    return (10 * np.log10(means)).astype(np.float32)


def _nearest_silence(levels: Levels, ideal: int, reach: int) -> int | None:
    """The frame at whose begin to cut, no further from `ideal` than `reach`; None where there is no silence."""
    around = max(reach, _SURROUNDINGS) + _MOST_MARGIN
    start = max(0, ideal - around)
    window = levels[start : ideal + around]
    silent = np.concatenate([[False], window <= _most_silent_dbfs(window), [False]])
    borders = np.flatnonzero(silent[1:] != silent[:-1]) + start
    begins, ends = borders[::2], borders[1::2]
    lengths = ends - begins
    margins = np.minimum(lengths // 2, _MOST_MARGIN)
    points = np.clip(ideal, begins + margins, ends - margins)
    good = points[(lengths >= _LEAST_SILENCE) & (np.abs(points - ideal) <= reach)]
    return int(good[np.abs(good - ideal).argmin()]) if len(good) else None


def _most_silent_dbfs(window: Levels) -> float:
    """How loud silence may be in these surroundings."""
    floor, speech = np.percentile(window, [_FLOOR_PERCENTILE, _SPEECH_PERCENTILE])
    if speech - floor < _NOISE_DB:
        # All of it is alike, but for a silence that is too short to count for the floor.
        floor = _means(window, _SILENCE).min()
    if speech - floor < _NOISE_DB:
        return float(window.max())
    above = min((speech - floor) * _LOWER_PART, _MOST_ABOVE_FLOOR_DB)
    return float(max(floor + above, _SURELY_SILENT_DBFS))


def _nearest_gap(levels: Levels, ideal: int, reach: int) -> int:
    """The frame around which it is quietest, no further from `ideal` than `reach`."""
    window = levels[ideal - reach : ideal + reach + 1]
    points = np.flatnonzero(window <= window.min() + _SAME_DB) + ideal - reach
    return int(points[np.abs(points - ideal).argmin()])
