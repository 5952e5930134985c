"""What may come next on a half-typed command line: commands, options and their values.

The program reads the line as the shell would and knows its own options; what a shell does with the answers is the
business of `scripts`. Typer's own completion does neither quotes nor the value after an equals sign: in bash it leaves
`--format=j` as it is, and puts a microphone's name there without quotes (tests/cli/shells). Nothing here loads numpy,
the network or, but for the value of --device, the audio stack.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import typer

# Longer than a healthy sound system takes to list its microphones; a person who pressed TAB has given up by then.
_PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class Typed:
    """A command line up to the cursor, as the shell reads it.

    `words` are those before the one at the cursor, the command itself left out; `current` is what there is of that
    one, both without their quotes; `quote` is the quote that is open at the cursor, or "". `kept` counts the
    characters of `current` that bash leaves alone when it completes.
    """

    words: tuple[str, ...]
    current: str
    quote: str
    kept: int


@dataclass(frozen=True, slots=True)
class Offer:
    """One word that may stand at the cursor, and what it is."""

    value: str
    help: str = ""


def read_line(line: str, breaks: str = "") -> Typed:
    """Split `line` into words. `breaks` are the characters at which bash begins to complete anew (COMP_WORDBREAKS)."""
    words: list[str] = []
    word: str | None = None
    quote, escaped = "", False
    kept = kept_before_quote = 0
    for char in line:
        if escaped:
            # Between double quotes a backslash stands for itself before most characters.
            word = (word or "") + (f"\\{char}" if quote and char not in '\\"$`' else char)
            escaped = False
        elif char == "\\" and quote != "'":
            escaped = True
        elif quote and char != quote:
            word = (word or "") + char
        elif quote:
            quote, kept = "", kept_before_quote
        elif char in "'\"":
            word = word or ""
            quote, kept_before_quote, kept = char, kept, len(word)
        elif char.isspace():
            if word is not None:
                words.append(word)
            word, kept = None, 0
        else:
            word = (word or "") + char
            kept = len(word) if char in breaks else kept
    return Typed(tuple(words[1:]), word or "", quote, kept)


def offers(root: Any, words: Sequence[str], current: str) -> list[Offer]:
    """What fits `current` after `words`; [] where it is for the shell to offer files. `root` is Typer's command."""
    place = _place(root, words)
    if place is None:
        return []
    place.current = current
    name, equals, value = current.partition("=")
    if place.option is not None:
        return _fitting(_values(place, place.option), current)
    if place.options_end:
        return _fitting(_arguments(place), current)
    if equals and name.startswith("--"):
        option = _option(place.command, name)
        found = _fitting(_values(place, option), value) if option is not None else []
        return [Offer(f"{name}={offer.value}", offer.help) for offer in found]
    if current.startswith("-"):
        return list(_options(place, current))
    if further := _commands_of(place.command):
        return _fitting(_commands(further), current)
    return _fitting(_arguments(place), current)


@dataclass(slots=True)
class _Place:
    """Where the cursor is: in which command, after which option that wants a value, and what was given before.

    `current` is what there is of the word at the cursor; completions find it in `obj` of their context.
    """

    command: Any
    current: str = ""
    option: Any = None
    arguments: int = 0
    options_end: bool = False
    given: dict[str, str] = field(default_factory=dict)

    def take(self, word: str) -> None:
        """The next argument."""
        names = [argument.name for argument in _parameters(self.command, "argument")]
        if self.arguments < len(names):
            self.given[names[self.arguments]] = word
        self.arguments += 1


def _place(root: Any, words: Sequence[str]) -> _Place | None:
    """None after a command that there is not."""
    place = _Place(root)
    for word in words:
        name, equals, value = word.partition("=")
        if place.option is not None:
            place.given[place.option.name] = word
            place.option = None
        elif place.options_end or not word.startswith("-") or word == "-":
            further = _commands_of(place.command)
            if not further:
                place.take(word)
            elif word in further:
                place.command = further[word]
            elif "file" in further and _is_source(word):
                # The command that is left out.
                place.command = further["file"]
                place.arguments += 1
            else:
                return None
        elif word == "--":
            place.options_end = True
        elif (option := _option(place.command, name)) is not None:
            place.given[option.name] = value
            place.option = option if _takes_value(option) and not equals else None
    return place


def _is_source(word: str) -> bool:
    from asrcli.runs.inputs import is_source

    return is_source(word)


def _parameters(command: Any, kind: str) -> Iterator[Any]:
    for parameter in command.get_params(typer.Context(command)):
        if parameter.param_type_name == kind and not getattr(parameter, "hidden", False):
            yield parameter


def _option(command: Any, name: str) -> Any:
    for option in _parameters(command, "option"):
        if name in option.opts or name in option.secondary_opts:
            return option
    return None


def _takes_value(option: Any) -> bool:
    return not (option.is_flag or option.count)


def _commands_of(command: Any) -> dict[str, Any]:
    """Those of a group, by name."""
    return getattr(command, "commands", {})


def _commands(further: dict[str, Any]) -> Iterator[Offer]:
    for name, command in further.items():
        if not command.hidden:
            yield Offer(name, (command.help or "").partition("\n")[0])


def _options(place: _Place, current: str) -> Iterator[Offer]:
    """Each option once, by the first of its names that fits, long ones before short ones; not what is there already."""
    for option in _parameters(place.command, "option"):
        if option.name in place.given and not option.multiple:
            continue
        for names in (option.opts, option.secondary_opts):
            fitting = [name for name in names if name.startswith(current)]
            if fitting:
                first = next((name for name in fitting if name.startswith("--")), fitting[0])
                yield Offer(first, option.help or "")


def _arguments(place: _Place) -> list[Offer]:
    arguments = list(_parameters(place.command, "argument"))
    if not arguments or (place.arguments >= len(arguments) and arguments[-1].nargs != -1):
        return []
    return _values(place, arguments[min(place.arguments, len(arguments) - 1)])


def _values(place: _Place, parameter: Any) -> list[Offer]:
    context = typer.Context(place.command, obj=place.current)
    context.params.update(place.given)
    # Asked for all of them: Typer would leave out those that differ in case.
    items = parameter.shell_complete(context, "")
    return [Offer(item.value, item.help or "") for item in items if item.type == "plain"]


def _fitting(found: Iterable[Offer], current: str) -> list[Offer]:
    """Those that begin as `current` does; where none does, those that differ in case only."""
    # What no shell can show on a line of its own, or what would drive the terminal, is not offered.
    sound = [offer for offer in found if offer.value and offer.value.isprintable()]
    exact = [offer for offer in sound if offer.value.startswith(current)]
    return exact or [offer for offer in sound if offer.value.casefold().startswith(current.casefold())]


# --- answers -------------------------------------------------------------------------------------------------------

_SPECIAL = {"": r"[^\w@%+=:,./~-]|^~", '"': r'[\\"$`]'}


def for_bash(found: Iterable[Offer], typed: Typed) -> list[str]:
    """What bash is to put in place of the part of the word that it completes, quoted as the user began to quote."""
    values = [offer.value[typed.kept :] for offer in found]
    if typed.quote == "'":
        return [value.replace("'", r"'\''") for value in values]
    return [re.sub(_SPECIAL[typed.quote], r"\\\g<0>", value) for value in values]


def with_help(found: Iterable[Offer]) -> list[str]:
    """A value, a tab and its help on each line, for shells that quote by themselves."""
    return [f"{offer.value}\t{' '.join(offer.help.split())}" for offer in found]


def answer(root: Any, shell: str, line: str, breaks: str = "") -> list[str]:
    """The lines with which `shell` completes the end of `line`."""
    typed = read_line(line, breaks)
    found = offers(root, typed.words, typed.current)
    return for_bash(found, typed) if shell == "bash" else with_help(found)


def main(root: Any, arguments: Sequence[str]) -> None:
    """Answer a completion script: `arguments` are those of `answer`. Says nothing but the answer, and soon."""
    answers = os.dup(1)
    null = os.open(os.devnull, os.O_WRONLY)
    # Sound systems talk to both, and do not always come back.
    os.dup2(null, 1)
    os.dup2(null, 2)
    timer = threading.Timer(_PATIENCE_S, os._exit, (1,))
    timer.daemon = True
    timer.start()
    lines = answer(root, *arguments)
    with os.fdopen(answers, "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.writelines(f"{line}\n" for line in lines)
    # Without what libraries would still do at the end.
    os._exit(0)
