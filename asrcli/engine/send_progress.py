"""How much of the sound has left, told as often as somebody wants to know."""

from __future__ import annotations

from collections.abc import Callable

from asrcli.values.events import AudioFinished, AudioSent

# A report a little early is better than one that waits for the next chunk.
_EARLY = 0.9


class SendProgress:
    """The first audio is worth telling, and then what has left every `tick_s`; None for no more than the first."""

    def __init__(self, tick_s: float | None, tell: Callable[[AudioSent], None]) -> None:
        self._tick_s = tick_s
        self._tell = tell
        self._told_at = 0.0
        self.told_ms: int | None = None
        self._told_bytes = 0

    def is_due(self, now: float) -> bool:
        """Whether it is time to tell."""
        if self.told_ms is None:
            return True
        return self._tick_s is not None and now - self._told_at >= _EARLY * self._tick_s

    def tell(self, sent: AudioSent, now: float) -> None:
        """Tell what has left, unless that was told."""
        if (sent.end_ms, sent.sent_bytes) != (self.told_ms, self._told_bytes):
            self.told_ms, self._told_bytes, self._told_at = sent.end_ms, sent.sent_bytes, now
            self._tell(sent)

    def told(self, event: AudioFinished) -> None:
        """That was told by `event`."""
        self.told_ms, self._told_bytes = event.end_ms, event.sent_bytes
