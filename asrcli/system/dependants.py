"""Who is to be told when a thread that carries them all is ended by a bug."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

OnBug = Callable[[BaseException], None]


class Dependants:
    """Each is told once, by the thread as it ends, or at once where it has ended. For any thread."""

    def __init__(self) -> None:
        self.bug: BaseException | None = None
        """What has ended the thread."""
        # In the order in which they came. Whoever takes one out is the one who tells it.
        self._dependants: dict[OnBug, OnBug] = {}

    def __len__(self) -> int:
        return len(self._dependants)

    def add(self, on_bug: OnBug) -> None:
        """Have `on_bug(bug)` called when a bug ends the thread."""
        self._dependants[on_bug] = on_bug
        if self.bug is not None:
            self._tell(on_bug, self.bug)

    def remove(self, on_bug: OnBug) -> None:
        """It is over, and need not know."""
        self._dependants.pop(on_bug, None)

    def tell(self, bug: BaseException) -> None:
        """The thread is ended by `bug`."""
        self.bug = bug
        for on_bug in [*self._dependants]:
            self._tell(on_bug, bug)

    def _tell(self, on_bug: OnBug, bug: BaseException) -> None:
        if self._dependants.pop(on_bug, None) is not None:
            # What is broken may break once more; the others are to be told all the same.
            with contextlib.suppress(Exception):
                on_bug(bug)
