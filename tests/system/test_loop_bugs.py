"""What a bug on the loop's thread ends, and what those learn who depend on it."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable

import pytest

from asrcli.output.wording import words
from asrcli.system.crowd import CROWD
from asrcli.system.loop import Loop
from asrcli.values.errors import AsrcliError, Shortage
from tests.support.fakes import OurBug
from tests.support.looping import PATIENCE_S, on_loop, threads_left
from tests.support.sounds import open_descriptors


def bug(events: int = 0) -> None:
    raise OurBug


class Told:
    """One who depends on a loop."""

    def __init__(self) -> None:
        self.bugs: queue.SimpleQueue[tuple[BaseException, str]] = queue.SimpleQueue()

    def __call__(self, bug: BaseException) -> None:
        self.bugs.put((bug, threading.current_thread().name))

    def get(self) -> tuple[BaseException, str]:
        return self.bugs.get(timeout=PATIENCE_S)


def end_by(kind: str, loop: Loop, pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the thread of `loop` meet a bug in one of the things that it does, or in itself."""
    ours, theirs = pair
    if kind == "call":
        loop.call(bug)
    elif kind == "timer":
        on_loop(loop, lambda: loop.at(0.0, bug))
    elif kind == "socket":
        on_loop(loop, lambda: loop.watch(ours, bug))
        theirs.send(b"x")
    else:
        monkeypatch.setattr(loop._moments, "do_what_is_due", bug)
        loop.call(lambda: None)


KINDS = pytest.mark.parametrize("kind", ["call", "timer", "socket", "the loop itself"])


@KINDS
def test_a_bug_ends_the_thread_and_all_who_depend_on_it_are_told_there_and_once(loop, kind, pair, monkeypatch):
    first, second, gone = Told(), Told(), Told()
    for told in (first, gone, second):
        loop.dependants.add(told)
    loop.dependants.remove(gone)
    end_by(kind, loop, pair, monkeypatch)
    for told in (first, second):
        raised, where = told.get()
        assert (type(raised), where) == (OurBug, "engine")
    assert threads_left() == []
    assert first.bugs.empty()
    assert gone.bugs.empty()


def test_who_comes_later_is_told_at_once(loop):
    first, late = Told(), Told()
    loop.dependants.add(first)
    loop.call(bug)
    raised, _ = first.get()
    loop.dependants.add(late)
    assert late.bugs.get_nowait() == (raised, "MainThread")


def test_one_who_cannot_bear_it_does_not_keep_it_from_the_others(loop):
    told = Told()
    loop.dependants.add(lambda raised: bug())
    loop.dependants.add(told)
    loop.call(bug)
    assert isinstance(told.get()[0], OurBug)


def test_they_may_ask_for_anything_as_they_are_told_and_nothing_of_it_is_done(loop, pair):
    ours, theirs = pair
    done: list[str] = []

    def ask(raised: BaseException) -> None:
        loop.call(lambda: done.append("call"))
        loop.at(0.0, lambda: done.append("timer"))
        loop.watch(ours, lambda events: done.append("socket"))
        told(raised)

    told = Told()
    theirs.send(b"x")
    loop.dependants.add(ask)
    loop.call(bug)
    told.get()
    assert threads_left() == []
    loop.call(lambda: done.append("later"))
    assert done == []


def test_what_is_connected_is_cut(loop, pair):
    ours, theirs = pair
    on_loop(loop, lambda: loop.watch(ours, lambda events: None))
    loop.call(bug)
    assert theirs.recv(1) == b""


def test_a_bug_when_all_is_over_is_written_down(loop, caplog):
    loop.call(bug)
    assert threads_left() == []
    [record] = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is OurBug


def test_after_its_last_holder_it_begins_anew():
    loop = Loop()
    for _ in range(2):
        loop.hold()
        loop.hold()
        told, done = Told(), threading.Event()
        loop.dependants.add(told)
        loop.call(bug)
        told.get()
        loop.call(bug)
        loop.release()
        assert loop.dependants.bug is not None
        loop.release()
        assert loop.dependants.bug is None
        loop.hold()
        loop.call(done.set)
        assert done.wait(PATIENCE_S)
        loop.release()
    assert threads_left() == []


def test_a_source_that_is_read_aside_has_its_moment_to_close(loop):
    closing, closed = threading.Event(), threading.Event()

    def work() -> Callable[[], None]:
        assert closing.wait(PATIENCE_S)
        closed.set()
        return lambda: None

    loop.dependants.add(lambda raised: closing.set())
    on_loop(loop, lambda: loop.aside("intake", work, lambda raised: None))
    loop.call(bug)
    assert threads_left("engine") == []
    assert closed.is_set()


# --- work aside ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [OurBug(), RecursionError(), SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_whatever_work_aside_raises_is_told_on_the_loop(loop, error):
    def work() -> Callable[[], None]:
        raise error

    told = Told()
    on_loop(loop, lambda: loop.aside("connect", work, told))
    assert told.get() == (error, "engine")
    assert on_loop(loop, lambda: "goes on") == "goes on"


def test_a_thread_that_cannot_be_started_is_told_on_the_loop(loop, monkeypatch):
    told = Told()

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", refuse)
    on_loop(loop, lambda: loop.aside("connect", lambda: lambda: None, told))
    error, where = told.get()
    assert (type(error), where) == (Shortage, "engine")
    assert isinstance(error, AsrcliError)
    assert "connect" in words(error)


@pytest.mark.parametrize(
    "what", ["threading.Thread.start", "asrcli.system.wakeup.os.pipe", "selectors.DefaultSelector"]
)
def test_a_loop_that_cannot_begin_says_so_and_leaves_nothing_behind(monkeypatch, what):
    def refuse(*arguments: object) -> None:
        raise RuntimeError("can't start new thread") if "start" in what else OSError(24, "Too many open files")

    loop = Loop()
    before = open_descriptors()
    with monkeypatch.context() as patch:
        patch.setattr(what, refuse)
        with pytest.raises(Shortage, match="the system allows no further"):
            loop.hold()
    assert open_descriptors() == before
    loop.hold()
    assert on_loop(loop, lambda: "works") == "works"
    loop.release()


# --- crowds ----------------------------------------------------------------------------------------------------------


def test_in_a_crowd_what_comes_in_is_let_gather_and_a_call_is_not(loop):
    """Each waking costs as much as what it is for."""
    pairs = [socket.socketpair() for _ in range(CROWD + 1)]
    heard: queue.SimpleQueue[str] = queue.SimpleQueue()
    try:

        def ready(ours: socket.socket) -> None:
            ours.recv(1)
            heard.put("socket")

        def watch() -> None:
            for ours, _ in pairs:
                loop.watch(ours, lambda events, ours=ours: ready(ours))
            loop.at(loop._clock.now() + 0.04, lambda: heard.put("timer"))
            pairs[0][1].send(b"x")

        on_loop(loop, watch)
        assert [heard.get(timeout=PATIENCE_S) for _ in range(2)] == ["timer", "socket"]
        loop.call(lambda: loop.at(loop._clock.now() + 0.04, lambda: heard.put("timer")))
        loop.call(lambda: heard.put("call"))
        assert [heard.get(timeout=PATIENCE_S) for _ in range(2)] == ["call", "timer"]
    finally:
        on_loop(loop, lambda: [loop.unwatch(ours) for ours, _ in pairs])
        for each in (each for pair in pairs for each in pair):
            each.close()
