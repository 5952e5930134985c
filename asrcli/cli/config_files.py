"""Defaults from files: `asrcli.toml` in the current folder, and the user's own `config.toml`.

    model = "paraformer-realtime-v2"     # for file and mic
    stats = true                         # for file, mic and qwen
    [mic]
    device = "usb"                       # for one command

A flag outranks the environment, the environment the project's file, that one the user's. What a file says is checked
here, where its name is known; the options themselves come from Typer.
"""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from asrcli.cli.flags.conversion import refuse_empty
from asrcli.system.folders import user_folder
from asrcli.values.errors import UsageError

PROJECT_FILE = "asrcli.toml"
# A folder that somebody else made must not decide where the key and the sound go, nor which files are replaced.
_PERSONAL = {"api_key", "api_key_file", "endpoint", "proxy", "ca_bundle", "workspace", "header", "force"}

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
_ALSO = {"vocab": {"model", "region", "workspace", "endpoint", "api_key_file", "proxy", "ca_bundle"}}

# Options that take one of the words which complete them, and nothing else.
_CLOSED = {"region", "protocol", "format", "color", "encoding", "wire_rate"}

Commands = Mapping[str, Any]
"""Name → Typer's command; its `commands` are those of a group."""


def user_file(environ: Mapping[str, str], home: Path) -> Path:
    """Where the user's own file is looked for."""
    return user_folder("XDG_CONFIG_HOME", environ, home) / "asrcli" / "config.toml"


def defaults(
    commands: Commands, project: Path, user: Path, environ: Mapping[str, str], typed: Sequence[str] = ()
) -> dict[str, dict[str, Any]]:
    """Command → option → default, from both files, as Typer's default_map takes it; `typed` is the command line.

    Raises UsageError for a file that is no TOML, for a name that no command has and for a value that it cannot have.
    """
    outranked = {key for key, names in _VARIABLES.items() if any(environ.get(name) for name in names)}
    outranked |= {key for key, flags in _CONTRADICTED.items() if any(_is_typed(flag, typed) for flag in flags)}
    if _names_say_the_forms(typed):
        outranked |= {"format", "json"}
    merged: dict[str, dict[str, Any]] = {command: {} for command in commands}
    for path, refused in ((user, {"api_key"}), (project, _PERSONAL)):
        for command, given in _read(path, commands, refused).items():
            merged[command].update((key, value) for key, value in given.items() if key not in outranked)
    return {command: _for_each(commands[command], given) for command, given in merged.items()}


def _for_each(command: Any, given: dict[str, Any]) -> dict[str, Any]:
    """`given`, as it is for a command, and for a group for each of its commands what that one knows."""
    if not given:
        # Nothing is loaded to find out of what it is nothing.
        return given
    known = {name: _options(each) for name, each in getattr(command, "commands", {}).items()}
    if not known:
        return given
    return {name: {key: given[key] for key in given if key in options} for name, options in known.items()}


def _read(path: Path, commands: Commands, refused: set[str]) -> dict[str, dict[str, Any]]:
    try:
        text = path.read_text(encoding="utf-8")
        # Nearly everybody has no file, and does not wait for what reads one.
        import tomllib

        document = tomllib.loads(text)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: {error}", hint="mend the file or remove it") from error
    common = {_name(key): value for key, value in document.items() if not isinstance(value, dict)}
    tables = {key: value for key, value in document.items() if isinstance(value, dict)}
    options = {name: _options(command) for name, command in commands.items()}
    shared_names = set[str]().union(*(known for command, known in options.items() if command in _TRANSCRIBING))
    _check(path, common, shared_names, refused, "option")
    _check(path, tables, set(commands), set(), "command")
    found: dict[str, dict[str, Any]] = {}
    for command, known in options.items():
        own = {_name(key): value for key, value in tables.get(command, {}).items()}
        _check(path, own, set(known), refused, f"option of {command}")
        shared = known.keys() - _OWN.get(command, set()) if command in _TRANSCRIBING else _ALSO.get(command, set())
        given = {key: value for key, value in common.items() if key in shared} | own
        context = typer.Context(commands[command])
        found[command] = {key: _value(path, context, known[key], value) for key, value in given.items()}
    return found


def _options(command: Any) -> dict[str, Any]:
    """By name, without --help; of a group, those of all its commands."""
    found = {each.name: each for each in command.get_params(typer.Context(command)) if _is_option(each)}
    for each in getattr(command, "commands", {}).values():
        found |= _options(each)
    return found


def _is_option(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "option" and parameter.expose_value)


def _check(path: Path, given: Mapping[str, Any], known: set[str], refused: set[str], what: str) -> None:
    for key in given:
        if key in refused:
            place = "~/.dashscope/api_key" if key == "api_key" else "your own config.toml"
            raise UsageError(f"{path}: {key} cannot stand here", hint=f"put it into {place}")
        if key not in known:
            nearest = difflib.get_close_matches(key, known, n=1)
            raise UsageError(f"{path}: {key} is no {what}", hint=f"did you mean {nearest[0]}?" if nearest else "")


def _value(path: Path, context: typer.Context, option: Any, value: Any) -> Any:
    """`value` as Typer takes it. Raises UsageError with the file and the key for one that the option cannot have."""
    given = [value] if option.multiple and isinstance(value, str) else value
    try:
        _check_kind(option, given)
        refuse_empty(option, context, given)
        _check_meaning(context, option, option.process_value(context, given))
    except (UsageError, typer.TyperException) as error:
        reason = str(getattr(error, "message", error))
        import json

        shown = json.dumps(value, ensure_ascii=False, default=str)
        raise UsageError(f"{path}: {option.name} = {shown}: {reason}", hint=getattr(error, "hint", "")) from error
    return given


def _check_kind(option: Any, value: Any) -> None:
    """Raise UsageError for a kind of value that Typer would make some text of."""
    if option.is_flag or option.count:
        return
    for each in value if option.multiple and isinstance(value, list) else [value]:
        if isinstance(each, bool) or not isinstance(each, str | int | float):
            raise UsageError("it takes a list of texts" if option.multiple else "it takes a text or a number")


def _check_meaning(context: typer.Context, option: Any, value: Any) -> None:
    """Raise UsageError for a value that means nothing, whatever it is used with."""
    key = option.name
    if key in _CLOSED:
        words = [item.value for item in option.shell_complete(context, "")]
        if words and not set(value if option.multiple else [value]) <= set(words):
            raise UsageError("it is not known", hint=f"choose one of {', '.join(words)}")
        if words:
            return

    from asrcli.audio.chunks.pacing import parse_pace
    from asrcli.cli.flags import knobs, textfiles
    from asrcli.settings import endpoints, headers, phrases, recognition
    from asrcli.values.kinds import Texts

    match key:
        case "pace":
            parse_pace(value)
        case "param":
            phrases.parse_parameters(value)
        case "hotwords":
            textfiles.check_hotwords(value)
        case "header":
            headers.parse_headers(value)
        case "endpoint":
            endpoints.endpoint_url(None, None, value, {})
        case "workspace":
            endpoints.endpoint_url(None, value, None, {})
        case _:
            row = knobs.ROWS.get(key)
            # Files are read when they are used.
            if row is not None and not isinstance(row.kind, Texts):
                recognition.check(row, value)


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
