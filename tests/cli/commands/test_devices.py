"""`asrcli devices` as a person and a script meet it; the machine's own devices are stood in for."""

from __future__ import annotations

import json

import pytest

from asrcli.audio.microphone import devices as devices_module
from asrcli.audio.microphone.devices import Device
from asrcli.cli.app import run

FOUND = [
    Device(0, "USB \x1b[31mYeti", "ALSA", 2, 44100),
    Device(5, "pulse", "ALSA", 32, 48000, is_default=True),
]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Device]:
    devices = list(FOUND)
    monkeypatch.setattr(devices_module, "input_devices", lambda: devices)
    return devices


@pytest.mark.parametrize("command", [["devices"], ["mic", "--list-devices"]])
def test_the_table_shows_what_one_can_choose(
    command: list[str], found: list[Device], capsys: pytest.CaptureFixture[str]
) -> None:
    """Numbers, names made safe, the default marked, and the way to the system's own sound."""
    assert run(command) == 0
    said = capsys.readouterr()
    assert "USB \\x1b[31mYeti" in said.out
    assert "pulse *" in said.out
    assert "44.1 kHz" in said.out
    assert "--device monitor" in said.out
    assert said.err == ""


@pytest.mark.parametrize("command", [["devices", "--json"], ["mic", "--list-devices", "--json"]])
def test_json_is_one_array(command: list[str], found: list[Device], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert second == {
        "id": "alsa:pulse",
        "index": 5, "name": "pulse", "default": True, "host_api": "ALSA", "channels": 32, "sample_rate_hz": 48000,
    }  # fmt: skip
    assert first["name"] == FOUND[0].name
    assert not first["default"]


def test_no_device_at_all_is_an_error_or_an_empty_array(
    found: list[Device], capsys: pytest.CaptureFixture[str]
) -> None:
    found.clear()
    assert run(["devices"]) == 7
    assert "no microphone found" in capsys.readouterr().err
    assert run(["devices", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_without_pulse_there_is_no_monitor(found: list[Device], capsys: pytest.CaptureFixture[str]) -> None:
    found.pop()
    assert run(["devices"]) == 0
    assert "monitor" not in capsys.readouterr().out
