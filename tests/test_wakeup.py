"""The pipe that wakes the loop."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator

import pytest

from asrcli.wakeup import Wakeup


@pytest.fixture
def wakeup() -> Iterator[Wakeup]:
    made = Wakeup()
    yield made
    made.close()


def slept_s(wakeup: Wakeup, patience_s: float) -> float:
    began = time.perf_counter()
    wakeup.sleep(patience_s)
    return time.perf_counter() - began


def test_it_sleeps_for_as_long_as_it_is_told_to_the_part_of_a_millisecond(wakeup):
    for patience_s in (0.0003, 0.0021, 0.0107):
        # Other processes may have the processor now and then.
        shortest_s = min(slept_s(wakeup, patience_s) for _ in range(20))
        assert patience_s - 0.00005 <= shortest_s < patience_s + 0.0005


def test_it_is_woken_once_for_all_that_rang_until_it_was_awake(wakeup):
    for _ in range(100_000):
        wakeup.ring()
    assert slept_s(wakeup, 20) < 10
    wakeup.drain()
    assert slept_s(wakeup, 0.002) >= 0.0019
    wakeup.ring()
    assert slept_s(wakeup, 20) < 10


def test_a_descriptor_above_1023_is_one_like_the_others():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1200:
        pytest.skip(f"this machine allows no more than {hard} open files")
    opened: list[int] = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 1200), hard))
        while not opened or opened[-1] < 1024:
            opened.append(os.open(os.devnull, os.O_RDONLY))
        wakeup = Wakeup()
        assert wakeup.descriptor > 1023
        wakeup.ring()
        assert slept_s(wakeup, 20) < 10
        wakeup.close()
    finally:
        for descriptor in opened:
            os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
