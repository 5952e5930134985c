"""The echo of typed keys on a terminal, off while something is drawn there that they would tear.

Whatever ends or stops the process has the terminal put right first; only SIGKILL and SIGSTOP leave no time for that.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Any, Self

_in_force: list[NoEcho] = []
"""In the order in which they began: each puts right what it found."""


class NoEcho:
    """No echo on the terminal at `descriptor` while the context lasts; Ctrl-C and Ctrl-Z stay what they are.

    `leave` is called before that where the process is stopped, or ended on the spot: for what else is to be put right.
    It is called by the handler of a signal. Nothing happens where there is no terminal, in the background and on
    Windows.
    """

    def __init__(self, descriptor: int, leave: Callable[[], None] = lambda: None) -> None:
        self._descriptor = descriptor
        self._before: list[Any] | None = None
        self.leave = leave

    def __enter__(self) -> Self:
        _in_force.append(self)
        _take_note_of_stops()
        self.switch_off()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _in_force.remove(self)
        self.put_right()
        _take_note_of_stops()

    def switch_off(self) -> None:
        """Once more, after `put_right`."""
        if sys.platform == "win32" or _is_in_the_background(self._descriptor):
            return
        import termios

        # Neither waits for what was written: a terminal that was held with Ctrl-S takes nothing.
        with contextlib.suppress(termios.error):
            before, quiet = (termios.tcgetattr(self._descriptor) for _ in range(2))
            quiet[3] &= ~termios.ECHO
            termios.tcsetattr(self._descriptor, termios.TCSANOW, quiet)
            self._before = before

    def put_right(self) -> None:
        """As it was found, for now."""
        before, self._before = self._before, None
        if sys.platform == "win32" or before is None or _is_in_the_background(self._descriptor):
            return
        import termios

        # A terminal that was closed meanwhile has nothing to be put right.
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self._descriptor, termios.TCSANOW, before)


def leave_terminals() -> None:
    """Put all right: the process ends on the spot, or is stopped."""
    for each in reversed(_in_force):
        each.leave()
        each.put_right()


@contextlib.contextmanager
def echoed() -> Iterator[None]:
    """What a person types while the context lasts is seen, whatever else is in force."""
    for each in reversed(_in_force):
        each.put_right()
    try:
        yield
    finally:
        for each in _in_force:
            each.switch_off()


def _is_in_the_background(descriptor: int) -> bool:
    """Whether another job has the terminal: to change it would stop this one. One that is not ours has no jobs."""
    if sys.platform == "win32":
        return False
    try:
        return os.tcgetpgrp(descriptor) != os.getpgrp()
    except OSError:
        return False


def _take_note_of_stops() -> None:
    """Handle Ctrl-Z where a terminal is to be put right, and only there. Only the main thread may say so."""
    if sys.platform == "win32" or threading.current_thread() is not threading.main_thread():
        return
    usual, ours = (signal.SIG_DFL, _stop) if _in_force else (_stop, signal.SIG_DFL)
    # A shell without jobs has it ignored.
    if signal.getsignal(signal.SIGTSTP) == usual:
        signal.signal(signal.SIGTSTP, ours)


def _stop(number: int, frame: FrameType | None) -> None:
    if sys.platform == "win32":
        return
    leave_terminals()
    signal.signal(signal.SIGTSTP, signal.SIG_DFL)
    signal.raise_signal(signal.SIGTSTP)
    # Here it goes on, perhaps in the background.
    signal.signal(signal.SIGTSTP, _stop)
    for each in _in_force:
        each.switch_off()
