"""What the runs come down to, and the document for scripts."""

from __future__ import annotations

import json

import pytest

from asrcli.bench.report import COMPARED, document, make_report, verdict
from asrcli.bench.rounds import Task
from asrcli.bench.timings import PHASES, Timings
from asrcli.values.errors import ServiceError
from tests.bench.samples import LOST, sample_report, warm_wave


def test_only_measured_tasks_that_came_through_count():
    report = sample_report(10, findings=(), failed={3: LOST, 4: LOST})
    assert report.counted("cold") == report.counted("warm") == 4
    assert report.figures["cold"]["ready"].count == 4
    assert [task.number for task in report.failures] == [3, 4]
    assert report.reopened == 0


def test_a_warm_task_on_a_new_connection_is_told_and_not_counted():
    setup = sample_report(2, findings=()).setup
    reopened = Task(2, "warm", Timings(kept=False, ready_ms=99.0))
    kept = Task(4, "warm", Timings(kept=True, ready_ms=5.0))
    warm_up = Task(None, "warm", Timings(kept=False, ready_ms=99.0))
    report = make_report(setup, [warm_wave(warm_up), warm_wave(reopened), warm_wave(kept)], (), complete=True)
    assert report.reopened == 1
    assert report.counted("warm") == 1
    assert report.figures["warm"]["ready"].most == 5.0


def test_a_failed_warm_up_is_shown_and_not_counted():
    setup = sample_report(2, findings=()).setup
    report = make_report(setup, [warm_wave(Task(None, "warm", Timings(), LOST))], (), complete=True)
    assert len(report.failures) == 1
    assert report.counted("warm") == 0
    assert report.speed_ups["ready"] is None


def test_a_kept_connection_has_no_steps_and_saves_them():
    report = sample_report(40)
    for phase in ("dns", "tcp", "tls", "upgrade"):
        assert report.figures["cold"][phase].count == 20
        assert report.figures["warm"][phase] is None
    assert set(report.speed_ups) == set(COMPARED)
    ready = report.speed_ups["ready"]
    assert ready.ratio.low > 3
    assert ready.saved.low < 168 < ready.saved.high


def test_load_is_told_where_it_was_asked_for():
    assert sample_report(40).loads is None
    loads = sample_report(32, at_once=8).loads
    for load in loads.values():
        assert load.lateness.count == 16 * 20
        assert load.results_per_s == pytest.approx(16 * 8 / (2 * 2.2))
        assert load.cpu_per_stream_s == pytest.approx(2 * 0.16 / 32)


@pytest.mark.parametrize(
    ("cold_ms", "warm_ms", "said"),
    [
        ((419.0, 420.0, 425.0), (120.0, 119.0, 125.0), "saves 300 of 420 ms before the first sound"),
        ((1600.0,), (40.0,), "saves 1,560 of 1,600 ms before the first sound"),
        ((8.04,), (3.02,), "saves 5.0 of 8.0 ms before the first sound"),
        ((40.0,), (52.0,), "takes 12 ms more than a new one before the first sound"),
        ((40.0, 50.0, 60.0, 70.0, 80.0), (41.0, 52.0, 63.0, 74.0, 79.0), "do not tell whether a kept connection saves"),
    ],
)
def test_the_verdict_is_a_sentence(cold_ms, warm_ms, said):
    runs = [warm_wave(Task(1, "cold", Timings(kept=False, ready_ms=ms))) for ms in cold_ms]
    runs += [warm_wave(Task(2, "warm", Timings(kept=True, ready_ms=ms))) for ms in warm_ms]
    found = verdict(make_report(sample_report(2, findings=()).setup, runs, (), complete=True))
    assert found is not None
    assert said in found


def test_there_is_no_verdict_without_both_kinds():
    assert verdict(sample_report(0)) is None


def test_the_document_is_json_with_stable_names():
    found = json.loads(
        json.dumps(document(sample_report(40, failed={3: ServiceError("Busy", "later")})), allow_nan=False)
    )
    assert found["type"] == "reuse-bench"
    assert found["v"] == 1
    counted = {"planned": 40, "cold": 19, "warm": 20, "reopened": 0, "failed": 1, "warm_ups_failed": 0}
    assert found["tasks"] == counted
    assert list(found["phases"]) == list(PHASES)
    ready = found["phases"]["ready"]
    assert set(ready["cold"]) == {"count", "median_ms", "p95_ms", "p99_ms", "min_ms", "max_ms"}
    assert ready["cold"]["p95_ms"] is None
    assert ready["warm"]["p95_ms"] > ready["warm"]["median_ms"]
    assert ready["warm"]["p99_ms"] is None
    assert ready["speed_up"]["ratio_low"] < ready["speed_up"]["ratio"] < ready["speed_up"]["ratio_high"]
    assert found["phases"]["tls"]["warm"] is None
    assert found["phases"]["tls"]["speed_up"] is None
    assert len(found["runs"]) == 42
    assert found["runs"][0]["task"] is None
    failed = next(run for run in found["runs"] if run["error"])
    assert (failed["task"], failed["error"], failed["ready_ms"]) == (3, {"code": "Busy", "message": "later"}, None)
    assert [finding["outcome"] for finding in found["idle"]] == ["kept"] * 3 + ["dropped", "failed"]
    assert found["load"] is None


def test_the_document_of_nothing_is_still_json():
    setup = sample_report(2, findings=()).setup
    found = document(make_report(setup, (), (), complete=False))
    assert json.loads(json.dumps(found, allow_nan=False))["complete"] is False
    assert found["phases"]["total"] == {"cold": None, "warm": None, "speed_up": None}  # type: ignore[index]
