"""What a parameter may hold: each kind says what a value must be, or None where the value is that already."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

Check = Callable[[object], str | None]
"""Says what a value must be, or None where it is that already."""

_SUPER_WEIGHT = 50


@dataclass(frozen=True, slots=True)
class Switch:
    """True or false."""

    def __call__(self, value: object) -> str | None:
        return None if isinstance(value, bool) else "true or false"


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number from `low` to `high`."""

    low: int
    high: int

    def __call__(self, value: object) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high
        return None if fits else f"a whole number from {self.low} to {self.high}"


@dataclass(frozen=True, slots=True)
class Number:
    """A number from `low` to `high`, whole or not."""

    low: float
    high: float

    def __call__(self, value: object) -> str | None:
        fits = isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high
        return None if fits else f"a number from {self.low:g} to {self.high:g}"


@dataclass(frozen=True, slots=True)
class Text:
    """Any text. `known` are those that have a meaning today: others are taken too, because they grow."""

    known: tuple[str, ...] = ()

    def __call__(self, value: object) -> str | None:
        return None if isinstance(value, str) else "a string"


@dataclass(frozen=True, slots=True)
class Texts:
    """A list of texts, `most` at most."""

    most: int | None = None

    def __call__(self, value: object) -> str | None:
        fits = isinstance(value, list | tuple) and all(isinstance(item, str) for item in value)
        fits = fits and (self.most is None or len(value) <= self.most)  # type: ignore[arg-type]
        return None if fits else "a list of strings" + ("" if self.most is None else f", {self.most} at most")


@dataclass(frozen=True, slots=True)
class Weights:
    """Words with weights."""

    def __call__(self, value: object) -> str | None:
        fits = isinstance(value, dict) and all(_is_weight(weight) for weight in value.values())
        return None if fits else f"an object of words with weights from 1 to 5, or {_SUPER_WEIGHT}"


def _is_weight(value: object) -> bool:
    return Whole(1, 5)(value) is None or Whole(_SUPER_WEIGHT, _SUPER_WEIGHT)(value) is None


def one_of(*choices: object) -> Check:
    """One of `choices`; True is not 1."""

    def check(value: object) -> str | None:
        fits = any(type(value) is type(choice) and value == choice for choice in choices)
        return None if fits else "one of " + ", ".join(map(str, choices))

    return check
