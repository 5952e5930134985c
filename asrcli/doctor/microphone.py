"""PortAudio, the microphones, the system's own sound, how loud it is; and recordings that wait."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path

from asrcli.audio.microphone.devices import (
    MONITOR,
    Device,
    choose,
    input_devices,
    leave_as_it_is,
    monitor,
    version,
)
from asrcli.audio.rescued import PATTERN, rescued
from asrcli.doctor.findings import Check, Finding, Loudness, Subject
from asrcli.system.clock import Clock
from asrcli.values.errors import AsrcliError, DeviceError

GROUP = "microphone"

_MIC = "asrcli mic, qwen --mic"
PORTAUDIO = Subject("portaudio", GROUP, "PortAudio", _MIC)
DEVICES = Subject("microphones", GROUP, "microphones", _MIC)
SYSTEM_SOUND = Subject("system-sound", GROUP, "system's sound", f"asrcli mic --device {MONITOR}")
LEVEL = Subject("level", GROUP, "level", _MIC)
RECORDINGS = Subject("recordings", GROUP, "recordings")


def devices(clock: Clock, *, listens: bool) -> Check:
    """The check of PortAudio and of all that it knows; `listens`: the default microphone is tried out too."""
    restart = "the sound system hangs: restart it (PulseAudio, PipeWire), or log in anew"
    return Check(PORTAUDIO, lambda: _devices(clock, listens=listens), leave_as_it_is, restart)


def _devices(clock: Clock, *, listens: bool) -> Iterator[Finding | Loudness]:
    began = clock.now()
    # What is missing is no fault of a machine without microphones, unless one is asked for.
    judge = PORTAUDIO.fail if listens else PORTAUDIO.warn
    try:
        portaudio = version()
    except DeviceError as error:
        yield judge(error.message, error.hint)
        return
    yield PORTAUDIO.ok(portaudio, ms=(clock.now() - began) * 1000)
    found: list[Device] = []
    try:
        found = input_devices()
        first = choose(None, found)
    except DeviceError as error:
        yield (DEVICES.fail if listens else DEVICES.warn)(error.message, error.hint)
        return
    yield DEVICES.ok(f"{len(found)}, of which {_named(first)} is the default; `asrcli devices` lists them")
    try:
        sound = monitor(found)
        yield SYSTEM_SOUND.ok(f"--device {MONITOR}, over {sound.host_api}")
    except DeviceError as error:
        yield SYSTEM_SOUND.warn(error.message, error.hint)
    if listens:
        yield from _level(first)


def _named(device: Device) -> str:
    return f"{device.name} ({device.rate_hz / 1000:g} kHz)"


def _level(device: Device) -> Iterator[Finding | Loudness]:
    """How loud `device` is for two seconds, told all along, and what that means."""
    from asrcli.audio.level import advice, verdict
    from asrcli.audio.microphone.mic_source import MicOptions, MicSource
    from asrcli.audio.microphone.trial import TRIAL_S, levels

    heard = []
    try:
        for level in levels(MicSource(device, MicOptions(duration_s=TRIAL_S))):
            heard.append(level)
            yield Loudness(level.peak_dbfs)
    except AsrcliError as error:
        yield LEVEL.fail(error.message, error.hint)
        return
    trouble = verdict(heard)
    peak = max((level.peak_dbfs for level in heard if level.peak_dbfs is not None), default=None)
    if trouble is None:
        yield LEVEL.ok(f"loudest {peak:.1f} dBFS of {device.name}, fine")
        return
    message, fix = advice(trouble, device.name)
    loudest = "" if peak is None else f": loudest {peak:.1f} dBFS"
    yield LEVEL.warn(f"{message}{loudest}", fix)


def recordings(environ: Mapping[str, str], home: Path) -> Iterator[Finding]:
    """Live sound that was not recognised, and the command that does it again."""
    waiting = rescued(environ, home)
    if not waiting:
        yield RECORDINGS.ok("none waits to be recognised")
        return
    one = len(waiting) == 1
    names = shlex.quote(str(waiting[0])) if one else f"{shlex.quote(str(waiting[0].parent))}/{PATTERN}"
    what = "1 was" if one else f"{len(waiting)} were"
    yield RECORDINGS.warn(
        f"{what} not recognised when recorded; delete {'it' if one else 'them'} when done", f"asrcli file {names}"
    )
