"""Keys of configuration files: `model`, `mic.device`, `profile.talks.model`, `profile.talks.mic.device`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from asrcli.cli.config.reading import NO_PROFILE, PROFILES, TRANSCRIBING
from asrcli.cli.config.values import options_of
from asrcli.cli.config_files import all_commands
from asrcli.cli.flags.completions import Values, profiles
from asrcli.settings.toml_text import Keys
from asrcli.values.errors import UsageError


def split(key: str) -> Keys:
    """The parts of `key`. Raises UsageError for one that is empty."""
    keys = tuple(key.split("."))
    if not all(keys):
        raise UsageError(f"{key!r} is no key", hint="such as model, mic.device or profile.talks.model")
    return keys


def option_of(keys: Keys) -> Any:
    """Typer's option that `keys` name; None where there is none."""
    return (_option(keys) or (None, None))[1]


def is_common(command: str, option: str) -> bool:
    """Whether an option of that name at the top of a file can be for `command`, one of those that transcribe."""
    return command in TRANSCRIBING and option in options_of(all_commands()[command])


def _option(keys: Keys) -> tuple[Any, Any] | None:
    """The option and a command that has it."""
    place = keys[2:] if keys[0] == PROFILES else keys
    commands = all_commands()
    for command in [place[0]] if len(place) == 2 else TRANSCRIBING:
        if command in commands and place:
            option = options_of(commands[command]).get(place[-1].replace("-", "_"))
            if option is not None:
                return commands[command], option
    return None


def values_of(keys: Keys) -> Values:
    """What completes the option."""
    found = _option(keys)
    if found is None:
        return []
    command, option = found
    if option.is_flag:
        return ["true", "false"]
    items = option.shell_complete(typer.Context(command), "")
    return [(item.value, item.help or "") for item in items if item.type == "plain"]


def all_keys(profile: str = "") -> Iterator[tuple[str, str]]:
    """All that there may be, with their help; in the profiles, those that there are and `profile`."""
    common: dict[str, str] = {}
    tables: dict[str, str] = {}
    for command, loaded in all_commands().items():
        # A key stands in no file of settings.
        helps = {name: option.help or "" for name, option in options_of(loaded).items() if name != "api_key"}
        if command in TRANSCRIBING:
            common = helps | common
        tables |= {f"{command}.{name}": text for name, text in helps.items()}
    yield from common.items()
    yield from tables.items()
    for name in dict.fromkeys([*(each if isinstance(each, str) else each[0] for each in profiles()), profile]):
        if name not in ("", NO_PROFILE):
            yield from ((f"{PROFILES}.{name}.{key}", text) for key, text in (common | tables).items())


def next_parts(typed: str) -> Values:
    """How the key that begins as `typed` may go on, up to its next dot, which is there where more follows."""
    begun = typed[: typed.rfind(".") + 1]
    parts = begun.split(".")
    found: dict[str, str] = {}
    for key, text in all_keys(parts[1] if parts[0] == PROFILES and len(parts) > 2 else ""):
        if key.startswith(begun):
            part, dot, _ = key.removeprefix(begun).partition(".")
            found.setdefault(f"{begun}{part}{dot}", "" if dot else text)
    return list(found.items())
