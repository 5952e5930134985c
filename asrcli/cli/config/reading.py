"""What one configuration file sets, command by command, and what is wrong with it."""

from __future__ import annotations

import difflib
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from asrcli.cli.config.values import OF_ONE_RUN, check_reach, options_of, value_of
from asrcli.settings.files import PROJECT, ConfigFile, Problem
from asrcli.settings.secrets import without_secrets
from asrcli.settings.toml_text import Keys
from asrcli.values.errors import UsageError

PROFILES = "profile"
"""The table that holds the profiles."""
NO_PROFILE = "none"
"""What asks for none, whatever the environment asks for."""

# A folder that somebody else made must not decide where the key and the sound go, nor which files are replaced, nor
# what is not asked. Which files outside it are read and written, it does not decide either: see `check_reach`.
PERSONAL = {
    *("api_key", "api_key_file", "endpoint", "proxy", "ca_bundle", "workspace", "header"),
    # What is run there reads the key and the sound.
    "cluster",
    # A log replaces what is there, and so does an authority.
    *("force", "log", "tls_ca", "yes"),
}

# What stands at the top of a file is for these commands; the others have options of the same name and another meaning.
TRANSCRIBING = ("file", "mic", "qwen", "reuse-bench")
_OWN = {"qwen": {"model"}}
# But what says which service is asked, and for which model, holds for its hotword lists too.
_ALSO = {
    "vocab": {"model", "region", "workspace", "endpoint", "api_key_file", "proxy", "ca_bundle"},
    "doctor": {"region", "workspace", "endpoint", "api_key_file", "header", "data_inspection", "proxy", "ca_bundle"},
}

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


class Reading:
    """What a file sets, command by command, and what is wrong with it.

    `layer` is what always holds, `profiles` what holds where a profile is asked for, by its name.
    """

    def __init__(self, file: ConfigFile, commands: Commands) -> None:
        self.file = file
        self._commands = commands
        self._options = functools.cache(lambda command: options_of(commands[command]))
        # Each once, since the same may be wrong for several commands.
        self._found: dict[Problem, None] = {}
        self._refused: dict[tuple[Keys, str, str, str], list[str]] = {}
        self.layer: Layer = {}
        self.profiles: dict[str, Layer] = {}
        if file.problem is None:
            self._read(file.values)
        else:
            self._found[Problem(file.path, file.line, file.problem, "mend the file or remove it")] = None

    @property
    def problems(self) -> list[Problem]:
        """From the top of the file down."""
        return sorted(self._found, key=lambda problem: problem.line or 0)

    def _read(self, document: Mapping[str, Any]) -> None:
        self.layer = self._section({key: value for key, value in document.items() if key != PROFILES}, ())
        profiles = document.get(PROFILES, {})
        if not isinstance(profiles, dict):
            self._tell((PROFILES,), f"{PROFILES} is no option", "a profile is a table, and --profile NAME asks for it")
            return
        for name, section in profiles.items():
            if not isinstance(section, dict):
                self._tell((PROFILES, name), f"{name} is no profile", f"a profile is a table, [{PROFILES}.{name}]")
            elif name == NO_PROFILE:
                self._tell((PROFILES, name), f"no profile can be called {name}", "it asks for none")
            else:
                self.profiles[name] = self._section(section, (PROFILES, name))

    def _section(self, document: Mapping[str, Any], within: Keys) -> Layer:
        """Values for several commands, and tables for one each; it stands at `within` in the file."""
        common = {key: value for key, value in document.items() if not isinstance(value, dict)}
        tables = {key: value for key, value in document.items() if isinstance(value, dict)}
        transcribing = [command for command in TRANSCRIBING if command in self._commands]
        if common:
            known = set[str]().union(*(self._options(command) for command in transcribing))
            common = self._known(common, known, within, "option")
        tables = self._known(tables, {*self._commands}, within, "command")
        found: Layer = {}
        for command in self._commands:
            shared = [key for key in common if self._is_for(command, _name(key))]
            given: dict[Keys, Any] = {(*within, key): common[key] for key in shared}
            own = tables.get(command, {})
            if own:
                own = self._known(own, {*self._options(command)}, (*within, command), f"option of {command}")
                given |= {(*within, command, key): value for key, value in own.items()}
            found[command] = self._settings(command, given)
        self._tell_what_was_refused(within)
        return found

    def _tell_what_was_refused(self, within: Keys) -> None:
        """Once for all commands; what is for several of them and good for some is told with the others."""
        for (keys, value, reason, hint), commands in self._refused.items():
            unable = {each for key, others in self._refused.items() if key[0] == keys for each in others}
            is_common = len(keys) == len(within) + 1
            able = [each for each in TRANSCRIBING if is_common and self._takes(each, keys[-1]) and each not in unable]
            if able:
                told = f"{value}: for {' and '.join(commands)}: {reason}"
                tables = " or ".join(f"[{'.'.join((*within, each))}]" for each in able)
                self._tell(keys, told, f"put it into {tables}", tuple((*within, each, keys[-1]) for each in able))
            else:
                self._tell(keys, f"{value}: {reason}", hint)
        self._refused.clear()

    def _takes(self, command: str, key: str) -> bool:
        return command in self._commands and self._is_for(command, _name(key))

    def _is_for(self, command: str, option: str) -> bool:
        """Whether what stands at the top of a file is for `command`."""
        if command not in TRANSCRIBING:
            return option in _ALSO.get(command, ())
        return option in self._options(command) and option not in _OWN.get(command, ())

    def _settings(self, command: str, given: Mapping[Keys, Any]) -> dict[str, Setting]:
        """By the names of the options, those of `given` that can be; what comes later there outranks the earlier."""
        found: dict[str, Setting] = {}
        for keys, value in given.items():
            option = self._options(command)[_name(keys[-1])]
            try:
                taken = value_of(self._commands[command], option, value)
                if self.file.whose == PROJECT:
                    check_reach(option, taken, self.file.path.parent)
                found[option.name] = Setting(taken, self.file, keys)
            except UsageError as error:
                import json

                shown = json.dumps(without_secrets(option.name, value), ensure_ascii=False, default=str)
                refused = (keys, f"{option.name} = {shown}", error.message, error.hint)
                self._refused.setdefault(refused, []).append(command)
        return found

    def _known(self, given: Mapping[str, Any], known: set[str], within: Keys, what: str) -> dict[str, Any]:
        """Those of `given` whose names are `known`; of the others it is told that they are no `what`."""
        found = {}
        for key, value in given.items():
            name = key if what == "command" else _name(key)
            if name == "api_key" or (self.file.whose == PROJECT and name in PERSONAL):
                place = "~/.dashscope/api_key" if name == "api_key" else "your own config.toml"
                self._tell((*within, key), f"{key} cannot stand here", f"put it into {place}")
            elif name in OF_ONE_RUN:
                self._tell((*within, key), f"{key} cannot stand here", "it is for one run: type it")
            elif name not in known:
                nearest = difflib.get_close_matches(name, known, n=1)
                hint = f"did you mean {nearest[0]}?" if nearest else ""
                self._tell((*within, key), f"{key} is no {what}", hint)
            else:
                found[key] = value
        return found

    def _tell(self, keys: Keys, message: str, hint: str = "", instead: tuple[Keys, ...] = ()) -> None:
        self._found[Problem(self.file.path, self.file.line_of(*keys), message, hint, instead)] = None


def _name(key: str) -> str:
    return key.replace("-", "_")
