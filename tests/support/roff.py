"""Markdown and plain text as roff, the language of man pages; knows the Markdown that the guides use, and no more.

Written by hand: pandoc has 150 MB, click-man takes a Click that Typer does not use, and the writers of docutils and
Sphinx read another language.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

# What roff would take for a mark of its own, or set as another character than the one that can be typed.
_SPECIAL = {"\\": r"\e", "-": r"\-", "'": r"\(aq", "`": r"\(ga", "~": r"\(ti", "^": r"\(ha", '"': r"\(dq"}
_FONTS = {"code_inline": "B", "strong_open": "B", "em_open": "I"}


def escaped(text: str) -> str:
    """`text` as roff shows it unchanged, on a terminal of any encoding and in UTF-8."""
    marked = "".join(_SPECIAL.get(each, each if each.isascii() else rf"\[u{ord(each):04X}]") for each in text)
    # At the begin of a line a dot is a request.
    return re.sub(r"^\.", r"\\&.", marked, flags=re.MULTILINE)


def bold(text: str) -> str:
    return rf"\fB{escaped(text)}\fR"


def entry(names: str, text: str) -> list[str]:
    """A name, marked already, and what it is."""
    return [".TP", names, text or r"\&"]


def unfilled(lines: Iterable[str]) -> list[str]:
    """Lines that stay as they are, such as commands."""
    return [".PP", ".RS 4", ".nf", *map(escaped, lines), ".fi", ".RE"]


def from_markdown(text: str) -> list[str]:
    """Lines of roff: a section for the heading, subsections for those below it."""
    return list(_blocks(MarkdownIt().enable("table").parse(text)))


def _blocks(tokens: list[Token]) -> Iterator[str]:
    ordered: list[int | None] = []
    row: list[str] = []
    is_begun = in_head = False
    for before, token in zip([None, *tokens], tokens, strict=False):
        kind = token.type
        if kind in ("bullet_list_open", "ordered_list_open"):
            ordered.append(0 if kind.startswith("ordered") else None)
        elif kind in ("bullet_list_close", "ordered_list_close"):
            ordered.pop()
        elif kind == "list_item_open":
            number = ordered[-1]
            if number is not None:
                number = ordered[-1] = number + 1
            yield r".IP \(bu 2" if number is None else f".IP {number}. 4"
            is_begun = True
        elif kind in ("thead_open", "thead_close"):
            in_head = kind == "thead_open"
        elif kind == "tr_open":
            row = []
        elif kind == "tr_close" and not in_head:
            first, *others = row
            yield from entry(first, " ".join(others))
        elif kind == "fence":
            yield from unfilled(token.content.splitlines())
        elif kind == "inline":
            text = _inline(token.children or [])
            opened = before.type if before else ""
            if opened in ("th_open", "td_open"):
                row.append(text.replace("\n", " "))
            elif opened == "heading_open" and before is not None:
                yield f".SH {escaped(token.content.upper())}" if before.tag == "h1" else f".SS {text}"
            elif text.strip():
                yield from [] if is_begun else [".PP"]
                yield text
            is_begun = False


def _inline(tokens: list[Token]) -> str:
    parts = []
    for token in tokens:
        if token.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif token.type == "code_inline":
            parts.append(bold(token.content))
        elif token.type in _FONTS:
            parts.append(rf"\f{_FONTS[token.type]}")
        elif token.type in ("strong_close", "em_close"):
            parts.append(r"\fR")
        elif token.type == "text":
            parts.append(escaped(token.content))
    return "".join(parts)
