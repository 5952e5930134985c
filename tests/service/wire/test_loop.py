"""The loop on its own: the order of work, moments, sockets, and mistakes."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from selectors import EVENT_READ

import pytest

from asrcli.service.wire.loop import Loop, Share
from asrcli.system.clock import SystemClock


@pytest.fixture
def loop() -> Loop:
    return Loop(SystemClock())


def test_posted_work_is_done_in_its_order_from_whatever_thread(loop: Loop) -> None:
    done: list[int] = []
    poster = threading.Thread(target=lambda: [loop.post(lambda n=n: done.append(n)) for n in range(1000)])
    poster.start()
    poster.join()
    loop.stop()
    loop.run()
    assert done == list(range(1000))


def test_work_that_comes_from_another_thread_wakes_the_loop(loop: Loop) -> None:
    """Nothing else would end this."""
    stopper = threading.Thread(target=loop.stop)
    loop.post(stopper.start)
    loop.run()
    stopper.join()


def test_timers_fire_in_the_order_of_their_moments_and_never_early(loop: Loop) -> None:
    fired: list[str] = []
    start = loop.now()

    def fire(name: str, moment: float) -> None:
        assert loop.now() >= moment
        fired.append(name)

    for name, ms in [("c", 5), ("a", 0), ("d", 5), ("b", 2.5), ("end", 8)]:
        moment = start + ms / 1000
        loop.at(moment, lambda name=name, moment=moment: fire(name, moment))
    loop.at(start + 0.001, lambda: fired.append("never")).cancel()
    loop.at(start + 0.008, loop.stop)
    loop.run()
    assert fired == ["a", "b", "c", "d", "end"]


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, theirs


def test_a_socket_is_watched_until_it_is_not(loop: Loop, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    seen: list[bytes] = []

    def read(_: int) -> None:
        seen.append(ours.recv(10))
        if seen[-1] == b"b":
            loop.unwatch(ours)
            loop.unwatch(ours)
            theirs.send(b"c")
            loop.post(loop.stop)
        else:
            theirs.send(b"b")

    loop.watch(ours, EVENT_READ, read)
    theirs.send(b"a")
    loop.run()
    assert seen == [b"a", b"b"]


def test_posting_to_a_loop_that_has_ended_does_no_harm(loop: Loop) -> None:
    loop.stop()
    loop.run()
    poster = threading.Thread(target=loop.post, args=(lambda: None,))
    poster.start()
    poster.join()


# --- bugs -----------------------------------------------------------------------------------------------------------


def bug(_: int = 0) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("kind", ["post", "timer", "socket"])
def test_a_bug_ends_it(loop: Loop, kind: str, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    begin(loop, kind, ours)
    theirs.send(b"x")
    with pytest.raises(ZeroDivisionError):
        loop.run()


@pytest.mark.parametrize("kind", ["post", "timer", "socket"])
def test_a_bug_in_one_clients_share_is_its_own(
    loop: Loop, kind: str, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    told: list[Exception] = []

    def broke(error: Exception) -> None:
        told.append(error)
        loop.unwatch(ours)
        # It goes on for the others.
        loop.stop()

    begin(Share(loop, broke), kind, ours)
    theirs.send(b"x")
    loop.run()
    assert [type(error) for error in told] == [ZeroDivisionError]


def begin(loop: Loop | Share, kind: str, ours: socket.socket) -> None:
    """Have `loop` meet a bug in something of that kind."""
    if kind == "post":
        loop.post(bug)
    elif kind == "timer":
        loop.at(loop.now(), bug)
    else:
        loop.watch(ours, EVENT_READ, bug)
