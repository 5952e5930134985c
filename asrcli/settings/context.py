"""Context as the user gives it, and what the service will leave out of it."""

from __future__ import annotations

import json
from collections.abc import Iterator

from asrcli.values.context import MOST_CHARACTERS, MOST_TURNS, Context, Turn
from asrcli.values.errors import UsageError, brief

_FORM = 'one {"user": "…", "assistant": "…"} a line; assistant may be left out'
_SHOWN_CHARACTERS = 20


def parse_turns(text: str, name: str) -> Context:
    """The turns in `text`, one JSON object a line; blank lines are nothing. `name` is what the text is from.

    Raises UsageError that names the line.
    """
    turns = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                turns.append(_turn(json.loads(line)))
            except (ValueError, RecursionError) as error:
                reason = "not JSON" if isinstance(error, json.JSONDecodeError | RecursionError) else error
                raise UsageError(f"{name}:{number}: {reason}", hint=_FORM) from error
    return tuple(turns)


def _turn(document: object) -> Turn:
    if not isinstance(document, dict):
        raise ValueError("not a JSON object")
    unknown = [brief(str(key)) for key in document if key not in Turn._fields]
    if unknown:
        raise ValueError(f"{unknown[0]} is neither user nor assistant")
    user, assistant = document.get("user"), document.get("assistant", "")
    if not isinstance(user, str) or not user.strip():
        raise ValueError("user must be a text")
    if not isinstance(assistant, str):
        raise ValueError("assistant must be a text")
    return Turn(user, assistant)


def cuts(context: Context) -> Iterator[tuple[str, str]]:
    """What the service leaves out of `context`, and what to do about it."""
    if len(context) > MOST_TURNS:
        yield f"the context has {len(context)} turns: the service reads the last {MOST_TURNS}", ""
    several = len(context) > 1
    for number, turn in enumerate(context, start=1):
        count = len(turn.user) + len(turn.assistant)
        if number > len(context) - MOST_TURNS and count > MOST_CHARACTERS:
            which = f"turn {number} of the context" if several else "the context"
            last = (turn.user + turn.assistant)[MOST_CHARACTERS - _SHOWN_CHARACTERS : MOST_CHARACTERS]
            last = " ".join(last.split())
            yield (
                f"{which} has {count} characters: the service reads the first {MOST_CHARACTERS}, up to “{last}”",
                "the names and terms alone will do" + ("" if several else "; --context-turns takes five times as many"),
            )
