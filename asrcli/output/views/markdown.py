"""Markdown as a terminal shows it; knows no guides."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

from rich.console import Console
from rich.markdown import CodeBlock, Markdown
from rich.text import Text
from rich.theme import Theme

# Longer lines are hard to read.
_MAX_COLUMNS = 100
# rich puts code onto black, which a light terminal need not be.
_THEME = Theme({"markdown.code": "bold cyan"})


def made_up(text: str) -> str:
    """`text` with headings, tables and colours, as wide as the terminal is.

    There are no pictures on it, and nothing that a link within the same folder could lead to.
    """
    text = re.sub(r"^!\[.*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"\[([^\]]*)\]\((?!https?:)[^)]*\)", r"\1", text)
    console = Console(highlight=False, theme=_THEME)
    console.width = min(console.width, _MAX_COLUMNS)
    with console.capture() as shown:
        console.print(_Markdown(text, hyperlinks=False), crop=False)
    return shown.get()


class _Code(CodeBlock):
    """Lines that stay whole, so that they can be copied: rich would wrap them."""

    def __rich_console__(self, console: Console, options: object) -> Iterator[Text]:
        lines = str(self.text).rstrip().split("\n")
        yield Text("\n".join(f"    {line}" for line in lines), "cyan", no_wrap=True, overflow="ignore")


class _Markdown(Markdown):
    elements: ClassVar = {**Markdown.elements, "fence": _Code}
