"""What sources at addresses are now, which a rerun compares with what they were when they were heard."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from asrcli.remote.base import Way
from asrcli.remote.places import fetch, listed
from asrcli.runs.looking import looked_at
from asrcli.values.errors import AsrcliError

if TYPE_CHECKING:
    from asrcli.runs.sources import Prepared

# What does not answer now will be met again, if it is to be heard.
_RETRIES = 2


def identify(items: Sequence[Prepared], way: Way) -> None:
    """Set `sound` of `items`, which lie at addresses, where somebody tells it now.

    A store tells it of a thousand in a folder at once; the others are looked at one by one, some at the same time.
    """
    way = replace(way, retries=min(way.retries, _RETRIES))
    known = listed([item.name for item in items], way)
    for item in items:
        item.sound = known.get(item.name)

    def look(number: int) -> AsrcliError | None:
        with contextlib.closing(fetch(items[number].name, way)) as fetched:
            remote = fetched.look()
            items[number].sound = None if remote is None else remote.identity
        return None

    rest = [number for number, item in enumerate(items) if item.sound is None]
    with contextlib.closing(looked_at(rest, look)) as told:
        for _ in told:
            # Whatever is wrong with it.
            pass
