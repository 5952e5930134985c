"""`asrcli render`: saved JSON lines into any other form."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from asrcli.audio.writing.kinds import KINDS
from asrcli.cli.flags import completions as values
from asrcli.cli.flags.options import DocumentFlags, grouped
from asrcli.cli.flags.profile import Profile

_CLIP_FORMATS = [ending.removeprefix(".") for ending in KINDS]


@grouped
def render(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="TALK.jsonl...", help="Files of JSON lines; - is standard input.", rich_help_panel="Sources"
        ),
    ],
    document: DocumentFlags,
    output_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="A file for each source, named after it, written here.", rich_help_panel="Output"
        ),
    ] = None,
    clips: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Each sentence as a sound file, and a manifest, written here.", rich_help_panel="Clips"
        ),
    ] = None,
    clip_format: Annotated[
        str,
        typer.Option(
            metavar="KIND",
            help=f"Kind of the clips: {', '.join(_CLIP_FORMATS)}.",
            rich_help_panel="Clips",
            autocompletion=values.choices(*_CLIP_FORMATS),
        ),
    ] = "wav",
    audio: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the sound is, if not where the lines say.", rich_help_panel="Clips"),
    ] = None,
    profile: Profile = None,
) -> int:
    """Make text, subtitles or a document of saved JSON lines.

    \b
    asrcli render talk.jsonl -o talk.srt         what a run with -o talk.srt writes
    asrcli render talks.jsonl -f vtt --output-dir subtitles
    asrcli render talk.jsonl --clips cards       a sound file for each sentence

    Exit code 1 where a transcription is not complete, or a line cannot be read: what is there is written all the same.
    """
    from asrcli.runs.clips import ClipOptions
    from asrcli.runs.render import render as carry_out
    from asrcli.values.errors import UsageError

    if clips is None and clip_format != "wav":
        raise UsageError("--clip-format is for clips, and none are asked for", hint="--clips DIR")
    cutting = None if clips is None else ClipOptions(clips, clip_format)
    return carry_out(files, document.options(), output_dir, cutting, audio)
