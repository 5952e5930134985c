"""What to say to whoever has given a word that is none of those that may be."""

from __future__ import annotations

from collections.abc import Iterable


def choose_one(given: str, known: Iterable[str]) -> str:
    """A hint that lists the `known` words, and tells the one that is nearest to `given`, if one is near."""
    import difflib

    words = list(known)
    by_small = {word.casefold(): word for word in words}
    near = difflib.get_close_matches(given.casefold(), by_small, n=1)
    return f"choose one of {', '.join(words)}{f'; the nearest is {by_small[near[0]]}' if near else ''}"
