"""How the outside reaches a running transcription."""

from __future__ import annotations

import queue

from asrcli.events import InboxItem, Notice, SoundLevel, StopRequested

# What reaches the inbox carries the number of its session, counted from 1; this is for what comes from elsewhere.
OUTSIDE = 0


class Control:
    """How the outside reaches a running transcription: what its source has to tell, and the wish to end it.

    Its methods may be called from any thread, `stop` from a signal handler too: SimpleQueue.put is reentrant.
    """

    def __init__(self) -> None:
        self.inbox: queue.SimpleQueue[tuple[int, InboxItem]] = queue.SimpleQueue()
        self.stopped_by: int | None = None

    def notice(self, message: str, hint: str = "") -> None:
        self.inbox.put((OUTSIDE, Notice(message, hint)))

    def level(self, peak_dbfs: float | None, rms_dbfs: float | None) -> None:
        self.inbox.put((OUTSIDE, SoundLevel(peak_dbfs, rms_dbfs)))

    def stop(self, signal_number: int) -> None:
        """End the sound and deliver what was said so far."""
        self.stopped_by = signal_number
        self.inbox.put((OUTSIDE, StopRequested(signal_number)))
