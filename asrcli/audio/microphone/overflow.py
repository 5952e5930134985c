"""Sound of a microphone that was dropped because the machine was too busy to take it."""

from __future__ import annotations

from asrcli.audio.microphone.capture import Heard
from asrcli.values.errors import DeviceError


class Overflow:
    """Counts what was lost of one recording at `rate_hz`. How much the system itself has dropped is not known."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._frames = 0
        self._first_at: str | None = None

    def note(self, heard: Heard, at: str) -> tuple[str, str] | None:
        """Take note of what is missing before `heard`; message and hint for the first time."""
        if not (heard.lost_frames or heard.overflowed):
            return None
        self._frames += heard.lost_frames
        if self._first_at is not None:
            return None
        self._first_at = at
        message = f"{self._amount()} was lost at {at}: the machine is too busy"
        return message, "close other programs; this is said only once"

    def error(self) -> DeviceError | None:
        """What a recording ends with of which something was lost."""
        if self._first_at is None:
            return None
        return DeviceError(f"{self._amount()} was lost, first at {self._first_at}: the machine was too busy")

    def _amount(self) -> str:
        return f"{self._frames / self._rate_hz:.1f} s of sound" if self._frames else "some sound"
