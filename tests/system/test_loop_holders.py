"""From the first holder of a loop to its last: what it begins with, what it leaves behind, and whom it waits for."""

from __future__ import annotations

import threading

from asrcli.system.loop import Loop
from tests.support.looping import on_loop, settle, threads_left
from tests.support.sounds import open_descriptors


def test_it_runs_until_the_last_holder_has_released_it_and_again_for_the_next():
    loop = Loop()
    threads = set()
    for _ in range(3):
        loop.hold()
        loop.hold()
        loop.release()
        threads.add(on_loop(loop, threading.current_thread))
        loop.release()
        assert threads_left(patience_s=0) == []
    assert len(threads) == 3


def test_nothing_is_left_open_after_it():
    loop = Loop()
    loop.hold()
    loop.release()
    before = open_descriptors()
    for _ in range(3):
        loop.hold()
        on_loop(loop, lambda: None)
        loop.release()
    assert open_descriptors() == before


def test_what_was_asked_for_is_done_before_it_ends():
    loop, done = Loop(), []
    loop.hold()
    loop.call(lambda: loop.call(lambda: done.append("later")))
    loop.release()
    assert done == ["later"]


def test_a_timer_does_not_hold_up_its_end_and_does_not_outlive_it(clock):
    loop, done = Loop(clock), []
    loop.hold()
    on_loop(loop, lambda: loop.at(clock.now() + 3600, lambda: done.append("stale")))
    loop.release()
    clock.advance(7200)
    loop.hold()
    settle(loop)
    loop.release()
    assert done == []


def test_its_end_waits_until_the_sockets_have_said_goodbye(pair):
    ours, theirs = pair
    loop, said = Loop(), []
    loop.hold()

    def ready(events: int) -> None:
        said.append(ours.recv(9))
        loop.unwatch(ours)

    on_loop(loop, lambda: loop.watch(ours, ready))
    # The answer comes after everything else is over.
    on_loop(loop, lambda: loop.at(loop._clock.now() + 0.05, lambda: theirs.send(b"goodbye")))
    loop.release()
    assert said == [b"goodbye"]


def test_a_socket_that_never_says_goodbye_is_cut(pair, monkeypatch):
    monkeypatch.setattr("asrcli.system.loop._PATIENCE_S", 0.05)
    loop = Loop()
    for _ in range(2):
        loop.hold()
        on_loop(loop, lambda: loop.watch(pair[0], lambda events: None))
        loop.release()
        assert threads_left(patience_s=0) == []


def test_its_own_thread_may_release_it_last():
    loop = Loop()
    loop.hold()
    loop.call(loop.release)
    assert threads_left() == []
