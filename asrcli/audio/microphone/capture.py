"""One open microphone: what PortAudio's callback hears goes into a queue, and from there to whoever asks.

Knows PortAudio's streams, not what is done with the sound, and not which device to take.

Thread "PortAudio's own": from the construction to `close`; it copies and counts, never waits, never logs. A bug there
ends the stream, and comes out where the sound would have.
"""

from __future__ import annotations

import contextlib
import os
import queue
import typing
from typing import Any

from asrcli.audio.microphone.devices import Device, open_error, portaudio
from asrcli.system.chatter import quiet_c_library
from asrcli.system.clock import Clock

# Sound that nobody takes is kept for so long. The one who takes it starts with the recognition; before that, the local
# service may need 20 s to start.
KEEP_S = 30.0
# What PortAudio and the system may hold before we look: enough for a machine that is busy, too short to be felt.
LATENCY_S = 0.1
BLOCK_MS = 50
_SAMPLE_BYTES = 4


class Heard(typing.NamedTuple):
    """One block as it came: float32 samples of all channels in turn.

    `at` is when it came, on the clock of whoever opened the device; `age_s` is how long before that PortAudio says its
    first sample was taken. `lost_frames` is how many frames had to be
    dropped before it; `overflowed` says that the system dropped an unknown number.
    """

    data: bytes
    frames: int
    at: float
    age_s: float
    lost_frames: int
    overflowed: bool


class Capture:
    """The stream of `device`, running. Not for several threads, but for `wake`.

    `latency_s` is how late a sound may come out of `next`. Raises what `open_error` makes of PortAudio's refusal.
    """

    def __init__(self, device: Device, rate_hz: int, channels: int, clock: Clock) -> None:
        self._clock = clock
        self._queue: queue.SimpleQueue[Heard | None] = queue.SimpleQueue()
        self._most_blocks = int(KEEP_S * 1000) // BLOCK_MS
        self._lost_frames = 0
        self._bug: BaseException | None = None
        self._stream: Any = None
        # For as long as the stream runs: its thread complains too, when the device goes away.
        self._quiet = contextlib.ExitStack()
        sounddevice = portaudio()
        self._quiet.enter_context(quiet_c_library())
        try:
            with _pulse_source(device.pulse_source):
                self._stream = sounddevice.RawInputStream(
                    device=device.index,
                    samplerate=rate_hz,
                    channels=channels,
                    dtype="float32",
                    blocksize=rate_hz * BLOCK_MS // 1000,
                    latency=LATENCY_S,
                    callback=self._hear,
                    finished_callback=self.wake,
                )
                self._stream.start()
            self.latency_s = float(self._stream.latency)
        except (sounddevice.PortAudioError, ValueError) as error:
            self.close()
            raise open_error(device, rate_hz, channels, error) from error
        except BaseException:
            self.close()
            raise

    @property
    def active(self) -> bool:
        """False when the device has gone, or was closed; what came before is still in the queue."""
        return self._stream is not None and bool(self._stream.active)

    def next(self, timeout_s: float) -> Heard | None:
        """The next block; None where none came in time, after `wake`, and when the device has gone.

        Raises the bug that has ended the stream, if one did, after what came before it.
        """
        try:
            heard = self._queue.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            heard = None
        if heard is None and self._bug is not None:
            raise self._bug
        return heard

    def wake(self) -> None:
        """Make one `next` return None. For any thread, and for signal handlers."""
        self._queue.put(None)

    def close(self) -> None:
        """End the stream; may be called again."""
        stream, self._stream = self._stream, None
        if stream is not None:
            # What the device was still to say about its end is of no interest.
            stream.abort()
            stream.close()
        self._quiet.close()

    def _hear(self, data: Any, frames: int, time: Any, status: Any) -> None:
        try:
            self._take(data, frames, time, status)
        except BaseException as bug:
            self._bug = bug
            self.wake()
            raise portaudio().CallbackAbort from bug

    def _take(self, data: Any, frames: int, time: Any, status: Any) -> None:
        if self._queue.qsize() >= self._most_blocks:
            self._lost_frames += frames
            return
        age_s = time.currentTime - time.inputBufferAdcTime
        self._queue.put(Heard(bytes(data), frames, self._clock.now(), age_s, self._lost_frames, status.input_overflow))
        self._lost_frames = 0


@contextlib.contextmanager
def _pulse_source(source: str | None) -> typing.Iterator[None]:
    """Within it, ALSA's way into PulseAudio opens `source`; it takes no other argument than the environment."""
    if source is None:
        yield
        return
    before = os.environ.get("PULSE_SOURCE")
    os.environ["PULSE_SOURCE"] = source
    try:
        yield
    finally:
        if before is None:
            del os.environ["PULSE_SOURCE"]
        else:
            os.environ["PULSE_SOURCE"] = before
