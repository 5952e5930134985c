"""Which workers a run has: those that come, work, are of no use, or were lost. Tells nobody; moments are a clock's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from asrcli.values.errors import AsrcliError

# So long those that are there at the beginning are waited for: they may have results of this run already.
GATHER_S = 6.0
# So long a run waits for its first worker, and for another one when all are lost.
FIRST_S = 10.0
AGAIN_S = 60.0


@dataclass(slots=True)
class Worker:
    """One whose crew is being begun, and that works from when it `is_ready`."""

    name: str
    machine: str = ""
    most: int = 0
    has_ffmpeg: bool = False
    is_ready: bool = False


class Roster:
    """By their names, which are never used again."""

    def __init__(self, now: float) -> None:
        self._workers: dict[str, Worker] = {}
        self._began_at = now
        self._alone_since: float | None = now
        self.lost = 0
        """How many have gone that worked."""
        self.problems: list[AsrcliError] = []
        """Of those that cannot be used."""
        self.had_some = False
        """Whether anybody has ever worked."""

    def __contains__(self, name: str) -> bool:
        return name in self._workers

    def __getitem__(self, name: str) -> Worker:
        return self._workers[name]

    @property
    def ready(self) -> Iterator[Worker]:
        return (worker for worker in self._workers.values() if worker.is_ready)

    @property
    def count(self) -> int:
        """How many work."""
        return sum(worker.is_ready for worker in self._workers.values())

    def comes(self, name: str) -> None:
        self._workers[name] = Worker(name)
        self._alone_since = None

    def works(self, name: str) -> Worker:
        """From now on."""
        worker = self._workers[name]
        worker.is_ready = self.had_some = True
        return worker

    def goes(self, name: str, now: float) -> Worker | None:
        """It is not there any more; None where it was not known."""
        worker = self._workers.pop(name, None)
        if worker is not None:
            self.lost += worker.is_ready
        if not self._workers and self._alone_since is None:
            self._alone_since = now
        return worker

    def refuse(self, name: str, problem: AsrcliError, now: float) -> None:
        """It cannot be used."""
        self._workers.pop(name, None)
        self.problems.append(problem)
        if not self._workers and self._alone_since is None:
            self._alone_since = now

    def is_gathering(self, now: float) -> bool:
        """Whether those that were there at the beginning are waited for still."""
        return now < self._began_at + GATHER_S and (
            not self.had_some or any(not worker.is_ready for worker in self._workers.values())
        )

    @property
    def is_useless(self) -> bool:
        """Whether there are workers only that cannot be used."""
        return not self._workers and bool(self.problems) and not self.had_some

    @property
    def wait_s(self) -> float:
        """How long nobody may be there."""
        return AGAIN_S if self.had_some else FIRST_S

    def alone_s(self, now: float) -> float | None:
        """How long nobody has been there; None where somebody is."""
        return None if self._alone_since is None else now - self._alone_since
