"""A question to the person before a run goes on."""

from __future__ import annotations

import sys

from asrcli.output.output import Output
from asrcli.system.echo import echoed


def can_ask() -> bool:
    """Whether somebody is there to read a question and to answer it."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def asked_yes(about: str, question: str, output: Output) -> bool:
    """Whether the answer to `question` is yes; anything else, and nothing, is no. `about` is said before, if any."""
    if about:
        output.say(about)
    answers: list[str] = []

    def ask() -> None:
        print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
        with echoed():
            answers.append(sys.stdin.readline())

    output.aside(ask)
    return answers[0].strip().lower() in ("y", "yes")
