"""The means to use a group of options as one parameter of a command."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Several:
    """Marks a field of a group, a dict, that stands for several options: their names and what Typer is to know."""

    options: Mapping[str, Any]


def grouped(command: Callable[..., Any]) -> Callable[..., Any]:
    """Replace each parameter of `command` that is a dataclass by one option for each of its fields.

    Typer sees the options one by one; the command gets them as one frozen value. In the help they stand in the section
    that their class names, unless an option names its own.
    """
    groups: dict[str, type] = {}
    expanded: list[inspect.Parameter] = []
    hints = typing.get_type_hints(command, include_extras=True)
    for parameter in inspect.signature(command).parameters.values():
        hint = hints[parameter.name]
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            groups[parameter.name] = hint
            expanded += _parameters(hint)
        else:
            expanded.append(parameter.replace(annotation=hint, kind=inspect.Parameter.KEYWORD_ONLY))

    @functools.wraps(command)
    def call(**values: Any) -> Any:
        for name, group in groups.items():
            values[name] = group(**_gathered(group, values))
        return command(**values)

    call.__signature__ = inspect.Signature(expanded)  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in expanded}
    return call


def _parameters(group: type) -> list[inspect.Parameter]:
    hints = typing.get_type_hints(group, include_extras=True)
    sections = _sections(group)
    found = []
    for item in dataclasses.fields(group):
        several = _several(hints[item.name])
        options = {item.name: (_default(item), hints[item.name])}
        if several is not None:
            options = {name: (None, annotation) for name, annotation in several.options.items()}
        for name, (default, annotation) in options.items():
            _place(annotation, sections[item.name])
            found.append(
                inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            )
    return found


def _sections(group: type) -> dict[str, str | None]:
    """Field → the `section` of the class that has brought it into `group`."""
    found: dict[str, str | None] = {}
    for kind in reversed(group.__mro__):
        found |= dict.fromkeys(inspect.get_annotations(kind), getattr(kind, "section", None))
    return found


def _place(annotation: Any, title: str | None) -> None:
    """Write the section into the option that `annotation` carries, unless it names its own."""
    for mark in annotation.__metadata__:
        if mark.rich_help_panel is None:
            mark.rich_help_panel = title


def _gathered(group: type, values: dict[str, Any]) -> dict[str, Any]:
    """The fields of `group`, taken out of `values`."""
    hints = typing.get_type_hints(group, include_extras=True)
    found = {}
    for item in dataclasses.fields(group):
        several = _several(hints[item.name])
        if several is None:
            found[item.name] = values.pop(item.name)
        else:
            found[item.name] = {name: values.pop(name) for name in several.options}
    return found


def _several(hint: Any) -> Several | None:
    return next((mark for mark in getattr(hint, "__metadata__", ()) if isinstance(mark, Several)), None)


def _default(item: dataclasses.Field[Any]) -> object:
    return item.default if item.default_factory is dataclasses.MISSING else item.default_factory()
