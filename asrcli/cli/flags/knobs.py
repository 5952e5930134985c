"""One option for each row of the table of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from asrcli.cli.flags import completions as values
from asrcli.cli.flags.grouping import Several
from asrcli.values.kinds import Number, Switch, Text, Texts, Whole
from asrcli.values.parameters import PARAMETERS, Parameter

ROWS = {row.option: row for row in PARAMETERS if row.help}
"""By the names of the options."""


def _annotation(row: Parameter) -> Any:
    if isinstance(row.kind, Switch):
        names = f"{row.flag}/--no-{row.flag.removeprefix('--')}"
        return Annotated[bool | None, typer.Option(names, help=row.help)]
    known = row.kind.known if isinstance(row.kind, Text) else ()
    option = typer.Option(
        row.flag, help=row.help, metavar=row.metavar, autocompletion=values.choices(*known) if known else None
    )
    if isinstance(row.kind, Whole):
        return Annotated[int | None, option]
    return Annotated[float | None, option] if isinstance(row.kind, Number) else Annotated[str | None, option]


Knobs = Annotated[dict[str, Any], Several({name: _annotation(row) for name, row in ROWS.items()})]
"""What the user gave for them, by the names of the options; None where nothing was given."""


def fields(given: Mapping[str, Any]) -> dict[str, object]:
    """By the names of the parameters, what of `given` was said. Raises UsageError for words that cannot be read."""
    return {
        row.name: _words(row, given[option]) if isinstance(row.kind, Texts) else given[option]
        for option, row in ROWS.items()
        if given.get(option) is not None
    }


def _words(row: Parameter, given: str) -> tuple[str, ...]:
    """Each line of the file of that name, else what commas separate."""
    from asrcli.cli.flags.textfiles import text_of
    from asrcli.values.errors import UsageError

    text = text_of(given, row.flag)
    words = given.split(",") if text is None else text.splitlines()
    found = tuple(dict.fromkeys(filter(None, map(str.strip, words))))
    if not found:
        raise UsageError(f"{row.flag} {given}: no word in it" if given else f"{row.flag} names no word")
    return found
