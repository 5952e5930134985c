"""Commands that are loaded when they are needed: until then a name and one line of help stand for each.

`asrcli --help` needs no more than that, and a command that runs needs no other one.
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from asrcli.cli.commands import SUMMARIES
from asrcli.cli.flags.conversion import QuickCommand, QuickGroup


class Commands(QuickGroup):
    """The group of all commands, none of them loaded yet."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        for name, summary in SUMMARIES.items():
            self.add_command(LazyCommand(name, summary))


class LazyCommand(TyperCommand):
    """Stands for the command `name`, and loads it when it is to run or its options are asked for."""

    def __init__(self, name: str, summary: str) -> None:
        super().__init__(name=name, help=summary)

    @functools.cached_property
    def loaded(self) -> TyperCommand | TyperGroup:
        """The command itself, which may be a group of further ones."""
        assert self.name is not None
        word = self.name.replace("-", "_")
        function = getattr(importlib.import_module(f"asrcli.cli.commands.{word}"), word)
        if isinstance(function, typer.Typer):
            return typer.main.get_group(function)
        alone = typer.Typer(add_completion=False, rich_markup_mode=None)
        alone.command(self.name, cls=QuickCommand)(function)
        command = typer.main.get_command(alone)
        assert isinstance(command, TyperCommand)
        return command

    @property
    def commands(self) -> dict[str, Any]:
        """Those of a group, by name; none where it is no group."""
        return dict(getattr(self.loaded, "commands", {}))

    @property
    def params(self) -> list[Any]:
        """The options and arguments of the command itself."""
        return self.loaded.params

    @params.setter
    def params(self, none: list[Any]) -> None:
        """What Typer begins with: nothing is known yet."""

    def get_params(self, ctx: Any) -> list[Any]:
        """The same and --help, with values that are converted as the command does it."""
        return self.loaded.get_params(ctx)

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """The context in which the command itself runs."""
        return self.loaded.make_context(*args, **kwargs)
