"""The loop: what is asked of it is done on its thread, in order and at its moment, while somebody holds it."""

from __future__ import annotations

import os
import queue
import signal
import socket
import threading
from collections.abc import Iterator

import pytest

from asrcli.system.loop import READABLE, WRITABLE, Loop
from tests.support.fakes import FakeClock
from tests.support.looping import PATIENCE_S, held_loop, on_loop, settle


@pytest.fixture
def slow(clock: FakeClock) -> Iterator[Loop]:
    """A loop whose time stands still."""
    with held_loop(clock) as made:
        yield made


# --- calls -----------------------------------------------------------------------------------------------------------


def test_calls_from_many_threads_are_all_done_on_one_and_in_each_ones_order(loop):
    done: list[tuple[int, int]] = []
    names: set[str] = set()

    def ask(who: int) -> None:
        for number in range(500):
            loop.call(lambda number=number: done.append((who, number)))
        loop.call(lambda: names.add(threading.current_thread().name))

    threads = [threading.Thread(target=ask, args=(who,)) for who in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    on_loop(loop, lambda: None)
    for who in range(8):
        assert [number for each, number in done if each == who] == list(range(500))
    assert names == {"engine"}


def test_what_a_call_asks_for_is_done_after_what_was_asked_for_before(loop):
    done: list[str] = []
    over = threading.Event()

    def first() -> None:
        loop.call(lambda: done.append("third"))
        loop.call(over.set)
        done.append("first")

    on_loop(loop, lambda: (loop.call(first), loop.call(lambda: done.append("second"))))
    assert over.wait(PATIENCE_S)
    assert done == ["first", "second", "third"]


def test_a_signal_handler_may_call_even_in_the_middle_of_another_call(loop):
    done: list[str] = []
    fired = 0

    def handler(number: int, frame: object) -> None:
        nonlocal fired
        fired += 1
        loop.call(lambda: done.append("signal"))

    before = signal.signal(signal.SIGALRM, handler)
    asked = 0
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
        while fired < 100:
            loop.call(lambda: done.append("call"))
            asked += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    on_loop(loop, lambda: None)
    assert (done.count("signal"), done.count("call")) == (fired, asked)


def test_a_call_that_comes_while_the_loop_wakes_up_does_not_put_it_to_sleep_for_ever(monkeypatch, pair):
    """Another thread calls when the loop has been woken and is about to note that."""
    monkeypatch.setattr("asrcli.system.loop._PATIENCE_S", 0.05)
    read, between, loop = os.read, threading.Event(), Loop()

    def reading(descriptor: int, most: int) -> bytes:
        if threading.current_thread().name == "engine" and not between.is_set():
            between.set()
            other = threading.Thread(target=loop.call, args=(lambda: None,))
            other.start()
            other.join()
        return read(descriptor, most)

    loop.hold()
    on_loop(loop, lambda: loop.watch(pair[0], lambda events: None))
    monkeypatch.setattr("asrcli.system.wakeup.os.read", reading)
    try:
        settle(loop, 1)
        assert between.is_set()
        assert on_loop(loop, lambda: "awake") == "awake"
    finally:
        # Wakes it in any case, so that it ends.
        pair[1].send(b"x")
        loop.release()


def test_what_was_asked_for_before_anybody_held_it_is_done_then():
    loop = Loop()
    done = threading.Event()
    loop.call(done.set)
    loop.hold()
    assert done.wait(PATIENCE_S)
    loop.release()


# --- timers ----------------------------------------------------------------------------------------------------------


def test_timers_come_in_the_order_of_their_moments_and_not_before(slow, clock):
    done: list[float] = []
    now = clock.now()
    on_loop(slow, lambda: [slow.at(now + after, lambda after=after: done.append(after)) for after in (3, 1, 2, 9)])
    settle(slow)
    assert done == []
    clock.advance(2)
    settle(slow)
    assert done == [1, 2]
    clock.advance(5)
    settle(slow)
    assert done == [1, 2, 3]


def test_a_timer_whose_moment_comes_while_others_are_done_does_not_wait_for_the_next_round(slow, clock, pair):
    done: list[str] = []
    now, (ours, theirs) = clock.now(), pair

    def heard(events: int) -> None:
        done.append("socket")
        slow.unwatch(ours)

    def ask() -> None:
        theirs.send(b"x")
        slow.watch(ours, heard)
        slow.at(now + 1, lambda: (done.append("first"), clock.advance(1)))
        slow.at(now + 2, lambda: (done.append("second"), slow.at(now, lambda: done.append("asked for by the second"))))
        clock.advance(1)

    on_loop(slow, ask)
    settle(slow)
    # Which of the others comes first depends on when another thread wakes it.
    assert done[:2] == ["first", "second"]
    assert sorted(done[2:]) == ["asked for by the second", "socket"]


def test_timers_of_one_moment_come_in_the_order_in_which_they_were_asked_for(slow, clock):
    done: list[int] = []
    on_loop(slow, lambda: [slow.at(clock.now() + 1, lambda n=n: done.append(n)) for n in range(20)])
    clock.advance(1)
    settle(slow)
    assert done == list(range(20))


def test_a_cancelled_timer_does_not_come(slow, clock):
    done: list[str] = []
    later = on_loop(slow, lambda: slow.at(clock.now() + 2, lambda: done.append("cancelled")))
    on_loop(slow, lambda: slow.at(clock.now() + 1, later.cancel))
    on_loop(slow, lambda: slow.at(clock.now() + 3, lambda: done.append("kept")))
    clock.advance(5)
    settle(slow)
    assert done == ["kept"]
    # Once it is over that changes nothing.
    later.cancel()


def test_for_a_cancelled_timer_it_does_not_wake_up(slow, clock):
    first, second = on_loop(slow, lambda: [slow.at(clock.now() + after, lambda: None) for after in (1, 2)])
    on_loop(slow, first.cancel)
    assert on_loop(slow, lambda: slow._patience_s(None)) == 2
    on_loop(slow, second.cancel)
    assert on_loop(slow, lambda: slow._patience_s(None)) is None


def test_nobody_has_to_wake_it_for_a_timer(loop):
    done = threading.Event()
    on_loop(loop, lambda: loop.at(loop._clock.now() + 0.01, done.set))
    assert done.wait(PATIENCE_S)


def test_timers_that_always_want_another_turn_keep_nobody_waiting(loop, pair):
    ours, theirs = pair
    heard = threading.Event()
    turns = 0

    def again() -> None:
        nonlocal turns
        turns += 1
        if turns == 5:
            theirs.send(b"hello")
        if turns < 10_000 and not heard.is_set():
            loop.at(0.0, again)

    def ready(events: int) -> None:
        loop.unwatch(ours)
        heard.set()

    on_loop(loop, lambda: (loop.watch(ours, ready), again()))
    assert heard.wait(PATIENCE_S)
    assert turns < 15


# --- sockets ---------------------------------------------------------------------------------------------------------


def test_a_watched_socket_is_told_of_until_it_is_left_alone(loop, pair):
    ours, theirs = pair
    heard: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
    on_loop(loop, lambda: loop.watch(ours, lambda events: heard.put((events, ours.recv(1)))))
    theirs.send(b"ab")
    assert [heard.get(timeout=PATIENCE_S) for _ in range(2)] == [(READABLE, b"a"), (READABLE, b"b")]
    on_loop(loop, lambda: loop.unwatch(ours))
    theirs.send(b"c")
    settle(loop)
    assert heard.empty()
    assert ours.recv(9) == b"c"


def test_what_has_its_moment_does_not_wait_until_all_sockets_were_heard(slow, clock):
    done: list[str] = []
    now, pairs = clock.now(), [socket.socketpair() for _ in range(3)]

    def ready(events: int) -> None:
        done.append("socket")
        clock.advance(1)

    def ask() -> None:
        for ours, theirs in pairs:
            theirs.send(b"x")
            slow.watch(ours, ready)
        slow.at(now + 2, lambda: [done.append("timer"), *(slow.unwatch(ours) for ours, _ in pairs)])

    on_loop(slow, ask)
    settle(slow)
    assert done == ["socket", "socket", "timer", "socket"]
    for each in (each for pair in pairs for each in pair):
        each.close()


def test_watching_again_replaces_what_was_asked(loop, pair):
    ours, theirs = pair
    first: list[int] = []
    second: queue.SimpleQueue[int] = queue.SimpleQueue()

    def ready(events: int) -> None:
        loop.watch(ours, lambda events: (ours.recv(9), second.put(events)), READABLE)
        second.put(events)

    on_loop(loop, lambda: loop.watch(ours, first.append, READABLE))
    on_loop(loop, lambda: loop.watch(ours, ready, READABLE | WRITABLE))
    assert second.get(timeout=PATIENCE_S) == WRITABLE
    settle(loop)
    assert second.empty()
    theirs.send(b"x")
    assert second.get(timeout=PATIENCE_S) == READABLE
    on_loop(loop, lambda: loop.unwatch(ours))
    assert first == []
