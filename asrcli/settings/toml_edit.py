"""A TOML text with one value changed: all else stays as it is, comments and order among it.

tomlkit would do it too, with 6,400 lines that take 36 ms to load and do not tell which line a value is on. As
`toml_text` has to know that anyway, this is little more; and whether a change is right, `tomllib` says.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping
from typing import Any

from asrcli.settings.toml_text import Keys, Statement, assignment, statements
from asrcli.values.errors import UsageError

_BARE = re.compile(r"[A-Za-z0-9_-]+")

Value = bool | int | float | str | list[str]


def with_value(text: str, keys: Keys, value: Value) -> str:
    """`text` with `value` at `keys`, in the place of one that is there. Raises UsageError where it cannot be done."""
    lines, ends = _lines(text)
    found = list(statements(text))
    same = [each for each in found if each.keys == keys and not each.is_head]
    if same:
        lines[same[0].begin : same[0].end] = [_replaced(same[0], lines, value)]
    else:
        _insert(lines, found, keys, value)
    return _checked("\n".join(lines), _with(_values(text), keys, value), keys).replace("\n", ends)


def without(text: str, keys: Keys) -> str:
    """`text` without the value or the table at `keys`. Raises UsageError where it cannot be done."""
    lines, ends = _lines(text)
    for each in reversed(list(statements(text))):
        if each.keys[: len(keys)] == keys:
            del lines[each.begin : each.end]
    return _checked("\n".join(lines), _without(_values(text), keys), keys).replace("\n", ends)


def written(value: Value) -> str:
    """`value` as TOML has it."""
    if isinstance(value, list):
        return f"[{', '.join(map(written, value))}]"
    if isinstance(value, str):
        # JSON's texts are TOML's, but for this character.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value).lower()


def _lines(text: str) -> tuple[list[str], str]:
    """The lines, and what ends them."""
    ends = "\r\n" if "\r\n" in text else "\n"
    return text.replace("\r\n", "\n").split("\n"), ends


def _replaced(statement: Statement, lines: list[str], value: Value) -> str:
    """One line in the place of `statement`, with what followed its value."""
    piece = "\n".join(lines[statement.begin : statement.end])
    key = assignment(piece)[0]
    starts = [place.start() for place in re.finditer(r"\s*#", piece)]
    # A # within the value cuts it: only before the one that follows it, all can be read.
    comment = next((piece[start:] for start in starts if _says(piece[:start], _values(piece))), "")
    return f"{key}= {written(value)}{comment}"


def _says(text: str, values: Mapping[str, Any]) -> bool:
    """Whether `text` is TOML for `values`; a table without anything in it is none."""
    import tomllib

    try:
        return bool(_filled(tomllib.loads(text)) == _filled(values))
    except tomllib.TOMLDecodeError:
        return False


def _filled(value: Any) -> Any:
    """`value` without the tables in it that are empty."""
    if not isinstance(value, Mapping):
        return value
    inner = {key: _filled(each) for key, each in value.items()}
    return {key: each for key, each in inner.items() if each != {}}


def _insert(lines: list[str], found: list[Statement], keys: Keys, value: Value) -> None:
    """Put it behind what stands in its table, or into a new one at the end."""
    table, key = keys[:-1], keys[-1]
    in_table = [each for each in found if each.table == table]
    spread = [each for each in found if not each.is_head and each.keys[: len(table)] == table]
    line = f"{_key(key)} = {written(value)}"
    if in_table:
        lines.insert(in_table[-1].end, line)
    elif not table:
        begin = _first_table(lines, found)
        lines[begin:begin] = [line, ""] if found else [line]
    elif spread:
        # A table that came into being by keys with dots cannot be opened again.
        dotted = ".".join(map(_key, keys[len(spread[-1].table) :]))
        lines.insert(spread[-1].end, f"{dotted} = {written(value)}")
    else:
        while lines and not lines[-1]:
            lines.pop()
        lines += [*([""] if lines else []), f"[{'.'.join(map(_key, table))}]", line, ""]


def _first_table(lines: list[str], found: list[Statement]) -> int:
    """The line where the first table begins with its comment; behind all lines where there is none."""
    begin = found[0].begin if found else len(lines) - (lines[-1] == "")
    while found and begin > 0 and lines[begin - 1].startswith("#"):
        begin -= 1
    return begin


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else written(key)


def _values(text: str) -> dict[str, Any]:
    import tomllib

    return tomllib.loads(text)


def _with(values: dict[str, Any], keys: Keys, value: Value) -> dict[str, Any]:
    changed = copy.deepcopy(values)
    place = changed
    for key in keys[:-1]:
        place = place.setdefault(key, {})
        if not isinstance(place, dict):
            raise UsageError(f"{key} is a value there, and no table")
    place[keys[-1]] = value
    return changed


def _without(values: dict[str, Any], keys: Keys) -> dict[str, Any]:
    changed = copy.deepcopy(values)
    place = changed
    for key in keys[:-1]:
        place = place[key]
    del place[keys[-1]]
    return changed


def _checked(text: str, wanted: Mapping[str, Any], keys: Keys) -> str:
    """`text`, if it says what is wanted and nothing else. Raises UsageError."""
    if not _says(text, wanted):
        raise UsageError(f"{'.'.join(keys)} cannot be changed there by a program", hint="change it with an editor")
    return text
