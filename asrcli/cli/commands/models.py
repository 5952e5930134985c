"""`asrcli models`: the catalogue, as a table that fits the terminal, as one model in full, or as JSON."""

from __future__ import annotations

import json as json_module
import textwrap
from collections.abc import Sequence
from typing import Annotated

import typer

from asrcli.cli.flags import completions as values
from asrcli.settings.catalogue import CATALOGUE, DEFAULT_MODEL, Model, find, nearest
from asrcli.values.errors import UsageError
from asrcli.values.parameters import BY_NAME

_REGIONS = ("intl", "cn")
_PAGE_HEADING_WIDTH = 13
_HOTWORDS = {"hotwords": "--hotwords WORDS", "hotwords_id": "--hotwords ID"}


def models(
    name: Annotated[
        str | None,
        typer.Argument(metavar="NAME", help="Everything about this one.", autocompletion=values.models),
    ] = None,
    json: Annotated[bool, typer.Option("--json", "-j", help="One JSON array.")] = False,
    region: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(_REGIONS), help="Only models of this region.", autocompletion=values.choices(*_REGIONS)
        ),
    ] = None,
) -> None:
    """List the known models: where they are, what they take and what they can do.

    The table leaves out columns that the terminal has no room for; `asrcli models NAME` tells all.
    """
    if region is not None and region not in _REGIONS:
        raise UsageError(f"--region {region!r} is not known", hint=f"choose {' or '.join(_REGIONS)}")
    if name is not None and region is not None:
        raise UsageError("a NAME and --region exclude each other", hint="a model's page names its regions")
    chosen = [_named(name)] if name else [each for each in CATALOGUE if region is None or region in each.regions]
    if json:
        typer.echo(json_module.dumps([_document(model) for model in chosen], ensure_ascii=False, indent=2))
    elif name:
        typer.echo(_page(chosen[0], _width() or 80))
    else:
        typer.echo(_table(chosen, _width()))


def _named(name: str) -> Model:
    """Raises UsageError for a model that the catalogue does not have."""
    model = find(name)
    if model is None:
        known = nearest(name)
        raise UsageError(
            f"the model {name!r} is not in the catalogue of this version",
            hint=f"did you mean {known}?" if known else "`asrcli models` lists it",
        )
    return model


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


def _width() -> int | None:
    """Columns of the terminal; None for a pipe, which has as many as it takes."""
    import shutil
    import sys

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _table(chosen: Sequence[Model], width: int | None) -> str:
    """One line a model, with as many columns from the left as fit into `width`."""
    rows = [("model", "regions", "rate", "languages", "protocol", "hotwords", "word times", "note")]
    for model in chosen:
        languages = " ".join(model.languages) if len(model.languages) <= 3 else str(len(model.languages))
        hotwords = "list, words" if "hotwords" in model.options else "list" if "hotwords_id" in model.options else "-"
        rows.append(
            (
                f"{model.name} *" if model.name == DEFAULT_MODEL else model.name,
                " ".join(model.regions),
                _kilohertz(model.wire_rate_hz),
                languages,
                model.protocol,
                hotwords,
                "yes" if model.word_times else "no",
                model.note,
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    shown = 1
    while shown < len(widths) and (width is None or sum(widths[: shown + 1]) + 2 * shown <= width):
        shown += 1
    lines = ["  ".join(cell.ljust(size) for cell, size in zip(row[:shown], widths, strict=False)) for row in rows]
    notes = [
        "* the default. `asrcli models NAME` tells all about one.",
        "New models appear every month: any name is taken.",
    ]
    return "\n".join([*(line.rstrip() for line in lines), *notes])


def _page(model: Model, width: int) -> str:
    rates = ", ".join(map(_kilohertz, model.rates_hz)) or "any rate"
    several = f"; up to {model.max_languages} may be named" if model.max_languages > 1 else ""
    rows = {
        "same as": model.same_as or "",
        "note": model.note,
        "protocol": model.protocol,
        "regions": " ".join(model.regions),
        "sample rate": f"{_kilohertz(model.wire_rate_hz)} is sent; it takes {rates}",
        "languages": f"{' '.join(model.languages)}{several}",
        "options": ", ".join(sorted(_flag(model, option) for option in model.options)),
        "word times": "yes" if model.word_times else "no",
        "emotions": str(model.emotions) if model.emotions else "no",
        "partials": "yes" if model.partials else "no",
    }
    lines = [f"{model.name}{' (the default)' if model.name == DEFAULT_MODEL else ''}"]
    for heading, text in rows.items():
        if text:
            begin = f"  {heading:<{_PAGE_HEADING_WIDTH}}"
            # Names of options are not broken at their hyphens.
            lines += textwrap.wrap(
                text, width, initial_indent=begin, subsequent_indent=" " * len(begin), break_on_hyphens=False
            )
    return "\n".join(lines)


def _flag(model: Model, name: str) -> str:
    row = BY_NAME[name]
    return _HOTWORDS.get(name) or (model.protocol == "realtime" and row.session_flag) or row.flag


def _kilohertz(rate_hz: int) -> str:
    return f"{rate_hz / 1000:g} kHz"
