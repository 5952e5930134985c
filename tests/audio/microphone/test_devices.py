"""Which microphone a name or a number means, and what PortAudio's refusals mean."""

from __future__ import annotations

import atexit
import dataclasses
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from asrcli.audio.microphone.devices import Device, by_id, choose, leave_as_it_is, open_error, same_again
from asrcli.output.wording import words
from asrcli.values.errors import AsrcliError, DeviceError, UsageError


def _device(index: int, name: str, host_api: str = "ALSA", *, is_default: bool = False) -> Device:
    return Device(index, name, host_api, 2, 48000, is_default)


DEVICES = [
    _device(0, "HDA Intel PCH: ALC257 Analog (hw:0,0)"),
    _device(1, "USB Audio: Blue Yeti (hw:1,0)"),
    _device(4, "USB Audio: Headset (hw:2,0)"),
    _device(6, "pulse"),
    _device(7, "default", is_default=True),
]


def _refusal(wanted: str | None, devices: list[Device] = DEVICES) -> DeviceError:
    with pytest.raises(DeviceError) as caught:
        choose(wanted, devices)
    return caught.value


def test_nothing_said_means_the_default() -> None:
    assert choose(None, DEVICES).index == 7
    assert choose(None, DEVICES[:2]).index == 0


@pytest.mark.parametrize(
    ("wanted", "index"), [("4", 4), ("yeti", 1), ("DEFAULT", 7), ("Blue Yeti (hw:1,0)", 1), (" headset ", 4)]
)
def test_a_number_a_name_or_a_part_of_one_chooses(wanted: str, index: int) -> None:
    assert choose(wanted, DEVICES).index == index


def test_an_exact_name_outranks_longer_ones() -> None:
    devices = [_device(0, "Mic"), _device(1, "Mic 2")]
    assert choose("mic", devices).index == 0


def test_several_that_fit_are_listed() -> None:
    message = words(_refusal("usb"))
    assert "1 USB Audio: Blue Yeti" in message
    assert "4 USB Audio: Headset" in message


def test_one_device_under_several_host_apis_is_one() -> None:
    """The default's host API is preferred; the host API can be part of what is typed."""
    devices = [_device(0, "Yeti", "MME"), _device(1, "Yeti", "WASAPI", is_default=True)]
    assert choose("yeti", devices).index == 1
    assert choose("yeti, mme", devices).index == 0
    twins = [_device(0, "Yeti"), _device(1, "Yeti")]
    assert "fits several" in words(_refusal("yeti", twins))


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    assert "did you mean pulse?" in words(_refusal("pluse"))
    assert "asrcli devices" in words(_refusal("zzzzzz"))
    assert "there is no microphone ''" in words(_refusal(""))


def test_no_device_at_all_says_so() -> None:
    assert "no microphone found" in words(_refusal("yeti", []))


def test_monitor_is_the_systems_own_sound() -> None:
    """By way of PulseAudio, unless a device bears that name."""
    monitor = choose("monitor", DEVICES)
    assert (monitor.index, monitor.name, monitor.pulse_source) == (6, "monitor", "@DEFAULT_MONITOR@")
    named = [*DEVICES, _device(9, "Monitor of Speakers", "PulseAudio")]
    assert choose("monitor", named).index == 9
    assert "cannot be recorded" in words(_refusal("monitor", DEVICES[:2]))


_NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("C",)), min_size=1, max_size=12)  # type: ignore[arg-type]


@given(st.lists(_NAMES, min_size=1, max_size=6, unique_by=str.casefold), st.data())
def test_every_device_can_be_had_by_its_number_and_its_name(names: list[str], data: st.DataObject) -> None:
    devices = [_device(number + 10, name) for number, name in enumerate(names)]
    wanted = data.draw(st.sampled_from(devices))
    assert choose(str(wanted.index), devices) == wanted
    assume(wanted.name == wanted.name.strip() and wanted.name not in {str(device.index) for device in devices})
    assert choose(wanted.name, devices) == wanted


@given(st.text(max_size=8), st.lists(_NAMES, max_size=5))
def test_whatever_is_typed_finds_what_bears_it_or_is_refused(wanted: str, names: list[str]) -> None:
    devices = [_device(number, name) for number, name in enumerate(names)]
    try:
        chosen = choose(wanted, devices)
    except DeviceError:
        return
    text = f"{chosen.name}, {chosen.host_api}".casefold()
    assert wanted == str(chosen.index) or wanted.strip().casefold() in text


def test_the_same_device_is_found_under_another_number() -> None:
    later = [dataclasses.replace(device, index=device.index + 5) for device in DEVICES]
    found = same_again(DEVICES[1], later)
    assert found is not None
    assert (found.index, found.name) == (6, DEVICES[1].name)
    monitor = same_again(choose("monitor", DEVICES), later)
    assert monitor is not None
    assert (monitor.index, monitor.name, monitor.pulse_source) == (11, "monitor", "@DEFAULT_MONITOR@")
    assert same_again(DEVICES[1], DEVICES[2:]) is None


def test_an_id_stays_the_same_when_the_numbers_change() -> None:
    before = [
        _device(0, "USB Audio: - (hw:1,0)"),
        _device(1, "HDA Intel: Analog (hw:0,0)"),
        _device(2, "USB Audio: - (hw:2,0)"),
        _device(3, "Built-in Microphone", "Core Audio"),
        _device(4, "USB Audio: -#2"),
    ]
    later = [_device(7, "HDA Intel: Analog (hw:3,0)"), _device(8, "USB Audio: - (hw:0,0)")]
    ids = ["alsa:USB Audio: -", "alsa:HDA Intel: Analog", "alsa:USB Audio: -#2", "core-audio:Built-in Microphone"]
    assert [*by_id(before)] == [*ids, "alsa:USB Audio: -#2#2"]
    assert [choose(each, before).index for each in ids] == [0, 1, 2, 3]
    assert [choose(each, later).index for each in ids[:2]] == [8, 7]


@pytest.mark.parametrize(
    ("arguments", "kind", "expected"),
    [
        (("Error opening RawInputStream: Invalid sample rate", -9997), UsageError, "refuses this sample rate"),
        (("Error opening RawInputStream: Invalid number of channels", -9998), UsageError, "so many channels"),
        (("Error opening RawInputStream: Device unavailable", -9985), DeviceError, "busy"),
        (("Error querying device 3",), DeviceError, "Error querying device 3"),
        (("Unanticipated host error", -9999, (0, -5, "Input/output error")), DeviceError, "(Input/output error)"),
        (("Unanticipated host error", -9999, (0, -13, "Permission denied")), DeviceError, "group audio"),
        (("something new", -1), DeviceError, "something new"),
        ((), DeviceError, "cannot open Mic at 48000 Hz, 2 channels"),
    ],
)
def test_each_refusal_is_one_clear_line(arguments: tuple[object, ...], kind: type[AsrcliError], expected: str) -> None:
    error = open_error(_device(0, "Mic"), 48000, 2, Exception(*arguments))
    assert type(error) is kind
    assert expected in words(error)
    assert error.hint or not arguments


def test_a_missing_portaudio_names_its_package(tmp_path: Path) -> None:
    """sounddevice raises OSError at import where it does not find the library."""
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from asrcli.cli.app import main; main()"
    for command in (["mic"], ["devices"]):
        done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=False)
        assert done.returncode == 7
        assert done.stdout == ""
        assert done.stderr.count("\n") == 1
        for package in ("libportaudio2", "Fedora", "brew install portaudio"):
            assert package in done.stderr


def test_a_portaudio_that_hangs_is_not_ended_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[object] = []
    monkeypatch.setattr(atexit, "unregister", ends.append)
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    leave_as_it_is()
    assert ends == []
    monkeypatch.setitem(sys.modules, "sounddevice", SimpleNamespace(_exit_handler="its end"))
    leave_as_it_is()
    assert ends == ["its end"]
