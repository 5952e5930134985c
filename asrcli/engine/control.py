"""How the outside reaches a running transcription."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from asrcli.values.events import Notice, SoundLevel


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The user or the system wants the run to end."""

    signal_number: int


OutsideItem = Notice | SoundLevel | StopRequested


class Control:
    """How the outside reaches a running transcription: what its source has to tell, and the wish to end it.

    Its methods may be called from any thread, `stop` from a signal handler too: to append to a list cannot be
    interrupted. A queue has five times the bytes, and a hundred thousand sources have one each.
    """

    __slots__ = ("_items", "_rouse", "stopped_by")

    def __init__(self) -> None:
        self._items: list[OutsideItem] = []
        self._rouse: Callable[[], None] = _nobody_listens
        self.stopped_by: int | None = None

    def notice(self, message: str, hint: str = "", truncated: bool = False) -> None:
        self._put(Notice(message, hint, truncated))

    def level(self, peak_dbfs: float | None, rms_dbfs: float | None) -> None:
        self._put(SoundLevel(peak_dbfs, rms_dbfs))

    def stop(self, signal_number: int) -> None:
        """End the sound and deliver what was said so far."""
        self.stopped_by = signal_number
        self._put(StopRequested(signal_number))

    def listen(self, rouse: Callable[[], None]) -> None:
        """Have `rouse` called, from any thread, when there is something to take; at once where there is already."""
        self._rouse = rouse
        if self._items:
            rouse()

    def leave(self) -> None:
        """Nobody listens any more; who did is let go of."""
        self._rouse = _nobody_listens

    def take(self) -> list[OutsideItem]:
        """What has come since it was last asked for."""
        items = self._items[:]
        # What has come in this moment stays.
        del self._items[: len(items)]
        return items

    def _put(self, item: OutsideItem) -> None:
        self._items.append(item)
        self._rouse()


def _nobody_listens() -> None:
    """What is put in waits."""
