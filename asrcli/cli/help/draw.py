"""The help of a command as text: two columns where there is room for them, one below the other where there is not."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from asrcli.cli.help.page import Entry, Page

# Longer lines are hard to read.
WIDEST = 100
# What is narrower has no room for two columns.
_TWO_COLUMNS = 60
# A row whose names are longer has its text below them.
_NAMES = 26
_INDENT = 2
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"
_GAP = 2


def draw(page: Page, width: int, *, is_bold: bool = False) -> str:
    """`page` in `width` columns at most, but for examples and tables, which stay as they are.

    With `is_bold` the titles of the sections are.
    """
    begin, end = (_BOLD, _PLAIN) if is_bold else ("", "")
    width = min(width, WIDEST)
    parts = ["\n".join(_filled(f"Usage: {page.usage}", width, hanging=7))]
    parts.append("\n".join(_filled(page.summary, width, indent=_INDENT)))
    if page.examples:
        parts.append("\n".join(_examples(page.examples, width)))
    column = _column([entry.names for _, entries in page.sections for entry in entries], width)
    parts += [f"{begin}{title}:{end}\n" + "\n".join(_rows(entries, width, column)) for title, entries in page.sections]
    parts += [_note(note, width) for note in page.notes]
    if page.topics:
        parts.append("\n".join(_filled(_more(page.topics), width, hanging=6)))
    return "\n\n".join(parts)


def _column(names: Iterable[str], width: int) -> int:
    """Where the texts of all rows begin."""
    if width < _TWO_COLUMNS:
        return _INDENT * 3
    return _INDENT + max((len(each) for each in names if len(each) <= _NAMES), default=0) + _GAP


def _rows(entries: Iterable[Entry], width: int, column: int) -> Iterator[str]:
    """Lines of a table of `entries`: what they are called on the left, what they do on the right."""
    for entry in entries:
        names = " " * _INDENT + entry.names
        text = _filled(entry.text, width, indent=column)
        if text and len(names) + _GAP <= column and width >= _TWO_COLUMNS:
            yield names + text[0][len(names) :]
            yield from text[1:]
        else:
            yield names
            yield from text


def _examples(examples: Iterable[Entry], width: int) -> Iterator[str]:
    told = [example for example in examples if example.text]
    column = _INDENT + max((len(example.names) for example in told), default=0) + _GAP
    fits = all(column + len(example.text) <= width for example in told)
    for example in examples:
        line = " " * _INDENT + example.names
        if fits:
            yield f"{line:<{column}}{example.text}".rstrip()
        else:
            yield line
            yield from _filled(example.text, width, indent=_INDENT * 3)


def _note(note: str, width: int) -> str:
    if "\n" in note:
        return textwrap.indent(note, " " * _INDENT)
    return "\n".join(_filled(note, width, indent=_INDENT))


def _more(topics: Iterable[str]) -> str:
    first, *others = topics
    return f"More: `asrcli guide {first}`{'; and: ' if others else ''}{', '.join(others)}"


def _filled(text: str, width: int, *, indent: int = 0, hanging: int = 0) -> list[str]:
    # Names of options are not broken at their hyphens.
    return textwrap.wrap(
        text,
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hanging),
        break_on_hyphens=False,
        break_long_words=False,
    )
