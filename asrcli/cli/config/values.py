"""What a configuration file may set: the options of a command by name, and the values that they can have.

The options themselves come from Typer.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from asrcli.cli.flags.conversion import quick, refuse_empty
from asrcli.values.errors import UsageError

# Options that take one of the words which complete them, and nothing else.
_CLOSED = {"region", "protocol", "format", "color", "encoding", "wire_rate", "send"}
# Options whose text may be the name of a file, and what may come before that name.
_MAY_NAME_A_FILE = {
    **dict.fromkeys(("context", "corpus", "hotwords", "mask_words", "drop_words"), "@"),
    "recognizer": "script:",
}
# It says which part of a file counts.
_OF_THE_FILES = {"profile"}
OF_ONE_RUN = {"manifest", "results", "shard", "dry_run"}
"""What says which sources one run does: from a file it would have every other run do them, or leave its own out."""


def options_of(command: Any) -> dict[str, Any]:
    """By name, without --help; of a group, those of all its commands."""
    # Whoever asks a command for --help first decides for good which names that has: its own run should.
    found = {each.name: each for each in quick(command.params) if is_setting(each)}
    for each in getattr(command, "commands", {}).values():
        found |= options_of(each)
    return found


def is_setting(parameter: Any) -> bool:
    """Whether it is an option that a file may speak of."""
    return bool(
        parameter.param_type_name == "option"
        and parameter.expose_value
        and parameter.name not in _OF_THE_FILES | OF_ONE_RUN
    )


def value_of(command: Any, option: Any, value: Any) -> Any:
    """`value` as Typer takes it. Raises UsageError for one that the option cannot have."""
    context = typer.Context(command)
    given = [value] if option.multiple and isinstance(value, str) else value
    try:
        _check_kind(option, given)
        refuse_empty(option, context, given)
        _check_meaning(context, option, option.process_value(context, given))
    except typer.TyperException as error:
        raise UsageError(str(getattr(error, "message", error))) from error
    return given


def check_reach(option: Any, value: Any, folder: Path) -> None:
    """Raise UsageError where `value` names a file outside `folder`, to be read or written."""
    within = folder.resolve()
    for text in _names_of_files(option, value):
        try:
            # Links are followed: a repository may bring some.
            is_within = (folder / text).resolve().is_relative_to(within)
        except ValueError:
            # No file has a NUL in its name.
            continue
        if not is_within:
            raise UsageError("it leads out of the project's folder", hint="put it into your own config.toml")


def _names_of_files(option: Any, value: Any) -> Iterator[str]:
    prefix = _MAY_NAME_A_FILE.get(option.name)
    if prefix is None and option.type_descriptor.annotation not in (Path, list[Path]):
        return
    for each in value if isinstance(value, list) else [value]:
        yield str(each).removeprefix(prefix or "")


def _check_kind(option: Any, value: Any) -> None:
    """Raise UsageError for a kind of value that Typer would make some text of."""
    if option.is_flag or option.count:
        return
    if isinstance(value, list) and not option.multiple:
        raise UsageError("it takes one value, not several")
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
    from asrcli.cli.flags.options import FileAudioFlags
    from asrcli.settings import endpoints, headers, phrases, recognition, sending
    from asrcli.values.kinds import Texts

    match key:
        case "opus_bitrate":
            sending.parse_bitrate(value)
        case "pace":
            parse_pace(value)
        case "param":
            phrases.parse_parameters(value)
        case "hotwords":
            textfiles.check_hotwords(value)
        case "rate" if option.type_descriptor.annotation is str:
            FileAudioFlags(value).starts()
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
