"""What the help of one command says, as a value; `draw` makes text of it."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from asrcli.cli.help.layout import ARGUMENTS, COMMANDS, LAYOUTS, MOST_USED, OTHERS, SECTIONS, Layout

_BLOCK = "\b"


class Entry(NamedTuple):
    """One row: an option with its value, a command or an example, and what it does."""

    names: str
    text: str


class Page(NamedTuple):
    """All that the help of a command says, from the top to the bottom.

    `sections` are titles and their rows. `notes` are paragraphs; one that has line breaks stays as it is. `topics` are
    those of `asrcli guide`.
    """

    usage: str
    summary: str
    examples: tuple[Entry, ...]
    sections: tuple[tuple[str, tuple[Entry, ...]], ...]
    notes: tuple[str, ...]
    topics: tuple[str, ...]


def page_of(command: Any, context: Any) -> Page:
    """The page of Typer's `command`, a group or not, with the defaults that are in force in `context`."""
    summary, examples, notes = _split(inspect.cleandoc(command.help or ""))
    layout = _layout(context)
    parameters = [each for each in command.get_params(context) if not getattr(each, "hidden", False)]
    commands = getattr(command, "commands", {})
    sections = [*_command_sections(commands, is_root=context.parent is None), *_sections(parameters, layout, context)]
    pieces = [_argument(each) for each in parameters if each.param_type_name == "argument"]
    usage = " ".join([context.command_path, *pieces, *(["COMMAND"] if commands else []), "[OPTIONS]"])
    return Page(usage, summary, examples, tuple(sections), notes, layout.topics)


def option_names(option: Any) -> str:
    """Its short name, its first long one and its value, such as `-o, --output FILE`; of a pair both."""
    short = [name for name in option.opts if not name.startswith("--")]
    long = [name for name in option.opts if name.startswith("--")][:1]
    if option.secondary_opts:
        off = option.secondary_opts[0]
        # The whole name of one stands there, for whoever searches for it.
        long.append("--no-…" if off == f"--no-{long[0][2:]}" else off)
    value = "" if option.is_flag or option.count else f" {option.metavar or option.name.upper()}"
    return ", ".join([*short, *long]) + value


def _split(help_text: str) -> tuple[str, tuple[Entry, ...], tuple[str, ...]]:
    """The first paragraph, the examples, and the other paragraphs of the text of a command."""
    summary, *blocks = help_text.split("\n\n")
    examples, notes = list[Entry](), list[str]()
    for block in blocks:
        lines = block.removeprefix(f"{_BLOCK}\n").split("\n")
        if not block.startswith(_BLOCK):
            notes.append(" ".join(lines))
        elif all("asrcli " in line for line in lines):
            examples += map(_example, lines)
        else:
            notes.append("\n".join(lines))
    return " ".join(summary.split("\n")), tuple(examples), tuple(notes)


def _example(line: str) -> Entry:
    command, _, what = line.strip().partition("  ")
    return Entry(command, what.strip())


def _layout(context: Any) -> Layout:
    """That of the command; of one in a group, the group's guides."""
    path = context.command_path.split()
    own = LAYOUTS.get(path[1], Layout()) if len(path) > 1 else Layout()
    return own if len(path) == 2 else Layout(topics=own.topics)


def _command_sections(commands: dict[str, Any], *, is_root: bool) -> Iterator[tuple[str, tuple[Entry, ...]]]:
    placed = COMMANDS if is_root else {}
    left = [name for name in commands if not any(name in names for names in placed.values())]
    for title, names in {**placed, "Commands": tuple(left)}.items():
        rows = [Entry(name, _summary(commands[name])) for name in names if name in commands]
        if rows:
            yield title, tuple(rows)


def _summary(command: Any) -> str:
    return " ".join(inspect.cleandoc(command.help or "").split("\n\n")[0].split("\n"))


def _sections(parameters: list[Any], layout: Layout, context: Any) -> Iterator[tuple[str, tuple[Entry, ...]]]:
    found: dict[str, list[Entry]] = {title: [] for title in SECTIONS}
    by_name = {each.name: each for each in parameters}
    for name in layout.first:
        found[MOST_USED].append(_row(by_name[name], context))
    several = len({_section(each) for each in parameters if each.expose_value}) > 1
    for each in parameters:
        # Who reads this page knows --help.
        if each.name not in layout.first and not (each.name == "help" and several):
            found[_section(each)].append(_row(each, context))
    for title, rows in found.items():
        if rows:
            yield title, tuple(rows)


def _section(parameter: Any) -> str:
    return parameter.rich_help_panel or (ARGUMENTS if parameter.param_type_name == "argument" else OTHERS)


def _argument(parameter: Any) -> str:
    name = parameter.metavar or parameter.name.upper()
    return name if parameter.required else f"[{name}]"


def _row(parameter: Any, context: Any) -> Entry:
    if parameter.param_type_name == "argument":
        return Entry(parameter.metavar or parameter.name.upper(), parameter.help or "")
    return Entry(option_names(parameter), _text(parameter, context))


def _text(option: Any, context: Any) -> str:
    """Its help, then the numbers that it takes, its default in brackets, and its other names."""
    text = (option.help or "").removesuffix(".")
    if span := _span(option):
        text += f", {span}"
    if default := _default(option, context):
        text += f" [{default}]"
    others = [name for name in option.opts if name.startswith("--")][1:]
    return f"{text}.{f' Also {_listed(others)}.' if others else ''}"


def _span(option: Any) -> str:
    """`0 to 100`; "" where every number will do."""
    if option.count or (option.min is None and option.max is None):
        return ""
    if option.max is None:
        return f"{option.min:g} at least"
    return f"{option.max:g} at most" if option.min is None else f"{option.min:g} to {option.max:g}"


def _default(option: Any, context: Any) -> str:
    if isinstance(option.show_default, str):
        return str(option.show_default)
    value = option.get_default(context, call=False)
    if value is None or value == [] or not option.show_default or option.name == "help":
        return ""
    if isinstance(value, bool):
        # A flag that is off says so by being one.
        return "yes" if value else ""
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
