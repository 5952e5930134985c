"""One task in milliseconds, phase by phase, folded from its events and the moments at which they were received.

The steps of a connection are timed where they are taken; everything else where its events are received, by a thread
that is woken for them, so that tenths of a millisecond mean nothing there.

Knows events; neither the engine nor who shows the numbers. What did not happen is None.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from asrcli.values.events import (
    AudioFinished,
    AudioSent,
    Event,
    FinalResult,
    LinkReady,
    PartialResult,
    SessionFinished,
    SessionStarted,
)

Kind = Literal["cold", "warm"]
KINDS: tuple[Kind, ...] = ("cold", "warm")

# Phase → how a person calls it, in the order in which they happen; each is a field of Timings with "_ms" behind it.
PHASES = {
    "dns": "DNS",
    "tcp": "TCP",
    "tls": "TLS",
    "upgrade": "upgrade",
    "connect": "connected (sum)",
    "start": "run-task → task-started",
    "ready": "ready for audio",
    "first_result": "first audio → first result",
    "last_result": "finish → last result",
    "total": "total",
}


@dataclass(frozen=True, slots=True)
class Timings:
    """What one task took.

    `kept`: it ran on a connection that was there already; None where it never got one. `dns_ms` to `upgrade_ms` are the
    steps of a new connection, `connect_ms` is the whole, 0 for a kept one. `start_ms`: from the connection to the
    service's word that it takes audio. `ready_ms`: from the begin of the task to that word. `first_result_ms`: from the
    first audio sent to the first result (first-package delay). `last_result_ms`: from the end of the audio to the last
    final after it (last-package delay). `total_ms`: from the begin to the end of the task, the audio's own length
    included. `audio_ms` and `results`: how much was sent and how many results came.
    """

    kept: bool | None = None
    dns_ms: float | None = None
    tcp_ms: float | None = None
    tls_ms: float | None = None
    upgrade_ms: float | None = None
    connect_ms: float | None = None
    start_ms: float | None = None
    ready_ms: float | None = None
    first_result_ms: float | None = None
    last_result_ms: float | None = None
    total_ms: float | None = None
    audio_ms: int = 0
    results: int = 0

    def phase_ms(self, phase: str) -> float | None:
        """The number of that phase, a key of PHASES."""
        value: float | None = getattr(self, f"{phase}_ms")
        return value


class Stopwatch:
    """Times one task that begins at `begin_s`. All moments are seconds of one clock."""

    def __init__(self, begin_s: float) -> None:
        self._begin_s = begin_s
        self._linked_s: float | None = None
        self._first_sent_s: float | None = None
        self._audio_end_s: float | None = None
        self.timings = Timings()
        """What is known so far."""

    def observe(self, event: Event, now_s: float) -> None:
        """Take note of `event`, received at `now_s`."""
        known = self.timings
        match event:
            case LinkReady():
                self._linked_s = now_s
                self.timings = _connected(known, event)
            case SessionStarted():
                started = _between_ms(self._linked_s, now_s)
                self.timings = replace(known, start_ms=started, ready_ms=_between_ms(self._begin_s, now_s))
            case AudioSent(end_ms):
                self._first_sent_s = now_s if self._first_sent_s is None else self._first_sent_s
                self.timings = replace(known, audio_ms=max(end_ms, known.audio_ms))
            case AudioFinished(end_ms):
                self._audio_end_s = now_s
                self.timings = replace(known, audio_ms=max(end_ms, known.audio_ms))
            case PartialResult() | FinalResult():
                self._result(event, now_s)
            case SessionFinished():
                self.timings = replace(known, total_ms=_between_ms(self._begin_s, now_s))

    def _result(self, event: PartialResult | FinalResult, now_s: float) -> None:
        known = replace(self.timings, results=self.timings.results + 1)
        if known.first_result_ms is None:
            known = replace(known, first_result_ms=_between_ms(self._first_sent_s, now_s))
        if isinstance(event, FinalResult) and self._audio_end_s is not None:
            known = replace(known, last_result_ms=_between_ms(self._audio_end_s, now_s))
        self.timings = known


def _connected(timings: Timings, ready: LinkReady) -> Timings:
    timings = replace(timings, connect_ms=ready.connect_ms, kept=ready.connect_ms == 0.0)
    if ready.phases is None:
        return timings
    steps = ready.phases
    return replace(timings, dns_ms=steps.dns_ms, tcp_ms=steps.tcp_ms, tls_ms=steps.tls_ms, upgrade_ms=steps.upgrade_ms)


def _between_ms(start_s: float | None, end_s: float) -> float | None:
    return None if start_s is None else (end_s - start_s) * 1000
