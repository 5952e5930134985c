"""Stand-ins for what the engine is handed: a clock that stands still, a link without a network, a source of samples."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np

from asrcli.values.errors import AsrcliError
from asrcli.values.messages import Message


class OurBug(Exception):  # noqa: N818
    """What only a mistake of ours raises."""


class FakeClock:
    """Moves only when told to, or by waiting: a wait ends at once, at the moment it was for."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time

    def wait_until(self, moment: float, wake: threading.Event) -> bool:
        if not wake.is_set() and moment > self.time:
            self.waits.append(moment - self.time)
            self.time = moment
        return wake.is_set()

    def advance(self, seconds: float) -> None:
        self.time += seconds


class FakeLink:
    """Keeps what is sent; `fail` is raised by the next send."""

    def __init__(self) -> None:
        self.opened = False
        self.closed = False
        self.sent: list[Message] = []
        self.fail: AsrcliError | None = None
        self.congested = False
        self.undelivered_bytes = 0
        self.released = False

    def open(self) -> None:
        self.opened = True

    def send(self, message: Message, *, more: bool = False) -> None:
        if self.fail is not None:
            raise self.fail
        self.sent.append(message)

    def flush(self) -> None:
        if self.fail is not None:
            raise self.fail

    def release(self) -> None:
        self.released = True

    def close(self) -> None:
        self.closed = True


class ToneSource:
    """A 440 Hz tone of `seconds`; `after` is called (it may raise) once all of it was handed out."""

    sound_format: None = None
    sound: str | None = None

    def __init__(
        self, seconds: float, rate_hz: int = 16000, after: Callable[[], None] | None = None, waits: bool = False
    ) -> None:
        self.name = "tone"
        self.rate_hz = rate_hz
        self.channels = 1
        self.duration_ms: int | None = round(seconds * 1000)
        self.live = False
        self.can_wait = True
        self.waits = waits
        self.captured_at: str | None = None
        self.closed = False
        self._after = after
        self._stopped = threading.Event()
        moments = np.arange(round(seconds * rate_hz)) / rate_hz
        self._samples = (0.3 * np.sin(2 * np.pi * 440 * moments)).astype(np.float32).reshape(-1, 1)

    def probe(self) -> None:
        pass

    def blocks(self) -> Iterator[np.ndarray]:
        for start in range(0, len(self._samples), 1600):
            if self._stopped.is_set():
                return
            yield self._samples[start : start + 1600]
        if self._after:
            self._after()

    def stop(self) -> None:
        self._stopped.set()

    def close(self) -> None:
        self.closed = True
