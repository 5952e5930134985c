"""What the live view's status line says, as ranked parts. Knows no terminal: how wide a part is, others measure.

A part of rank 0 is kept longest where there is little room.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import PurePath

from asrcli.output.base import Begin
from asrcli.output.sanitize import name
from asrcli.values.addresses import file_name, is_address
from asrcli.values.clock_time import clock_time
from asrcli.values.events import (
    AudioFinished,
    AudioSent,
    Event,
    FinalResult,
    PartialResult,
    Reconnecting,
    Sentence,
    SessionStarted,
    SoundLevel,
)

BAR_CELLS = 7
# What the level meter spans: quieter sound is not speech.
QUIETEST_DBFS = -60.0
# Where the meter warns: speech may be louder for a moment, and would clip then.
HOT_DBFS = -6.0
CLIPPING_DBFS = -0.1
# A minute of chunks: a result that comes later than that after its sound says enough by itself.
SENT_KEPT = 600


@dataclass(frozen=True, slots=True)
class StatusItem:
    """One piece of the status line. `shrinks`: a shortened one is better than none. `joins`: no separator follows.

    `short` says the same in fewer cells, for where there is no room for `text`.
    """

    text: str
    rank: int
    style: str = "dim"
    shrinks: bool = False
    joins: bool = False
    short: str = ""


class Status:
    """Follows one transcription. Times `now` are seconds of the view's clock."""

    def __init__(self, info: Begin, now: float) -> None:
        self._info = info
        self._begin_at = now
        self._state, self._state_style = "connecting…", "yellow"
        self._position_ms = 0
        self._first_sent: tuple[int, float] | None = None
        self._sent: deque[tuple[int, float]] = deque(maxlen=SENT_KEPT)
        self._heard_ms = 0
        self._delay_s: float | None = None
        self._level: SoundLevel | None = None
        self._reconnects = 0

    def observe(self, event: Event, now: float) -> None:
        """Take note of `event`, which happened at `now`."""
        match event:
            case SessionStarted():
                self._state, self._state_style = "listening", "green"
            case AudioSent(end_ms):
                self._position_ms = end_ms
                self._first_sent = self._first_sent or (end_ms, now)
                self._sent.append((end_ms, now))
            case SoundLevel():
                self._level = event
            case AudioFinished(end_ms):
                self._position_ms = max(self._position_ms, end_ms)
                self._level = None
                self._state, self._state_style = "finishing…", "yellow"
            case Reconnecting():
                self._state, self._state_style = why_it_stands_still(event), "yellow"
                self._reconnects += 1
            case PartialResult(sentence) | FinalResult(sentence):
                # Of several parts at the same time, what was sent says nothing about one word.
                if self._info.parts == 1:
                    self._observe_delay(sentence, now)

    def parts(self, now: float) -> tuple[StatusItem, ...]:
        """The line's parts at `now`, in the order in which they stand."""
        info = self._info
        parts = [
            StatusItem(self._state, 0, self._state_style, shrinks=True),
            StatusItem(_short_name(info), 2, shrinks=True),
            *([StatusItem(f"{info.source_rate_hz / 1000:g} kHz", 9)] if info.source_rate_hz is not None else []),
            StatusItem(name(info.model), 6),
            StatusItem(name(info.region), 7),
        ]
        if self._level is not None:
            parts.append(_meter(self._level.peak_dbfs))
        if info.live:
            parts.append(StatusItem(clock_time(now - self._begin_at), 1, "bold"))
        elif info.duration_ms:
            parts.append(StatusItem(bar(self._position_ms / info.duration_ms), 5, joins=True))
            position, length = clock_time(self._position_ms / 1000), clock_time(info.duration_ms / 1000)
            parts.append(StatusItem(f"{position}/{length}", 1, "bold"))
            left_s = self._left_s(info.duration_ms, now)
            parts += [StatusItem(f"{clock_time(left_s)} left", 4)] if left_s is not None else []
        else:
            parts.append(StatusItem(clock_time(self._position_ms / 1000), 1, "bold"))
        if self._reconnects:
            parts.append(StatusItem(f"reconnects {self._reconnects}", 3, "yellow"))
        if self._delay_s is not None:
            parts.append(StatusItem(f"delay {self._delay_s:.1f} s", 8))
        return tuple(parts)

    def _left_s(self, duration_ms: int, now: float) -> float | None:
        """Time until the audio has left, at the pace so far; None while that is not known."""
        if self._first_sent is None:
            return None
        first_ms, first_at = self._first_sent
        passed_s, sent_ms = now - first_at, self._position_ms - first_ms
        # The first second tells too little about the pace.
        if passed_s < 1.0 or sent_ms <= 0:
            return None
        return max(0, duration_ms - self._position_ms) * passed_s / sent_ms

    def _observe_delay(self, sentence: Sentence, now: float) -> None:
        """Delay: from a word's sound leaving to the first result that holds the word."""
        ends = [word.end_ms for word in sentence.words if word.end_ms is not None]
        end_ms = sentence.heard_ms or max(ends, default=sentence.end_ms)
        if end_ms is None or end_ms <= self._heard_ms:
            return
        self._heard_ms = end_ms
        while self._sent and self._sent[0][0] < end_ms:
            self._sent.popleft()
        if self._sent:
            self._delay_s = now - self._sent[0][1]


def why_it_stands_still(event: Reconnecting) -> str:
    """A state: the connection is made again, or somebody else is waited for who makes it."""
    return "worker lost…" if event.is_told else "reconnecting…"


def _meter(peak_dbfs: float | None) -> StatusItem:
    """How loud it is, as a bar that fills up at full scale."""
    if peak_dbfs is None:
        return StatusItem(bar(0), 3, "yellow")
    style = "red" if peak_dbfs >= CLIPPING_DBFS else "yellow" if peak_dbfs >= HOT_DBFS else "green"
    return StatusItem(bar(1 - peak_dbfs / QUIETEST_DBFS), 3, style)


def bar(share: float) -> str:
    """A bar of BAR_CELLS cells, full at 1."""
    halves = max(0, min(2 * BAR_CELLS, int(share * 2 * BAR_CELLS)))
    return ("━" * (halves // 2) + "╸" * (halves % 2)).ljust(BAR_CELLS, "─")


def _short_name(info: Begin) -> str:
    """A file's name without its folders; a device's or stream's as it is."""
    if is_address(info.source):
        return name(file_name(info.source))
    return name(info.source if info.live else PurePath(info.source).name or info.source)
