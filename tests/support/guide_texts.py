"""The README and the guides as what they are made of: commands, code within lines, links, headings."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "asrcli" / "guide"
TEXTS = (ROOT / "README.md", *sorted(GUIDES.glob("*.md")))
_SHELL = "sh"
_SEPARATORS = ("|", "||", "&", "&&", ";", "(", ")", "while", "do", "done")
_REDIRECTIONS = (">", ">>", "<")


@cache
def tokens(path: Path) -> list[Token]:
    return MarkdownIt().enable("table").parse(path.read_text(encoding="utf-8"))


def inline(path: Path) -> Iterator[Token]:
    """What stands within lines: text, code, links and pictures."""
    for token in tokens(path):
        yield from token.children or ()


def blocks(path: Path) -> list[list[str]]:
    """Of each block of commands the lines."""
    return [
        [line for line in token.content.splitlines() if line.strip()]
        for token in tokens(path)
        if token.type == "fence" and token.info == _SHELL
    ]


def other_blocks(path: Path) -> list[Token]:
    """Blocks of code in which no commands are looked for."""
    return [
        token
        for token in tokens(path)
        if token.type == "code_block" or (token.type == "fence" and token.info != _SHELL)
    ]


def commands(line: str) -> list[list[str]]:
    """The words of each program that a line of a shell starts, without where its output goes."""
    words = shlex.shlex(line.replace("$(", " ( "), posix=True, punctuation_chars=True)
    words.whitespace_split = True
    found: list[list[str]] = [[]]
    for word in words:
        if word in _REDIRECTIONS:
            next(words)
        elif word in _SEPARATORS:
            found.append([])
        elif found[-1] or not re.fullmatch(r"[A-Z]+=.*", word):
            # What gives a variable its value is no word of a command.
            found[-1].append(word)
    return [each for each in found if each]


def anchors(path: Path) -> set[str]:
    """What `#…` may name, as GitHub makes it of headings."""
    texts = [after.content for before, after in zip(tokens(path), tokens(path)[1:], strict=False) if _opens(before)]
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in texts}


def _opens(token: Token) -> bool:
    return token.type == "heading_open"
