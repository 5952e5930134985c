"""PortAudio and its devices as they may be; recordings that wait."""

from __future__ import annotations

import shlex

import numpy as np
import pytest

from asrcli.audio.microphone import mic_source
from asrcli.audio.microphone.devices import Device
from asrcli.doctor import microphone
from asrcli.doctor.findings import Finding, Loudness
from asrcli.system.clock import SystemClock
from asrcli.values.errors import DeviceError

USB, PULSE = Device(0, "USB Mic", "ALSA", 1, 44100, is_default=True), Device(1, "pulse", "ALSA", 32, 48000)


@pytest.fixture
def machine(monkeypatch):
    """The devices of a machine, to be changed."""
    devices = [USB, PULSE]
    monkeypatch.setattr(microphone, "version", lambda: "V19.7.0")
    monkeypatch.setattr(microphone, "input_devices", lambda: devices)
    return devices


def told(*, listens: bool = False) -> list[Finding | Loudness]:
    return list(microphone.devices(SystemClock(), listens=listens).find())


def findings(*, listens: bool = False) -> dict[str, Finding]:
    return {each.id: each for each in told(listens=listens) if isinstance(each, Finding)}


def test_the_default_is_named_and_so_is_the_systems_sound(machine):
    found = findings()
    assert found["portaudio"].detail == "V19.7.0"
    assert found["microphones"].detail == "2, of which USB Mic (44.1 kHz) is the default; `asrcli devices` lists them"
    assert found["system-sound"].detail == "--device monitor, over ALSA"


def test_a_system_whose_sound_cannot_be_recorded_says_what_it_takes(machine):
    machine.remove(PULSE)
    sound = findings()["system-sound"]
    assert (sound.status, sound.affects) == ("warn", "asrcli mic --device monitor")
    assert "PulseAudio" in (sound.fix or "")


@pytest.mark.parametrize(("listens", "status"), [(False, "warn"), (True, "fail")])
def test_what_is_missing_is_a_fault_only_where_it_is_asked_for(machine, monkeypatch, listens, status):
    machine.clear()
    assert findings(listens=listens)["microphones"].status == status

    def missing() -> str:
        raise DeviceError("the PortAudio library is missing", hint="install it")

    monkeypatch.setattr(microphone, "version", missing)
    found = findings(listens=listens)
    assert (found["portaudio"].status, found["portaudio"].fix) == (status, "install it")
    assert list(found) == ["portaudio"]


class HeardSource:
    """Stands for a microphone that hears `amplitude`, or refuses."""

    amplitude: float | None = 0.5

    def __init__(self, device: Device, options: mic_source.MicOptions) -> None:
        assert options.duration_s == 2.0
        self.rate_hz = device.rate_hz

    def blocks(self):
        if self.amplitude is None:
            raise DeviceError("it is busy", hint="close the other program")
        for _ in range(20):
            yield np.full((self.rate_hz // 10, 1), self.amplitude, np.float32)


@pytest.mark.parametrize(
    ("amplitude", "status", "said"),
    [
        (0.5, "ok", "loudest -6.0 dBFS"),
        (0.0, "warn", "digital silence"),
        (1.0, "warn", "clips"),
        (None, "fail", "busy"),
    ],
)
def test_the_level_is_told_all_along_and_judged(machine, monkeypatch, amplitude, status, said):
    monkeypatch.setattr(mic_source, "MicSource", HeardSource)
    monkeypatch.setattr(HeardSource, "amplitude", amplitude)
    *before, level = told(listens=True)
    assert isinstance(level, Finding)
    assert (level.id, level.status, said in level.detail) == ("level", status, True)
    loudness = [each for each in before if isinstance(each, Loudness)]
    assert len(loudness) == (0 if amplitude is None else 20)


def test_recordings_that_wait_are_told_with_the_command_that_does_them_again(tmp_path):
    environ, folder = {"XDG_STATE_HOME": str(tmp_path / "my state")}, tmp_path / "my state" / "asrcli"
    [none] = microphone.recordings(environ, tmp_path)
    assert none.status == "ok"
    folder.mkdir(parents=True)
    (folder / "unrecognised-20261126-080000-1.wav").touch()
    [one] = microphone.recordings(environ, tmp_path)
    assert shlex.split(one.fix or "") == ["asrcli", "file", str(folder / "unrecognised-20261126-080000-1.wav")]
    (folder / "unrecognised-20261126-080001-1.wav").touch()
    [two] = microphone.recordings(environ, tmp_path)
    assert (two.status, two.fix) == ("warn", f"asrcli file '{folder}'/unrecognised-*")
    assert two.detail.startswith("2 were")
