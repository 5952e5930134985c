"""The echo of keys is off while it is asked for, and on again whatever happens."""

from __future__ import annotations

import os
import pty
import signal
import termios
from collections.abc import Iterator

import pytest

from asrcli.system import echo
from asrcli.system.echo import NoEcho, echoed, leave_terminals


@pytest.fixture
def terminal() -> Iterator[int]:
    ours, theirs = pty.openpty()
    yield theirs
    os.close(ours)
    os.close(theirs)


def echoes(descriptor: int) -> bool:
    return bool(termios.tcgetattr(descriptor)[3] & termios.ECHO)


def test_it_is_off_within_and_signals_stay(terminal):
    with NoEcho(terminal):
        assert not echoes(terminal)
        assert termios.tcgetattr(terminal)[3] & termios.ISIG
        with NoEcho(terminal):
            assert not echoes(terminal)
        assert not echoes(terminal)
    assert echoes(terminal)


def test_one_that_was_off_stays_off(terminal):
    found = termios.tcgetattr(terminal)
    found[3] &= ~termios.ECHO
    termios.tcsetattr(terminal, termios.TCSANOW, found)
    with NoEcho(terminal):
        pass
    assert not echoes(terminal)


def test_what_a_person_is_asked_for_is_seen(terminal):
    with NoEcho(terminal):
        with pytest.raises(ZeroDivisionError), echoed():
            assert echoes(terminal)
            raise ZeroDivisionError
        assert not echoes(terminal)


def test_who_ends_on_the_spot_leaves_it_as_it_was(terminal):
    left = []
    with NoEcho(terminal), NoEcho(terminal, lambda: left.append(echoes(terminal))):
        leave_terminals()
        assert (left, echoes(terminal)) == ([False], True)


def test_while_the_process_is_stopped_it_is_on(terminal, monkeypatch):
    stopped = []
    monkeypatch.setattr(signal, "raise_signal", lambda number: stopped.append((number, echoes(terminal))))
    before = signal.getsignal(signal.SIGTSTP)
    with NoEcho(terminal):
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTSTP)
            assert not echoes(terminal)
    assert stopped == [(signal.SIGTSTP, True)] * 2
    assert signal.getsignal(signal.SIGTSTP) == before


def test_in_the_background_the_terminal_is_left_alone(terminal, monkeypatch):
    monkeypatch.setattr(os, "tcgetpgrp", lambda descriptor: os.getpgrp() + 1)
    with NoEcho(terminal):
        assert echoes(terminal)


def test_a_signal_that_is_ignored_stays_so(terminal):
    before = signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    try:
        with NoEcho(terminal):
            assert signal.getsignal(signal.SIGTSTP) == signal.SIG_IGN
        assert signal.getsignal(signal.SIGTSTP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTSTP, before)


def test_no_terminal_is_no_error():
    reading, writing = os.pipe()
    with NoEcho(reading), echoed():
        assert len(echo._in_force) == 1
    os.close(reading)
    os.close(writing)
