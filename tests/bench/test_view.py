"""The report on a terminal: what the table, the bars and the remarks say."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asrcli.bench.report import Report, make_report
from asrcli.bench.rounds import Task
from asrcli.bench.timings import KINDS, Timings
from asrcli.bench.view import render
from asrcli.values.errors import ServiceError
from tests.bench.samples import LOST, sample_report, warm_wave


def lines_of(report: Report) -> list[str]:
    return render(report, width=80, color=False).splitlines()


def row(lines: list[str], label: str) -> list[str]:
    """The cells of the first line that begins with `label`."""
    return next(line for line in lines if line.startswith(label)).removeprefix(label).split()


@pytest.mark.parametrize("tasks", [2, 40, 200])
def test_everything_fits_80_columns(tasks):
    lines = lines_of(sample_report(tasks, at_once=1))
    assert max(map(len, lines)) <= 80
    assert not any(line != line.rstrip() for line in lines)


def test_a_percentile_that_is_not_known_is_a_dash():
    assert row(lines_of(sample_report(10)), "total")[3:5] == ["–", "–"]
    p95, p99 = row(lines_of(sample_report(40)), "total")[3:5]
    assert (p95 != "–", p99) == (True, "–")
    assert "–" not in row(lines_of(sample_report(200)), "total")


def test_the_speed_up_stands_with_its_interval():
    report = sample_report(40)
    found = report.speed_ups["ready"].ratio
    lines = lines_of(report)
    second = lines[lines.index(next(line for line in lines if "cold ÷ warm" in line)) :]
    assert row(second, "ready for audio")[:5] == [
        f"{found.value:.2f}",
        "×",
        f"{found.low:.2f}",
        "…",
        f"{found.high:.2f}",
    ]


def test_bars_are_as_long_as_what_they_stand_for():
    report = sample_report(40)
    medians = [
        report.figures[kind][phase].median for phase in ("ready", "first_result", "last_result") for kind in KINDS
    ]
    lengths = [line.count("█") for line in lines_of(report) if "█" in line]
    assert lengths == [pytest.approx(30 * median / max(medians), abs=1) for median in medians]


def test_pauses_say_what_became_of_the_connection():
    lines = lines_of(sample_report(0))
    assert lines[0].split() == ["pause", "s", "ready", "ms", "the", "connection"]
    text = " ".join(" ".join(lines).split())
    assert "55 34.2 was still there" in text
    assert "65 190 was dropped by the service after 60 s" in text
    assert "70 – unknown, the task failed: the service answered InternalError: boom" in text


def test_failures_are_shown_with_their_reason_and_no_control_codes():
    text = "\n".join(lines_of(sample_report(10, failed={3: ServiceError("Busy", "\x1b[2Jgone\nnow"), 4: LOST})))
    assert "failed: task 3 (cold): the service answered Busy: \\x1b[2Jgone now" in text
    assert "failed: task 4 (warm): the connection was lost" in text


def test_a_failure_is_one_line_however_long():
    reason = "a long story " * 20
    lines = lines_of(sample_report(10, failed={3: ServiceError("Busy", reason)}))
    assert any(line.startswith("failed: task 3") and line.endswith(reason.strip()) for line in lines)


def test_dashes_are_explained_where_there_are_any():
    assert "–: too few runs" in "\n".join(lines_of(sample_report(10)))
    assert "too few" not in "\n".join(lines_of(sample_report(200)))


def test_many_failures_are_counted_after_the_first_ten():
    text = "\n".join(lines_of(sample_report(40, failed=dict.fromkeys(range(1, 21), LOST))))
    assert text.count("failed: task") == 10
    assert "failed: 10 more" in text


def test_a_warm_task_without_a_kept_connection_is_remarked_on():
    setup = sample_report(2, findings=()).setup
    lost = warm_wave(Task(2, "warm", Timings(kept=False, ready_ms=9.0)))
    text = " ".join("\n".join(lines_of(make_report(setup, [lost], (), complete=True))).split())
    assert "1 warm task found no kept connection: the service had closed it; not counted" in text


def test_an_interrupted_run_says_so():
    assert lines_of(replace(sample_report(10), complete=False))[-1].startswith("interrupted")
    assert "interrupted" not in "\n".join(lines_of(sample_report(10)))


def test_colour_comes_only_where_it_is_wanted():
    assert "\x1b[" in render(sample_report(10), width=80, color=True)
    assert "\x1b" not in render(sample_report(10), width=80, color=False)
