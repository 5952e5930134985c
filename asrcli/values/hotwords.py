"""Hotwords, and the lists of them that the service keeps."""

from __future__ import annotations

from dataclasses import dataclass

USUAL_WEIGHT = 4


@dataclass(frozen=True, slots=True)
class Hotword:
    """A phrase to favour. `weight`: 1 to 5, or 50; `language`: a code such as en, None where the service is to see."""

    text: str
    weight: int = USUAL_WEIGHT
    language: str | None = None


@dataclass(frozen=True, slots=True)
class HotwordList:
    """A list as the service tells of it.

    `status` is OK, or UNDEPLOYED for one that cannot be used yet. `created` and `modified` are the service's own words,
    such as 2026-11-21 10:00:00, of which nobody says in what zone. `model` and `words` are None in a list of lists.
    """

    id: str
    status: str
    created: str
    modified: str
    model: str | None = None
    words: tuple[Hotword, ...] | None = None
