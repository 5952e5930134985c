"""When the service drops an idle link, over a clock that stands still."""

from __future__ import annotations

import pytest

from asrcli.bench.idle import IdleFinding, Waiting, sweep
from asrcli.bench.rounds import Task
from asrcli.bench.timings import Timings
from asrcli.values.errors import LinkError, ServiceError
from tests.support.fakes import FakeClock


class Service:
    """Keeps a link for `keeps_s`. `tells`: the pool sees the drop; otherwise only the next task does."""

    def __init__(self, keeps_s: float, *, tells: bool = True) -> None:
        self.clock = FakeClock()
        self.tasks = 0
        self.fails: dict[int, Exception] = {}
        self._keeps_s = keeps_s
        self._tells = tells
        self._idle_since: float | None = None

    def _is_there(self) -> bool:
        return self._idle_since is not None and self.clock.now() < self._idle_since + self._keeps_s

    def is_kept(self) -> bool:
        return self._is_there() if self._tells else self._idle_since is not None

    def run_task(self) -> Task:
        self.tasks += 1
        kept = self._is_there()
        if self.tasks in self.fails:
            started_ms = None if isinstance(self.fails[self.tasks], LinkError) else 5.0
            was_kept = self._idle_since is not None
            self._idle_since = None
            return Task(None, "warm", Timings(kept=was_kept, ready_ms=started_ms), self.fails[self.tasks])  # type: ignore[arg-type]
        self._idle_since = self.clock.now()
        return Task(None, "warm", Timings(kept=kept, ready_ms=5.0 if kept else 50.0))

    def findings(self, *pauses_s: float) -> list[IdleFinding]:
        told = sweep(pauses_s, self.run_task, self.is_kept, self.clock)
        return [item for item in told if isinstance(item, IdleFinding)]


def test_short_pauses_are_outlived_and_long_ones_are_not():
    service = Service(keeps_s=60)
    assert service.findings(0, 10, 55, 65, 70) == [
        IdleFinding(0, "kept", ready_ms=5.0),
        IdleFinding(10, "kept", ready_ms=5.0),
        IdleFinding(55, "kept", ready_ms=5.0),
        IdleFinding(65, "dropped", dropped_after_s=60.0, ready_ms=50.0),
        IdleFinding(70, "dropped", dropped_after_s=60.0, ready_ms=50.0),
    ]


def test_each_task_opens_the_pause_that_follows():
    service = Service(keeps_s=60)
    service.findings(0, 10, 65, 10)
    assert service.tasks == 5


def test_a_pause_is_not_waited_out_once_the_link_is_gone():
    service = Service(keeps_s=60)
    begin = service.clock.now()
    service.findings(500)
    assert service.clock.now() - begin == 60


def test_a_drop_that_only_the_next_task_meets_is_a_finding():
    service = Service(keeps_s=60, tells=False)
    assert service.findings(65) == [IdleFinding(65, "dropped", ready_ms=50.0)]


def test_a_link_that_breaks_under_the_next_task_was_dropped():
    service = Service(keeps_s=600)
    lost = LinkError("lost")
    service.fails[2] = lost
    assert service.findings(65, 1) == [
        IdleFinding(65, "dropped", error=lost),
        IdleFinding(1, "kept", ready_ms=5.0),
    ]
    assert service.tasks == 4


@pytest.mark.parametrize("number", [1, 2])
def test_a_task_that_fails_leaves_its_pause_open_and_the_next_goes_on(number):
    service = Service(keeps_s=60)
    boom = ServiceError("InternalError", "boom")
    service.fails[number] = boom
    first, second = service.findings(10, 20)
    assert (first.outcome, first.error) == ("failed", boom)
    assert second == IdleFinding(20, "kept", ready_ms=5.0)


def test_progress_is_told_second_by_second():
    service = Service(keeps_s=60)
    told = [
        item for item in sweep((2.5,), service.run_task, service.is_kept, service.clock) if isinstance(item, Waiting)
    ]
    assert told == [Waiting(2.5, 0.0), Waiting(2.5, 1.0), Waiting(2.5, 2.0)]
