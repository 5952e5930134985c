"""A microphone as a source of sound: opened, heard, watched, waited for when its plug is pulled.

Knows devices and samples, nothing of recognition and of who listens. Its time is counted in samples, so it does not
drift; where sound is missing, silence of the same length takes its place.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from asrcli.audio.microphone.capture import Capture, Heard
from asrcli.audio.microphone.devices import Device, input_devices, refresh, same_again
from asrcli.audio.microphone.overflow import Overflow
from asrcli.audio.sample_encodings import layout_problem
from asrcli.audio.source import NoticeSink, ignore
from asrcli.system.clock import Clock, Deadline, SystemClock
from asrcli.values.clock_time import in_minutes
from asrcli.values.errors import AsrcliError, DeviceError, UsageError

if TYPE_CHECKING:
    from asrcli.audio.sample_encodings import Block

LevelSink = Callable[[float | None, float | None], None]
"""Takes (peak, rms) in dB below full scale, about ten times a second; None for digital silence."""

# A device that works gives sound within a fraction of this.
FIRST_SOUND_S = 5.0
# A device that is there and silent for so long will not speak again; looked at in steps, as it may be gone before.
STALLED_S = 5.0
_LOOK_S = 0.5
# Each look for a device that has gone costs 50 ms.
_RETRY_S = 0.5
# More channels are those of a sound server, which mixes them down itself, or of a mixer, which has one for each voice.
_MOST_CHANNELS = 2
# PortAudio's time of the first sample is believed within these bounds; some drivers give 0 or another clock's.
_PLAUSIBLE_AGE_S = 2.0


@dataclass(frozen=True, slots=True)
class MicOptions:
    """How to listen; None leaves it to the device, or sets no bound. Raises UsageError.

    `device_wait_s` is how long a device that has gone is waited for.
    """

    rate_hz: int | None = None
    channels: int | None = None
    duration_s: float | None = None
    max_silence_s: float | None = None
    device_wait_s: float = 0.0

    def __post_init__(self) -> None:
        rate_hz = 16000 if self.rate_hz is None else self.rate_hz
        channels = 1 if self.channels is None else self.channels
        if problem := layout_problem(rate_hz, channels):
            raise UsageError(problem)
        for option, value in (("--duration", self.duration_s), ("--max-silence", self.max_silence_s)):
            if value is not None and not (value > 0 and math.isfinite(value)):
                raise UsageError(f"{option} {value:g} is not a time", hint="give seconds above 0")
        if not (self.device_wait_s >= 0 and math.isfinite(self.device_wait_s)):
            raise UsageError(f"--device-wait {self.device_wait_s:g} is not a time", hint="give seconds")


class MicSource:
    """A Source that listens to `device`. Opened by `probe`; `blocks` gives everything heard since then.

    `notice` and `level` are called by the thread that runs `blocks`. `open_capture` stands between this and PortAudio.
    """

    live = True
    can_wait = False
    waits = True
    duration_ms: int | None = None
    sound_format: None = None
    sound: str | None = None

    def __init__(
        self,
        device: Device,
        options: MicOptions,
        *,
        notice: NoticeSink = ignore,
        level: LevelSink = lambda peak, rms: None,
        clock: Clock | None = None,
        wall_clock: Callable[[], datetime] = lambda: datetime.now().astimezone(),
        open_capture: Callable[[Device, int, int, Clock], Capture] = Capture,
    ) -> None:
        self.name = device.name
        self.rate_hz = options.rate_hz or device.rate_hz
        self.channels = options.channels or (device.channels if device.channels <= _MOST_CHANNELS else 1)
        self.captured_at: str | None = None
        self._device = device
        self._options = options
        self._notice = notice
        self._level = level
        self._clock = clock or SystemClock()
        self._wall_clock = wall_clock
        self._open_capture = open_capture
        self._capture: Capture | None = None
        self._first: Heard | None = None
        self._stop = threading.Event()
        self._stopped_at = math.inf
        # The end of the last block, on the clock; and what was handed out so far.
        self._heard_until = 0.0
        self._frames = 0
        self._overflow = Overflow(self.rate_hz)

    def probe(self) -> None:
        """Open the device and wait for its first sound, for FIRST_SOUND_S at most. Returns early after `stop`.

        Raises DeviceError or UsageError where the device refuses, and DeviceError where it stays silent.
        """
        if self._capture is not None or self._stop.is_set():
            return
        try:
            self._capture = self._open_capture(self._device, self.rate_hz, self.channels, self._clock)
            # A device takes as long for its first sound as the import of what that will need.
            from asrcli.audio.chunks.resample import load

            load()
            self._first = self._wait_for_first(self._capture, FIRST_SOUND_S)
            if self._first is None and not self._stop.is_set():
                raise DeviceError(f"{self.name} gives no sound", hint="choose another one with --device")
        except BaseException:
            self.close()
            raise
        if self._first is not None:
            ago_s = self._clock.now() - self._first.at + _age_s(self._first, self.rate_hz)
            begin = self._wall_clock() - timedelta(seconds=ago_s)
            self.captured_at = begin.isoformat(timespec="milliseconds")

    def blocks(self) -> Iterator[Block]:
        """Blocks as they are heard, to the end that was asked for. After `stop`, what was said until then still comes.

        Raises DeviceError where the device has gone and does not come back in time, and at the end of lossy sound.
        """
        self.probe()
        try:
            yield from self._within_duration(self._all_blocks())
        finally:
            self.close()
        if (error := self._overflow.error()) is not None:
            raise error

    def stop(self) -> None:
        """End the sound here and now. For other threads and signal handlers."""
        if self._stop.is_set():
            return
        self._stopped_at = self._clock.now()
        self._stop.set()
        capture = self._capture
        if capture is not None:
            capture.wake()

    def close(self) -> None:
        """Let go of the device."""
        capture = self._capture
        if capture is not None:
            capture.close()

    def _within_duration(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """`blocks`, cut at `duration_s`."""
        wanted = None if self._options.duration_s is None else round(self._options.duration_s * self.rate_hz)
        for block in blocks:
            if wanted is not None and self._frames + len(block) >= wanted:
                yield block[: wanted - self._frames]
                return
            self._frames += len(block)
            yield block

    def _all_blocks(self) -> Iterator[Block]:
        """What is heard, and silence for what is not, until the sound is to end."""
        while True:
            ended = yield from self._watched()
            if ended or self._stop.is_set():
                return
            self.close()
            gone = f"{self.name} is gone, after {in_minutes(self._frames / self.rate_hz)}"
            if not self._options.device_wait_s:
                raise DeviceError(gone, hint="what was said before is kept; --device-wait 60 waits for it to come back")
            self._level(None, None)
            self._notice(gone, f"waiting {self._options.device_wait_s:g} s for it to come back")
            yield from self._silence_until_back(gone)
            if self._stop.is_set():
                return

    def _watched(self) -> Generator[Block, None, bool]:
        """Blocks of one capture, measured; returns True when the speaker has been silent for as long as was asked."""
        from asrcli.audio.level import Meter, Watch, advice

        meter, watch = Meter(self.rate_hz), Watch()
        for block in self._captured():
            yield block
            for level in meter.feed(block):
                self._level(level.peak_dbfs, level.rms_dbfs)
                trouble = watch.observe(level)
                if trouble is not None:
                    is_monitor = self._device.pulse_source is not None
                    self._notice(*advice(trouble, self.name, is_monitor=is_monitor))
            if self._options.max_silence_s is not None and watch.without_speech_s >= self._options.max_silence_s:
                return True
        return False

    def _captured(self) -> Iterator[Block]:
        """Blocks of the open capture, until the device is gone or, after `stop`, until what came before it is out."""
        capture = self._capture
        if capture is None:
            return
        heard, self._first = self._first, None
        silent_since = self._clock.now()
        while True:
            now = self._clock.now()
            if heard is not None:
                silent_since, self._heard_until = now, heard.at
                yield from self._decoded(heard)
            elif not capture.active or now - silent_since >= STALLED_S:
                return
            # A sound that was made before the stop takes the device's latency to arrive.
            last = self._stopped_at + capture.latency_s
            if (heard := capture.next(min(_LOOK_S, last - now))) is None and self._clock.now() >= last:
                return

    def _decoded(self, heard: Heard) -> Iterator[Block]:
        """The samples, after silence for those that were lost."""
        import numpy as np

        if (lost := self._overflow.note(heard, in_minutes(self._frames / self.rate_hz))) is not None:
            self._notice(*lost)
        if heard.lost_frames:
            yield np.zeros((heard.lost_frames, self.channels), np.float32)
        yield np.frombuffer(heard.data, np.float32).reshape(-1, self.channels)

    def _silence_until_back(self, gone: str) -> Iterator[Block]:
        """Silence for as long as the device is away. Ends when it sounds again, or after `stop`."""
        import numpy as np

        deadline = Deadline(self._clock, self._options.device_wait_s)
        while True:
            came_back = self._reopened()
            # Up to the first sample that there is again, or up to now.
            first = self._first if came_back else None
            until = first.at - first.frames / self.rate_hz if first is not None else self._clock.now()
            frames = max(0, round((until - self._heard_until) * self.rate_hz))
            if frames:
                self._heard_until += frames / self.rate_hz
                yield np.zeros((frames, self.channels), np.float32)
            if came_back:
                self._notice(f"{self.name} is back", "")
                return
            if deadline.passed():
                raise DeviceError(
                    f"{gone}, and did not come back within {deadline.length_s:g} s",
                    hint="what was said before is kept",
                )
            if self._clock.wait_until(min(deadline.at, self._clock.now() + _RETRY_S), self._stop):
                return

    def _reopened(self) -> bool:
        """Whether the device is there again and gives sound; then it is open."""
        refresh()
        try:
            device = same_again(self._device, input_devices())
            if device is None:
                return False
            capture = self._open_capture(device, self.rate_hz, self.channels, self._clock)
        except AsrcliError:
            return False
        self._capture = capture
        self._first = self._wait_for_first(capture, _RETRY_S)
        if self._first is None:
            capture.close()
        return self._first is not None

    def _wait_for_first(self, capture: Capture, patience_s: float) -> Heard | None:
        """The first block; None where it does not come, or after `stop`."""
        deadline = Deadline(self._clock, patience_s)
        while not self._stop.is_set() and not deadline.passed():
            if (heard := capture.next(deadline.remaining_s())) is not None:
                return heard
            if not capture.active:
                break
        return None


def _age_s(first: Heard, rate_hz: int) -> float:
    """How long before it came the first sample was taken: as PortAudio says, or at least the block's own length."""
    length_s = first.frames / rate_hz
    return first.age_s if length_s / 2 <= first.age_s <= _PLAUSIBLE_AGE_S else length_s
