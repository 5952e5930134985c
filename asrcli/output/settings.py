"""Settings in force as people and programs read them: what each is, and where it comes from."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from asrcli.output.columns import Row, table
from asrcli.output.formats.cues.cells import cells
from asrcli.output.sanitize import sanitize

Source = Literal["flag", "profile", "variable", "project", "own", "default"]

_INDENT = "    "


@dataclass(frozen=True, slots=True)
class InForce:
    """The value of an option, where that comes from, and for which commands it is so.

    `where` is the file, with its line where that is known, or the variable; None for a flag, for a default and for a
    profile on board. `value` is None where nothing is set and there is no default.
    """

    name: str
    value: object
    source: Source
    where: str | None = None
    line: int | None = None
    profile: str | None = None
    commands: tuple[str, ...] = ()

    @property
    def is_set(self) -> bool:
        return self.source != "default"


def document(setting: InForce) -> dict[str, object]:
    """For JSON."""
    return {
        "name": setting.name,
        "value": setting.value,
        "source": setting.source,
        "where": setting.where,
        "line": setting.line,
        "profile": setting.profile,
        "commands": list(setting.commands),
    }


def row(setting: InForce, home: Path | None) -> Row:
    """Its name, its value and its origin, as text; the user's home is ~ unless that is None."""
    return setting.name, value_text(setting.value), origin(setting, home)


def value_text(value: object) -> str:
    """As it is written in a file, but for the quotes; - for none."""
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ", ".join(map(value_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value) or '""'


def origin(setting: InForce, home: Path | None) -> str:
    """Such as `asrcli.toml:3`, or `profile meeting, on board`."""
    place = None if setting.where is None else short(setting.where, home)
    if place is not None and setting.line is not None:
        place = f"{place}:{setting.line}"
    if setting.profile is not None:
        return f"profile {setting.profile}, {place or 'on board'}"
    return place or setting.source


def short(path: str, home: Path | None) -> str:
    """`path`, with ~ for the user's home."""
    if home is not None and path.startswith(f"{home}{os.sep}"):
        return f"~{path[len(str(home)) :]}"
    return path


def page(heading: Row, rows: Sequence[Row], columns: int) -> str:
    """For a terminal of so many columns: a table, or where it has no room for one, two lines for each."""
    text = table(heading, rows)
    if max(map(cells, text.split("\n"))) <= columns:
        return text
    lines: list[str] = []
    for name, value, *others in rows:
        lines += _wrapped(f"{sanitize(name)} = {sanitize(value)}", columns, "")
        lines += _wrapped(sanitize("; ".join(others)), columns, _INDENT)
    return "\n".join(lines)


def _wrapped(text: str, columns: int, indent: str) -> list[str]:
    # Options and paths are not broken at their hyphens.
    return textwrap.wrap(
        text, max(columns, len(_INDENT) + 1), initial_indent=indent, subsequent_indent=_INDENT, break_on_hyphens=False
    )
