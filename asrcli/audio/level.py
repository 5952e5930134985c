"""How loud sound is, and when its loudness says that something is wrong: silence, clipping.

Knows samples and the name of a microphone, not devices.
"""

from __future__ import annotations

import enum
import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from asrcli.audio.sample_encodings import floats

if TYPE_CHECKING:
    from asrcli.audio.sample_encodings import Block, Samples

WINDOW_MS = 100

# A sample at full scale is 32767 of 32768; some converters stop a little short of it.
_CLIPPED = np.float32(0.999)
# One sample may touch full scale without harm; several in a window are a flat top.
_CLIPPED_SAMPLES = 3
# Over this time a fault has to last before it is told.
_TROUBLE_WINDOWS = 5000 // WINDOW_MS
# Pauses between words do not clip, so steady clipping is a good part of the windows only.
_CLIPPING_SHARE = 0.4
# How far above the room's own noise speech is, and where a room counts as dead quiet.
_SPEECH_ABOVE_DB = 9.0
_QUIET_ROOM_DBFS = -60.0
_ROOM_WINDOWS = 10_000 // WINDOW_MS
_SILENT_POWER = 10 ** (-50 / 10)
# Speech before a microphone peaks at -30 dB or more.
_TOO_QUIET_DBFS = -36.0


def dbfs(amplitude: float) -> float | None:
    """Decibels below full scale for 0..1; None for 0."""
    return 20 * math.log10(amplitude) if amplitude > 0 else None


def is_silence(pcm: bytes) -> bool:
    """Whether 16-bit samples hold nothing that could be a word: of no window of WINDOW_MS the rms is above -50 dBFS.

    Speech before a microphone has -40 dBFS or more; a room's own noise may have as much, and is then no silence here.
    """
    samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
    windows = np.array_split(samples, max(1, samples.size // (16 * WINDOW_MS)))
    return all(float(np.dot(part, part)) <= _SILENT_POWER * part.size for part in windows)


@dataclass(frozen=True, slots=True)
class Level:
    """One window of WINDOW_MS: dB below full scale over all channels, None for digital silence."""

    peak_dbfs: float | None
    rms_dbfs: float | None
    clipped: bool = False


class Meter:
    """Cuts blocks of any length into windows, for sound at `rate_hz`."""

    def __init__(self, rate_hz: int) -> None:
        self._window = max(1, rate_hz * WINDOW_MS // 1000)
        self._parts: list[Samples] = []
        self._frames = 0

    def feed(self, block: Block) -> Iterator[Level]:
        """Yield the level of each window that `block`, of shape (n, channels), completes."""
        block = floats(block)
        start = 0
        while start < len(block):
            part = block[start : start + self._window - self._frames]
            start += len(part)
            self._parts.append(part)
            self._frames += len(part)
            if self._frames == self._window:
                yield _level(np.concatenate(self._parts).reshape(-1))
                self._parts, self._frames = [], 0


def _level(samples: Samples) -> Level:
    peak = float(max(samples.max(), -samples.min()))
    rms = math.sqrt(float(np.dot(samples, samples)) / samples.size)
    clipped = bool(peak >= _CLIPPED and np.count_nonzero(np.abs(samples) >= _CLIPPED) >= _CLIPPED_SAMPLES)
    return Level(dbfs(peak), dbfs(rms), clipped)


class Trouble(enum.Enum):
    SILENT = "silent"
    CLIPPING = "clipping"
    TOO_QUIET = "too quiet"


class Watch:
    """Follows the windows of one microphone and tells each trouble once."""

    def __init__(self) -> None:
        self._told: set[Trouble] = set()
        self._silent = 0
        self._clipped: deque[bool] = deque(maxlen=_TROUBLE_WINDOWS)
        self._room: deque[float] = deque(maxlen=_ROOM_WINDOWS)
        self._without_speech = 0

    @property
    def without_speech_s(self) -> float:
        """How long nothing has stood out from the room's own noise."""
        return self._without_speech * WINDOW_MS / 1000

    def observe(self, level: Level) -> Trouble | None:
        """Take note of the next window; the trouble that has lasted too long with it, if one has."""
        self._without_speech = 0 if self._stands_out(level) else self._without_speech + 1
        self._silent = self._silent + 1 if level.peak_dbfs is None else 0
        self._clipped.append(level.clipped)
        if self._silent >= _TROUBLE_WINDOWS:
            return self._tell(Trouble.SILENT)
        if sum(self._clipped) >= _CLIPPING_SHARE * _TROUBLE_WINDOWS:
            return self._tell(Trouble.CLIPPING)
        return None

    def _stands_out(self, level: Level) -> bool:
        """Whether this window is louder than the quietest of the last ones by what speech is."""
        rms = _QUIET_ROOM_DBFS if level.rms_dbfs is None else max(level.rms_dbfs, _QUIET_ROOM_DBFS)
        self._room.append(rms)
        return rms > min(self._room) + _SPEECH_ABOVE_DB

    def _tell(self, trouble: Trouble) -> Trouble | None:
        if trouble in self._told:
            return None
        self._told.add(trouble)
        return trouble


def verdict(levels: Sequence[Level]) -> Trouble | None:
    """What is wrong with a microphone into which somebody spoke during `levels`; None if it is fine."""
    peaks = [level.peak_dbfs for level in levels if level.peak_dbfs is not None]
    if not peaks:
        return Trouble.SILENT
    if sum(level.clipped for level in levels) >= _CLIPPING_SHARE * len(levels):
        return Trouble.CLIPPING
    return Trouble.TOO_QUIET if max(peaks) < _TOO_QUIET_DBFS else None


def advice(trouble: Trouble, name: str, *, is_monitor: bool = False) -> tuple[str, str]:
    """What to tell the user about the microphone `name`, and what to do about it.

    `is_monitor`: it is no microphone, but the system's own sound.
    """
    if is_monitor and trouble is Trouble.SILENT:
        return f"{name} is silent", "nothing is being played on this system"
    other = "choose another one with --device (`asrcli devices` lists them)"
    match trouble:
        case Trouble.SILENT:
            return f"{name} gives digital silence", f"it may be muted, or forbidden to this program; or {other}"
        case Trouble.CLIPPING:
            return f"{name} is too loud and clips", f"turn its input level down, or {other}"
        case Trouble.TOO_QUIET:
            return f"{name} is too quiet", f"turn its input level up, speak closer, or {other}"
