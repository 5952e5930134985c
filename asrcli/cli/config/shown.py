"""Which settings are in force for a command, and where each comes from: its options are read as a run reads them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from asrcli.cli.commands import SUMMARIES
from asrcli.cli.config.reading import PROFILES, TRANSCRIBING, Layer, Setting
from asrcli.cli.config.values import is_setting
from asrcli.cli.lazy import LazyCommand
from asrcli.output.masking import learn, mask
from asrcli.output.settings import InForce, Source, value_text
from asrcli.settings.endpoints import ENDPOINT_VARIABLE
from asrcli.settings.files import PRESET
from asrcli.settings.keys import find_key
from asrcli.settings.secrets import HIDDEN, without_secrets
from asrcli.values.errors import AuthError

_PROXIES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


def settings_of(
    words: Sequence[str], layer: Layer, defaults: Mapping[str, Any], environ: Mapping[str, str], home: Path
) -> list[InForce]:
    """Those of the command with which the command line `words` begins, in the order of its help.

    Of a group without one of its commands, those of all of them. Raises UsageError and Typer's errors for words that
    the command would not take; its arguments may be left out.
    """
    name, *rest = words
    found: dict[str, InForce] = {}
    for leaf, given, typed in _leaves(name, rest, defaults.get(name, {})):
        context = context_of(leaf, typed, given)
        for option in leaf.get_params(context):
            if is_setting(option) and not option.hidden and option.name not in found:
                found[option.name] = _in_force(option.name, context, layer.get(name, {}))
        for setting in _by_variables(context.params, found, environ, home):
            found[setting.name] = setting
    return [dataclasses.replace(masked(setting), commands=(name,)) for setting in found.values()]


def set_anywhere(layer: Layer, defaults: Mapping[str, Any], environ: Mapping[str, str], home: Path) -> list[InForce]:
    """What is set for any command: each once, with the commands for which it is."""
    commands = [command for command in SUMMARIES if layer.get(command) or command in TRANSCRIBING]
    return across(commands, lambda each: each.is_set, [], layer, defaults, environ, home)


def across(
    commands: Sequence[str],
    is_wanted: Callable[[InForce], bool],
    words: Sequence[str],
    layer: Layer,
    defaults: Mapping[str, Any],
    environ: Mapping[str, str],
    home: Path,
) -> list[InForce]:
    """Of the settings of `commands`, with `words` behind each, those that are wanted: once where they are the same."""
    merged: dict[tuple[object, ...], InForce] = {}
    for command in commands:
        for each in settings_of([command, *words], layer, defaults, environ, home):
            if is_wanted(each):
                key = (each.name, value_text(each.value), each.source, each.where, each.line)
                before = merged[key].commands if key in merged else ()
                merged[key] = dataclasses.replace(each, commands=(*before, command))
    return list(merged.values())


def _leaves(
    name: str, rest: list[str], defaults: Mapping[str, Any]
) -> Iterator[tuple[Any, Mapping[str, Any], list[str]]]:
    """The command that is meant, its defaults, and the words behind it."""
    # One of its own, since it is changed below.
    command = LazyCommand(name, SUMMARIES[name]).loaded
    further = getattr(command, "commands", {})
    if not further:
        yield command, defaults, rest
    elif rest and rest[0] in further:
        yield further[rest[0]], defaults.get(rest[0], {}), rest[1:]
    else:
        for each, leaf in further.items():
            yield leaf, defaults.get(each, {}), rest


def context_of(command: Any, words: list[str], defaults: Mapping[str, Any]) -> Any:
    """Typer's, as a run of `command` has it, which is changed so that its arguments may be left out.

    Raises Typer's errors.
    """
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            parameter.required = False
    return command.make_context(command.name, list(words), default_map=dict(defaults))


def _in_force(name: str, context: Any, settings: Mapping[str, Setting]) -> InForce:
    value = _plain(context.params[name])
    source = context.get_parameter_source(name).name
    if source == "COMMANDLINE":
        return InForce(name, value, "flag")
    if source != "DEFAULT_MAP" or name not in settings:
        return InForce(name, value, "default")
    return from_file(name, value, settings[name])


def from_file(name: str, value: object, setting: Setting) -> InForce:
    """The option of that name with `value`, which `setting` has given it."""
    file, keys = setting.file, setting.keys
    profile = keys[1] if keys[0] == PROFILES else None
    if file.whose == PRESET:
        return InForce(name, value, "profile", profile=profile)
    kind: Source = "profile" if profile is not None else file.whose
    return InForce(name, value, kind, str(file.path), file.line_of(*keys), profile)


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return str(value) if isinstance(value, Path) else value


def _by_variables(
    values: Mapping[str, Any], found: Mapping[str, InForce], environ: Mapping[str, str], home: Path
) -> Iterator[InForce]:
    """What variables decide where nothing outranks them, and the key, which may be in several places."""
    if "api_key" in found:
        yield from _key(values, environ, home)
    unsaid = [values.get(name) in (None, "") for name in ("endpoint", "region", "workspace")]
    if "endpoint" in found and all(unsaid) and environ.get(ENDPOINT_VARIABLE):
        yield InForce("endpoint", environ[ENDPOINT_VARIABLE], "variable", ENDPOINT_VARIABLE)
    variable = next((name for name in _PROXIES if environ.get(name, "").strip()), None)
    if "proxy" in found and variable is not None and values.get("proxy") is None:
        yield InForce("proxy", environ[variable].strip(), "variable", variable)


def _key(values: Mapping[str, Any], environ: Mapping[str, str], home: Path) -> Iterator[InForce]:
    if values.get("api_key") or values.get("api_key_file"):
        return
    try:
        key = find_key(None, None, environ, home)
    except AuthError as error:
        yield InForce("api_key", None, "variable", error.message)
        return
    if key is not None:
        learn(key.value)
        source: Source = "variable" if key.origin.startswith("DASHSCOPE") else "own"
        yield InForce("api_key", key.value, source, key.origin)


def masked(setting: InForce) -> InForce:
    """`setting`, without the secrets that may be in it."""
    if setting.value is None:
        return setting
    if setting.name == "api_key":
        shown = mask(str(setting.value))
        # What is too short for a key is none that anybody else should see either.
        return dataclasses.replace(setting, value=HIDDEN if shown == setting.value else shown)
    return dataclasses.replace(setting, value=_masked_texts(without_secrets(setting.name, setting.value)))


def _masked_texts(value: Any) -> Any:
    if isinstance(value, list):
        return [_masked_texts(each) for each in value]
    return mask(value) if isinstance(value, str) else value
