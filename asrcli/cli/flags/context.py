"""Options that tell the service what is spoken of.

Nothing heavy is imported here: the help of a command and shell completion read this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer

if TYPE_CHECKING:
    from asrcli.values.context import Context

ContextText = Annotated[
    str | None,
    typer.Option(
        "--context",
        metavar="TEXT|FILE",
        help="Text in which names and terms occur, 400 characters; @FILE is always a file.",
    ),
]
ContextTurns = Annotated[
    Path | None,
    typer.Option(
        "--context-turns",
        metavar="FILE.jsonl",
        help='The last turns of a talk, 5 of 400 characters: {"user": "…", "assistant": "…"} a line.',
    ),
]


@dataclass(frozen=True)
class LiveContextFlags:
    """What is spoken of, while it changes."""

    section: ClassVar[str] = "Recognition"

    context_from: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE|FIFO",
            help="Context that changes while the run lasts: a text or .jsonl file, or a named pipe, where each line"
            " replaces the one before.",
        ),
    ] = None

    def fields(self) -> dict[str, object]:
        """The neutral option field, if it was set."""
        return {} if self.context_from is None else {"context_from": str(self.context_from)}


def context_of(text: str | None, turns: Path | None) -> Context:
    """The turns in the file, and then the text, or what the file of that name holds. Raises UsageError."""
    from asrcli.cli.flags.textfiles import contents, text_of
    from asrcli.settings.context import parse_turns
    from asrcli.values.context import of_text
    from asrcli.values.errors import UsageError

    found: Context = ()
    if turns is not None:
        found = parse_turns(contents(turns, "--context-turns"), f"--context-turns {turns}")
        if not found:
            raise UsageError(f"--context-turns {turns}: no turn in it")
    if text is not None:
        read = text_of(text, "--context")
        if read == "":
            raise UsageError(f"--context {text}: no text in it")
        found += of_text(text if read is None else read)
    return found
