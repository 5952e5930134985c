"""`asrcli merge`: results of several runs or shards into one file."""

from __future__ import annotations

from typing import Annotated

import typer

from asrcli.cli.flags.profile import Profile


def merge(
    results: Annotated[
        list[str],
        typer.Argument(
            metavar="RESULTS.jsonl...", help="Files of --results; - is standard input.", rich_help_panel="Sources"
        ),
    ],
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write them here, whole.", rich_help_panel="Output"),
    ] = None,
    manifest: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="What should be there, and in which order.", rich_help_panel="Sources"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.", rich_help_panel="Output")] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Errors only on standard error.", rich_help_panel="Output")
    ] = False,
    profile: Profile = None,
) -> int:
    """Join the results of several runs or shards.

    \b
    asrcli merge results-*.jsonl -o results.jsonl
    asrcli merge results-*.jsonl --manifest corpus.jsonl -o results.jsonl

    Of each source the last complete line counts, whatever the order of the files, unless a later one, of other sound,
    has failed. Exit code 1 where one is not complete, or is missing: that is told.
    """
    from asrcli.runs.merge import merge as carry_out

    return carry_out(results, output, manifest, force=force, quiet=quiet)
