"""Which microphones there are, and which one a user means by a name or a number.

The only place that loads PortAudio (through sounddevice) and translates its errors. Choosing is pure; nothing here
opens a device or hears a sound.
"""

from __future__ import annotations

import atexit
import difflib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from asrcli.system.chatter import quiet_c_library
from asrcli.values.errors import AsrcliError, DeviceError, UsageError

MONITOR = "monitor"
"""What the user calls the system's own sound, what its loudspeakers play."""

# ALSA's way into PulseAudio, and into PipeWire where that stands in for it.
_PULSE_DEVICE = "pulse"
# What PulseAudio and PipeWire call the monitor of the default sink.
_DEFAULT_MONITOR = "@DEFAULT_MONITOR@"

_CARD = re.compile(r" \(hw:\d+,\d+\)$")

LIST_HINT = "see `asrcli devices`"
_PACKAGES = (
    "install PortAudio: libportaudio2 on Debian and Ubuntu, portaudio on Fedora, and on macOS: brew install portaudio"
)

# PaErrorCode, portaudio.h → what it means for a microphone, what to do, and whose fault it is.
_MEANINGS: dict[int, tuple[str, str, type[AsrcliError]]] = {
    -9999: ("the system refuses it", "check that it is plugged in and that you may use it", DeviceError),
    -9998: ("it does not have so many channels", f"try another --channels; {LIST_HINT}", UsageError),
    -9997: ("it refuses this sample rate", f"try another --rate; {LIST_HINT}", UsageError),
    -9996: ("it is not there any more", LIST_HINT, DeviceError),
    -9993: ("the system refuses it", "check that it is plugged in and that you may use it", DeviceError),
    -9985: ("it is busy", "close the program that uses it, or choose another one with --device", DeviceError),
}
_DENIED = "Permission denied"
_DENIED_HINT = "on Linux, join the group audio; on macOS, allow the terminal in Privacy & Security, Microphone"


@dataclass(frozen=True, slots=True)
class Device:
    """One input of PortAudio, with its own rate and its largest number of channels.

    `index` is good until PortAudio is initialised anew. `pulse_source` is what PulseAudio is to record from, where
    that is not its default.
    """

    index: int
    name: str
    host_api: str
    channels: int
    rate_hz: int
    is_default: bool = False
    pulse_source: str | None = None


def portaudio() -> Any:
    """The sounddevice module, with PortAudio initialised. Raises DeviceError where the library is missing."""
    try:
        # Loading it asks every sound system that there might be, and those that there are not complain.
        with quiet_c_library():
            import sounddevice
    except OSError as error:
        raise DeviceError("the PortAudio library is missing", hint=_PACKAGES) from error
    return sounddevice


def version() -> str:
    """PortAudio's own, such as V19.7.0. Raises DeviceError where the library is missing."""
    said = str(portaudio().get_portaudio_version()[1])
    # "PortAudio V19.7.0-devel, revision 147dd7…"
    return said.removeprefix("PortAudio ").partition(",")[0]


def leave_as_it_is() -> None:
    """Do nothing about PortAudio at the end of the program: where it hangs now, it would hang then."""
    module = sys.modules.get("sounddevice")
    if module is not None:
        atexit.unregister(module._exit_handler)


def refresh() -> None:
    """Make PortAudio look again for devices. No stream may be open; the devices known before are void."""
    sounddevice = portaudio()
    # Not with sounddevice's own functions: they redirect descriptor 2 of the whole process, live view included. What
    # it does at exit goes by its count.
    with quiet_c_library():
        if sounddevice._initialized:
            sounddevice._lib.Pa_Terminate()
        sounddevice._initialized = int(sounddevice._lib.Pa_Initialize() == 0)


def input_devices() -> list[Device]:
    """All devices that can be listened to, in PortAudio's order. Raises DeviceError."""
    sounddevice = portaudio()
    try:
        apis = [api["name"] for api in sounddevice.query_hostapis()]
        default = sounddevice.default.device[0]
        found = list(sounddevice.query_devices())
    except sounddevice.PortAudioError as error:
        raise DeviceError(f"cannot list the microphones: {error.args[0]}") from error
    return [
        Device(
            index=item["index"],
            name=item["name"],
            host_api=apis[item["hostapi"]],
            channels=item["max_input_channels"],
            rate_hz=round(item["default_samplerate"]),
            is_default=item["index"] == default,
        )
        for item in found
        if item["max_input_channels"] > 0
    ]


def by_id(devices: Sequence[Device]) -> dict[str, Device]:
    """`devices` by names that stay the same when the system starts anew or something is plugged in elsewhere.

    They are made of the sound system and the name, such as "alsa:USB Audio". ALSA puts the number of the card behind
    the name, which does change, and is left out; of several that are called the same, the second has a #2.
    """
    found: dict[str, Device] = {}
    for device in devices:
        api = device.host_api.lower().replace(" ", "-")
        plain = same = f"{api}:{_CARD.sub('', device.name)}"
        count = 1
        while same in found:
            count += 1
            same = f"{plain}#{count}"
        found[same] = device
    return found


def choose(wanted: str | None, devices: Sequence[Device]) -> Device:
    """The device that `wanted` means: an index, an id, a name, a part of one, "monitor"; None is the system's default.

    Case does not matter. Raises DeviceError where none or several fit.
    """
    if not devices:
        hint = "plug one in, or check the system's sound settings; see `asrcli guide microphone`"
        raise DeviceError("no microphone found", hint=hint)
    if wanted is None:
        return next((device for device in devices if device.is_default), devices[0])
    by_index = {str(device.index): device for device in devices}
    if wanted in by_index:
        return by_index[wanted]
    if (device := by_id(devices).get(wanted)) is not None:
        return device
    text = wanted.strip().casefold()
    fitting = [device for device in devices if device.name.casefold() == text]
    if not fitting and text:
        fitting = [device for device in devices if text in _label(device).casefold()]
    if len(fitting) > 1:
        fitting = _of_one_name(fitting) or fitting
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        listed = ", ".join(f"{device.index} {_label(device)}" for device in fitting)
        raise DeviceError(f"{wanted!r} fits several microphones: {listed}", hint="say more of the name, or the number")
    return monitor(devices) if text == MONITOR else _none_fits(wanted, devices)


def same_again(device: Device, devices: Sequence[Device]) -> Device | None:
    """`device` in a later list, by its name; None while it is not there."""
    for found in devices:
        if found.host_api == device.host_api and found.name == (_PULSE_DEVICE if device.pulse_source else device.name):
            return replace(device, index=found.index)
    return None


def open_error(device: Device, rate_hz: int, channels: int, error: Exception) -> AsrcliError:
    """What PortAudio's `error` at opening means: UsageError for a rate or channels it lacks, else DeviceError."""
    opening = f"cannot open {device.name} at {rate_hz} Hz, {channels} channel{'s' if channels > 1 else ''}"
    arguments = error.args
    code = arguments[1] if len(arguments) > 1 and isinstance(arguments[1], int) else None
    system = str(arguments[2][2]) if len(arguments) > 2 else ""
    if code not in _MEANINGS:
        return DeviceError(f"{opening}: {arguments[0] if arguments else error}", hint=LIST_HINT)
    meaning, hint, kind = _MEANINGS[code]
    if _DENIED in system:
        hint = _DENIED_HINT
    return kind(f"{opening}: {meaning}{f' ({system})' if system else ''}", hint=hint)


def _label(device: Device) -> str:
    return f"{device.name}, {device.host_api}"


def _of_one_name(devices: Sequence[Device]) -> list[Device]:
    """The same device as several host APIs offer it: the default's one, else the first; [] where names differ."""
    if len({device.name.casefold() for device in devices}) > 1 or len({device.host_api for device in devices}) < len(
        devices
    ):
        return []
    return [next((device for device in devices if device.is_default), devices[0])]


def monitor(devices: Sequence[Device]) -> Device:
    """The system's own sound. Raises DeviceError where it cannot be recorded."""
    for device in devices:
        if device.name == _PULSE_DEVICE:
            return replace(device, name=MONITOR, is_default=False, pulse_source=_DEFAULT_MONITOR)
    if sys.platform == "darwin":
        hint = "macOS has none of its own; a virtual device such as BlackHole gives it one"
    else:
        hint = "it needs PulseAudio or PipeWire, and ALSA's way there: libasound2-plugins, or alsa-plugins-pulseaudio"
    raise DeviceError("the system's own sound cannot be recorded here", hint=hint)


def _none_fits(wanted: str, devices: Sequence[Device]) -> Device:
    names = {device.name.casefold(): device.name for device in devices}
    near = difflib.get_close_matches(wanted.casefold(), names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(names[name] for name in near)}?" if near else LIST_HINT
    raise DeviceError(f"there is no microphone {wanted!r}", hint=hint)
