"""How the sources of a run are recognised: all alike, or some with a model, a language, hotwords of their own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from asrcli.engine.spec import Spec
from asrcli.engine.wiring import Engine
from asrcli.runs.choose_spec import Choice
from asrcli.values.errors import AsrcliError


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
