"""Defaults from files: `asrcli.toml` in the current folder, and the user's own `config.toml`.

    model = "paraformer-realtime-v2"     # for file and mic
    stats = true                         # for file, mic and qwen
    [mic]
    device = "usb"                       # for one command

A flag outranks the environment, the environment the project's file, that one the user's. Only typer and the standard
library are imported here.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from asrcli.errors import UsageError

PROJECT_FILE = "asrcli.toml"
# A folder that somebody else made must not decide where the key and the sound go.
_PERSONAL = {"api_key", "api_key_file", "endpoint", "proxy", "ca_bundle", "workspace"}

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
_TRANSCRIBING = ("file", "mic", "qwen")
_OWN = {"qwen": {"model"}}

Options = Mapping[str, frozenset[str]]
"""Command → the names of its options, with underscores."""


def user_file(environ: Mapping[str, str], home: Path) -> Path:
    """Where the user's own file is looked for."""
    base = environ.get("XDG_CONFIG_HOME")
    return (Path(base) if base else home / ".config") / "asrcli" / "config.toml"


def defaults(
    options: Options, project: Path, user: Path, environ: Mapping[str, str], typed: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """Command → option → default, from both files, as Typer's default_map takes it; `typed` is the command line.

    Raises UsageError for a file that is no TOML and for a name that no command has.
    """
    outranked = {key for key, names in _VARIABLES.items() if any(environ.get(name) for name in names)}
    outranked |= {key for key, flags in _CONTRADICTED.items() if any(_is_typed(flag, typed) for flag in flags)}
    merged: dict[str, dict[str, Any]] = {command: {} for command in options}
    for path, refused in ((user, {"api_key"}), (project, _PERSONAL)):
        for command, given in _read(path, options, refused).items():
            merged[command].update((key, value) for key, value in given.items() if key not in outranked)
    return merged


def _read(path: Path, options: Options, refused: set[str]) -> dict[str, dict[str, Any]]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {error}", hint="mend the file or remove it") from error
    common = {_name(key): value for key, value in document.items() if not isinstance(value, dict)}
    tables = {_name(key): value for key, value in document.items() if isinstance(value, dict)}
    shared_names = frozenset().union(*(known for command, known in options.items() if command in _TRANSCRIBING))
    _check(path, common, shared_names, refused, "option")
    _check(path, tables, frozenset(options), set(), "command")
    found: dict[str, dict[str, Any]] = {}
    for command, known in options.items():
        own = {_name(key): value for key, value in tables.get(command, {}).items()}
        _check(path, own, known, refused, f"option of {command}")
        shared = known - _OWN.get(command, set()) if command in _TRANSCRIBING else frozenset[str]()
        found[command] = {key: value for key, value in common.items() if key in shared} | own
    return found


def _check(path: Path, given: Mapping[str, Any], known: frozenset[str], refused: set[str], what: str) -> None:
    for key in given:
        if key in refused:
            place = "~/.dashscope/api_key" if key == "api_key" else "your own config.toml"
            raise UsageError(f"{path}: {key} cannot stand here", hint=f"put it into {place}")
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1)
            raise UsageError(f"{path}: {key} is no {what}", hint=f"did you mean {nearest[0]}?" if nearest else "")


def _is_typed(flag: str, typed: Sequence[str]) -> bool:
    return any(word == flag or word.startswith(f"{flag}=") for word in typed)


def _name(key: str) -> str:
    return key.replace("-", "_")
