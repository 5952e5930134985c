"""The end of a transcription: told once and last, soon after it has begun, and at once where the loop is dead."""

from __future__ import annotations

import threading
from collections.abc import Callable

from asrcli.engine.stages import CLOSING, ENDED, Change, Machine, State
from asrcli.system.clock import Clock
from asrcli.system.loop import Loop
from asrcli.values.errors import AsrcliError, Bug
from asrcli.values.events import Ended

OVER = (CLOSING, ENDED)
"""Nothing more happens to a transcription there but its end."""

# A source that is stuck must not hold up the end of the program.
_CLOSE_S = 2.0

Close = Callable[[Callable[[], None]], None]
"""Frees the source, and calls what it is given when that is done."""


class Ending:
    """`wait` is for any thread, all else for the loop's.

    `last_words` is called when the source is free, or is not waited for any longer; then `tell`, whatever comes of it.
    """

    def __init__(
        self,
        course: Machine[State, Change],
        loop: Loop,
        clock: Clock,
        last_words: Callable[[Ended], None],
        tell: Callable[[Ended], None],
    ) -> None:
        self._course = course
        self._loop = loop
        self._clock = clock
        self._last_words = last_words
        self._tell = tell
        self._on_bug: Callable[[AsrcliError], None] = lambda error: None
        self._ended = Ended()
        self._was_told = threading.Event()

    def watch(self, on_bug: Callable[[AsrcliError], None]) -> None:
        """Have `on_bug`, which begins the end, called where a bug has ended the loop. For any thread."""
        self._on_bug = on_bug
        self._loop.dependants.add(self._loop_died)

    def begin(self, error: AsrcliError | None, stop: Callable[[], None], close: Close) -> None:
        """End with `error`, if it is one: `stop` what runs, and tell it when `close` has freed the source, or soon.

        Even where `stop` or `close` raises.
        """
        self._settle(error)
        self._loop.at(self._clock.now() + _CLOSE_S, self._closed)
        try:
            stop()
        finally:
            close(self._closed)

    def wait(self) -> None:
        """Until it was told."""
        self._was_told.wait()

    def _settle(self, error: AsrcliError | None) -> None:
        self._course.move(Change.SETTLED)
        self._ended = Ended(error)

    def _closed(self) -> None:
        if self._course.at is not CLOSING:
            return
        self._course.move(Change.TOLD)
        try:
            self._last_words(self._ended)
        finally:
            self._tell(self._ended)
            self._was_told.set()
            self._loop.dependants.remove(self._loop_died)

    def _loop_died(self, bug: BaseException) -> None:
        # Nothing can be waited for any more, and nothing that fails now may keep it from being told.
        error = Bug(bug, ends_all=True)
        try:
            self._on_bug(error)
        finally:
            if self._course.at not in OVER:
                self._settle(error)
            self._closed()
