"""Runs the tasks of a plan through the engine, round by round, and times them.

A task that fails is a result like any other; only what would fail for all that follow ends the run. Where results are
shown is not known here, and neither is how a kept connection is kept: the warm engine's links come from a pool.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from asrcli.audio.source import Source
from asrcli.bench.plan import Plan, Round
from asrcli.bench.timings import Kind, Stopwatch, Timings
from asrcli.engine.control import Control
from asrcli.engine.many import Ended, Job, transcribe_many
from asrcli.engine.wiring import Engine
from asrcli.system.clock import cpu_s
from asrcli.values.errors import (
    AsrcliError,
    AudioError,
    AuthError,
    Bug,
    Interrupted,
    LinkError,
    ServiceTimeout,
    UsageError,
)
from asrcli.values.events import Event, Notice, Tick

NewSource = Callable[[Control], Source]
"""Opens the clip anew, for one task."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task that has run. `number` counts the measured ones from 1 in order of their start; None for a warm-up."""

    number: int | None
    kind: Kind
    timings: Timings
    error: AsrcliError | None = None

    @property
    def counts(self) -> bool:
        """Whether its timings belong to the figures of its kind: it was measured, it came through, and a warm one
        found the connection kept."""
        return self.number is not None and self.error is None and (self.kind == "cold" or bool(self.timings.kept))


@dataclass(frozen=True, slots=True)
class Run:
    """The tasks of one round. `wall_s` from the first one's begin to the last one's end, `cpu_s` of this process.

    `lateness_s`: how long after it was due each chunk left; empty where that was not asked for. `notices` is what the
    source had to tell.
    """

    planned: Round
    tasks: tuple[Task, ...]
    wall_s: float
    cpu_s: float
    lateness_s: tuple[float, ...] = ()
    notices: frozenset[Notice] = frozenset()


def run_plan(
    plan: Plan,
    new_source: NewSource,
    cold: Engine,
    warm: Engine,
    *,
    measures_lateness: bool = False,
    cpu: Callable[[], float] = cpu_s,
) -> Iterator[Run]:
    """Run the rounds of `plan`, yielding each when it is over.

    Raises the error of a task where all others would meet it too: a refused key, a source that cannot be read, an
    interruption, and a service that no warm-up could reach.
    """
    begun = 0
    warm_ups: list[Task] = []
    for planned in plan.rounds():
        engine = cold if planned.kind == "cold" else warm
        run = run_round(planned, new_source, engine, first=begun + 1, measures_lateness=measures_lateness, cpu=cpu)
        if planned.warm_up:
            warm_ups += run.tasks
        else:
            if warm_ups:
                _give_up_unreached(warm_ups)
                warm_ups = []
            begun += planned.size
        yield run


def run_round(
    planned: Round,
    new_source: NewSource,
    engine: Engine,
    *,
    first: int = 1,
    measures_lateness: bool = False,
    cpu: Callable[[], float] = cpu_s,
) -> Run:
    """Run one round to its end; its measured tasks are numbered from `first`. Raises as `run_plan`."""
    lateness: list[float] = []
    if measures_lateness:
        engine = replace(engine, lateness=lateness.append)
    errors: dict[int, AsrcliError] = {}
    notices: set[Notice] = set()
    with contextlib.ExitStack() as stack:
        jobs = [_job(new_source, stack) for _ in range(planned.size)]
        told = stack.enter_context(contextlib.closing(transcribe_many(jobs, engine, len(jobs))))
        cpu_before, begin_s = cpu(), engine.clock.now()
        watches = [Stopwatch(begin_s) for _ in jobs]
        for job, what in told:
            now_s = engine.clock.now()
            if isinstance(what, Ended):
                if what.error is not None:
                    _raise_if_it_ends_all(what.error)
                    errors[job] = what.error
            elif isinstance(what, Notice):
                notices.add(what)
            elif isinstance(what, Tick):
                continue  # It tells of no job.
            elif isinstance(what, Event):
                watches[job].observe(what, now_s)
            else:
                watches[job] = Stopwatch(now_s)
        wall_s, used_s = engine.clock.now() - begin_s, cpu() - cpu_before
    tasks = (
        Task(None if planned.warm_up else first + job, planned.kind, watches[job].timings, errors.get(job))
        for job in range(planned.size)
    )
    return Run(planned, tuple(tasks), wall_s, used_s, tuple(lateness), frozenset(notices))


def _job(new_source: NewSource, stack: contextlib.ExitStack) -> Job:
    """A job whose source is open already: opening one takes a while, and the tasks that run would be timed late."""
    control = Control()
    source = new_source(control)
    stack.callback(source.close)
    return Job(lambda _: source, control)


def _raise_if_it_ends_all(error: AsrcliError) -> None:
    if isinstance(error, Interrupted | AuthError | AudioError | UsageError | Bug):
        raise error


def _give_up_unreached(warm_ups: list[Task]) -> None:
    """Raise the first error where every warm-up failed for want of a connection: each further try would cost a
    time-out, and tell nothing."""
    errors = [task.error for task in warm_ups if isinstance(task.error, LinkError | ServiceTimeout)]
    if len(errors) == len(warm_ups) and all(task.timings.kept is None for task in warm_ups):
        raise errors[0]
