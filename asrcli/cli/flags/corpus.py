"""Options for more sources than one machine, or one run, does.

Nothing heavy is imported here: the help of a command and shell completion read this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import typer

from asrcli.runs.request import CorpusOptions


@dataclass(frozen=True)
class CorpusFlags:
    """Which sources there are, which of them are done here, by whom, and how fast an account lets them be done."""

    section: ClassVar[str] = "A corpus"

    manifest: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="The sources, one JSON object a line: audio, id, model, language, …; no FILE then."
        ),
    ] = None
    results: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A JSON line for each source that is over; run again, it does the rest."),
    ] = None
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Only say what would be done, how long it takes at least, what it costs; exits as the run would.",
        ),
    ] = False
    shard: Annotated[
        str | None,
        typer.Option(metavar="K/N", help="Do only part K of N of the sources, as each task of an array does its own."),
    ] = None
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE",
            help="Have others do it: local:N, so many processes here; or the Dask workers of tcp://HOST:8786,"
            " tls://HOST:8786 or scheduler.json.",
        ),
    ] = None
    slots: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=100_000,
            help="How many at the same time (for starts see --rate), on all workers together.",
        ),
    ] = None

    def options(self) -> CorpusOptions:
        return CorpusOptions(**vars(self))
