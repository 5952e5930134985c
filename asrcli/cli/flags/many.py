"""Options for several sources at once.

Nothing heavy is imported here: the help of a command and shell completion read this file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from asrcli.runs.request import MOST_JOBS, ManyOptions


@dataclass(frozen=True)
class ManyFlags:
    """What becomes of several sources."""

    section: ClassVar[str] = "Many sources"

    jobs: Annotated[
        int | None, typer.Option(min=1, max=MOST_JOBS, metavar="N", help="Sources to transcribe at the same time [1].")
    ] = None
    unordered: Annotated[
        bool, typer.Option("--unordered", help="Results as they come, not in the order of the sources.")
    ] = False
    split: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Recognise each file in N parts at the same time, cut in silences; up to 100, not with --jobs.",
        ),
    ] = 1
    output_dir: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="A result file for each source, written here; what is done already is left out."
        ),
    ] = None

    def options(self) -> ManyOptions:
        return ManyOptions(**vars(self))
