"""`asrcli models`: the catalogue, as a table or as JSON."""

from __future__ import annotations

import json as json_module
from typing import Annotated

import typer

from asrcli.models import CATALOGUE, DEFAULT_MODEL, Model


def models(
    json: Annotated[bool, typer.Option("--json", "-j", help="One JSON array.")] = False,
    region: Annotated[str | None, typer.Option(metavar="intl|cn", help="Only models of this region.")] = None,
) -> None:
    """List the known models: where they are, what they take and what they can do."""
    from asrcli.errors import UsageError

    if region not in (None, "intl", "cn"):
        raise UsageError(f"--region {region!r} is not known", hint="choose intl or cn")
    chosen = [model for model in CATALOGUE if region is None or region in model.regions]
    if json:
        typer.echo(json_module.dumps([_document(model) for model in chosen], ensure_ascii=False, indent=2))
    else:
        _print_table(chosen)


def _document(model: Model) -> dict[str, object]:
    return {
        "name": model.name,
        "default": model.name == DEFAULT_MODEL,
        "protocol": model.protocol,
        "regions": list(model.regions),
        "sample_rate_hz": model.wire_rate_hz,
        "sample_rates_hz": list(model.rates_hz) or None,
        "languages": list(model.languages),
        "max_languages": model.max_languages,
        "options": sorted(model.options),
        "word_times": model.word_times,
        "emotions": model.emotions,
        "partials": model.partials,
        "same_as": model.same_as,
        "note": model.note or None,
    }


def _print_table(chosen: list[Model]) -> None:
    import sys

    from rich.console import Console
    from rich.table import Table

    # A pipe has no width: the table keeps the one it needs.
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False, soft_wrap=not sys.stdout.isatty())
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("model", "protocol", "regions", "rate", "languages", "hotwords", "word times", "note"):
        table.add_column(heading, overflow="fold", no_wrap=heading == "model")
    for model in chosen:
        name = f"{model.name} *" if model.name == DEFAULT_MODEL else model.name
        hotwords = "list, words" if "hotwords" in model.options else "list" if "hotwords_id" in model.options else "-"
        languages = " ".join(model.languages) if len(model.languages) <= 4 else str(len(model.languages))
        table.add_row(
            name, model.protocol, " ".join(model.regions), f"{model.wire_rate_hz // 1000} kHz", languages,
            hotwords, "yes" if model.word_times else "no", model.note,
        )  # fmt: skip
    console.print(table)
    console.print("* the default; new models appear every month, and any name is accepted", style="dim")
