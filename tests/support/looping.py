"""A loop for tests, and what they do on its thread from their own."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import pytest

from asrcli.system.clock import Clock
from asrcli.system.loop import Loop

PATIENCE_S = 20
_OURS = ("engine", "connect", "intake")

_Result = TypeVar("_Result")


def threads_left(*names: str, patience_s: float = PATIENCE_S) -> list[str]:
    """Those of our threads that do not end. One that has said its last word may still need a moment to go."""
    ours = [thread for thread in threading.enumerate() if thread.name in (names or _OURS)]
    for thread in ours:
        thread.join(patience_s)
    return [thread.name for thread in ours if thread.is_alive()]


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two sockets that are connected, of which the first one does not wait."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with ours, theirs:
        yield ours, theirs


@pytest.fixture
def no_thread_is_left() -> Iterator[None]:
    """When it is over, all of its threads are."""
    yield
    assert threads_left(patience_s=0) == []


@pytest.fixture
def every_thread_ends() -> Iterator[None]:
    """After a bug one may still need a moment."""
    yield
    assert threads_left() == []


@contextmanager
def held_loop(clock: Clock | None = None) -> Iterator[Loop]:
    """A loop that runs, and has ended with all of its threads afterwards."""
    loop = Loop(clock)
    loop.hold()
    try:
        yield loop
    finally:
        loop.release()
    assert threads_left() == []


def on_loop(loop: Loop, what: Callable[[], _Result], patience_s: float = PATIENCE_S) -> _Result:
    """What `what` gives, or raises, on the thread of `loop`, which must be held."""
    answers: queue.SimpleQueue[tuple[_Result | None, BaseException | None]] = queue.SimpleQueue()

    def do() -> None:
        try:
            answers.put((what(), None))
        except BaseException as error:
            answers.put((None, error))

    loop.call(do)
    result, error = answers.get(timeout=patience_s)
    if error is not None:
        raise error
    return result  # type: ignore[return-value]


def settle(loop: Loop, rounds: int = 3) -> None:
    """Let the loop go round: what is due, ready or asked for by now is done."""
    for _ in range(rounds):
        on_loop(loop, lambda: None)
