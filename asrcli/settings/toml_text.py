"""Where things stand in a TOML text, which `tomllib` does not tell: its statements, line by line.

`tomllib` is the judge here too. A statement ends with its line unless it is not whole there, so the shortest piece of
lines that can be read alone is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Keys = tuple[str, ...]
"""The way from the top of a document to a table or a value."""

# What is longer is not looked through: each line of a statement is a further try to read it.
_MOST_LINES = 200


@dataclass(frozen=True, slots=True)
class Statement:
    """The head of a table, or a key with its value: lines `begin` to before `end`, counted from 0.

    `table` is where the statement stands, and `keys` what it sets or opens, both from the top.
    """

    table: Keys
    keys: Keys
    is_head: bool
    begin: int
    end: int


def statements(text: str) -> Iterator[Statement]:
    """Those of `text`, which is TOML, in their order. Ends early at one that is very long."""
    import tomllib

    lines = text.replace("\r\n", "\n").split("\n")
    table: Keys = ()
    begin = 0
    while begin < len(lines):
        for end in range(begin + 1, min(begin + _MOST_LINES, len(lines)) + 1):
            piece = "\n".join(lines[begin:end])
            try:
                found = tomllib.loads(piece)
            except tomllib.TOMLDecodeError:
                continue
            break
        else:
            return
        if piece.lstrip().startswith("["):
            table = _way(found)
            yield Statement(table, table, True, begin, end)
        elif found:
            yield Statement(table, (*table, *assignment(piece)[1]), False, begin, end)
        begin = end


def assignment(piece: str) -> tuple[str, Keys]:
    """What stands before the = of a statement, and the keys that it is. Another = may be in quotes."""
    import tomllib

    parts = piece.split("=")
    for count in range(1, len(parts)):
        key = "=".join(parts[:count])
        try:
            return key, _way(tomllib.loads(f"{key}= {{}}"))
        except tomllib.TOMLDecodeError:
            continue
    raise AssertionError(piece)


def _way(found: Mapping[str, Any]) -> Keys:
    """The keys that lead to the empty table in `found`, which may be the first of an array."""
    keys: list[str] = []
    while isinstance(found, dict) and found:
        key, found = next(iter(found.items()))
        keys.append(key)
    return tuple(keys)


def line_of(keys: Keys, found: list[Statement]) -> int | None:
    """The line, counted from 1, on which `keys` is set or opened; None where that is not known."""
    exact = [each for each in found if each.keys == keys]
    # An inline table holds keys of its own, and a table may begin with one that is further down in it.
    within = [each for each in found if not each.is_head and each.keys == keys[: len(each.keys)]]
    below = [each for each in found if each.keys[: len(keys)] == keys]
    return next((each.begin + 1 for each in (*exact, *within, *below)), None)
