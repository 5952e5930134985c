"""The schedule of a cluster on a virtual clock: within a tenth of the least time, never over a limit, memory flat."""

from __future__ import annotations

from dataclasses import replace

import pytest

from asrcli.engine.allowance import Rate
from tests.benchmarks.fleet_simulation import World, check, simulate

SMALL = World(
    files=5000,
    workers=50,
    rate=Rate(20),
    longest_s=3.0,
    worker_lost_every_s=40.0,
    storm_every_s=160.0,
    storm_s=1.0,
    # To be back at the whole rate takes twenty seconds, of which these runs have few.
    slow_s=0.0,
)


@pytest.mark.parametrize(("slots", "bound"), [(100, "rate"), (40, "slots")])
def test_five_thousand_files_on_fifty_workers(slots, bound):
    report = simulate(replace(SMALL, slots=slots))
    check(report)
    assert (report.bound_s > report.length_s / slots) == (bound == "rate")
    # All of it has happened.
    assert report.refused > 3
    assert report.lost >= 6
    assert report.resent_s > 0


def test_of_ten_times_as_many_files_no_more_is_kept():
    report = simulate(replace(SMALL, files=2000, slots=40), traces_memory=True)
    tenth, all_ = report.peak_bytes
    assert 0 < all_ <= 1.1 * tenth + 10_000
