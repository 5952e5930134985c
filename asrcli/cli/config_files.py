"""Defaults from files: `asrcli.toml` in the current folder, and the user's own `config.toml`.

    model = "paraformer-realtime-v2"     # for file and mic
    stats = true                         # for file, mic and qwen
    [mic]
    device = "usb"                       # for one command

A flag outranks the environment, the environment the project's file, that one the user's. What a file says is checked
here, where its name is known; what is wrong with it stops no command that is there to mend it, and no help.
"""

from __future__ import annotations

import difflib
import functools
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from asrcli.cli.commands import SUMMARIES
from asrcli.cli.config_values import check_reach, options_of, value_of
from asrcli.cli.lazy import LazyCommand
from asrcli.settings.files import PROJECT, ConfigFile, Problem, config_files
from asrcli.settings.toml_text import Keys
from asrcli.values.errors import UsageError

# A folder that somebody else made must not decide where the key and the sound go, nor which files are replaced, nor
# what is not asked. Which files outside it are read and written, it does not decide either: see `check_reach`.
_PERSONAL = {
    *("api_key", "api_key_file", "endpoint", "proxy", "ca_bundle", "workspace", "header"),
    # A log replaces what is there, and so does an authority.
    *("force", "log", "tls_ca", "yes"),
}

# Option → the variables of the environment that outrank a file's value for it.
_VARIABLES = {
    "endpoint": ("DASHSCOPE_WEBSOCKET_BASE_URL",),
    "region": ("DASHSCOPE_WEBSOCKET_BASE_URL",),
    "api_key_file": ("DASHSCOPE_API_KEY", "DASHSCOPE_API_KEY_FILE_PATH"),
    "proxy": ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"),
}

# Option → the flags that it would contradict; who types one of them does not want the file's value.
_CONTRADICTED = {
    "endpoint": ("--region", "--workspace"),
    "region": ("--endpoint",),
    "json": ("--format", "--output-format", "-f"),
    "format": ("--json", "-j"),
}
# What stands at the top of a file is for these commands; the others have options of the same name and another meaning.
_TRANSCRIBING = ("file", "mic", "qwen", "reuse-bench")
_OWN = {"qwen": {"model"}}
# But what says which service is asked, and for which model, holds for its hotword lists too.
_ALSO = {
    "vocab": {"model", "region", "workspace", "endpoint", "api_key_file", "proxy", "ca_bundle"},
    "doctor": {"region", "workspace", "endpoint", "api_key_file", "header", "data_inspection", "proxy", "ca_bundle"},
}

# Commands that tell of the files and mend them: a broken one does not stop these.
SPARED = {"config", "doctor", "guide", "help"}

Commands = Mapping[str, Any]
"""Name → Typer's command; its `commands` are those of a group."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A value as Typer takes it, and where it stands: the file, and the keys that lead there."""

    value: Any
    file: ConfigFile
    keys: Keys


Layer = dict[str, dict[str, Setting]]
"""Command → option → what a file sets; for a group its options are those of all its commands."""


@functools.cache
def all_commands() -> Commands:
    """The program's own."""
    return {name: LazyCommand(name, summary) for name, summary in SUMMARIES.items()}


def problems() -> tuple[Problem, ...]:
    """All that is wrong in the configuration files there are: the project's first, and from the top down."""
    return tuple(itertools.chain.from_iterable(Reading(file, all_commands()).problems for file in config_files()))


def defaults(
    commands: Commands, files: Sequence[ConfigFile], environ: Mapping[str, str], typed: Sequence[str] = ()
) -> tuple[dict[str, dict[str, Any]], UsageError | None]:
    """Command → option → default, from `files`, as Typer's default_map takes it; `typed` is the command line.

    With the first thing that is wrong in a file: it is no TOML, or has a name that no command has or a value that it
    cannot have. The defaults are those of the rest.
    """
    readings = [Reading(file, commands) for file in files if file.exists]
    error = next((problem.error() for reading in readings for problem in reading.problems), None)
    merged = in_force([reading.layer for reading in readings], environ, typed)
    values = {command: _for_each(commands[command], merged.get(command, {})) for command in commands}
    return values, error


def in_force(layers: Sequence[Layer], environ: Mapping[str, str], typed: Sequence[str]) -> Layer:
    """Of `layers`, of which the first outranks the others, what neither a variable nor a flag outranks."""
    outranked = {key for key, names in _VARIABLES.items() if any(environ.get(name) for name in names)}
    outranked |= {key for key, flags in _CONTRADICTED.items() if any(_is_typed(flag, typed) for flag in flags)}
    if _names_say_the_forms(typed):
        outranked |= {"format", "json"}
    merged: Layer = {}
    for layer in reversed(layers):
        for command, given in layer.items():
            kept = {key: setting for key, setting in given.items() if key not in outranked}
            merged[command] = merged.get(command, {}) | kept
    return merged


def _for_each(command: Any, settings: Mapping[str, Setting]) -> dict[str, Any]:
    """The values, as they are for a command, and for a group for each of its commands what that one knows."""
    given = {key: setting.value for key, setting in settings.items()}
    # Nothing is loaded to find out of what it is nothing.
    known = {name: options_of(each) for name, each in getattr(command, "commands", {}).items()} if given else {}
    if not known:
        return given
    return {name: {key: given[key] for key in given if key in options} for name, options in known.items()}


class Reading:
    """What a file sets, command by command, and what is wrong with it."""

    def __init__(self, file: ConfigFile, commands: Commands) -> None:
        self._file = file
        self._commands = commands
        self._options = functools.cache(lambda command: options_of(commands[command]))
        # By itself, since the same may be wrong for several commands.
        self._found: dict[Problem, None] = {}
        self.layer: Layer = {}
        if file.problem is None:
            self.layer = self._section(file.values)
        else:
            self._found[Problem(file.path, file.line, file.problem, "mend the file or remove it")] = None

    @property
    def problems(self) -> list[Problem]:
        """From the top of the file down."""
        return sorted(self._found, key=lambda problem: problem.line or 0)

    def _section(self, document: Mapping[str, Any]) -> Layer:
        """Values for several commands, and tables for one each."""
        common = {key: value for key, value in document.items() if not isinstance(value, dict)}
        tables = {key: value for key, value in document.items() if isinstance(value, dict)}
        transcribing = [command for command in _TRANSCRIBING if command in self._commands]
        if common:
            known = set[str]().union(*(self._options(command) for command in transcribing))
            common = self._known(common, known, (), "option")
        tables = self._known(tables, {*self._commands}, (), "command")
        found: Layer = {}
        for command in self._commands:
            given: dict[Keys, Any] = {
                (key,): value for key, value in common.items() if self._is_for(command, _name(key))
            }
            own = tables.get(command, {})
            if own:
                own = self._known(own, {*self._options(command)}, (command,), f"option of {command}")
                given |= {(command, key): value for key, value in own.items()}
            found[command] = self._settings(command, given)
        return found

    def _is_for(self, command: str, option: str) -> bool:
        """Whether what stands at the top of a file is for `command`."""
        if command not in _TRANSCRIBING:
            return option in _ALSO.get(command, ())
        return option in self._options(command) and option not in _OWN.get(command, ())

    def _settings(self, command: str, given: Mapping[Keys, Any]) -> dict[str, Setting]:
        """By the names of the options, those of `given` that can be; what comes later there outranks the earlier."""
        found: dict[str, Setting] = {}
        for keys, value in given.items():
            option = self._options(command)[_name(keys[-1])]
            try:
                taken = value_of(self._commands[command], option, value)
                if self._file.whose == PROJECT:
                    check_reach(option, taken, self._file.path.parent)
                found[option.name] = Setting(taken, self._file, keys)
            except UsageError as error:
                shown = json.dumps(value, ensure_ascii=False, default=str)
                self._tell(keys, f"{option.name} = {shown}: {error.message}", error.hint)
        return found

    def _known(self, given: Mapping[str, Any], known: set[str], within: Keys, what: str) -> dict[str, Any]:
        """Those of `given` whose names are `known`; of the others it is told that they are no `what`."""
        found = {}
        for key, value in given.items():
            name = key if what == "command" else _name(key)
            if name == "api_key" or (self._file.whose == PROJECT and name in _PERSONAL):
                place = "~/.dashscope/api_key" if name == "api_key" else "your own config.toml"
                self._tell((*within, key), f"{key} cannot stand here", f"put it into {place}")
            elif name not in known:
                nearest = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {nearest[0]}?" if nearest else ""
                self._tell((*within, key), f"{key} is no {what}", hint)
            else:
                found[key] = value
        return found

    def _tell(self, keys: Keys, message: str, hint: str = "") -> None:
        self._found[Problem(self._file.path, self._file.line_of(*keys), message, hint)] = None


def _is_typed(flag: str, typed: Sequence[str]) -> bool:
    return any(word == flag or word.startswith(f"{flag}=") for word in typed)


def _names_say_the_forms(typed: Sequence[str]) -> bool:
    """Whether -o is typed, each time with a name that is one for a format: no other one is wanted then."""
    words = [part for word in typed for part in (word.split("=", 1) if word.startswith("--") else [word])]
    names = [value for flag, value in itertools.pairwise(words) if flag in ("-o", "--output")]
    names += [word[2:] for word in words if word.startswith("-o") and word != "-o"]
    if not names:
        return False
    from asrcli.runs.choose_forms import named_by

    return all(named_by(Path(name)) for name in names)


def _name(key: str) -> str:
    return key.replace("-", "_")
