"""How the sources of a run are recognised: all alike, or some with a model, a language, hotwords of their own.

What is alike is chosen, checked and built once. All of it is checked before anything is sent.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from asrcli.runs.choose_spec import Choice, Teller, choose, input_of
from asrcli.runs.request import Request
from asrcli.runs.rows import Rows
from asrcli.settings.phrases import Hotwords
from asrcli.settings.sending import ONLY_AS_IS
from asrcli.values.errors import AsrcliError, UsageError

if TYPE_CHECKING:
    from asrcli.audio.opening import Input
    from asrcli.engine.spec import Spec
    from asrcli.engine.wiring import Engine
    from asrcli.fleet.manifest import Row


def _nothing_to_add(error: AsrcliError) -> None:
    """What ended it says all."""


@dataclass(frozen=True, slots=True)
class Variant:
    """What some of the sources of a run have in common.

    `explain` adds to the error of one what is known of it outside. `engine`: theirs, None where all have the same one,
    or where they are heard elsewhere.
    """

    choice: Choice
    spec: Spec
    explain: Callable[[AsrcliError], None] = _nothing_to_add
    engine: Engine | None = None


@dataclass(frozen=True, slots=True)
class Chosen:
    """The same before there is a service to ask: how they are recognised, and how they are opened."""

    choice: Choice
    input: Input


@dataclass(frozen=True, slots=True)
class AllChosen:
    """The variants of a run, one at least, and for each source the index of its own."""

    variants: Sequence[Chosen]
    of_source: Sequence[int]


class Once:
    """Tells what several variants have to tell the first time only."""

    def __init__(self, output: Teller) -> None:
        self._output = output
        self._told: set[tuple[str, str]] = set()

    def notice(self, message: str, hint: str = "") -> None:
        if (message, hint) not in self._told:
            self._told.add((message, hint))
            self._output.notice(message, hint)


def choose_all(request: Request, rows: Rows, output: Teller) -> AllChosen:
    """What `rows` come to. Raises UsageError, with the place of a row that asks for what its model lacks."""
    once = Once(output)
    found: list[Chosen] = []
    known: dict[int, int] = {}
    of_source = array("L")
    for index, row in enumerate(rows.rows):
        # Rows of one manifest that say the same have one mapping.
        at = known.get(id(row.fields))
        if at is None:
            at = known[id(row.fields)] = len(found)
            found.append(_chosen(request, rows, index, once))
        of_source.append(at)
        if row.channel is not None and request.sending.way == ONLY_AS_IS:
            raise UsageError(
                f"{rows.where(index)}: the sound cannot go as it is: one channel of it is to be sent",
                hint="--send as-is sends it as PCM then",
            )
    return AllChosen(found or [_of(request, once)], of_source)


def _chosen(request: Request, rows: Rows, index: int, output: Teller) -> Chosen:
    row = rows.rows[index]
    if not row.fields:
        return _of(request, output)
    try:
        return _of(_as_asked_by(request, row), output)
    except UsageError as error:
        raise UsageError(f"{rows.where(index)}: {error.message}", hint=error.hint) from error


def _of(request: Request, output: Teller) -> Chosen:
    choice = choose(request, output)
    return Chosen(choice, input_of(request, choice, output))


def _as_asked_by(request: Request, row: Row) -> Request:
    said = dict(row.fields)
    if "hotwords" in said:
        said["hotwords"] = replace(cast(Hotwords, said["hotwords"]), make_list=request.make_list)
    model = cast(str, said.pop("model", request.model))
    fields: Mapping[str, object] = {**request.fields, **said}
    return replace(request, model=model, fields=fields)
