"""What the service has seen of a run, as figures: starts, tasks at once, slots in use, sound that came twice."""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from tests.benchmarks.fleet_corpus import SOURCE_MS
from tests.benchmarks.fleet_service import Task
from tests.support.account import busiest

# What had ended at the service so shortly before its client was killed was not yet known to be done.
_NOT_YET_KEPT_S = 1.0
# A killed process is noticed at the service at once; one that has lost its head ends what it runs within its lease.
_CUT_OFF_S, _LEASE_S = 1.0, 7.0


def most_starts(tasks: Sequence[Task]) -> int:
    """The most starts in any second; `tasks` by their beginnings."""
    return busiest([task.began_at for task in tasks])


def most_at_once(tasks: Sequence[Task]) -> int:
    """The most tasks at the same time; `tasks` by their beginnings."""
    most, ends = 0, list[float]()
    for task in tasks:
        while ends and ends[0] <= task.began_at:
            heapq.heappop(ends)
        heapq.heappush(ends, float("inf") if task.ended_at is None else task.ended_at)
        most = max(most, len(ends))
    return most


def share_used(tasks: Sequence[Task], slots: int, after_s: float) -> float:
    """How much of `slots` was in use, from `after_s` after the first start to the last one: while sources wait."""
    begin, end = tasks[0].began_at + after_s, tasks[-1].began_at
    used_s = sum(max(0.0, min(task.ended_at or end, end) - max(task.began_at, begin)) for task in tasks)
    return used_s / (slots * (end - begin)) if end > begin else 0.0


def resent_ms(tasks: Sequence[Task]) -> int:
    """Sound that came more than once, of sources that came whole."""
    return sum(task.heard_ms for task in tasks) - SOURCE_MS * len({task.source for task in tasks} - {None})


def in_flight_ms(tasks: Sequence[Task], worker_kills: Sequence[float], other_kills: Sequence[float]) -> int:
    """Sound of what ran when something was killed, which may have to come again.

    With a worker its own tasks are cut off. Without the scheduler or the head all of them may be, and what workers were
    given before.
    """
    lost = [task for task in tasks if _may_be_lost(task, worker_kills, other_kills)]
    return sum(task.heard_ms for task in lost)


def _may_be_lost(task: Task, worker_kills: Sequence[float], other_kills: Sequence[float]) -> bool:
    ended_at = float("inf") if task.ended_at is None else task.ended_at
    if any(at - _NOT_YET_KEPT_S <= ended_at and task.began_at <= at + _LEASE_S for at in other_kills):
        return True
    if task.is_finished:
        return any(at - _NOT_YET_KEPT_S <= ended_at <= at for at in worker_kills)
    return any(at <= ended_at <= at + _CUT_OFF_S for at in worker_kills)
