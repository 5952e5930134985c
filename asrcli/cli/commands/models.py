"""`asrcli models`: the catalogue, as a table that fits the terminal, as one model in full, or as JSON."""

from __future__ import annotations

import dataclasses
import json as json_module
import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

import typer

from asrcli.cli.flags import completions as values
from asrcli.settings.catalogue import CATALOGUE, DEFAULT_MODEL, PRICES_OF, Model, find, not_in_it
from asrcli.settings.endpoints import DEFAULT_REGION
from asrcli.settings.purposes import PURPOSES
from asrcli.values.choices import choose_one
from asrcli.values.errors import UsageError
from asrcli.values.parameters import BY_NAME

_REGIONS = ("intl", "cn")
_PAGE_HEADING_WIDTH = 13
_HEADINGS = (
    "model", "regions", "kHz", "lang", "takes", "hints", "emotions", "word times", "protocol", "list price", "note",
)  # fmt: skip
# The first heading of what stands below a row that has no room for it.
_BELOW = _HEADINGS.index("list price")
_INDENT = "    "
# Parameter → what stands for it in the table.
_TAKES = {"hotwords": "words", "hotwords_id": "lists", "phrase_list": "phrases", "context": "context"}
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
            metavar="REGION",
            help=f"Only models of this region: {' or '.join(_REGIONS)}.",
            autocompletion=values.choices(*_REGIONS),
        ),
    ] = None,
    wanted: Annotated[
        str | None,
        typer.Option(
            "--for",
            metavar="WHAT",
            help="Only models for: hotwords, context, emotion, 8k, dialects, languages, filter, fillers,"
            " close-microphone.",
            autocompletion=values.purposes,
        ),
    ] = None,
) -> None:
    """List the models: what they take, and what they cost.

    \b
    asrcli models --for hotwords
    asrcli models --for 8k --region cn
    asrcli models fun-asr-realtime               dialects, options and list prices too

    The table leaves out columns that the terminal has no room for; a pipe gets all of them, with tabs between.
    """
    if region is not None and region not in _REGIONS:
        raise UsageError(f"--region {region!r} is not known", hint=f"choose {' or '.join(_REGIONS)}")
    if name is not None and region is not None:
        raise UsageError("a NAME and --region exclude each other", hint="a model's page names its regions")
    if name is not None and wanted is not None:
        raise UsageError("a NAME and --for exclude each other", hint="a model's page names its options")
    suits, advice = _purpose(wanted)
    chosen = [each for each in CATALOGUE if (region is None or region in each.regions) and suits(each)]
    if name is not None:
        chosen = [_named(name)]
    if json:
        typer.echo(json_module.dumps([_document(model) for model in chosen], ensure_ascii=False, indent=2))
    elif name:
        typer.echo(_page(chosen[0], _width() or 80))
    else:
        width = _width()
        rows = _rows(chosen, region)
        # A program that reads the lines wants nothing else among them.
        typer.echo(_piped(rows) if width is None else f"{_table(rows, width)}\n{_notes(advice, width)}")


def _purpose(wanted: str | None) -> tuple[Callable[[Model], bool], str]:
    """Which models suit, and what to say of that. Raises UsageError for what nobody has asked for yet."""
    if wanted is None:
        return lambda _: True, "Which for what: `asrcli models --for hotwords`; --help names more."
    if wanted not in PURPOSES:
        raise UsageError(f"--for {wanted!r} is not known", hint=choose_one(wanted, PURPOSES))
    return PURPOSES[wanted]


def _named(name: str) -> Model:
    """Raises UsageError for a model that the catalogue does not have."""
    model = find(name)
    if model is None:
        message, meant = not_in_it(name)
        raise UsageError(message, hint=meant or "`asrcli models` lists it")
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
        "dialects": list(model.dialects),
        "prices": {
            region: {key: value for key, value in dataclasses.asdict(price).items() if value}
            for region, price in model.prices.items()
        },
        "prices_of": PRICES_OF,
        "free_s": model.free_s or None,
    }


def _width() -> int | None:
    """Columns of the terminal; None for a pipe, which has as many as it takes."""
    import shutil
    import sys

    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _rows(chosen: Sequence[Model], region: str | None) -> list[tuple[str, ...]]:
    """A row for each model, by _HEADINGS."""
    return [
        (
            model.name,
            " ".join(model.regions),
            " ".join(f"{rate_hz / 1000:g}" for rate_hz in model.rates_hz) or "any",
            str(len(model.languages)) if len(model.languages) > 1 else model.languages[0],
            " ".join(word for option, word in _TAKES.items() if option in model.options) or "-",
            str(model.max_languages) if "languages" in model.options else "-",
            str(model.emotions or "-"),
            "yes" if model.word_times else "no",
            model.protocol,
            _price(model, region),
            model.note,
        )
        for model in chosen
    ]


def _price(model: Model, region: str | None) -> str:
    """In `region`, else in the default one or the only one, with its name: currencies differ."""
    where = region or (DEFAULT_REGION if DEFAULT_REGION in model.regions else model.regions[0])
    return f"{where} {model.prices[where]}" if where in model.prices else "-"


def _table(rows: Sequence[tuple[str, ...]], width: int) -> str:
    """One line a model, with as many columns from the left as fit into `width`: first those that decide a choice.

    A price and a note that have no room there stand on lines below it.
    """
    marked = [(f"{name} *" if name == DEFAULT_MODEL else name, *rest) for name, *rest in rows]
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *marked, strict=True)]
    shown = 1
    while shown < len(widths) and sum(widths[: shown + 1]) + 2 * shown <= width:
        shown += 1
    lines = []
    for row in (_HEADINGS, *marked):
        lines.append("  ".join(cell.ljust(size) for cell, size in zip(row[:shown], widths, strict=False)).rstrip())
        below = [cell for cell in row[max(shown, _BELOW) :][::-1] if cell not in ("", "-")]
        if row is not _HEADINGS and below:
            lines += textwrap.wrap("; ".join(below), width, initial_indent=_INDENT, subsequent_indent=_INDENT)
    return "\n".join(lines)


def _piped(rows: Sequence[tuple[str, ...]]) -> str:
    """A line each, with tabs between its parts, for a program."""
    return "\n".join("\t".join(row) for row in (_HEADINGS, *rows))


def _notes(advice: str, width: int) -> str:
    notes = (
        f"* the default, {DEFAULT_MODEL}, for speech without other wishes. `asrcli models NAME` tells all about one.",
        "lang: how many languages it hears; hints: how many of them -l may name. takes: hotwords as words on the spot,"
        " as lists made beforehand, as phrases of an account; a context. emotions: how many it tells apart.",
        "New models appear every month: any name is taken.",
        f"List prices of {PRICES_OF}, before any discount, in the currency in which the vendor names them. What tokens"
        " come to in an hour depends on what is said.",
        advice,
    )
    return "\n".join(line for note in notes for line in textwrap.wrap(note, width, break_on_hyphens=False))


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
        "dialects": ", ".join(model.dialects),
        "options": ", ".join(sorted(_flags(model))),
        "word times": "yes" if model.word_times else "no",
        "emotions": str(model.emotions) if model.emotions else "no",
        "partials": "yes" if model.partials else "no",
        "list price": "; ".join(f"{region} {price.in_full}" for region, price in model.prices.items()),
    }
    lines = [f"{model.name}{' (the default)' if model.name == DEFAULT_MODEL else ''}"]
    for heading, text in rows.items():
        if text:
            begin = f"  {heading:<{_PAGE_HEADING_WIDTH}}"
            # Names of options are not broken at their hyphens.
            lines += textwrap.wrap(
                text, width, initial_indent=begin, subsequent_indent=" " * len(begin), break_on_hyphens=False
            )
    free = f"; {model.free_s:,} s are free for a new account" if model.free_s else ""
    lines.append(f"  {'':<{_PAGE_HEADING_WIDTH}}of {PRICES_OF}, before any discount{free}")
    return "\n".join(lines)


def _flags(model: Model) -> Iterator[str]:
    for name in model.options:
        row = BY_NAME[name]
        yield _HOTWORDS.get(name) or (model.protocol == "realtime" and row.session_flag) or row.flag
    if len(model.rates_hz) != 1:
        yield BY_NAME["wire_rate"].flag


def _kilohertz(rate_hz: int) -> str:
    return f"{rate_hz / 1000:g} kHz"
