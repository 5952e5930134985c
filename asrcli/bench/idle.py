"""How long the service keeps a connection on which nothing happens: a task, a pause, and the next task.

Knows a clock and how to run a task; that a connection was dropped is a finding here, never an error.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from asrcli.bench.rounds import Task
from asrcli.system.clock import Clock
from asrcli.values.errors import AsrcliError, LinkError

# How often a pause looks whether the connection is still there, which is also how exactly a drop is timed.
STEP_S = 1.0

Outcome = Literal["kept", "dropped", "failed"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A pause goes on: `waited_s` of `pause_s` have passed."""

    pause_s: float
    waited_s: float


@dataclass(frozen=True, slots=True)
class IdleFinding:
    """What became of a connection that idled for `pause_s`.

    `dropped_after_s`: when the drop was seen during the pause, at most STEP_S late; None where it was kept or only the
    next task met a closed connection. `ready_ms`: how long that task took to be ready for audio, on whichever
    connection. `error`: what the task failed with.
    """

    pause_s: float
    outcome: Outcome
    dropped_after_s: float | None = None
    ready_ms: float | None = None
    error: AsrcliError | None = None


def sweep(
    pauses_s: Sequence[float], run_task: Callable[[], Task], is_kept: Callable[[], bool], clock: Clock
) -> Iterator[Waiting | IdleFinding]:
    """Yield the progress of each pause, then its finding.

    `run_task` runs one task over the pool, `is_kept` says whether a connection lies idle there now. Where none does, a
    task is run first to make one; usually the task after the pause before has left its own.
    """
    for pause_s in pauses_s:
        if not is_kept():
            opener = run_task()
            if opener.error is not None:
                yield IdleFinding(pause_s, "failed", error=opener.error)
                continue
        dropped_after_s = yield from _wait(pause_s, is_kept, clock)
        yield _finding(pause_s, dropped_after_s, run_task())


def _wait(pause_s: float, is_kept: Callable[[], bool], clock: Clock) -> Generator[Waiting, None, float | None]:
    """Let `pause_s` pass; returns after how long the connection was gone, None if it was there to the end."""
    begin_s = clock.now()
    never = threading.Event()
    waited_s = 0.0
    while waited_s < pause_s:
        yield Waiting(pause_s, waited_s)
        clock.wait_until(begin_s + min(waited_s + STEP_S, pause_s), never)
        waited_s = clock.now() - begin_s
        if not is_kept():
            return waited_s
    return None


def _finding(pause_s: float, dropped_after_s: float | None, task: Task) -> IdleFinding:
    ready_ms, kept = task.timings.ready_ms, task.timings.kept
    if task.error is not None:
        # A connection that breaks before the service has said a word was dropped in the pause.
        broke = isinstance(task.error, LinkError) and kept and ready_ms is None
        return IdleFinding(pause_s, "dropped" if broke else "failed", dropped_after_s, ready_ms, task.error)
    return IdleFinding(pause_s, "kept" if kept else "dropped", dropped_after_s, ready_ms)
