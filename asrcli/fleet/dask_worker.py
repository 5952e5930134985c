"""A crew in the process of a Dask worker: as a task that lasts as long as the run, and with a handler for its words.

The head asks, the worker answers: `give` hands the crew what the head says, `take` waits a while for what the crew has
to tell. Nothing is left in the scheduler by that, as events in topics are, and it takes a tenth of their time. What is
asked twice, because an answer was lost, has the same serial number, and the same answer.

Runs on the event loop of the worker, but for `work`.
"""

from __future__ import annotations

import asyncio
import functools
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from distributed import Worker, get_worker
from distributed.core import Status

from asrcli.system.clock import SystemClock

if TYPE_CHECKING:
    from asrcli.fleet.crew import Crew

HANDLER = "asrcli"
_WORKING = {Status.running, Status.paused, Status.init}
# What a crew had to tell last is kept for its head so long.
_KEPT_S = 30.0
now = SystemClock.now


class Desk:
    """What lies between one crew and the head, on the worker's event loop; `tell` and `over` are for any thread."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._crew: Crew | None = None
        self._early: list[bytes] = []
        self._told: deque[bytes] = deque()
        self._is_over = False
        self._news = asyncio.Event()
        self._given = 0
        self._answered = 0
        self._answer: list[bytes] = []
        self._answered_at = now()

    def tell(self, data: bytes) -> None:
        self._loop.call_soon_threadsafe(self._put, data)

    def over(self, forget: Callable[[], object]) -> None:
        """Call `forget` when nobody needs to ask any more."""
        self._loop.call_soon_threadsafe(self._end, forget)

    def begins(self, crew: Crew) -> None:
        self._loop.call_soon_threadsafe(self._begin, crew)

    def give(self, serial: int, pieces: list[bytes]) -> None:
        """The head says `pieces`."""
        if serial <= self._given:
            return
        self._given = serial
        if self._crew is None:
            self._early += pieces
            return
        for data in pieces:
            self._crew.take(data)

    async def take(self, serial: int, wait_s: float) -> list[bytes] | None:
        """What the crew has to tell, after `wait_s` at the latest; None when it is over and has told all."""
        if serial == self._answered:
            return self._answer
        if self._crew is not None:
            # The answer before has arrived.
            self._crew.is_heard_of(self._answered_at)
        if not self._told and not self._is_over:
            self._news.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), wait_s)
        if not self._told and self._is_over:
            return None
        self._answered_at = now()
        self._answered, self._answer = serial, [*self._told]
        self._told.clear()
        return self._answer

    def _begin(self, crew: Crew) -> None:
        self._crew = crew
        crew.is_heard_of()
        for data in self._early:
            crew.take(data)
        self._early.clear()

    def _put(self, data: bytes) -> None:
        self._told.append(data)
        self._news.set()

    def _end(self, forget: Callable[[], object]) -> None:
        self._is_over = True
        self._loop.call_later(_KEPT_S, forget)
        self._news.set()


_desks: dict[str, Desk] = {}


async def attach(run: str, dask_worker: Worker) -> None:
    """Make room for a crew of `run`, before its task begins: the worker may be busy with something else."""
    _desks[run] = Desk()
    dask_worker.handlers.setdefault(HANDLER, _handle)


async def _handle(run: str, give: int, pieces: list[bytes], take: int, wait_s: float) -> list[bytes] | None:
    """Answers the head: `give` and `take` are serial numbers, 0 where there is nothing to give, or to take."""
    desk = _desks.get(run)
    if desk is None:
        return None
    if give:
        desk.give(give, pieces)
    return await desk.take(take, wait_s) if take else []


def work(run: str, opening: bytes) -> None:
    """The task: the crew of `run`, from its beginning to its end."""
    # Here, in the thread of the task: it takes longer than the event loop of a worker should be kept.
    from asrcli.fleet.crew import Crew
    from asrcli.fleet.messages import opening_of

    worker = get_worker()
    desk = _desks[run]
    crew = Crew(opening_of(opening), desk.tell)
    desk.begins(crew)
    try:
        crew.run(lambda: worker.status in _WORKING)
    finally:
        desk.over(functools.partial(_desks.pop, run, None))
