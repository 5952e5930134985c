"""What a recogniser is told before it listens: turns of a talk in which the names and terms stand."""

from __future__ import annotations

from typing import NamedTuple

# Of each side; the newest are kept.
MOST_TURNS = 5
# Of one turn, both sides together; its tail is cut.
MOST_CHARACTERS = 400


class Turn(NamedTuple):
    """What somebody said, and what was answered; either may be long, the second one empty."""

    user: str
    assistant: str = ""


Context = tuple[Turn, ...]
"""Oldest turn first; empty for none."""


def of_text(text: str) -> Context:
    """`text` as all that was said; none where it is blank."""
    return (Turn(text),) if text.strip() else ()
