"""The microphone as a source: through a real PortAudio where the system has one, else with a stream of our own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asrcli.audio.microphone import mic_source as mic_module
from asrcli.audio.microphone.capture import Capture, Heard
from asrcli.audio.microphone.devices import Device, choose, input_devices, refresh
from asrcli.audio.microphone.mic_source import MicOptions, MicSource
from asrcli.system.clock import Clock, SystemClock
from asrcli.values.errors import DeviceError, UsageError
from tests.support.fakes import FakeClock
from tests.support.looping import PATIENCE_S
from tests.support.virtual_mic import SAY_RATE_HZ, VirtualMic, noise, offset_of, virtual_mic, write_wav

RATE_HZ = 1000
DEVICE = Device(0, "Desk", "ALSA", 2, RATE_HZ)
BLOCK = 100

# --- with a stream of our own ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pause:
    """So much time passes, and nothing is heard."""

    seconds: float


STOP = "stop"


class FakeCapture:
    """Gives `script`'s items one after another: a block, a pause; at STOP, another thread stops the source."""

    latency_s = 0.1

    def __init__(self, *script: Heard | Pause | str) -> None:
        self._script = list(script)
        self.bench: Bench | None = None
        self.active = True
        self.closed = False

    def next(self, timeout_s: float) -> Heard | None:
        assert self.bench is not None
        while self._script:
            item = self._script.pop(0)
            if isinstance(item, Heard):
                return item._replace(at=self.bench.clock.now() - item.at)
            if isinstance(item, Pause):
                self.bench.clock.advance(item.seconds)
                return None
            self.bench.source.stop()
        self.active = False
        return None

    def wake(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True


def heard(
    value: float = 0.5, *, lost_frames: int = 0, overflowed: bool = False, age_s: float = 0.1, waited_s: float = 0.0
) -> Heard:
    """A block that came `waited_s` before it is asked for."""
    data = np.full((BLOCK, 2), value, np.float32).tobytes()
    return Heard(data, BLOCK, waited_s, age_s, lost_frames, overflowed)


class Bench:
    """A MicSource over one capture after another, and what it says."""

    def __init__(self, *captures: FakeCapture, **options: float) -> None:
        self.clock = FakeClock()
        self.notices: list[tuple[str, str]] = []
        self.levels: list[tuple[float | None, float | None]] = []
        self.opened: list[Device] = []
        self._captures = list(captures)
        self.source = MicSource(
            DEVICE,
            MicOptions(**options),  # type: ignore[arg-type]
            notice=lambda message, hint, *_: self.notices.append((message, hint)),
            level=lambda peak, rms: self.levels.append((peak, rms)),
            clock=self.clock,
            wall_clock=lambda: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            open_capture=self._open,  # type: ignore[arg-type]
        )

    def _open(self, device: Device, rate_hz: int, channels: int, clock: Clock) -> FakeCapture:
        self.opened.append(device)
        if not self._captures:
            raise DeviceError("not there")
        capture = self._captures.pop(0)
        capture.bench = self
        return capture

    def sound(self) -> np.ndarray:
        """The first channel of everything."""
        return np.concatenate([block[:, 0] for block in self.source.blocks()])


@pytest.fixture(autouse=True)
def devices(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """The fake device is there whenever it is looked for."""
    if "microphone" not in request.fixturenames:
        monkeypatch.setattr(mic_module, "refresh", lambda: None)
        monkeypatch.setattr(mic_module, "input_devices", lambda: [DEVICE])


def test_the_first_samples_wall_clock_time_is_known_from_the_start() -> None:
    """From PortAudio's time where that is plausible, else from the block's own length."""
    for age_s, expected in ((0.125, ".875"), (0.0, ".900"), (1e6, ".900"), (-5.0, ".900")):
        bench = Bench(FakeCapture(heard(age_s=age_s)))
        bench.source.probe()
        assert bench.source.captured_at == f"2026-01-02T03:04:04{expected}+00:00"


def test_a_first_block_that_had_to_wait_does_not_shift_the_clock() -> None:
    bench = Bench(FakeCapture(heard(age_s=0.125, waited_s=2.0)))
    bench.source.probe()
    assert bench.source.captured_at == "2026-01-02T03:04:02.875+00:00"


def test_a_device_without_sound_is_an_error_and_is_let_go() -> None:
    capture = FakeCapture()
    bench = Bench(capture)
    with pytest.raises(DeviceError, match="Desk gives no sound"):
        bench.source.probe()
    assert capture.closed


def test_no_more_is_heard_than_was_asked_for() -> None:
    """To the sample."""
    capture = FakeCapture(*[heard()] * 10)
    assert len(Bench(capture, duration_s=0.25).sound()) == 250
    assert capture.closed


def test_what_was_said_before_the_stop_still_comes() -> None:
    """Blocks that wait in the queue, and those that arrive within the device's latency, are handed out."""
    capture = FakeCapture(heard(0.125), STOP, heard(0.25), heard(0.5), Pause(0.1), heard(0.75))
    assert sorted(set(Bench(capture).sound().tolist())) == [0.125, 0.25, 0.5]
    assert capture.closed


def test_a_device_that_goes_ends_the_sound_with_what_was_heard() -> None:
    bench = Bench(FakeCapture(*[heard()] * 15))
    blocks: list[Any] = []
    with pytest.raises(DeviceError, match=r"Desk is gone, after 0:01") as caught:
        blocks.extend(bench.source.blocks())
    assert sum(len(block) for block in blocks) == 1500
    assert "--device-wait" in caught.value.hint


def test_a_device_that_stalls_counts_as_gone() -> None:
    """PortAudio may go on as if nothing had happened."""
    capture = FakeCapture(heard(), *[Pause(0.5)] * 20, heard())
    with pytest.raises(DeviceError, match="gone"):
        Bench(capture).sound()
    assert capture.active


def test_the_gap_of_a_device_that_comes_back_is_silence_of_its_length() -> None:
    """0.4 s away and one block heard again by then: 0.3 s of silence stand between."""
    first = FakeCapture(heard(0.5))
    back = FakeCapture(Pause(0.4), heard(0.25), STOP, Pause(2.0))
    bench = Bench(first, back, device_wait_s=5.0)
    sound = bench.sound()
    assert sound.tolist() == [0.5] * 100 + [0.0] * 300 + [0.25] * 100
    assert [message for message, _ in bench.notices] == ["Desk is gone, after 0:00", "Desk is back"]
    assert first.closed
    assert back.closed


def test_a_device_that_stays_away_is_an_error_after_the_wait() -> None:
    """Silence is fed meanwhile, to the end of the wait."""
    bench = Bench(FakeCapture(heard()), device_wait_s=2.0)
    blocks: list[Any] = []
    with pytest.raises(DeviceError, match="did not come back within 2 s"):
        blocks.extend(bench.source.blocks())
    assert sum(len(block) for block in blocks) == 100 + 2000
    # The first attempt, one more each half second, and the last.
    assert len(bench.opened) == 1 + 5


def test_a_stop_ends_the_wait_for_a_device() -> None:
    bench = Bench(FakeCapture(heard(), STOP), device_wait_s=60.0)
    assert len(bench.sound()) == 100


def test_lost_sound_is_replaced_by_silence_and_told_once() -> None:
    bench = Bench(FakeCapture(heard(), heard(lost_frames=50), heard(overflowed=True)), device_wait_s=0.0)
    blocks: list[Any] = []
    with pytest.raises(DeviceError):
        blocks.extend(bench.source.blocks())
    assert sum(len(block) for block in blocks) == 350
    assert [message for message, _ in bench.notices] == ["0.1 s of sound was lost at 0:00: the machine is too busy"]


@pytest.mark.parametrize(
    ("second", "said"),
    [
        (heard(lost_frames=50), "0.1 s of sound was lost, first at 0:00"),
        (heard(overflowed=True), "some sound was lost, first at 0:00"),
    ],
)
def test_a_recording_of_which_sound_was_lost_ends_with_an_error_after_all_that_was_heard(second, said) -> None:
    bench = Bench(FakeCapture(heard(), second, *[heard()] * 5), duration_s=0.5)
    blocks: list[Any] = []
    with pytest.raises(DeviceError, match=said):
        blocks.extend(bench.source.blocks())
    assert sum(len(block) for block in blocks) == 5 * BLOCK


def test_levels_are_posted_ten_times_a_second() -> None:
    bench = Bench(FakeCapture(*[heard(0.5), heard(0.0)] * 5), duration_s=0.9)
    bench.sound()
    assert len(bench.levels) == 8
    assert bench.levels[0][0] == pytest.approx(-6.02, abs=0.01)
    assert bench.levels[1] == (None, None)


def test_a_muted_device_is_named_after_five_seconds() -> None:
    bench = Bench(FakeCapture(*[heard(0.0)] * 100), duration_s=6.0)
    bench.sound()
    ((message, hint),) = bench.notices
    assert message == "Desk gives digital silence"
    assert "--device" in hint


def test_silence_ends_the_sound_where_that_was_asked_for() -> None:
    sound = Bench(FakeCapture(heard(0.001), *[heard(0.3)] * 5, *[heard(0.001)] * 100), max_silence_s=2.0).sound()
    assert len(sound) == (1 + 5 + 20) * BLOCK


@pytest.mark.parametrize(
    "options",
    [{"duration_s": 0.0}, {"duration_s": -1.0}, {"duration_s": float("nan")}, {"max_silence_s": 0.0},
     {"device_wait_s": -1.0}, {"device_wait_s": float("inf")}, {"rate_hz": 0}, {"rate_hz": 10}, {"channels": 0}],
)  # fmt: skip
def test_options_that_cannot_work_are_refused(options: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        MicOptions(**options)  # type: ignore[arg-type]


# --- with PortAudio -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def microphone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualMic]:
    with virtual_mic(tmp_path_factory.mktemp("mic")) as mic, pytest.MonkeyPatch.context() as patch:
        for name, value in mic.variables.items():
            patch.setenv(name, value)
        refresh()
        yield mic


def _device(name: str = "Desk Microphone") -> Device:
    return choose(name, input_devices())


def _collect(source: MicSource) -> tuple[threading.Thread, queue.SimpleQueue[np.ndarray | BaseException | None]]:
    """Blocks as they come, then None or the error, from a thread of their own."""
    out: queue.SimpleQueue[np.ndarray | BaseException | None] = queue.SimpleQueue()

    def run() -> None:
        try:
            for block in source.blocks():
                out.put(block)
            out.put(None)
        except Exception as error:
            out.put(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, out


def test_devices_of_the_system_are_listed(microphone: VirtualMic) -> None:
    found = {device.name: device for device in input_devices()}
    assert {"Desk Microphone", "Headset", "default"} <= set(found)
    assert [device.name for device in found.values() if device.is_default] == ["default"]
    assert choose("desk", list(found.values())) == found["Desk Microphone"]


def test_no_sample_is_lost_or_changed_on_the_way(microphone: VirtualMic, tmp_path: Path) -> None:
    """Noise played at the device's rate comes out bit by bit."""
    played = noise(1.5)
    source = MicSource(_device(), MicOptions(rate_hz=SAY_RATE_HZ, channels=1, duration_s=3.0))
    source.probe()
    with microphone.say(write_wav(tmp_path / "noise.wav", played)):
        sound = np.concatenate(list(source.blocks()))
    assert sound.shape == (3 * SAY_RATE_HZ, 1)
    samples = np.rint(sound[:, 0] * 32768).astype(np.int16)
    offset, likeness = offset_of(played, samples)
    assert likeness > 0.999
    assert np.array_equal(samples[offset : offset + len(played)], played)


def test_a_device_opens_at_its_own_rate_and_a_sound_server_mixes(microphone: VirtualMic) -> None:
    """And the wall clock of its first sample is now, give or take what the sound was on its way."""
    source = MicSource(_device(), MicOptions(duration_s=0.2))
    source.probe()
    assert (source.rate_hz, source.channels) == (_device().rate_hz, 1)
    assert source.captured_at is not None
    age = datetime.now().astimezone() - datetime.fromisoformat(source.captured_at)
    assert timedelta(0) < age < timedelta(seconds=30)
    assert sum(len(block) for block in source.blocks()) == source.rate_hz // 5


def test_the_monitor_hears_what_the_system_plays(microphone: VirtualMic, tmp_path: Path) -> None:
    """Also while the microphone itself is muted."""
    played = noise(0.5)
    microphone.mute()
    try:
        source = MicSource(_device("monitor"), MicOptions(rate_hz=SAY_RATE_HZ, channels=1, duration_s=1.5))
        source.probe()
        with microphone.say(write_wav(tmp_path / "noise.wav", played)):
            sound = np.concatenate(list(source.blocks()))[:, 0]
    finally:
        microphone.unmute()
    assert offset_of(played, np.rint(sound * 32768).astype(np.int16))[1] > 0.99


@pytest.mark.parametrize(
    ("options", "expected"),
    [({"rate_hz": 500_000}, "refuses this sample rate"), ({"channels": 40}, "so many channels")],
)
def test_what_the_device_refuses_is_said_at_once(
    microphone: VirtualMic, options: dict[str, int], expected: str
) -> None:
    with pytest.raises(UsageError, match=expected):
        MicSource(_device(), MicOptions(**options)).probe()


def test_an_unplugged_device_is_noticed_and_found_again(
    microphone: VirtualMic, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What is said after the gap is complete, and PortAudio's complaints are heard by nobody."""
    played = noise(1.0)
    notices: queue.SimpleQueue[str] = queue.SimpleQueue()
    source = MicSource(
        _device(),
        MicOptions(rate_hz=SAY_RATE_HZ, channels=1, device_wait_s=20.0),
        notice=lambda message, hint, *_: notices.put(message),
    )
    source.probe()
    thread, out = _collect(source)
    assert isinstance(out.get(timeout=PATIENCE_S), np.ndarray)
    microphone.unplug()
    try:
        assert "is gone" in notices.get(timeout=PATIENCE_S)
    finally:
        microphone.plug()
    assert "is back" in notices.get(timeout=PATIENCE_S)
    with microphone.say(write_wav(tmp_path / "noise.wav", played)):
        pass
    source.stop()
    thread.join(PATIENCE_S)
    blocks = []
    while isinstance(block := out.get(), np.ndarray):
        blocks.append(block)
    assert block is None
    sound = np.concatenate(blocks)[:, 0]
    assert offset_of(played, np.rint(sound * 32768).astype(np.int16))[1] > 0.99
    assert "Expression" not in capfd.readouterr().err


def test_a_sound_server_that_dies_is_an_error_within_a_second(microphone: VirtualMic) -> None:
    source = MicSource(_device(), MicOptions())
    source.probe()
    thread, out = _collect(source)
    assert isinstance(out.get(timeout=PATIENCE_S), np.ndarray)
    microphone.kill()
    try:
        thread.join(1)
        assert not thread.is_alive()
    finally:
        microphone.restart()
        refresh()
    while not isinstance(last := out.get(), DeviceError):
        assert isinstance(last, np.ndarray)
    assert "Desk Microphone is gone" in str(last)
    assert Capture(_device(), 16000, 1, SystemClock()).close() is None
