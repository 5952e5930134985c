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
        typer.Option(metavar="FILE", help="The sources, one JSON object a line: audio, id, model, language, …"),
    ] = None
    results: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A JSON line for each source that is over; a rerun does the rest."),
    ] = None
    shard: Annotated[
        str | None, typer.Option(metavar="K/N", help="Do the K-th of N parts of the sources, the same on each machine.")
    ] = None
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="WHERE", help="Work on a Dask cluster: tcp://HOST:8786, scheduler.json, or local:N processes here."
        ),
    ] = None
    slots: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=100_000,
            help="Recognitions at the same time, on all workers together; for starts see --rate.",
        ),
    ] = None
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, how long it takes and what it costs.")
    ] = False

    def options(self) -> CorpusOptions:
        return CorpusOptions(**vars(self))
