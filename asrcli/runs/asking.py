"""A question to the person before a run goes on."""

from __future__ import annotations

import sys

from asrcli.output.output import Output


def can_ask() -> bool:
    """Whether somebody is there to read a question and to answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def asked_yes(question: str, output: Output) -> bool:
    """Whether the answer to `question` is yes; anything else, and nothing, is no."""
    if question:
        output.say(question)
    print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
