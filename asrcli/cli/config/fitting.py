"""What files set for a recognition that the model in force lacks or does not know: a run would refuse it, or warn.

A run finds out with all that was typed, `config check` with what the files say alone; both ask here.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asrcli.cli.config.precedence import choose, in_force
from asrcli.cli.config.reading import PROFILES, TRANSCRIBING, Commands, Layer, Reading, Setting
from asrcli.cli.config.shown import context_of
from asrcli.cli.flags import knobs
from asrcli.cli.flags.profile import FLAG
from asrcli.cli.lazy import LazyCommand
from asrcli.protocols import REGISTRY
from asrcli.settings import catalogue, combinations, endpoints, recognition
from asrcli.settings.files import PRESET, ConfigFile, Problem
from asrcli.settings.keys import find_key
from asrcli.settings.phrases import is_list_id, parse_parameters
from asrcli.values.context import of_text
from asrcli.values.errors import AuthError, UsageError
from asrcli.values.kinds import Texts

# A text for what may be the name of a file or of a pipe, which is read once, when it is used.
_SOME = "words"


@dataclass(frozen=True)
class Finding:
    """Of a setting: what is so, and what to do. `stops`: a run is refused for it, else it is warned of."""

    setting: Setting
    message: str
    hint: str
    stops: bool

    def problem(self, circumstance: str = "") -> Problem:
        """As one of its file; `circumstance` says when it is one, "" for always."""
        file, keys = self.setting.file, self.setting.keys
        return Problem(file.path, file.line_of(*keys), f"{keys[-1]}: {circumstance}{self.message}", self.hint)


def findings(context: Any, settings: Mapping[str, Setting]) -> Iterator[Finding]:
    """Of those of `settings` that hold in `context`, which is Typer's, of a command that transcribes."""
    given = {
        name: setting
        for name, setting in settings.items()
        if setting.file.whose != PRESET and context.get_parameter_source(name).name == "DEFAULT_MAP"
    }
    values = context.params
    if "api_key_file" in given and not values.get("api_key"):
        yield from _of_the_key_file(given["api_key_file"])
    if "model" in given and context.command.name == "qwen":
        yield from _of_the_family(given["model"], values)
    always = set(_doubts(values, {}))
    named_by = given.get("model") or given.get("region")
    if named_by is not None:
        yield from (Finding(named_by, *doubt, stops=False) for doubt in sorted(always))
    for name, setting in given.items():
        try:
            fields = _fields(name, values)
            doubts = _doubts(values, fields) if fields else []
        except UsageError as error:
            yield Finding(setting, error.message, error.hint, stops=True)
        else:
            yield from (Finding(setting, *doubt, stops=False) for doubt in doubts if doubt not in always)


def _of_the_key_file(setting: Setting) -> Iterator[Finding]:
    try:
        find_key(None, Path(setting.value), {}, Path())
    except AuthError as error:
        yield Finding(setting, error.message, error.hint, stops=False)


def _of_the_family(setting: Setting, values: Mapping[str, Any]) -> Iterator[Finding]:
    from asrcli.cli.commands.qwen import check_protocol

    try:
        check_protocol(values["model"], values.get("protocol"))
    except UsageError as error:
        yield Finding(setting, error.message, error.hint, stops=True)


def _doubts(values: Mapping[str, Any], fields: Mapping[str, object]) -> list[combinations.Notice]:
    """What a run with the options `values` would warn of. Raises UsageError for what it would refuse."""
    model, region, protocol = values["model"], values.get("region"), values.get("protocol")
    label = endpoints.region_label(region if region in endpoints.REGIONS else None, values.get("endpoint"), os.environ)
    where = endpoints.models_region(label)
    options, warnings = recognition.recognition_options(model, fields, where)
    spoken = recognition.protocol_name(model, protocol if protocol in REGISTRY else None, REGISTRY)
    return [*((warning, "") for warning in warnings), *combinations.notices(options, spoken, where)]


def _fields(name: str, values: Mapping[str, Any]) -> dict[str, object]:
    """What the option of that name says of a recognition, by the names of the parameters; {} where it says nothing."""
    value = values[name]
    row = knobs.ROWS.get(name)
    if row is not None:
        # For `qwen` a rate is one of two words.
        plain = int(value) if name == "wire_rate" else value
        return {row.name: (_SOME,) if isinstance(row.kind, Texts) else plain}
    match name:
        case "language":
            return {"languages": tuple(value if isinstance(value, list | tuple) else [value])}
        case "context" | "context_turns":
            return {"context": of_text(_SOME)}
        case "context_from":
            return {"context_from": _SOME}
        case "param":
            return {"extra": parse_parameters(value)}
        case "hotwords" if is_list_id(value):
            return {"hotwords_id": value}
        case "hotwords":
            model = catalogue.find(values["model"])
            # Words of a list are made into one where the model takes no other.
            return {} if model is not None and model.list_words else {"hotwords": {_SOME: 4}}
    return {}


def of_all(files: Sequence[ConfigFile], commands: Commands) -> tuple[list[Problem], list[Problem]]:
    """For all commands that transcribe, without a profile and with each of `files`: what stops a run, what it warns of.

    Each is told once.
    """
    readings = [Reading(file, commands) for file in files if file.exists]
    profiles = dict.fromkeys(name for reading in readings for name in reading.profiles)
    told: dict[Problem, tuple[Problem, bool]] = {}
    for profile in (None, *profiles):
        choice = choose(readings, commands, {}, () if profile is None else (FLAG, profile))
        layer = in_force(readings, choice, commands, {}, ())
        for finding, unfit_for in _by_finding(layer):
            keys = finding.setting.keys
            having = [command for command in TRANSCRIBING if _holds(layer.get(command, {}), finding.setting)]
            circumstance = f"with {FLAG} {profile}: " if profile and keys[0] != PROFILES else ""
            circumstance += f"for {' and '.join(unfit_for)}: " if unfit_for != having else ""
            told.setdefault(finding.problem(), (finding.problem(circumstance), finding.stops))
    return [each for each, stops in told.values() if stops], [each for each, stops in told.values() if not stops]


def _holds(settings: Mapping[str, Setting], setting: Setting) -> bool:
    return any((each.keys, each.file) == (setting.keys, setting.file) for each in settings.values())


def _by_finding(layer: Layer) -> Iterable[tuple[Finding, list[str]]]:
    """What is found, and for which commands."""
    found: dict[Problem, tuple[Finding, list[str]]] = {}
    for command in TRANSCRIBING:
        settings = layer.get(command)
        if settings:
            # One of its own, since it is changed.
            loaded = LazyCommand(command, "").loaded
            context = context_of(loaded, [], {key: setting.value for key, setting in settings.items()})
            for finding in findings(context, settings):
                found.setdefault(finding.problem(), (finding, []))[1].append(command)
    return found.values()
