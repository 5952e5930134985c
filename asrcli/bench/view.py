"""What a person sees of a bench: its progress on standard error, then a table and bars that fit 80 columns."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from asrcli.bench.figures import INTERVAL_LEAST, P95_LEAST, P99_LEAST
from asrcli.bench.report import COMPARED
from asrcli.bench.timings import KINDS, PHASES, Kind
from asrcli.output.sanitize import sentence_text
from asrcli.output.wording import words
from asrcli.system.echo import NoEcho

if TYPE_CHECKING:
    from asrcli.bench.figures import Figures, SpeedUp, Spread
    from asrcli.bench.idle import IdleFinding
    from asrcli.bench.report import Load, Report

NO_NUMBER = "–"
_COLORS: dict[Kind, str] = {"cold": "blue", "warm": "yellow"}
_BAR_CELLS = 30
# What a bar is for: the waits of a person. The steps before are too short to be seen beside them.
_BARRED = ("ready", "first_result", "last_result")
# From an empty cell to seven eighths of one.
_EIGHTHS = " ▏▎▍▌▋▊▉"
_FAILURES_SHOWN = 10


def render(report: Report, *, width: int, color: bool) -> str:
    """The whole report as text of `width` columns, with colour codes only where `color` says so."""
    text = io.StringIO()
    console = Console(
        file=text,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        highlight=False,
        emoji=False,
        legacy_windows=False,
        _environ={},
    )
    if any(map(report.counted, KINDS)):
        console.print(_phase_table(report))
        console.print()
        console.print(_speed_up_table(report.speed_ups))
        console.print()
        for line in _bars(report):
            console.print(line)
    if report.loads is not None:
        console.print(_load_table(report.loads))
        console.print()
    if report.findings:
        console.print(_finding_table(report.findings))
        console.print()
    for remark in _remarks(report):
        # A line each, for grep; a terminal wraps them itself.
        console.print(Text(remark), soft_wrap=True)
    # rich fills cells with spaces to the right.
    return "\n".join(line.rstrip() for line in text.getvalue().rstrip().splitlines()) + "\n"


def _plain_table(*headings: str, title: str = "") -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.title, table.title_justify, table.title_style = title or None, "left", "dim"
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if place == 0 else "right", no_wrap=True)
    return table


def _phase_table(report: Report) -> Table:
    table = _plain_table("ms", "", "n", "median", "p95", "p99", "min", "max")
    for phase, label in PHASES.items():
        for kind in KINDS:
            cells = _cells(report.figures[kind][phase])
            name = label if kind == KINDS[0] else ""
            table.add_row(name, Text(kind, _COLORS[kind]), *cells)
    return table


def _cells(of: Figures | None) -> list[str]:
    if of is None:
        return ["0", *[NO_NUMBER] * 5]
    return [str(of.count), *map(_ms, (of.median, of.p95, of.p99, of.least, of.most))]


def _ms(value: float | None) -> str:
    if value is None:
        return NO_NUMBER
    return f"{value:.1f}" if abs(value) < 99.95 else f"{value:,.0f}"


def _speed_up_table(speed_ups: dict[str, SpeedUp | None]) -> Table:
    table = _plain_table("a kept connection", "cold ÷ warm", "95 % interval", "saves ms", "95 % interval")
    for phase in COMPARED:
        found = speed_ups[phase]
        if found is None:
            table.add_row(PHASES[phase], *[NO_NUMBER] * 4)
            continue
        ratio = f"{found.ratio.value:.2f} ×" if found.ratio is not None else NO_NUMBER
        table.add_row(
            PHASES[phase], ratio, _ratio_interval(found.ratio), _ms(found.saved.value), _interval(found.saved)
        )
    return table


def _ratio_interval(ratio: Spread | None) -> str:
    if ratio is None or ratio.low is None or ratio.high is None:
        return NO_NUMBER
    return f"{ratio.low:.2f} … {ratio.high:.2f}"


def _interval(spread: Spread) -> str:
    if spread.low is None or spread.high is None:
        return NO_NUMBER
    return f"{_ms(spread.low)} … {_ms(spread.high)}"


def _bars(report: Report) -> Iterator[Text]:
    """A bar for each wait and kind, all to one scale, and an empty line."""
    medians = {(phase, kind): report.figures[kind][phase] for phase in _BARRED for kind in KINDS}
    longest = max((of.median for of in medians.values() if of is not None), default=0.0)
    if longest <= 0:
        return
    for (phase, kind), of in medians.items():
        label = PHASES[phase] if kind == KINDS[0] else ""
        line = Text(f"{label:<27}").append(f"{kind} ", _COLORS[kind])
        if of is None:
            line.append(NO_NUMBER)
        else:
            line.append(_bar(of.median / longest), _COLORS[kind]).append(f" {_ms(of.median)} ms")
        yield line
    yield Text()


def _bar(share: float) -> str:
    eighths = round(share * _BAR_CELLS * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _load_table(loads: dict[Kind, Load]) -> Table:
    table = _plain_table("load", "late ms: median", "p95", "p99", "max", "results/s", "CPU s/stream s")
    for kind, load in loads.items():
        late = load.lateness
        cells = (
            _ms(None if late is None else late.median),
            _ms(None if late is None else late.p95),
            _ms(None if late is None else late.p99),
            _ms(None if late is None else late.most),
            NO_NUMBER if load.results_per_s is None else f"{load.results_per_s:.1f}",
            NO_NUMBER if load.cpu_per_stream_s is None else f"{load.cpu_per_stream_s:.4f}",
        )
        table.add_row(Text(kind, _COLORS[kind]), *cells)
    return table


def _finding_table(findings: Sequence[IdleFinding]) -> Table:
    table = _plain_table("pause s", "ready ms", "the connection")
    table.columns[-1].justify = "left"
    table.columns[-1].no_wrap = False
    for finding in findings:
        table.add_row(f"{finding.pause_s:g}", _ms(finding.ready_ms), _what_happened(finding))
    return table


def _what_happened(finding: IdleFinding) -> str:
    if finding.outcome == "kept":
        return "was still there"
    if finding.outcome == "failed" and finding.error is not None:
        return f"unknown, the task failed: {sentence_text(words(finding.error))}"
    if finding.dropped_after_s is not None:
        return f"was dropped by the service after {finding.dropped_after_s:.0f} s"
    return "was dropped by the service"


def _remarks(report: Report) -> Iterator[str]:
    """What the numbers do not say: what they rest on, what failed, what was not as meant."""
    if any(map(report.counted, KINDS)) and report.setup.speed is not None:
        seconds = report.setup.plan.clip_ms / 1000 / report.setup.speed
        yield f"the total includes sending the audio at its pace, which takes up to {seconds:g} s"
    if any(map(report.counted, KINDS)) and min(map(report.counted, KINDS)) < P99_LEAST:
        yield (
            f"{NO_NUMBER}: too few runs (p95 needs {P95_LEAST} of a kind, p99 {P99_LEAST}; an interval"
            f" {INTERVAL_LEAST} of each)"
        )
    if report.loads is not None:
        yield "late: how long after its moment a chunk left"
        yield "CPU: seconds of a core for a second of one stream"
    if report.reopened:
        yield (
            f"{report.reopened} warm {_tasks(report.reopened)} found no kept connection: the service had closed it;"
            " not counted"
        )
    for task in report.failures[:_FAILURES_SHOWN]:
        assert task.error is not None
        which = "warm-up" if task.number is None else f"task {task.number}"
        yield f"failed: {which} ({task.kind}): {sentence_text(words(task.error))}"
    if len(report.failures) > _FAILURES_SHOWN:
        yield f"failed: {len(report.failures) - _FAILURES_SHOWN} more"
    if not report.complete:
        yield "interrupted: these are the tasks that were over"


def _tasks(count: int) -> str:
    return "task" if count == 1 else "tasks"


class ProgressLine:
    """One line on a terminal's standard error that says what runs; nothing where `shown` is False."""

    def __init__(self, *, shown: bool) -> None:
        self._shown = shown
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(24),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
            # The time to draw is this process's, whose processor time is one of the figures.
            refresh_per_second=2,
            disable=not shown,
        )
        self._row = self._progress.add_task("", total=None)

    @contextlib.contextmanager
    def drawn(self) -> Iterator[None]:
        """Draw while the context lasts, and leave nothing behind."""
        with NoEcho(2) if self._shown else contextlib.nullcontext(), self._progress:
            yield

    def show(self, what: str, completed: float, total: float) -> None:
        """Say that `completed` of `total` of `what` is over."""
        self._progress.update(self._row, description=what, completed=completed, total=total)
