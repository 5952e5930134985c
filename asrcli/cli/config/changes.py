"""A value set or taken out in a configuration file, by its key. What a file may say is judged as when it is read."""

from __future__ import annotations

import difflib
import os
import shlex
from collections.abc import Sequence
from typing import Any

from asrcli.cli.config.keys import option_of, split
from asrcli.cli.config.reading import Reading
from asrcli.cli.config_files import all_commands, resolve, unfit
from asrcli.output.output import Output
from asrcli.settings.files import OWN, PROJECT, ConfigFile, Problem, change, config_files, parse
from asrcli.settings.secrets import without_secrets
from asrcli.settings.toml_edit import Value, with_value, without, written
from asrcli.settings.toml_text import Keys
from asrcli.values.errors import UsageError


def set_key(key: str, given: Sequence[str], *, in_project: bool, output: Output) -> None:
    """Write it, and say so. Raises UsageError for a key or a value that cannot be, OutputError for a file."""
    _refuse_what_is_not_utf8("the key", key)
    keys = _plainly(split(key))
    file = _file(in_project)
    value = _value(keys, given)
    before = _unfit()

    def edit(before: ConfigFile) -> str:
        _refuse_broken(before, file)
        text = with_value(before.text, _spelled(keys, before), value)
        _refuse_what_is_wrong(before, parse(before.path, file.whose, text), given, in_project=in_project)
        return text

    change(file.path, file.whose, edit)
    output.say(f"{file.path}: {'.'.join(keys)} = {written(without_secrets(keys[-1], value))}")
    _tell_what_outranks(file, keys, output)
    _tell_what_does_not_fit(before, output)


def unset_key(key: str, *, in_project: bool, output: Output) -> None:
    """Take it out, and say so. Raises UsageError where it is not there, OutputError for a file."""
    keys = split(key)
    file = _file(in_project)

    def edit(before: ConfigFile) -> str:
        _refuse_broken(before, file)
        spelled = _spelled(keys, before)
        if not _is_there(before, spelled):
            there = {".".join(each.keys) for each in before.statements}
            nearest = difflib.get_close_matches(key, there, n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else ""
            raise UsageError(f"{file.path} does not set {key}", hint=hint)
        return without(before.text, spelled)

    if not file.exists:
        raise UsageError(f"{file.path} does not set {key}: there is no such file")
    change(file.path, file.whose, edit)
    output.say(f"{file.path}: {key} is not set any more")


def _file(in_project: bool) -> ConfigFile:
    wanted = PROJECT if in_project else OWN
    return next(file for file in config_files() if file.whose == wanted)


def _value(keys: Keys, given: Sequence[str]) -> Value:
    """What the words mean, by the kind of the option; a text where it is not known, which is refused later."""
    for each in given:
        _refuse_what_is_not_utf8("the value", each)
    option = option_of(keys)
    if option is not None and option.multiple:
        return given[0] if len(given) == 1 else list(given)
    if len(given) > 1:
        raise UsageError(f"{'.'.join(keys)} takes one value", hint="put it in quotes")
    return given[0] if option is None else _plain(option, given[0])


def _refuse_what_is_not_utf8(what: str, word: str) -> None:
    try:
        word.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f"{what} is not valid UTF-8", hint="check the encoding of the terminal") from error


def _plain(option: Any, word: str) -> Value:
    kind = option.type_descriptor.annotation
    if option.is_flag and word.lower() in ("true", "yes", "on", "1", "false", "no", "off", "0"):
        return word.lower() in ("true", "yes", "on", "1")
    for number in (int, float):
        if kind is number or option.count:
            try:
                return number(word)
            except ValueError:
                break
    return word


def _spelled(keys: Keys, file: ConfigFile) -> Keys:
    """`keys` as `file` has them, where it has an option with hyphens or without."""
    alike = (each.keys for each in file.statements if _plainly(each.keys) == _plainly(keys))
    return next(alike, keys)


def _plainly(keys: Keys) -> Keys:
    return (*keys[:-1], keys[-1].replace("-", "_"))


def _is_there(file: ConfigFile, keys: Keys) -> bool:
    place: Any = file.values
    for key in keys:
        if not isinstance(place, dict) or key not in place:
            return False
        place = place[key]
    return True


def _refuse_broken(read: ConfigFile, file: ConfigFile) -> None:
    if read.problem is not None:
        where = file.path if read.line is None else f"{os.fspath(file.path)}:{read.line}"
        raise UsageError(f"{where}: {read.problem}", hint="mend it with an editor; nothing is changed")


def _refuse_what_is_wrong(before: ConfigFile, after: ConfigFile, given: Sequence[str], *, in_project: bool) -> None:
    """Raise UsageError for the first that is wrong in `after`, with the `given` words, and was not in `before`."""
    known = {(each.message, each.hint) for each in Reading(before, all_commands()).problems}
    for each in Reading(after, all_commands()).problems:
        if (each.message, each.hint) not in known:
            raise UsageError(each.message, hint=_instead(each.instead, given, in_project=in_project) or each.hint)


def _instead(keys: Sequence[Keys], given: Sequence[str], *, in_project: bool) -> str:
    """The line that sets it for one command, and for which others there is one."""
    if not keys:
        return ""
    first, *others = [each[-2] for each in keys]
    words = ["asrcli", "config", "set", *(["--project"] if in_project else []), ".".join(keys[0]), *given]
    return f"`{shlex.join(words)}`" + (f", or {' or '.join(others)} instead of {first}" if others else "")


def _tell_what_outranks(file: ConfigFile, keys: Keys, output: Output) -> None:
    for other in config_files():
        line = other.line_of(*_spelled(keys, other))
        if file.whose == OWN and other.whose == PROJECT and line is not None:
            output.notice(f"{other.path}:{line} sets it too, and outranks it in this folder", "")


def _unfit() -> list[Problem]:
    files = config_files()
    refused, doubted = unfit(files, resolve(all_commands(), files, {}))
    return [*refused, *doubted]


def _tell_what_does_not_fit(before: Sequence[Problem], output: Output) -> None:
    """What the model in force lacks or does not know, and did not before."""
    known = {(problem.path, problem.message) for problem in before}
    for problem in _unfit():
        if (problem.path, problem.message) not in known:
            output.notice(f"{problem.where}: {problem.message}", problem.hint)
