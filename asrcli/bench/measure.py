"""The bench put together: the engine on new connections, the same one over a pool, and what they measured."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace

from asrcli.bench.idle import IdleFinding, sweep
from asrcli.bench.plan import Round
from asrcli.bench.report import Setup
from asrcli.bench.rounds import NewSource, Run, Task, run_plan, run_round
from asrcli.bench.view import ProgressLine
from asrcli.engine.build import Surroundings, build
from asrcli.engine.spec import Spec
from asrcli.values.errors import AsrcliError
from asrcli.wire.pool import Pool

# The bench finds out when the service drops a connection, so the pool must not.
_POOL_IDLE_MARGIN_S = 3600.0


@dataclass
class Found:
    """What was measured so far; `failure` is what ended it early."""

    runs: list[Run] = field(default_factory=list)
    findings: list[IdleFinding] = field(default_factory=list)
    failure: AsrcliError | None = None

    @property
    def is_something(self) -> bool:
        """Whether there is a number to show, or what became of a pause."""
        return bool(self.findings) or any(task.counts for run in self.runs for task in run.tasks)

    @property
    def errors(self) -> list[AsrcliError]:
        """What failed, if everything did."""
        outcomes = [task.error for run in self.runs for task in run.tasks]
        outcomes += [finding.error for finding in self.findings]
        errors = [error for error in outcomes if error is not None]
        return errors if len(errors) == len(outcomes) else []


def measure(
    setup: Setup, new_source: NewSource, spec: Spec, surroundings: Surroundings, progress: ProgressLine
) -> Found:
    """Run the plan; what ends it early stands beside what was measured until then."""
    plan, found = setup.plan, Found()
    warm_ups = sum(planned.warm_up for planned in plan.rounds())
    rounds = sum(1 for _ in plan.rounds()) - warm_ups
    engine = build(spec, surroundings=surroundings)
    with contextlib.closing(Pool(spec.network, idle_s=max(plan.pauses_s, default=0.0) + _POOL_IDLE_MARGIN_S)) as pool:
        warm = replace(engine, new_link=pool.new_link)

        def run_task() -> Task:
            return run_round(Round("warm", 1, warm_up=True), new_source, warm).tasks[0]

        def show(done: int) -> None:
            if done < warm_ups:
                progress.show("warming up", done, warm_ups)
            else:
                progress.show("cold and warm by turns", done - warm_ups, rounds)

        try:
            with progress.drawn():
                show(0)
                for run in run_plan(plan, new_source, engine, warm, measures_lateness=setup.at_once is not None):
                    found.runs.append(run)
                    show(len(found.runs))
                for told in sweep(plan.pauses_s, run_task, lambda: pool.idle_count > 0, engine.clock):
                    if isinstance(told, IdleFinding):
                        found.findings.append(told)
                    else:
                        progress.show("an idle connection, s", told.waited_s, told.pause_s)
        except AsrcliError as error:
            found.failure = error
    return found
