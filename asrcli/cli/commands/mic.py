"""`asrcli mic`: the microphone, live."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asrcli.cli.flags.context import LiveContextFlags
from asrcli.cli.flags.options import MicFlags, MicSetupFlags, OutputFlags, RecognitionFlags, grouped
from asrcli.cli.flags.sending import SendFlags
from asrcli.cli.flags.service import ServiceFlags

if TYPE_CHECKING:
    from collections.abc import Mapping

    from asrcli.audio.level import Level
    from asrcli.audio.microphone.devices import Device
    from asrcli.audio.microphone.mic_source import MicOptions, MicSource
    from asrcli.runs.request import Request


@grouped
def mic(
    microphone: MicFlags,
    setup: MicSetupFlags,
    recognition: RecognitionFlags,
    context: LiveContextFlags,
    service: ServiceFlags,
    send: SendFlags,
    output: OutputFlags,
) -> int:
    """Transcribe what the microphone hears, until Ctrl-C.

    \b
    asrcli mic
    asrcli mic --test                             is it loud enough?
    asrcli mic --device monitor -o meeting.txt    what this system plays
    """
    from asrcli.runs.run import run

    if setup.list_devices:
        from asrcli.cli.commands.devices import print_devices

        print_devices(as_json=output.json)
        return 0
    if setup.test:
        return _test(microphone, setup, output)

    def prepare() -> Request:
        fields = {**recognition.fields(), **context.fields()}
        return mic_request(microphone, setup, recognition.model, fields, service, send, output)

    return run(output.options(), prepare, opening="the microphone")


def mic_request(
    microphone: MicFlags,
    setup: MicSetupFlags,
    model: str,
    fields: Mapping[str, object],
    service: ServiceFlags,
    send: SendFlags,
    output: OutputFlags,
) -> Request:
    """What `mic` and its kin ask for. Raises UsageError and DeviceError for a microphone that cannot be had."""
    from asrcli.audio.opening import Microphone
    from asrcli.runs.request import Request

    options = _options(microphone, setup)
    device = _device(microphone)
    return Request(
        names=(device.name,),
        input=Microphone(device, options),
        model=model,
        fields={**fields, **send.fields()},
        service=service.options(),
        output=output.options(),
        # It comes in its own time.
        speed=None,
        open_ended=True,
        sending=send.sending(),
    )


def _options(flags: MicFlags, setup: MicSetupFlags) -> MicOptions:
    from asrcli.audio.microphone.mic_source import MicOptions

    return MicOptions(
        rate_hz=setup.rate,
        channels=setup.channels,
        duration_s=flags.duration,
        max_silence_s=flags.max_silence,
        device_wait_s=flags.device_wait,
    )


def _device(flags: MicFlags) -> Device:
    from asrcli.audio.microphone.devices import choose, input_devices

    return choose(flags.device, input_devices())


def _test(flags: MicFlags, setup: MicSetupFlags, output: OutputFlags) -> int:
    """Listen for TRIAL_S and say how loud it was and what is wrong with it; 7 if something is."""
    import dataclasses
    import sys

    from asrcli.audio.level import advice, verdict
    from asrcli.audio.microphone.mic_source import MicSource
    from asrcli.audio.microphone.trial import TRIAL_S, levels
    from asrcli.output.sanitize import name
    from asrcli.output.wording import error_line
    from asrcli.runs.exits import exit_code
    from asrcli.values.errors import DeviceError

    device = _device(flags)
    source = MicSource(device, dataclasses.replace(_options(flags, setup), duration_s=TRIAL_S))
    if not output.quiet:
        print(f"Speak: listening to {name(device.name)} for {TRIAL_S:g} s …", file=sys.stderr, flush=True)
    heard = list(levels(source))
    trouble = verdict(heard)
    _print_level(source, heard, None if trouble is None else trouble.value, as_json=output.json)
    if trouble is None:
        return 0
    message, hint = advice(trouble, device.name)
    error = DeviceError(message, hint=hint)
    print(error_line(error), file=sys.stderr)
    return exit_code(error)


def _print_level(source: MicSource, levels: list[Level], trouble: str | None, *, as_json: bool) -> None:
    import json

    from asrcli.output.sanitize import name

    peak = max((level.peak_dbfs for level in levels if level.peak_dbfs is not None), default=None)
    if as_json:
        line = {
            "device": source.name,
            "sample_rate_hz": source.rate_hz,
            "channels": source.channels,
            "peak_dbfs": None if peak is None else round(peak, 1),
            "trouble": trouble,
        }
        print(json.dumps(line, ensure_ascii=False))
        return
    loudest = "digital silence" if peak is None else f"loudest {peak:.1f} dBFS"
    layout = f"{source.rate_hz / 1000:g} kHz, {source.channels} channel{'s' if source.channels > 1 else ''}"
    print(f"{name(source.name)}, {layout}: {loudest}{'' if trouble else ', fine'}")
