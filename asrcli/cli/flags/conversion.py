"""Values of options without pydantic, whose import takes as long as that of Typer itself.

Typer has pydantic convert every value that is no flag, those that nobody gave among them. What is plainly right is
converted here instead; what may be wrong is left to Typer, and so are the words for it.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

_NUMBERS = {int: re.compile(r"-?[0-9]{1,9}"), float: re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,9})?")}

_NAMES = ("model", "language")

HELD_BACK = "asrcli.held_back"
"""In a context's `meta`: what is asked before a command runs, and not for its help; it gets the command's context."""


class _Doubtful(Exception):  # noqa: N818 - it names what was found
    """The value may be wrong."""


class BadValue(typer.BadParameter):
    """`given` is no value of the option `param`; the message says what may be."""

    def __init__(self, given: Any, message: str, ctx: Any, param: Any) -> None:
        super().__init__(message, ctx=ctx, param=param)
        self.given = given


class QuickCommand(TyperCommand):
    """A command whose values are converted here where that is beyond doubt."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its options and arguments, --help among them."""
        return quick(super().get_params(ctx))

    def get_help(self, ctx: Any) -> str:
        """Its help, as wide as the terminal."""
        return _help(self, ctx)

    def invoke(self, ctx: Any) -> Any:
        """Run it. Raises what was held back."""
        if (check := ctx.meta.get(HELD_BACK)) is not None:
            check(ctx)
        return super().invoke(ctx)


class QuickGroup(TyperGroup):
    """The same for a group of commands."""

    def get_params(self, ctx: Any) -> list[Any]:
        """Its options, --help among them."""
        return quick(super().get_params(ctx))

    def get_help(self, ctx: Any) -> str:
        """Its help, as wide as the terminal."""
        return _help(self, ctx)


def _help(command: Any, context: Any) -> str:
    import shutil
    import sys

    from asrcli.cli.help.draw import draw
    from asrcli.cli.help.page import page_of
    from asrcli.output.views.terminal import is_colored

    columns = shutil.get_terminal_size().columns
    return draw(page_of(command, context), columns, is_bold=is_colored(sys.stdout, "auto", os.environ))


def quick(parameters: list[Any]) -> list[Any]:
    """The same parameters, whose values are converted here where that is beyond doubt."""
    for parameter in parameters:
        # Where a further version of Typer has no such method, it does all by itself.
        by_typer = getattr(parameter, "get_runtime_param", None)
        if by_typer is not None and "get_runtime_param" not in vars(parameter):
            parameter.get_runtime_param = functools.partial(_Conversion, by_typer)
            parameter.process_value = functools.partial(_process, parameter, parameter.process_value)
    return parameters


def _process(parameter: Any, by_typer: Callable[[Any, Any], Any], context: Any, value: Any) -> Any:
    """What Typer makes of `value`. Raises its error, see `refuse_empty` too."""
    refuse_empty(parameter, context, value)
    return by_typer(context, value)


def refuse_empty(parameter: Any, context: Any, value: Any) -> None:
    """Raise Typer's error for an empty text where a name is wanted, which is mostly that of a variable not set."""
    takes_name = parameter.name in _NAMES or parameter.type_descriptor.annotation in (Path, list[Path])
    if takes_name and (value == "" or (isinstance(value, list | tuple) and "" in value)):
        raise typer.BadParameter("it is empty", ctx=context, param=parameter)


class _Conversion:
    """Of the values of one parameter; `by_typer` gives what takes the doubtful ones."""

    def __init__(self, by_typer: Callable[[], Any]) -> None:
        self._by_typer = by_typer

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """What Typer would make of `value`. Raises Typer's error for one that it would not take."""
        try:
            return _plain(value, param)
        except _Doubtful:
            return self._doubtful(value, param, ctx)

    def _doubtful(self, value: Any, param: Any, ctx: Any) -> Any:
        try:
            return self._by_typer().coerce(value, param=param, ctx=ctx)
        except typer.BadParameter as error:
            raise BadValue(value, _wanted(param), ctx, param) from error


def _plain(value: Any, parameter: Any) -> Any:
    """`value` as the command gets it. Raises _Doubtful."""
    takes_several = parameter.multiple or parameter.nargs == -1
    if value is None:
        return () if takes_several else None
    kind, info = parameter.type_descriptor.annotation, parameter.type_descriptor.parameter_info
    if kind == list[str] and type(value) in (list, tuple) and all(type(each) is str for each in value):
        return list(value)
    if (
        kind == list[Path]
        and type(value) in (list, tuple)
        and all(type(each) is str and _is_path(each) for each in value)
    ):
        return list(map(Path, value))
    if kind is str and type(value) is str:
        return value
    if kind is Path and type(value) is str and _is_path(value):
        return Path(value)
    if kind in _NUMBERS and (type(value) is kind or (type(value) is str and _NUMBERS[kind].fullmatch(value))):
        number = kind(value)
        if (info.min is None or number >= info.min) and (info.max is None or number <= info.max):
            return number
    raise _Doubtful


def _wanted(parameter: Any) -> str:
    """What the values of `parameter` are, in words that say what was wrong with one that it refuses."""
    kind, info = parameter.type_descriptor.annotation, parameter.type_descriptor.parameter_info
    if kind in (Path, list[Path]):
        return "it cannot be read"
    if kind is bool:
        return "true or false is wanted"
    if kind not in _NUMBERS:
        return "a text is wanted"
    low, high = info.min, info.max
    span = f" from {low:g} to {high:g}" if None not in (low, high) else f", {low:g} at least" if low is not None else ""
    return f"{'a whole number' if kind is int else 'a number'}{span} is wanted"


def _is_path(value: str) -> bool:
    """Whether it is one beyond doubt: Typer refuses what is there and cannot be read."""
    return os.access(value, os.R_OK) or not os.path.lexists(value)
