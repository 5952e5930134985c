"""Makes the man pages of the help of the commands and of the guides: `make man`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from asrcli import __version__
from asrcli.cli.app import app
from asrcli.cli.commands import SUMMARIES
from asrcli.cli.help.page import Entry, Page, page_of
from asrcli.cli.topics import text, topics
from tests.support.roff import bold, entry, escaped, from_markdown, unfilled

# Command → the guides that are about it; what concerns all of them stands in asrcli(1).
_GUIDES = {
    "": ("settings", "reconnecting", "exit-codes", "json-lines", "network"),
    "file": ("audio", "many-sources"),
    "mic": ("microphone",),
    "qwen": ("qwen",),
    "render": ("documents",),
    "models": ("models",),
    "doctor": ("doctor",),
    "vocab": ("hotwords",),
    "serve": ("local-service", "faults"),
    "reuse-bench": ("reuse-bench",),
}


def pages() -> dict[str, str]:
    """Name of the file → the page."""
    root: Any = typer.main.get_command(app)
    context = root.context_class(root, info_name="asrcli")
    made = {"asrcli.1": _page("", root, context)}
    for name in SUMMARIES:
        command = root.commands[name].loaded
        inner = command.context_class(command, info_name=name, parent=context)
        made[f"asrcli-{name}.1"] = _page(name, command, inner)
    return made


def _page(name: str, command: Any, context: Any) -> str:
    page = page_of(command, context)
    title = f"asrcli-{name}" if name else "asrcli"
    lines = [
        f'.TH {title.upper()} 1 "" "asrcli {__version__}" "asrcli"',
        ".SH NAME",
        rf"{escaped(title)} \- {escaped(page.summary.rstrip('.'))}",
        ".SH SYNOPSIS",
        bold(page.usage),
        *_body(page, ".SH"),
    ]
    for inner_name, inner in getattr(command, "commands", {}).items() if name else ():
        inner_context = inner.context_class(inner, info_name=inner_name, parent=context)
        inner_page = page_of(inner, inner_context)
        lines += [f".SH {escaped(f'{name} {inner_name}'.upper())}", bold(inner_page.usage), ".PP"]
        lines += [escaped(inner_page.summary), *_body(inner_page, ".SS")]
    for topic in _GUIDES.get(name, ()):
        lines += from_markdown(text(topic))
    lines += _see_also(name, page)
    # A heading begins a paragraph already.
    kept = (
        line
        for before, line in zip(["", *lines], lines, strict=False)
        if line != ".PP" or not before.startswith((".SH", ".SS"))
    )
    return "\n".join(kept) + "\n"


def _body(page: Page, heading: str) -> Iterator[str]:
    """What the help says below the usage and the summary."""
    if page.notes:
        yield f"{heading} DESCRIPTION"
    for note in page.notes:
        yield from unfilled(note.splitlines()) if "\n" in note else [".PP", escaped(note)]
    if page.examples:
        yield f"{heading} EXAMPLES"
    for example in page.examples:
        yield from entry(bold(example.names), escaped(example.text))
    for title, entries in page.sections:
        yield f"{heading} {escaped(title.upper())}"
        for each in entries:
            yield from _option(each)


def _option(each: Entry) -> list[str]:
    return entry(bold(each.names), escaped(each.text))


def _see_also(name: str, page: Page) -> Iterator[str]:
    """Which guides there are, where somebody looks for that; else which of them say more."""
    if name in ("", "guide"):
        yield ".SH GUIDES"
        yield rf"{bold('asrcli guide TOPIC')} shows one of these."
        for topic, heading in topics().items():
            yield from entry(bold(topic), escaped(heading))
    yield ".SH SEE ALSO"
    others = [f"{bold(f'asrcli-{each}')}(1)" for each in SUMMARIES] if not name else [f"{bold('asrcli')}(1)"]
    yield ", ".join([*others, *(bold(f"asrcli guide {topic}") for topic in page.topics)])


def main(folder: Path) -> None:
    """Write the pages into `folder`, in place of all that are there."""
    folder.mkdir(exist_ok=True)
    for path in folder.glob("*.1"):
        path.unlink()
    for name, page in pages().items():
        (folder / name).write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
