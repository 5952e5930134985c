"""`asrcli render`: saved JSON lines into any other form."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from asrcli.cli.flags.options import DocumentFlags, grouped


@grouped
def render(
    files: Annotated[
        list[str], typer.Argument(metavar="TALK.jsonl...", help="Files of JSON lines; - is standard input.")
    ],
    document: DocumentFlags,
    output_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A file for each source, named after it, written here.")
    ] = None,
) -> int:
    """Make text, subtitles or a document of saved JSON lines.

    \b
    asrcli render talk.jsonl                     text
    asrcli render talk.jsonl -o talk.srt         what a run with -o talk.srt writes
    asrcli render talks.jsonl -f vtt --output-dir subtitles
    asrcli file talk.wav --json | tee talk.jsonl | asrcli render - --timestamps

    Exit code 1 where a transcription is not complete, or a line cannot be read: what is there is written all the same.
    """
    from asrcli.runs.render import render as carry_out

    return carry_out(files, document.options(), output_dir)
