"""Delays and amounts, folded from events at known times."""

from __future__ import annotations

import pytest

from asrcli.output.views.stats import stats_lines
from asrcli.runs.metrics import Metrics
from asrcli.values.events import (
    AudioFinished,
    AudioSent,
    Event,
    FinalResult,
    LinkReady,
    Notice,
    PartialResult,
    Reconnecting,
    Sentence,
    SessionStarted,
    UsageReported,
)
from asrcli.values.summary import Summary
from tests.output.views.screen import FakeClock


def _summary(*timed: tuple[float, Event], end_s: float = 10.0, complete: bool = True) -> Summary:
    """The summary at `end_s` of events at seconds from the begin."""
    clock = FakeClock()
    start = clock.time
    metrics = Metrics("talk.wav", clock)
    for moment_s, event in timed:
        clock.time = start + moment_s
        metrics.observe(event)
    clock.time = start + end_s
    return metrics.summary(complete)


def test_a_whole_transcription() -> None:
    summary = _summary(
        (0.2, LinkReady(180.5)),
        (0.3, SessionStarted("task-1")),
        (0.3, AudioSent(100, 3200)),
        (0.9, PartialResult(Sentence(1, "Okay"))),
        (4.0, FinalResult(Sentence(1, "Okay."))),
        (8.0, AudioFinished(8000, 28_000)),
        (8.05, AudioSent(8000, 28_400)),
        (8.1, FinalResult(Sentence(2, "And"))),
        (8.25, FinalResult(Sentence(3, "so."))),
        (8.3, UsageReported(billed_s=8)),
    )
    assert summary == Summary(
        source="talk.wav",
        complete=True,
        wall_s=10.0,
        sentences=3,
        task_ids=("task-1",),
        audio_ms=8000,
        billed_s=8,
        connect_ms=180.5,
        ready_ms=300,
        first_partial_ms=600,
        last_final_ms=250,
        real_time_factor=1.25,
        sent_bytes=28_400,
        kbit_s=28.4,
    )


def test_what_did_not_happen_is_none() -> None:
    assert _summary(complete=False) == Summary(source="talk.wav", complete=False, wall_s=10.0)


def test_a_final_before_the_end_of_audio_is_no_last_final() -> None:
    summary = _summary((1.0, AudioSent(100)), (2.0, FinalResult(Sentence(1, "a"))), (3.0, AudioFinished(3000)))
    assert summary.last_final_ms is None
    assert summary.first_partial_ms == 1000


def test_usage_is_cumulative_in_a_session_and_summed_over_sessions() -> None:
    summary = _summary(
        (0.1, SessionStarted("a")),
        (1.0, UsageReported(billed_s=1, input_tokens=10)),
        (2.0, UsageReported(billed_s=3)),
        (3.0, Reconnecting(1, 3000, "lost")),
        (3.5, SessionStarted("b")),
        (4.0, UsageReported(billed_s=2, output_tokens=5)),
    )
    assert (summary.billed_s, summary.input_tokens, summary.output_tokens) == (5, 10, 5)
    assert (summary.reconnects, summary.task_ids) == (1, ("a", "b"))


def test_the_first_connection_and_start_count_after_a_reconnect() -> None:
    summary = _summary(
        (0.1, LinkReady(90.0)), (0.2, SessionStarted("a")), (5.0, LinkReady(500.0)), (5.1, SessionStarted("b"))
    )
    assert (summary.connect_ms, summary.ready_ms) == (90.0, 200)


def test_replayed_audio_is_not_counted_twice() -> None:
    """Audio that goes back after a reconnect does not shorten or lengthen the transcription."""
    sent = (1.0, AudioSent(5000)), (2.0, AudioSent(3000)), (3.0, AudioSent(4900, resent_ms=1900))
    summary = _summary(*sent)
    assert (summary.audio_ms, summary.resent_ms) == (5000, 1900)
    assert summary.real_time_factor == pytest.approx(2.0)


def test_what_a_lost_worker_had_heard_says_nothing_of_how_long_the_source_is() -> None:
    lost = Reconnecting(1, 0, "its worker was lost", is_told=True)
    summary = _summary((1.0, AudioSent(4200)), (2.0, lost), (3.0, AudioFinished(3000, resent_ms=4200)))
    assert (summary.audio_ms, summary.resent_ms) == (3000, 4200)


def test_a_source_that_held_less_than_it_says_is_truncated() -> None:
    cut_short, other = Notice("cut short", truncated=True), Notice("by the way")
    assert _summary((1.0, cut_short), (2.0, other)).truncated
    assert not _summary((2.0, other)).truncated


def test_a_replaced_final_is_one_sentence() -> None:
    summary = _summary((1.0, FinalResult(Sentence(1, "a"))), (2.0, FinalResult(Sentence(1, "b"))))
    assert summary.sentences == 1


def test_stats_are_aligned_and_leave_out_the_unknown() -> None:
    summary = Summary(
        source="a\x1b.wav",
        complete=False,
        wall_s=31.94,
        sentences=8,
        reconnects=1,
        task_ids=("t-1", "t\x9b2"),
        audio_ms=31240,
        billed_s=32,
        first_partial_ms=312,
        real_time_factor=1.0224,
        resent_ms=1260,
    )
    assert stats_lines(summary) == (
        "a\\x1b.wav\n"
        "  audio               31.2 s\n"
        "  sent twice          1.3 s\n"
        "  wall time           31.9 s\n"
        "  real-time factor    1.02\n"
        "  sentences           8\n"
        "  first partial after 312 ms\n"
        "  billed              32 s\n"
        "  reconnects          1\n"
        "  complete            no\n"
        "  task                t-1\n"
        "  task                t\\x9b2\n"
    )
