"""Reading what a service sends: JSON in the wild, where any field may be missing, null or of another type."""

from __future__ import annotations

import json
from typing import Any

from asrcli.values.errors import ProtocolViolation
from asrcli.values.messages import Message

_EXCERPT_CHARACTERS = 120


def json_object(message: Message) -> dict[str, Any]:
    """The JSON object that a text message holds. Raises ProtocolViolation for anything else."""
    if isinstance(message, bytes):
        raise ProtocolViolation("the service sent a binary message where text was due", excerpt=excerpt(message))
    try:
        document = json.loads(message)
    except (ValueError, RecursionError) as error:
        raise ProtocolViolation("the service sent something that is not JSON", excerpt=excerpt(message)) from error
    if not isinstance(document, dict):
        raise ProtocolViolation("the service sent JSON that is no object", excerpt=excerpt(message))
    return document


def excerpt(message: Message) -> str:
    """The beginning of a message, for an error."""
    if isinstance(message, bytes):
        return f"{len(message)} bytes beginning {message[:16].hex(' ')}"
    return repr(message[:_EXCERPT_CHARACTERS]) + ("…" if len(message) > _EXCERPT_CHARACTERS else "")


def number(value: object) -> float | None:
    """A finite number, or None: NaN, strings and booleans stand where numbers are due."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Compared, not converted: an integer of a thousand digits has no float.
    return value if -1e15 < value < 1e15 else None


def milliseconds(value: object) -> int | None:
    """Whole milliseconds, rounded down."""
    given = number(value)
    return None if given is None else int(given)


def count(value: object) -> int | None:
    """A whole number of what is billed, rounded up: a part of a second is billed in full."""
    given = number(value)
    return None if given is None else -int(-given // 1)


def string(value: object) -> str | None:
    """Text, or an id that came as a number; None for anything else and for empty text."""
    if isinstance(value, bool) or value is None or value == "":
        return None
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else None
