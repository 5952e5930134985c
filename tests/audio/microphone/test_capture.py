"""What PortAudio's callback leaves behind, without PortAudio."""

from __future__ import annotations

import os
import types
from typing import Any

import pytest

from asrcli.audio.microphone import capture as capture_module
from asrcli.audio.microphone.capture import Capture
from asrcli.audio.microphone.devices import Device
from asrcli.values.errors import DeviceError, UsageError
from tests.support.fakes import FakeClock

DEVICE = Device(3, "Mic", "ALSA", 2, 48000)
NO_OVERFLOW = types.SimpleNamespace(input_overflow=False)
OVERFLOW = types.SimpleNamespace(input_overflow=True)
TIME = types.SimpleNamespace(currentTime=10.0, inputBufferAdcTime=9.975)


class RefusedError(Exception):
    """sounddevice.PortAudioError."""


class AbortError(Exception):
    """sounddevice.CallbackAbort."""


class Stream:
    """sounddevice.RawInputStream, whose callback is called by hand."""

    refusal: Exception | None = None

    def __init__(self, **arguments: Any) -> None:
        self.arguments = arguments
        self.latency = 0.12
        self.active = False
        self.calls: list[str] = []
        self.pulse_source = os.environ.get("PULSE_SOURCE")

    def start(self) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.active = True

    def abort(self) -> None:
        self.calls.append("abort")

    def close(self) -> None:
        self.calls.append("close")


@pytest.fixture
def streams(monkeypatch: pytest.MonkeyPatch) -> list[Stream]:
    """The streams that were opened."""
    made: list[Stream] = []

    def open_stream(**arguments: Any) -> Stream:
        made.append(Stream(**arguments))
        return made[-1]

    library = types.SimpleNamespace(RawInputStream=open_stream, PortAudioError=RefusedError, CallbackAbort=AbortError)
    monkeypatch.setattr(capture_module, "portaudio", lambda: library)
    return made


def test_blocks_come_as_they_were_heard(streams: list[Stream]) -> None:
    """The stream is asked for the device's rate; the callback's buffer is copied, as PortAudio uses it again."""
    capture = Capture(DEVICE, 44100, 1, FakeClock())
    (stream,) = streams
    assert (stream.arguments["device"], stream.arguments["samplerate"], stream.arguments["channels"]) == (3, 44100, 1)
    buffer = bytearray(b"\1\2\3\4")
    stream.arguments["callback"](buffer, 1, TIME, NO_OVERFLOW)
    buffer[0] = 9
    heard = capture.next(0)
    assert heard is not None
    assert (heard.data, heard.frames, heard.lost_frames, heard.overflowed) == (b"\1\2\3\4", 1, 0, False)
    assert heard.age_s == pytest.approx(0.025)
    assert heard.at == 1000.0
    assert capture.next(0) is None
    capture.close()


def test_what_does_not_fit_is_dropped_and_counted(streams: list[Stream], monkeypatch: pytest.MonkeyPatch) -> None:
    """The next block that fits says how many frames are missing before it."""
    monkeypatch.setattr(capture_module, "KEEP_S", 2 * capture_module.BLOCK_MS / 1000)
    capture = Capture(DEVICE, 1000, 1, FakeClock())
    hear = streams[0].arguments["callback"]
    for _ in range(5):
        hear(b"\0" * 80, 20, TIME, NO_OVERFLOW)
    assert [capture.next(0) is not None for _ in range(3)] == [True, True, False]
    hear(b"\0" * 80, 20, TIME, OVERFLOW)
    heard = capture.next(0)
    assert heard is not None
    assert (heard.lost_frames, heard.overflowed) == (60, True)
    hear(b"\0" * 80, 20, TIME, NO_OVERFLOW)
    heard = capture.next(0)
    assert heard is not None
    assert heard.lost_frames == 0
    capture.close()


def test_the_end_of_the_stream_wakes_who_waits(streams: list[Stream]) -> None:
    capture = Capture(DEVICE, 1000, 1, FakeClock())
    streams[0].active = False
    streams[0].arguments["finished_callback"]()
    assert capture.next(60) is None
    assert not capture.active
    capture.close()


def test_a_bug_in_the_callback_ends_the_stream_and_comes_after_what_was_heard(streams: list[Stream]) -> None:
    """PortAudio would print it and go on in silence, or take the device for gone."""
    capture = Capture(DEVICE, 1000, 1, FakeClock())
    hear = streams[0].arguments["callback"]
    hear(b"\0" * 80, 20, TIME, NO_OVERFLOW)
    with pytest.raises(AbortError):
        hear(None, 20, TIME, NO_OVERFLOW)
    assert capture.next(60) is not None
    with pytest.raises(TypeError):
        capture.next(60)
    capture.close()


def test_a_stream_is_ended_once(streams: list[Stream]) -> None:
    capture = Capture(DEVICE, 1000, 1, FakeClock())
    capture.close()
    capture.close()
    assert streams[0].calls == ["abort", "close"]
    assert not capture.active


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [
        (RefusedError("Invalid sample rate", -9997), UsageError),
        (RefusedError("Device unavailable", -9985), DeviceError),
        (ValueError("odd"), DeviceError),
    ],
)
def test_a_refused_stream_is_closed_and_explained(
    streams: list[Stream], monkeypatch: pytest.MonkeyPatch, refusal: Exception, expected: type[Exception]
) -> None:
    monkeypatch.setattr(Stream, "refusal", refusal)
    with pytest.raises(expected, match="cannot open Mic"):
        Capture(DEVICE, 1000, 1, FakeClock())
    assert streams[0].calls == ["abort", "close"]


@pytest.mark.parametrize("before", [None, "desk"])
def test_the_monitor_is_named_only_while_it_is_opened(
    streams: list[Stream], monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    """PulseAudio's client reads it from the environment, which is put back afterwards."""
    if before is None:
        monkeypatch.delenv("PULSE_SOURCE", raising=False)
    else:
        monkeypatch.setenv("PULSE_SOURCE", before)
    capture = Capture(Device(3, "monitor", "ALSA", 2, 48000, pulse_source="@M@"), 1000, 1, FakeClock())
    capture.close()
    assert streams[0].pulse_source == "@M@"
    assert os.environ.get("PULSE_SOURCE") == before
