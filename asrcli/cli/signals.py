"""Ctrl-C, SIGTERM and SIGHUP: the first ends the sound and lets the last words arrive, the second ends the run."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Self

from asrcli.errors import Interrupted

_HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Signals:
    """Handles the signals while its context lasts. `stop` ends the sound of all that runs, if something does."""

    def __init__(self) -> None:
        self.stop: Callable[[int], None] | None = None
        self.received: int | None = None
        self._before: dict[int, signal.Handlers] = {}

    def __enter__(self) -> Self:
        for number in _HANDLED:
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

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None or self.stop is None:
            self.received = number
            raise interrupted(number)
        self.received = number
        self.stop(number)


def interrupted(number: int) -> Interrupted:
    """The error of a run that a signal ended."""
    return Interrupted(number, f"interrupted by {signal.Signals(number).name}")
