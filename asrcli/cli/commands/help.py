"""`asrcli help`: the page of a command, as its --help shows it."""

from __future__ import annotations

from typing import Annotated

import typer

from asrcli.cli.flags import completions as values


def help(
    context: typer.Context,
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="COMMAND...", help="Such as file, or vocab create.", autocompletion=values.commands),
    ] = None,
) -> None:
    """Show the help of a command.

    \b
    asrcli help file
    asrcli help vocab create
    """
    from asrcli.cli.first_words import nearest
    from asrcli.values.errors import UsageError

    shown = context.parent
    assert shown is not None
    for name in command or []:
        commands = getattr(shown.command, "commands", {})
        if name not in commands:
            close = nearest(name, [*commands])
            hint = f"did you mean {close}?" if close else f"`{shown.command_path} --help` lists them"
            raise UsageError(f"there is no command {' '.join(command or [])!r}", hint=hint)
        found = commands[name]
        shown = typer.Context(getattr(found, "loaded", found), info_name=name, parent=shown)
    typer.echo(shown.get_help())
