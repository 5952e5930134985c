"""What a person sees of a bench: its progress on standard error, then a table and bars that fit 80 columns."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console, Group
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from asrcli.bench.figures import INTERVAL_LEAST, P95_LEAST, P99_LEAST
from asrcli.bench.report import COMPARED, verdict
from asrcli.bench.timings import KINDS, PHASES, Kind
from asrcli.output.sanitize import sentence_text
from asrcli.output.wording import words
from asrcli.system.echo import NoEcho

if TYPE_CHECKING:
    from asrcli.bench.figures import SpeedUp, Spread
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
# Beside a bar: what it is of, and its number.
_BESIDE_BAR_CELLS = 43
_LEAST_BAR_CELLS = 8

_Row = list[str | Text]
# Heading and, where a narrow window can do without the column, a number: the highest goes first.
_Columns = tuple[tuple[str, int], ...]
_PHASE_COLUMNS: _Columns = (
    *(("ms", 0), ("", 0), ("n", 3), ("median", 0)),
    *(("p95", 2), ("p99", 4), ("min", 5), ("max", 1)),
)
_SPEED_UP_COLUMNS: _Columns = (
    *(("a kept connection", 0), ("cold ÷ warm", 1), ("95 % interval", 3)),
    *(("saves ms", 0), ("95 % interval", 2)),
)
_LOAD_COLUMNS: _Columns = (
    *(("load", 0), ("late ms: median", 0), ("p95", 3), ("p99", 5), ("max", 4)),
    *(("results/s", 2), ("CPU s/stream s", 1)),
)


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
    if (answer := verdict(report)) is not None:
        console.print(Text(answer, "bold"))
        console.print()
    left_out: list[str] = []
    for part in _parts(report, width, left_out):
        console.print(part)
        console.print()
    for remark in _remarks(report, left_out):
        # A line each, for grep; a terminal wraps them itself.
        console.print(Text(remark), soft_wrap=True)
    # rich fills cells with spaces to the right.
    return "\n".join(line.rstrip() for line in text.getvalue().rstrip().splitlines()) + "\n"


def _parts(report: Report, width: int, left_out: list[str]) -> Iterator[Table | Group]:
    """The tables and bars that there are; the headings that `width` has no room for are added to `left_out`."""
    if any(map(report.counted, KINDS)):
        yield _fitted(_PHASE_COLUMNS, _phase_rows(report), width, left_out)
        rows = _speed_up_rows(report.speed_ups)
        if rows:
            yield _fitted(_SPEED_UP_COLUMNS, rows, width, left_out)
        bars = _bars(report, width)
        if bars:
            yield Group(*bars)
    if report.loads is not None:
        yield _fitted(_LOAD_COLUMNS, _load_rows(report.loads), width, left_out)
    if report.findings:
        yield _finding_table(report.findings)


def _plain_table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    for place, heading in enumerate(headings):
        # Numbers are never cut: what has no room beside them is folded.
        table.add_column(heading, justify="left" if place == 0 else "right", no_wrap=place > 0, overflow="fold")
    return table


def _fitted(columns: _Columns, rows: Sequence[_Row], width: int, left_out: list[str]) -> Table:
    """A table of `rows` without columns that hold no number, and without those that `width` has no room for."""
    shown = [at for at in range(len(columns)) if any(str(row[at]) != NO_NUMBER for row in rows)]

    def is_too_wide() -> bool:
        cells = (max(map(cell_len, (columns[at][0], *(str(row[at]) for row in rows)))) for at in shown)
        return sum(cells) + len(shown) - 1 > width

    while is_too_wide() and (spare := max(shown, key=lambda at: columns[at][1])) and columns[spare][1]:
        shown.remove(spare)
        left_out.append(columns[spare][0])
    table = _plain_table(*(columns[at][0] for at in shown))
    for row in rows:
        table.add_row(*(row[at] for at in shown))
    return table


def _phase_rows(report: Report) -> list[_Row]:
    """A row for each phase and kind that has one; a kept connection has no steps."""
    rows: list[_Row] = []
    for phase, label in PHASES.items():
        there = {kind: of for kind in KINDS if (of := report.figures[kind][phase]) is not None}
        for place, (kind, of) in enumerate(there.items()):
            numbers = map(_ms, (of.median, of.p95, of.p99, of.least, of.most))
            rows.append(["" if place else label, Text(kind, _COLORS[kind]), str(of.count), *numbers])
    return rows


def _ms(value: float | None) -> str:
    if value is None:
        return NO_NUMBER
    return f"{value:.1f}" if abs(value) < 99.95 else f"{value:,.0f}"


def _speed_up_rows(speed_ups: dict[str, SpeedUp | None]) -> list[_Row]:
    rows: list[_Row] = []
    for phase in COMPARED:
        if (found := speed_ups[phase]) is not None:
            ratio = f"{found.ratio.value:.2f} ×" if found.ratio is not None else NO_NUMBER
            saved = _ms(found.saved.value)
            rows.append([PHASES[phase], ratio, _ratio_interval(found.ratio), saved, _interval(found.saved)])
    return rows


def _ratio_interval(ratio: Spread | None) -> str:
    if ratio is None or ratio.low is None or ratio.high is None:
        return NO_NUMBER
    return f"{ratio.low:.2f} … {ratio.high:.2f}"


def _interval(spread: Spread) -> str:
    if spread.low is None or spread.high is None:
        return NO_NUMBER
    return f"{_ms(spread.low)} … {_ms(spread.high)}"


def _bars(report: Report, width: int) -> list[Text]:
    """A bar for each wait and kind, all to one scale; none where they would be too short to tell anything."""
    medians = [(phase, kind, of.median) for phase in _BARRED for kind in KINDS if (of := report.figures[kind][phase])]
    longest = max((median for *_, median in medians), default=0.0)
    cells = min(_BAR_CELLS, width - _BESIDE_BAR_CELLS)
    if longest <= 0 or cells < _LEAST_BAR_CELLS:
        return []
    lines, above = [], ""
    for phase, kind, median in medians:
        label, above = "" if phase == above else PHASES[phase], phase
        bar = (f"{kind} {_bar(median / longest, cells)}", _COLORS[kind])
        lines.append(Text.assemble(f"{label:<27}", bar, f" {_ms(median)} ms"))
    return lines


def _bar(share: float, cells: int) -> str:
    eighths = round(share * cells * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _load_rows(loads: dict[Kind, Load]) -> list[_Row]:
    rows: list[_Row] = []
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
        rows.append([Text(kind, _COLORS[kind]), *cells])
    return rows


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


def _remarks(report: Report, left_out: Sequence[str]) -> Iterator[str]:
    """What the numbers do not say: what they rest on, what failed, what was not as meant."""
    if any(map(report.counted, KINDS)) and report.setup.speed is not None:
        seconds = report.setup.plan.clip_ms / 1000 / report.setup.speed
        yield f"the total includes sending the audio at its pace, which takes up to {seconds:g} s"
    counted = min(map(report.counted, KINDS))
    if counted < P99_LEAST and any(map(report.counted, KINDS)):
        needed = {"an interval": INTERVAL_LEAST, "p95": P95_LEAST, "p99": P99_LEAST}
        lacking = [f"{what} (--tasks {len(KINDS) * least})" for what, least in needed.items() if counted < least]
        yield f"too few tasks for {', '.join(lacking)}"
    if left_out:
        yield "this window has no room for all columns; --json has every figure"
    if report.loads is not None:
        if any(load.lateness for load in report.loads.values()):
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
