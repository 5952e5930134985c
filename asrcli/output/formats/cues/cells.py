"""How many terminal cells a text takes, by Unicode's East Asian width.

rich knows it too, and emoji of several characters better, but takes twenty times as long to load.
"""

from __future__ import annotations

import functools
import unicodedata

_NOTHING = ("Mn", "Me", "Cf")


@functools.lru_cache(maxsize=8192)
def cells(text: str) -> int:
    """Two for wide characters, none for what joins or marks others, one for the rest."""
    return len(text) if text.isascii() else sum(map(_cells_of, text))


@functools.lru_cache(maxsize=8192)
def _cells_of(character: str) -> int:
    if unicodedata.category(character) in _NOTHING:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
