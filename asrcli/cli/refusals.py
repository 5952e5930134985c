"""What Typer refuses, in our words: which option or command, what was given, what may be, and the nearest that is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from asrcli.cli import other_tools
from asrcli.cli.first_words import nearest
from asrcli.values.errors import UsageError

# What people try in a group, and what it is called there.
_IN_GROUPS = {
    "create": "new add make upload", "list": "ls all", "show": "get cat print view describe list ls all profiles",
    "update": "edit change replace modify set", "delete": "rm remove del drop", "check": "validate test lint verify",
    "set": "change replace modify add put", "unset": "rm remove del delete drop reset",
    # Its help has the line for an editor.
    "path": "edit open file where location",
}  # fmt: skip

# Words that have less in common are two words.
_LIKENESS = 0.72


def in_our_words(error: Any, arguments: Sequence[str], root: Any) -> UsageError:
    """The UsageError for `error`, which is one of Typer's; `root` is the program as Typer's group."""
    command, path = _command(root, arguments)
    kind, see = type(error).__name__, f"see `{path} --help`"
    message = " ".join(str(getattr(error, "message", error)).split())
    parameter = getattr(error, "param", None)
    if kind == "NoSuchOption":
        return _no_option(error.option_name, command, path)
    if kind == "MissingParameter" and parameter is not None:
        return UsageError(f"{_called(parameter, arguments)} is missing", hint=f"{_what_it_is(parameter)}; {see}")
    if parameter is not None:
        return UsageError(f"{_called(parameter, arguments)}{_wrong(error, message)}", hint=see)
    if kind == "BadOptionUsage":
        return _value_trouble(error.option_name, message, command, see)
    if found := re.search(r"No such command '([^']*)'", message):
        return _no_command(found.group(1), command, path)
    if found := re.search(r"unexpected extra arguments?(?:\(s\))? \((.*)\)", message):
        return UsageError(f"`{path}` takes no {found.group(1)!r}", hint=_elsewhere(found.group(1), path) or see)
    return UsageError(message, hint=see)


def help_of(error: Any) -> str | None:
    """The help, with which Typer answers a group without a command; None for every other error."""
    return str(error.message) if type(error).__name__ == "NoArgsIsHelpError" else None


def _command(root: Any, arguments: Sequence[str]) -> tuple[Any, str]:
    """The command that `arguments` name, and how it is called."""
    command, path = root, "asrcli"
    for word in arguments:
        further = getattr(command, "commands", {}).get(word)
        if further is None:
            break
        command, path = getattr(further, "loaded", further), f"{path} {word}"
    return command, path


def _options(command: Any) -> dict[str, Any]:
    """Every name of an option → the option."""
    shown = [each for each in command.params if each.param_type_name == "option" and not each.hidden]
    return {name: option for option in shown for name in (*option.opts, *option.secondary_opts)}


def _no_option(name: str, command: Any, path: str) -> UsageError:
    known = _options(command)
    message = f"`{path}` has no option {name}"
    if path == "asrcli":
        return _no_option_of_all(name, command, message)
    if (said := other_tools.cannot(name)) is not None:
        return UsageError(message, hint=said)
    if (ours := other_tools.option_for(name, known)) is not None:
        return UsageError(message, hint=f"here it is {ours}")
    long = [each.removeprefix("--") for each in known if each.startswith("--")]
    bare = name.lstrip("-").replace("_", "-")
    begun = [each for each in long if len(bare) > 1 and each.startswith(bare)]
    close = begun[0] if len(begun) == 1 else nearest(bare, long, _LIKENESS)
    return UsageError(message, hint=f"did you mean --{close}?" if close else f"see `{path} --help`")


def _no_option_of_all(name: str, root: Any, message: str) -> UsageError:
    """Most options are those of a command, and of `file` among others."""
    known = _options(root.commands["file"])
    ours = name if name in known else other_tools.option_for(name, known)
    if ours is None or ours.startswith("`"):
        return UsageError(message, hint=f"here it is {ours}" if ours else "see `asrcli --help`")
    return UsageError(message, hint=f"name a file: `asrcli file FILE {ours}`")


def _no_command(word: str, group: Any, path: str) -> UsageError:
    names = [name for name, each in group.commands.items() if not each.hidden]
    ours = next((name for name, theirs in _IN_GROUPS.items() if word in theirs.split() and name in names), None)
    ours = ours or nearest(word, names)
    if ours is None and path == "asrcli" and (theirs := nearest(word, [*other_tools.COMMANDS], _LIKENESS)):
        # A slip in a word of another tool.
        ours = other_tools.COMMANDS[theirs].partition("|")[0]
    hint = f"did you mean `{path} {ours}`?" if ours else f"`{path} --help` lists them"
    return UsageError(
        f"there is no command {word!r}, and no file of that name"
        if path == "asrcli"
        else f"`{path}` has no command {word!r}",
        hint=hint,
    )


def _called(parameter: Any, arguments: Sequence[str]) -> str:
    """As the user has typed it, else by its first long name."""
    if parameter.param_type_name == "argument":
        return str(parameter.metavar or parameter.name.upper())
    names = [*parameter.opts, *parameter.secondary_opts]
    typed = next((name for name in names if any(word.split("=")[0] == name for word in arguments)), None)
    return str(typed or next((name for name in names if name.startswith("--")), names[0]))


def _wrong(error: Any, message: str) -> str:
    """What was given, and what is wrong with it."""
    given = getattr(error, "given", None)
    if given is None:
        return f" {message.removeprefix('it ')}"
    shown = given if isinstance(given, str) and re.fullmatch(r"[\w./+-]+", given) else repr(given)
    return f" {shown}: {message}"


def _what_it_is(parameter: Any) -> str:
    text = str(parameter.help or "").removesuffix(".")
    return text[:1].lower() + text[1:]


def _value_trouble(name: str, message: str, command: Any, see: str) -> UsageError:
    if "does not take a value" in message:
        return UsageError(f"{name} takes no value", hint=f"write {name} alone")
    option = _options(command).get(name)
    return UsageError(f"{name} needs a value{f', {option.metavar}' if option is not None else ''}", hint=see)


def _elsewhere(words: str, path: str) -> str:
    """What may be meant by further words after a command that takes none."""
    if path == "asrcli mic":
        return f"a file is for `asrcli file {words}`; a microphone for --device"
    return ""
