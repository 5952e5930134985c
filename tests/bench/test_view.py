"""The report on a terminal: what the table, the bars and the remarks say."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from asrcli.bench.report import Report, make_report
from asrcli.bench.rounds import Task
from asrcli.bench.timings import KINDS, Timings
from asrcli.bench.view import render
from asrcli.values.errors import ServiceError
from tests.bench.samples import LOST, sample_report, warm_wave


def lines_of(report: Report, width: int = 80) -> list[str]:
    return render(report, width=width, color=False).splitlines()


def row(lines: list[str], label: str) -> list[str]:
    """The cells of the first line that begins with `label`."""
    return next(line for line in lines if line.startswith(label)).removeprefix(label).split()


@pytest.mark.parametrize("tasks", [2, 40, 200])
def test_everything_fits_80_columns(tasks):
    lines = lines_of(sample_report(tasks, at_once=1))
    assert max(map(len, lines)) <= 80
    assert not any(line != line.rstrip() for line in lines)


@pytest.mark.parametrize(
    ("tasks", "percentiles"), [(2, []), (10, []), (38, []), (40, ["p95"]), (198, ["p95"]), (200, ["p95", "p99"])]
)
def test_a_percentile_that_is_not_known_has_no_column(tasks, percentiles):
    lines = lines_of(sample_report(tasks))
    assert row(lines, "ms") == ["n", "median", *percentiles, "min", "max"]
    assert len(row(lines, "total")) == 5 + len(percentiles)
    assert "–" not in row(lines, "total")


def test_where_one_kind_lacks_a_percentile_it_is_a_dash():
    lines = lines_of(sample_report(40, failed={1: LOST}))
    assert row(lines, "total")[3] == "–"
    assert lines[lines.index(next(line for line in lines if line.startswith("total "))) + 1].split()[3] != "–"


def test_a_kept_connection_has_no_rows_for_the_steps_of_a_new_one():
    lines = lines_of(sample_report(10))
    first = lines.index(next(line for line in lines if line.startswith("DNS")))
    assert [line.split()[1] for line in lines[first : first + 4]] == ["cold"] * 4


@pytest.mark.parametrize("width", [30, 36, 40, 50, 60, 70])
@pytest.mark.parametrize("tasks", [2, 200])
def test_no_number_is_cut_in_a_narrow_window(width, tasks):
    report = sample_report(tasks, at_once=1)
    lines = lines_of(report, width)
    tables = lines[: lines.index(next(line for line in lines if line.startswith("the total")))]
    assert max(map(len, tables)) <= width
    assert "…" not in "".join(tables).replace(" … ", "")
    cold = report.figures["cold"]["total"].median
    assert f"{cold:,.0f}" in row(lines, "total")
    assert f"{report.speed_ups['ready'].saved.value:.0f}" in " ".join(tables).split()
    has_all = all(heading in lines for heading in lines_of(report) if heading.startswith(("ms ", "a kept", "load ")))
    assert has_all != any("no room for all columns" in line for line in lines)


def test_what_a_kept_connection_saves_stands_first_in_words():
    assert re.fullmatch(
        r"a kept connection saves 1\d\d of 2\d\d ms before the first sound", lines_of(sample_report(200))[0]
    )


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


def test_what_takes_more_tasks_is_told_where_it_is_not_there():
    assert "too few tasks for an interval (--tasks 10), p95 (--tasks 40), p99 (--tasks 200)" in lines_of(
        sample_report(2)
    )
    assert "too few tasks for p95 (--tasks 40), p99 (--tasks 200)" in lines_of(sample_report(10))
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
