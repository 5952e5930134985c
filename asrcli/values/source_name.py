"""What a source is called, on the command line and in messages."""

from __future__ import annotations

STANDARD_INPUT = "-"


def label(name: str) -> str:
    """How a source is called in messages."""
    return "standard input" if name == STANDARD_INPUT else name
