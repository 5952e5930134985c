"""Ctrl-C, SIGTERM and SIGHUP: the first ends the sound and lets the last words arrive, the second ends the run."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType, TracebackType
from typing import Self

from asrcli.system.clock import Clock, SystemClock
from asrcli.system.echo import leave_terminals
from asrcli.system.posix import ENDING
from asrcli.values.errors import Interrupted

# Signals often come in bursts, from a terminal and a shell for example. Who sends one later means that one.
_BURST_S = 1.0
# What is put off is done within this, unless it is stuck: in a pipe that nobody reads, for example.
_PUT_OFF_S = 0.5


class Signals:
    """Handles the signals while its context lasts, for the main thread.

    `stop` ends the sound of all that runs, if something does; it may raise Interrupted. Where it was called before, or
    there is none, Interrupted is raised, once: what comes soon after that changes nothing, and what comes later ends
    the process on the spot.
    """

    def __init__(self, clock: Clock | None = None) -> None:
        self.stop: Callable[[int], None] | None = None
        self.received: int | None = None
        self.in_haste = False
        """Whether the run was to end at once: Interrupted was raised, or put off."""
        self.put_off = _PutOff()
        """A context in which Interrupted is put off to its end, so that what is told is told whole."""
        self._clock = clock or SystemClock()
        self._ending_since: float | None = None
        self._is_after_the_run = False
        self._before: dict[int, signal.Handlers] = {}

    def __enter__(self) -> Self:
        for number in ENDING:
            before = signal.getsignal(number)
            # nohup and scripts' background jobs ignore some signals on purpose.
            if before != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._handle)  # type: ignore[assignment]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def no_more_to_stop(self) -> None:
        """Nothing runs any more; what a signal has ended knows, and has told it."""
        self.stop = None
        if self.received is not None:
            self.finish()

    def finish(self) -> None:
        """The run comes to its end, and there is nothing to interrupt any more."""
        if self._ending_since is None:
            self._ending_since = self._clock.now()

    @contextlib.contextmanager
    def after_the_run(self) -> Iterator[None]:
        """Work that the run leaves behind: in it Interrupted is raised once more, whatever came before."""
        self._is_after_the_run = True
        try:
            yield
        finally:
            self._is_after_the_run = False

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._ending_since is not None:
            if self._clock.now() - self._ending_since < _BURST_S:
                return
            if not self._is_after_the_run:
                leave_terminals()
                os._exit(128 + number)
            self._is_after_the_run = False
            self._ending_since = self._clock.now()
            raise interrupted(number)
        is_first, self.received = self.received is None, number
        if is_first and self.stop is not None:
            try:
                self.stop(number)
            except Interrupted:
                # Nobody was there yet to be told.
                self.finish()
                self.in_haste = True
                raise
            return
        self.finish()
        self.in_haste, self._is_after_the_run = True, False
        if not self.put_off.begin(number):
            raise interrupted(number)


class _PutOff:
    """What is within its context is not torn by an Interrupted, unless it is stuck."""

    def __init__(self) -> None:
        self._is_entered = False
        self._number: int | None = None

    def __enter__(self) -> None:
        self._is_entered = True

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_entered = False
        number, self._number = self._number, None
        if number is not None:
            if sys.platform != "win32":
                signal.setitimer(signal.ITIMER_REAL, 0)
            if error is None:
                raise interrupted(number)

    def begin(self, number: int) -> bool:
        """Whether the Interrupted by that signal is put off."""
        if self._is_entered:
            self._number = number
            # Windows has no such timer: what is stuck there takes a second signal.
            if sys.platform != "win32":
                signal.signal(signal.SIGALRM, self._is_stuck)
                signal.setitimer(signal.ITIMER_REAL, _PUT_OFF_S)
        return self._is_entered

    def _is_stuck(self, number: int, frame: FrameType | None) -> None:
        if self._number is not None:
            interrupted_by, self._number = self._number, None
            raise interrupted(interrupted_by)


def interrupted(number: int) -> Interrupted:
    """The error of a run that a signal ended."""
    return Interrupted(number, f"interrupted by {signal.Signals(number).name}")
