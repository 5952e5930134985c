"""What a bench found, folded from its runs into one value, and that value as a JSON document.

Pure; knows neither a terminal nor a picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from asrcli.bench.figures import Figures, SpeedUp, figures, speed_up
from asrcli.bench.idle import IdleFinding
from asrcli.bench.plan import Plan
from asrcli.bench.rounds import Run, Task
from asrcli.bench.timings import KINDS, PHASES, Kind
from asrcli.output.formats.jsonl import facts
from asrcli.values.errors import AsrcliError

# What both kinds go through, and a person waits for. The others a kept connection does not have at all.
COMPARED = ("start", "ready", "first_result", "last_result", "total")


@dataclass(frozen=True, slots=True)
class Setup:
    """What was measured. `speed`: the pace of the audio, None for as fast as it goes. `at_once` is None where nobody
    asked for a load."""

    source: str
    model: str
    region: str
    protocol: str
    plan: Plan
    speed: float | None
    at_once: int | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """What the tasks of one kind cost and gave together.

    `lateness`: by how many milliseconds chunks left after they were due, None where none was told. `results_per_s`:
    partial and final ones. `cpu_per_stream_s`: seconds of this process's processor time for a second of one stream.
    """

    lateness: Figures | None
    results_per_s: float | None
    cpu_per_stream_s: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is shown. `complete` is False where the run was interrupted."""

    setup: Setup
    tasks: tuple[Task, ...]
    figures: dict[Kind, dict[str, Figures | None]]
    speed_ups: dict[str, SpeedUp | None]
    loads: dict[Kind, Load] | None
    findings: tuple[IdleFinding, ...]
    complete: bool

    def counted(self, kind: Kind) -> int:
        """How many tasks the figures of `kind` rest on."""
        return sum(task.kind == kind and task.counts for task in self.tasks)

    @property
    def failures(self) -> tuple[Task, ...]:
        """The tasks that failed, warm-ups included."""
        return tuple(task for task in self.tasks if task.error is not None)

    @property
    def reopened(self) -> int:
        """Measured warm tasks that came through, but found no connection kept: the service had closed it."""
        return sum(
            task.kind == "warm" and task.number is not None and task.error is None and not task.counts
            for task in self.tasks
        )


def make_report(setup: Setup, runs: Sequence[Run], findings: Sequence[IdleFinding], *, complete: bool) -> Report:
    """Fold what was measured; `complete` says whether all of the plan was."""
    tasks = tuple(task for run in runs for task in run.tasks)
    numbers: dict[Kind, dict[str, list[float]]] = {
        kind: {phase: phase_ms(tasks, kind, phase) for phase in PHASES} for kind in KINDS
    }
    return Report(
        setup=setup,
        tasks=tasks,
        figures={kind: {phase: figures(numbers[kind][phase]) for phase in PHASES} for kind in KINDS},
        speed_ups={phase: speed_up(numbers["cold"][phase], numbers["warm"][phase]) for phase in COMPARED},
        loads={kind: _load(runs, kind) for kind in KINDS} if setup.at_once is not None else None,
        findings=tuple(findings),
        complete=complete,
    )


def phase_ms(tasks: Sequence[Task], kind: Kind, phase: str) -> list[float]:
    """The numbers of one phase of the tasks of one kind that count, in the order in which they ran."""
    known = (task.timings.phase_ms(phase) for task in tasks if task.kind == kind and task.counts)
    return [value for value in known if value is not None]


def _load(runs: Sequence[Run], kind: Kind) -> Load:
    measured = [run for run in runs if run.planned.kind == kind and not run.planned.warm_up]
    wall_s = sum(run.wall_s for run in measured)
    audio_s = sum(task.timings.audio_ms for run in measured for task in run.tasks) / 1000
    results = sum(task.timings.results for run in measured for task in run.tasks)
    return Load(
        lateness=figures([late_s * 1000 for run in measured for late_s in run.lateness_s]),
        results_per_s=results / wall_s if wall_s else None,
        cpu_per_stream_s=sum(run.cpu_s for run in measured) / audio_s if audio_s else None,
    )


def verdict(report: Report) -> str | None:
    """What a kept connection saves, by the medians and in words; None where one of the kinds has no number."""
    cold, found = report.figures["cold"]["ready"], report.speed_ups["ready"]
    if cold is None or found is None:
        return None
    saved = found.saved
    if saved.low is not None and saved.high is not None and saved.low <= 0 <= saved.high:
        return "these tasks do not tell whether a kept connection saves time before the first sound"
    if saved.value < 0:
        return f"a kept connection takes {_whole(-saved.value)} ms more than a new one before the first sound"
    return f"a kept connection saves {_whole(saved.value)} of {_whole(cold.median)} ms before the first sound"


def _whole(ms: float) -> str:
    """Without tenths, where they mean nothing."""
    return f"{ms:.1f}" if ms < 10 else f"{ms:,.0f}"


# --- as JSON --------------------------------------------------------------------------------------------------------

_Object = dict[str, object]


def document(report: Report) -> _Object:
    """The report as one JSON object; fields are only ever added. Unknown is null, times are `_ms` or `_s`."""
    setup, plan = report.setup, report.setup.plan
    return {
        "type": "reuse-bench",
        "v": 1,
        "source": setup.source,
        "model": setup.model,
        "region": setup.region,
        "protocol": setup.protocol,
        "clip_ms": plan.clip_ms,
        "speed": setup.speed,
        "concurrency": setup.at_once,
        "complete": report.complete,
        "tasks": {
            "planned": plan.tasks,
            "cold": report.counted("cold"),
            "warm": report.counted("warm"),
            "reopened": report.reopened,
            "failed": sum(task.number is not None for task in report.failures),
            "warm_ups_failed": sum(task.number is None for task in report.failures),
        },
        "phases": {phase: _phase(report, phase) for phase in PHASES},
        "load": None if report.loads is None else {kind: _load_object(load) for kind, load in report.loads.items()},
        "idle": [_finding_object(finding) for finding in report.findings],
        "runs": [_task_object(task) for task in report.tasks],
    }


def _phase(report: Report, phase: str) -> _Object:
    return {
        "cold": _figures_object(report.figures["cold"][phase]),
        "warm": _figures_object(report.figures["warm"][phase]),
        "speed_up": _speed_up_object(report.speed_ups.get(phase)),
    }


def _figures_object(of: Figures | None) -> _Object | None:
    if of is None:
        return None
    return {
        "count": of.count,
        "median_ms": _rounded(of.median),
        "p95_ms": _rounded(of.p95),
        "p99_ms": _rounded(of.p99),
        "min_ms": _rounded(of.least),
        "max_ms": _rounded(of.most),
    }


def _speed_up_object(of: SpeedUp | None) -> _Object | None:
    if of is None:
        return None
    value, low, high = (None, None, None) if of.ratio is None else (of.ratio.value, of.ratio.low, of.ratio.high)
    return {
        "ratio": _rounded(value),
        "ratio_low": _rounded(low),
        "ratio_high": _rounded(high),
        "saved_ms": _rounded(of.saved.value),
        "saved_low_ms": _rounded(of.saved.low),
        "saved_high_ms": _rounded(of.saved.high),
    }


def _load_object(load: Load) -> _Object:
    return {
        "lateness": _figures_object(load.lateness),
        "results_per_s": _rounded(load.results_per_s),
        "cpu_s_per_stream_s": _rounded(load.cpu_per_stream_s),
    }


def _finding_object(finding: IdleFinding) -> _Object:
    return {
        "pause_s": finding.pause_s,
        "outcome": finding.outcome,
        "dropped_after_s": _rounded(finding.dropped_after_s),
        "ready_ms": _rounded(finding.ready_ms),
        "error": _error_object(finding.error),
    }


def _task_object(task: Task) -> _Object:
    return {
        "task": task.number,
        "kind": task.kind,
        "kept": task.timings.kept,
        **{f"{phase}_ms": _rounded(task.timings.phase_ms(phase)) for phase in PHASES},
        "audio_ms": task.timings.audio_ms,
        "results": task.timings.results,
        "error": _error_object(task.error),
    }


def _error_object(error: AsrcliError | None) -> _Object | None:
    return None if error is None else {"code": error.code, "message": error.message} | facts(error)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
