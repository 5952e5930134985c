"""Where lines of results may be kept: in no file that is something else of the same run."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from asrcli.output.output import Output
from asrcli.output.sanitize import name as shown_name
from asrcli.remote.places import check_store
from asrcli.runs.choose_forms import STANDARD_OUTPUT
from asrcli.runs.request import Request
from asrcli.values.addresses import is_address
from asrcli.values.errors import UsageError
from asrcli.values.source_name import STANDARD_INPUT


def check_place(place: str, request: Request, output: Output) -> None:
    """Raise UsageError for a place that cannot be meant; touches nothing."""
    if is_address(place):
        check_store(place)
    if place == STANDARD_INPUT:
        raise UsageError("--results takes a file, which a rerun reads again", hint="--results results.jsonl")
    for path, destination in zip(request.output.output, output.destinations, strict=False):
        if path != STANDARD_OUTPUT and _is_same(place, str(path)):
            error = _is_more(place, "--output")
            # Nor is it written there.
            destination.refuse(error)
            raise error
    others: list[tuple[str, object]] = [("--log", request.output.log), ("--save-audio", request.output.save_audio)]
    for what, other in (*others, ("--manifest", request.corpus.manifest)):
        if other is not None and _is_same(place, str(other)):
            raise _is_more(place, what)
    if _is_among(place, request.names):
        raise _is_more(place, "a source")


def _is_more(place: str, what: str) -> UsageError:
    return UsageError(f"--results {shown_name(place)} is {what} too", hint="choose another file")


def _is_same(place: str, other: str) -> bool:
    """Whether two names are of one file, be it there or not."""
    if is_address(place) or is_address(other):
        return place == other
    return os.path.realpath(place) == os.path.realpath(other)


def _is_among(place: str, names: Sequence[str]) -> bool:
    """Whether the file at `place`, if there is one, is one of `names`, of which there may be a hundred thousand."""
    if is_address(place):
        return place in names
    try:
        there = Path(place).stat()
    except OSError:
        return False
    for name in names:
        with contextlib.suppress(OSError, ValueError):
            if os.path.samestat(os.stat(name), there):  # noqa: PTH116 - a Path for each takes ten times as long
                return True
    return False
