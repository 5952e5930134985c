"""Enter while a transcription runs."""

from __future__ import annotations

import os
import pty
import termios
import threading

import pytest

from asrcli.system.keyboard import EnterKey


def echoes(descriptor: int) -> bool:
    return bool(termios.tcgetattr(descriptor)[3] & termios.ECHO)


def test_enter_is_noticed_once_and_the_terminal_is_put_right():
    ours, theirs = pty.openpty()
    try:
        with EnterKey(theirs) as key:
            assert not echoes(theirs)
            assert not key.pressed()
            os.write(ours, b"abc\n")
            assert key._pressed.wait(10)
            assert key.pressed()
            assert not key.pressed()
        assert echoes(theirs)
        assert not [thread for thread in threading.enumerate() if thread.name == "keyboard"]
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_bug_in_its_thread_comes_out_where_enter_is_asked_for(monkeypatch):
    """Or nobody would learn that Enter is not heard any more."""

    def fail(key: EnterKey) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(EnterKey, "_watch", fail)
    ours, theirs = pty.openpty()
    try:
        with EnterKey(theirs) as key:
            key._thread.join(10)
            with pytest.raises(ZeroDivisionError):
                key.pressed()
        assert echoes(theirs)
    finally:
        os.close(ours)
        os.close(theirs)
