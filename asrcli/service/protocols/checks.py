"""What a field of a client's message may hold, whatever the protocol."""

from __future__ import annotations

from collections.abc import Callable

Check = Callable[[object], str | None]
"""Says what a value must be, or None where it is that already."""


def boolean(value: object) -> str | None:
    return None if isinstance(value, bool) else "true or false"


def string(value: object) -> str | None:
    return None if isinstance(value, str) else "a string"


def strings(value: object) -> str | None:
    return None if isinstance(value, list) and all(isinstance(item, str) for item in value) else "a list of strings"


def whole(low: int, high: int) -> Check:
    """A whole number from `low` to `high`."""

    def check(value: object) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return None if fits else f"a whole number from {low} to {high}"

    return check


def number(low: float, high: float) -> Check:
    """A number from `low` to `high`, whole or not."""

    def check(value: object) -> str | None:
        fits = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
        return None if fits else f"a number from {low:g} to {high:g}"

    return check


def one_of(*choices: object) -> Check:
    """One of `choices`; True is not 1."""

    def check(value: object) -> str | None:
        fits = any(type(value) is type(choice) and value == choice for choice in choices)
        return None if fits else "one of " + ", ".join(map(str, choices))

    return check
