"""Which crews may work in one process at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol

from asrcli.fleet.messages import Opening

LOOK_S = 0.2


class HasHead(Protocol):
    """A crew, as far as others wait for its end. `is_forlorn`: its head has not been heard of for a while."""

    opening: Opening

    @property
    def is_forlorn(self) -> bool: ...


class Turn:
    """The turn of `crew`, which lasts as long as the context, whose value says whether it has come.

    A crew whose head is silent ends before, and so does one that had the same results to make in another run: what it
    still does counts against the same account. `is_wanted` is asked while that is waited for.
    """

    _lock = threading.Lock()
    _all: set[HasHead] = set()  # noqa: RUF012 - of the process

    def __init__(self, crew: HasHead, is_wanted: Callable[[], bool]) -> None:
        self._crew = crew
        self._is_wanted = is_wanted

    def __enter__(self) -> bool:
        pause = threading.Event()
        while self._is_wanted():
            with self._lock:
                if not any(map(self._is_before, self._all)):
                    self._all.add(self._crew)
                    return True
            pause.wait(LOOK_S)
        return False

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._all.discard(self._crew)

    def _is_before(self, other: HasHead) -> bool:
        ours, theirs = self._crew.opening, other.opening
        return other.is_forlorn or (theirs.journal == ours.journal and theirs.run != ours.run)
