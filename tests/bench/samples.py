"""Reports without a run: tasks whose numbers scatter as on a network, the same ones every time."""

from __future__ import annotations

import random
from functools import cache

from asrcli.bench.idle import IdleFinding
from asrcli.bench.plan import Plan, Round
from asrcli.bench.report import Report, Setup, make_report
from asrcli.bench.rounds import Run, Task
from asrcli.bench.timings import Kind, Timings
from asrcli.values.errors import AsrcliError, LinkError, ServiceError

FINDINGS = (
    IdleFinding(0.0, "kept", ready_ms=31.0),
    IdleFinding(10.0, "kept", ready_ms=33.5),
    IdleFinding(55.0, "kept", ready_ms=34.2),
    IdleFinding(65.0, "dropped", dropped_after_s=60.4, ready_ms=190.0),
    IdleFinding(70.0, "failed", error=ServiceError("InternalError", "boom")),
)


def timings(kind: Kind, chance: random.Random) -> Timings:
    def about(ms: float) -> float:
        return ms * chance.lognormvariate(0, 0.15)

    cold = kind == "cold"
    dns_ms, tcp_ms, tls_ms, upgrade_ms = (about(ms) for ms in (4.0, 38.0, 82.0, 44.0))
    connect_ms = dns_ms + tcp_ms + tls_ms + upgrade_ms if cold else 0.0
    start_ms = about(40)
    return Timings(
        kept=not cold,
        dns_ms=dns_ms if cold else None,
        tcp_ms=tcp_ms if cold else None,
        tls_ms=tls_ms if cold else None,
        upgrade_ms=upgrade_ms if cold else None,
        connect_ms=connect_ms,
        start_ms=start_ms,
        ready_ms=connect_ms + start_ms,
        first_result_ms=about(620),
        last_result_ms=about(160),
        total_ms=2000 + connect_ms + start_ms + about(160),
        audio_ms=2000,
        results=8,
    )


def make_runs(plan: Plan, failed: dict[int, AsrcliError] | None = None) -> list[Run]:
    """The runs of `plan`; `failed` says what the tasks with those numbers failed with."""
    chance = random.Random(7)
    runs, number = [], 0
    for planned in plan.rounds():
        members = []
        for _ in range(planned.size):
            number += not planned.warm_up
            error = (failed or {}).get(number) if not planned.warm_up else None
            measured = Timings() if error is not None else timings(planned.kind, chance)
            members.append(Task(None if planned.warm_up else number, planned.kind, measured, error))
        late = tuple(abs(chance.gauss(0, 0.001)) for _ in range(20 * planned.size)) if plan.at_once > 1 else ()
        runs.append(Run(planned, tuple(members), wall_s=2.2, cpu_s=0.02 * planned.size, lateness_s=late))
    return runs


def sample_report(
    tasks: int = 40,
    *,
    at_once: int | None = None,
    findings: tuple[IdleFinding, ...] = FINDINGS,
    failed: dict[int, AsrcliError] | None = None,
) -> Report:
    return _made(tasks, at_once, findings, tuple((failed or {}).items()))


@cache
def _made(
    tasks: int, at_once: int | None, findings: tuple[IdleFinding, ...], failed: tuple[tuple[int, AsrcliError], ...]
) -> Report:
    """Once for all who want the same: its intervals take half a second."""
    plan = Plan(2000, tasks, at_once or 1, tuple(finding.pause_s for finding in findings))
    setup = Setup("talk.wav", "fun-asr-realtime", "intl", "run-task", plan, 1.0, at_once)
    return make_report(setup, make_runs(plan, dict(failed)), findings, complete=True)


def warm_wave(*tasks: Task) -> Run:
    return Run(Round("warm", len(tasks)), tasks, wall_s=2.0, cpu_s=0.1)


LOST = LinkError("the connection was lost")
