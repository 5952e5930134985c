"""The pipe that wakes the loop."""

from __future__ import annotations

import errno
import os
import resource
import time
from collections.abc import Callable, Iterator

import pytest

from asrcli.system.wakeup import Wakeup


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


def failing(times: int, real: Callable[..., object], *, does: bool = False) -> Callable[..., object]:
    """As `real`, but it fails so often first, having done what it should if `does`."""
    left = iter(range(times))

    def call(*arguments: object) -> object:
        if next(left, None) is not None:
            if does:
                real(*arguments)
            raise OSError(errno.EIO, "Input/output error")
        return real(*arguments)

    return call


def test_a_word_that_does_not_get_through_is_said_again(wakeup, monkeypatch):
    monkeypatch.setattr(os, "write", failing(1, os.write))
    wakeup.ring()
    assert slept_s(wakeup, 20) < 10


def test_a_word_that_cannot_be_read_is_read_the_next_time(wakeup, monkeypatch):
    wakeup.ring()
    monkeypatch.setattr(os, "read", failing(1, os.read))
    wakeup.drain()
    assert slept_s(wakeup, 20) < 10
    wakeup.drain()
    assert slept_s(wakeup, 0.002) >= 0.0019


def test_what_does_not_close_well_is_closed_and_rings_nowhere(monkeypatch):
    wakeup = Wakeup()
    with monkeypatch.context() as broken:
        broken.setattr(os, "close", failing(2, os.close, does=True))
        wakeup.close()
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    wakeup.ring()
    with pytest.raises(BlockingIOError):
        os.read(reading, 1)
    os.close(reading)
    os.close(writing)
