"""The workers of a run, as its head sees them: who comes, who is of no use, who was lost, and what that means.

What is yielded is of the whole run, and bears -1, or of a source that was lost with its worker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from asrcli.engine.many import Happenings
from asrcli.fleet.attempts import Attempts
from asrcli.fleet.dispatch import LEASE_S, Dispatch
from asrcli.fleet.line import Line
from asrcli.fleet.manifest import Row
from asrcli.fleet.messages import FromHead, HandOver, Hello
from asrcli.fleet.roster import Roster
from asrcli.fleet.suspects import KillsWorkers
from asrcli.system.clock import Clock
from asrcli.values.errors import AsrcliError, AuthError, LinkError, UsageError
from asrcli.values.events import Notice, Reconnecting, WorkersChanged

# After this a run says that it waits for workers.
_SAYS_SO_S = 2.0
# What a lost worker ran has surely ended by then.
_FREED_S = LEASE_S + 2.0


@dataclass(frozen=True, slots=True)
class _Lost:
    """A worker that is gone, and until when what it had waits for another crew on its machine."""

    machine: str
    until: float


class Workforce:
    """`say` has a crew told something. Knows of sources only who was at them."""

    def __init__(
        self,
        line: Line,
        dispatch: Dispatch,
        attempts: Attempts,
        rows: Sequence[Row],
        say: Callable[[str, FromHead], None],
        clock: Clock,
    ) -> None:
        self._line = line
        self._dispatch = dispatch
        self._attempts = attempts
        self._rows = rows
        self._say = say
        self._clock = clock
        self._roster = Roster(clock.now())
        self._said = ""
        self._told_of: set[str] = set()
        self._lost: dict[str, _Lost] = {}
        self._killers: list[int] = []

    def __contains__(self, worker: str) -> bool:
        return worker in self._roster

    @property
    def is_gathering(self) -> bool:
        """Whether nothing may begin yet."""
        return self._roster.is_gathering(self._clock.now())

    def changed(self) -> WorkersChanged:
        """How things are now."""
        return WorkersChanged(self._roster.count, self._roster.lost, self._attempts.resent_ms)

    def comes(self, worker: str) -> None:
        self._roster.comes(worker)

    def hello(self, worker: str, said: Hello) -> Happenings:
        if said.problem is not None:
            yield from self.refuse(worker, said.problem)
            return
        place = self._roster[worker]
        place.machine, place.most, place.has_ffmpeg = said.machine, said.most, said.has_ffmpeg

    def handed_over(self, worker: str) -> Happenings:
        """It has told all that others have left behind on its machine."""
        place = self._roster[worker]
        for name, lost in [*self._lost.items()]:
            if lost.machine == place.machine:
                self._let_go(name)
        if not place.is_ready:
            self._roster.works(worker)
            self._said = ""
            self._dispatch.joined(worker, place.most)
            yield -1, self.changed()

    def refuse(self, worker: str, problem: AsrcliError) -> Happenings:
        """It cannot be used."""
        if worker in self._roster and self._roster[worker].is_ready:
            yield from self.goes(worker, problem.message)
        self._roster.refuse(worker, problem, self._clock.now())
        if self._roster.is_useless and isinstance(problem, AuthError | UsageError):
            raise type(problem)(f"no worker can be used; {worker}: {problem.message}", hint=problem.hint)
        yield -1, Notice(f"{worker} is not used: {problem.message}", problem.hint)

    def goes(self, worker: str, reason: str) -> Happenings:
        """It, or its crew, is not there any more."""
        place = self._roster.goes(worker, self._clock.now())
        if place is None or not place.is_ready:
            return
        # It has nothing more. What it had waits until another crew has told what it had finished; so long, and no less,
        # its slots are not free anyway.
        self._dispatch.joined(worker, 0)
        self._lost[worker] = _Lost(place.machine, self._clock.now() + _FREED_S)
        for other in self._roster.ready:
            if other.machine == place.machine:
                self._say(other.name, HandOver())
                break
        yield -1, Notice(f"{worker} was lost: {reason}", "what it had not finished is done by others")
        yield -1, self.changed()
        for running in self._attempts.at(worker):
            self._attempts.lose(running, self._rows[running.number])
            if self._attempts.is_shown(running.number):
                yield running.number, Reconnecting(1, 0, f"{worker} was lost", is_told=True)

    def given_up(self) -> list[tuple[int, AsrcliError]]:
        """Sources of which workers die, since this was last asked for."""
        killers, self._killers = self._killers, []
        return [(number, KillsWorkers()) for number in killers]

    def _let_go(self, worker: str) -> None:
        """Whatever it had, and did not finish, waits again."""
        del self._lost[worker]
        self._killers += self._dispatch.left(worker).given_up

    def look_around(self) -> Happenings:
        """See to what takes time. Raises LinkError where nobody is there for too long, or whoever is there dies."""
        now = self._clock.now()
        if self._dispatch.is_in_vain:
            raise LinkError(
                "each worker was lost with whatever it was given",
                hint="look for what it dies of: asrcli file with one source, on one of the machines",
            )
        for worker in [name for name, lost in self._lost.items() if now >= lost.until]:
            self._let_go(worker)
        for worker in self._dispatch.silent():
            if worker in self._roster:
                self._line.drop(worker)
                yield from self.goes(worker, "nothing was heard of it")
        alone_s = self._roster.alone_s(now)
        if alone_s is None:
            return
        wait_s = self._roster.wait_s
        if alone_s >= wait_s:
            raise LinkError(self._line.nobody, hint=self._line.how_to_join)
        if alone_s >= _SAYS_SO_S and self._said != self._line.nobody:
            self._said = self._line.nobody
            which = "another" if self._roster.had_some else "one"
            yield -1, Notice(f"{self._said}: waits {wait_s - alone_s:.0f} s for {which}", self._line.how_to_join)

    def without_ffmpeg(self, worker: str) -> Happenings:
        """Tell, once, that it has none."""
        if worker not in self._told_of:
            self._told_of.add(worker)
            yield -1, Notice(f"{worker} has no ffmpeg", "what needs it goes to the workers that have it")
