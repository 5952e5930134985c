"""What may stand after an option: the completions of the options' values, by the names of what they list.

Each looks things up where they are kept, and only when it is asked: every command line reads this file.
"""

from __future__ import annotations

from collections.abc import Callable

import typer

Values = list[str] | list[tuple[str, str]]
"""Words, or words and what they are. Which of them fit what is typed already, is not decided here."""


def choices(*words: str) -> Callable[[], Values]:
    """The completion of an option that takes one of `words`."""
    return lambda: list(words)


def models() -> Values:
    from asrcli.settings.catalogue import CATALOGUE

    return [(model.name, model.note) for model in CATALOGUE]


def realtime_models() -> Values:
    from asrcli.settings.catalogue import CATALOGUE

    return [(model.name, model.note) for model in CATALOGUE if model.protocol == "realtime"]


def topics() -> Values:
    from asrcli.cli.topics import topics as known

    return list(known().items())


def commands() -> Values:
    from asrcli.cli.commands import SUMMARIES

    return list(SUMMARIES.items())


def purposes() -> Values:
    from asrcli.settings.purposes import PURPOSES

    return list(PURPOSES)


def languages(context: typer.Context) -> Values:
    """What the model takes that was named before, or the command's own; for an unknown one, all that there are."""
    from asrcli.settings.catalogue import CATALOGUE, find

    own = next(parameter.default for parameter in context.command.params if parameter.name == "model")
    model = find(str(context.params.get("model", own)))
    return list(model.languages) if model else sorted({code for known in CATALOGUE for code in known.languages})


def protocols() -> Values:
    from asrcli.protocols import REGISTRY

    return list(REGISTRY)


def formats() -> Values:
    from asrcli.output.formats import REGISTRY

    return list(REGISTRY)


def encodings() -> Values:
    from asrcli.audio.sample_encodings import ENCODINGS

    return list(ENCODINGS)


def devices() -> Values:
    """Names of microphones; one name may stand for several ways to the same device."""
    from asrcli.audio.microphone.devices import MONITOR, input_devices, monitor
    from asrcli.values.errors import AsrcliError

    try:
        found = input_devices()
    except AsrcliError:
        return []
    names: dict[str, str] = {}
    for device in found:
        names.setdefault(device.name, f"{device.host_api}, {device.rate_hz / 1000:g} kHz")
    offered = list(names.items())
    try:
        monitor(found)
    except AsrcliError:
        return offered
    return [*offered, (MONITOR, "what this system plays")]


def profiles() -> Values:
    """Those on board, and those of the configuration files."""
    from asrcli.settings.files import config_files
    from asrcli.settings.presets import presets

    found = dict.fromkeys(presets().values["profile"], "on board")
    for file in reversed(config_files()):
        tables = file.values.get("profile")
        found |= dict.fromkeys(tables, str(file.path)) if isinstance(tables, dict) else {}
    return list(found.items())


def faults() -> Values:
    """How a fault begins; `=` where a value is to follow."""
    return [
        ("close=", "close with this code"),
        ("reset", "cut the connection without a word"),
        ("stall", "fall silent"),
        ("deaf", "stop reading"),
        ("garbage", "send a message that is no JSON"),
        ("fail=", "fail as the protocol does, with this code"),
        ("drop=every:", "cut every Nth connection"),
        ("delay=", "each way so much later, such as 50ms"),
        ("duplicate=", "send this part of the messages twice"),
        ("reorder=", "this part of the partial results comes late"),
        ("split", "messages in fragments"),
        ("refuse=", "refuse the handshake with this status"),
        ("seed=", "what chance decides"),
    ]
