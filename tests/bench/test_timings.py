"""One task's phases, from its events and their moments."""

from __future__ import annotations

import pytest

from asrcli.bench.timings import PHASES, Stopwatch, Timings
from asrcli.values.events import (
    AudioFinished,
    AudioSent,
    ConnectPhases,
    FinalResult,
    LinkReady,
    PartialResult,
    Sentence,
    SessionFinished,
    SessionStarted,
)

PARTIAL = PartialResult(Sentence(1, "he"))
FINAL = FinalResult(Sentence(1, "hello"))
PHASED = LinkReady(48.0, ConnectPhases(1.0, 10.0, 25.0, 12.0))


def timed(*events: tuple[float, object]) -> Timings:
    watch = Stopwatch(100.0)
    for after_ms, event in events:
        watch.observe(event, 100.0 + after_ms / 1000)  # type: ignore[arg-type]
    return watch.timings


def test_a_task_on_a_new_connection():
    timings = timed(
        (50, PHASED),
        (80, SessionStarted("t")),
        (81, AudioSent(100)),
        (181, AudioSent(200)),
        (300, PARTIAL),
        (400, FINAL),
        (500, AudioFinished(300)),
        (560, PARTIAL),
        (590, FINAL),
        (600, SessionFinished("t")),
    )
    found = {phase: timings.phase_ms(phase) for phase in PHASES}
    assert found == pytest.approx(
        {"dns": 1, "tcp": 10, "tls": 25, "upgrade": 12, "connect": 48, "start": 30, "ready": 80, "first_result": 219,
         "last_result": 90, "total": 600}
    )  # fmt: skip
    assert (timings.kept, timings.audio_ms, timings.results) == (False, 300, 4)


def test_a_kept_connection_has_no_phases():
    timings = timed((1, LinkReady(0.0)), (31, SessionStarted("t")))
    assert timings.kept is True
    assert timings.connect_ms == 0.0
    assert timings.dns_ms is timings.tcp_ms is timings.tls_ms is timings.upgrade_ms is None
    assert timings.ready_ms == pytest.approx(31)


def test_a_connection_without_tls_has_no_tls_phase():
    timings = timed((1, LinkReady(3.0, ConnectPhases(0.1, 0.9, None, 2.0))))
    assert timings.tls_ms is None
    assert timings.upgrade_ms == 2.0


def test_what_did_not_happen_is_not_known():
    assert timed() == Timings()
    assert timed((1, LinkReady(1.0))) == Timings(kept=False, connect_ms=1.0)


def test_a_final_before_the_end_of_the_audio_is_not_the_last_one():
    timings = timed((1, AudioSent(100)), (2, FINAL), (3, AudioFinished(100)), (9, SessionFinished("t")))
    assert timings.last_result_ms is None
    assert timings.first_result_ms == pytest.approx(1)
