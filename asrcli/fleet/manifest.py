"""The rows of a corpus: what is to be transcribed, and how each of them is to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_NOTHING: Mapping[str, object] = {}


def _nothing() -> Mapping[str, object]:
    """One for all: of a hundred thousand rows most have none of their own."""
    return _NOTHING


@dataclass(frozen=True, slots=True)
class Row:
    """One source of a corpus: a line of a manifest, or a name on the command line, which is its `id` then.

    `audio` is a path, - or an address. `fields` are of model, language and hotwords, as those of a request, the model
    among them. `channel` is the one of the file that is heard, counted from 0; None: all of them mixed. `others` is
    what else stands in the line. Neither mapping is to be changed.
    """

    id: str
    audio: str
    duration_ms: int | None = None
    fields: Mapping[str, object] = field(default_factory=_nothing)
    channel: int | None = None
    others: Mapping[str, object] = field(default_factory=_nothing)

    @classmethod
    def named(cls, name: str) -> Row:
        """The row of what stands on the command line."""
        return cls(name, name)
