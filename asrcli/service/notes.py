"""What `serve --verbose` says of each connection: what it asks for, and why it does not get that."""

from __future__ import annotations

import logging

from asrcli.values.errors import brief

_log = logging.getLogger(__name__)


def note(number: int, said: str) -> None:
    """Say it of connection `number`, the one that --fault goes by, in one line without control codes."""
    if _log.isEnabledFor(logging.INFO):
        line = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in brief(said))
        _log.info("connection %d: %s", number, line)
