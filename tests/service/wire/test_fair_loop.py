"""The loop as the service has it: the order of work, moments, sockets, and mistakes."""

from __future__ import annotations

import functools
import socket
import threading
from collections.abc import Iterator

import pytest

from asrcli.service.wire.fair_loop import ServiceLoop, Share
from asrcli.system.loop import Loop
from tests.support.looping import PATIENCE_S, on_loop


@pytest.fixture
def loop() -> Iterator[ServiceLoop]:
    made = ServiceLoop()
    made.hold()
    yield made
    made.release()


def test_calls_are_done_in_their_order_from_whatever_thread(loop: Loop) -> None:
    done: list[int] = []
    caller = threading.Thread(target=lambda: [loop.call(functools.partial(done.append, n)) for n in range(1000)])
    caller.start()
    caller.join()
    assert on_loop(loop, lambda: threading.current_thread().name) == "service"
    assert done == list(range(1000))


def test_a_call_that_comes_from_another_thread_wakes_the_loop(loop: Loop) -> None:
    """Nothing else would end this."""
    done = threading.Event()
    caller = threading.Thread(target=loop.call, args=(done.set,))
    on_loop(loop, lambda: loop.call(caller.start))
    assert done.wait(PATIENCE_S)
    caller.join()


def test_timers_fire_in_the_order_of_their_moments_and_never_early(loop: Loop) -> None:
    fired: list[str] = []
    early: list[str] = []
    over = threading.Event()

    def fire(name: str, moment: float) -> None:
        fired.append(name)
        if loop.now() < moment:
            early.append(name)

    def ask() -> None:
        start = loop.now()
        for name, ms in [("c", 5), ("a", 0), ("d", 5), ("b", 2.5), ("end", 8)]:
            moment = start + ms / 1000
            loop.at(moment, functools.partial(fire, name, moment))
        loop.at(start + 0.001, lambda: fired.append("never")).cancel()
        loop.at(start + 0.008, over.set)

    on_loop(loop, ask)
    assert over.wait(PATIENCE_S)
    assert fired == ["a", "b", "c", "d", "end"]
    assert early == []


def test_a_timer_comes_in_its_own_part_of_a_millisecond(loop: Loop) -> None:
    """epoll counts in whole ones. On a busy machine some come later; that all do would say that it does not try."""
    late_s: list[float] = []
    over = threading.Event()

    def ask(moment: float) -> None:
        late_s.append(loop.now() - moment)
        if len(late_s) < 20:
            following = loop.now() + 0.0013
            loop.at(following, lambda: ask(following))
        else:
            over.set()

    on_loop(loop, lambda: ask(loop.now()))
    assert over.wait(PATIENCE_S)
    assert min(late_s[1:]) < 0.0003


def test_a_socket_is_watched_until_it_is_not(loop: Loop, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    seen: list[bytes] = []
    over = threading.Event()

    def read(_: int) -> None:
        seen.append(ours.recv(10))
        if seen[-1] == b"b":
            loop.unwatch(ours)
            loop.unwatch(ours)
            theirs.send(b"c")
            loop.call(over.set)
        else:
            theirs.send(b"b")

    on_loop(loop, lambda: loop.watch(ours, read))
    theirs.send(b"a")
    assert over.wait(PATIENCE_S)
    assert seen == [b"a", b"b"]


def test_to_call_a_loop_that_has_ended_does_no_harm() -> None:
    loop = ServiceLoop()
    loop.hold()
    loop.release()
    caller = threading.Thread(target=loop.call, args=(lambda: None,))
    caller.start()
    caller.join()


# --- a client's share -----------------------------------------------------------------------------------------------


def test_what_a_client_has_sent_in_time_may_cancel_a_timer_that_is_due(
    loop: Loop, pair: tuple[socket.socket, socket.socket]
) -> None:
    """However late the loop comes to it."""
    ours, theirs = pair
    done: list[str] = []
    share = Share(loop, lambda error: None)

    def ask() -> None:
        timer = share.at(loop.now(), lambda: done.append("out of patience"))

        def heard(_: int) -> None:
            done.append("heard")
            timer.cancel()
            share.unwatch(ours)

        share.watch(ours, heard)
        theirs.send(b"x")

    on_loop(loop, ask)
    for _ in range(3):
        on_loop(loop, lambda: None)
    assert done == ["heard"]


# --- bugs -----------------------------------------------------------------------------------------------------------


def bug(_: int = 0) -> None:
    raise ZeroDivisionError


@pytest.mark.parametrize("kind", ["call", "timer", "socket"])
def test_a_bug_ends_it(loop: Loop, kind: str, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    told: list[BaseException] = []
    over = threading.Event()
    loop.dependants.add(lambda raised: (told.append(raised), over.set()))  # type: ignore[arg-type]
    loop.call(lambda: begin(loop, kind, ours))
    theirs.send(b"x")
    assert over.wait(PATIENCE_S)
    assert [type(raised) for raised in told] == [ZeroDivisionError]


@pytest.mark.parametrize("kind", ["call", "timer", "socket"])
def test_a_bug_in_one_clients_share_is_its_own(
    loop: Loop, kind: str, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, theirs = pair
    told: list[Exception] = []
    over = threading.Event()

    def broke(error: Exception) -> None:
        told.append(error)
        loop.unwatch(ours)
        over.set()

    loop.call(lambda: begin(Share(loop, broke), kind, ours))
    theirs.send(b"x")
    assert over.wait(PATIENCE_S)
    # It goes on for the others.
    on_loop(loop, lambda: None)
    assert [type(error) for error in told] == [ZeroDivisionError]


def begin(loop: Loop | Share, kind: str, ours: socket.socket) -> None:
    """Have `loop` meet a bug in something of that kind."""
    if kind == "call":
        loop.call(bug)
    elif kind == "timer":
        loop.at(loop.now(), bug)
    else:
        loop.watch(ours, bug)
