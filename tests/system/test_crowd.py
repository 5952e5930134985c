"""What many streams at once need: room for their files, and a moment for each."""

from __future__ import annotations

import gc

import pytest

from asrcli.system import crowd
from asrcli.values.errors import UsageError


def test_a_limit_of_open_files_is_found_at_once(monkeypatch) -> None:
    monkeypatch.setattr("asrcli.system.crowd.allow_many", lambda: 1024)
    assert crowd.make_room(100) == 1024 - 664
    with pytest.raises(UsageError, match=r"--jobs 1000 needs about \d+ open files.*1024") as caught:
        crowd.make_room(1000)
    assert "--jobs 160" in caught.value.hint


def test_those_that_run_together_have_each_a_moment_of_their_own():
    for at_once in (2, 50, 100, 1000):
        phases = [crowd.phase_s(number, at_once, 0.2) for number in range(at_once)]
        assert len(set(phases)) == at_once
        assert all(0 <= phase_s < 0.2 for phase_s in phases)
        # Who follows another takes its place.
        assert crowd.phase_s(at_once + 1, at_once, 0.2) == phases[1]
    assert crowd.phase_s(3, 1, 0.2) is None


@pytest.mark.parametrize(("jobs", "is_rare"), [(1, False), (2, True)])
def test_only_where_many_run_garbage_is_looked_for_rarely(jobs: int, is_rare: bool) -> None:
    before = gc.get_threshold()
    try:
        gc.set_threshold(700, 10, 10)
        crowd.make_room(jobs)
        assert (gc.get_threshold()[2] >= 1000) == is_rare
    finally:
        gc.set_threshold(*before)
