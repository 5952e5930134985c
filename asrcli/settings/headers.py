"""Headers of the handshake that the user adds to ours."""

from __future__ import annotations

import re
from collections.abc import Iterable

from asrcli.values.errors import UsageError

Headers = tuple[tuple[str, str], ...]

DATA_INSPECTION = ("X-DashScope-DataInspection", "enable")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
# The first has options of its own; the others are the handshake itself.
_OURS = re.compile(r"authorization|host|connection|upgrade|content-length|transfer-encoding|sec-websocket-.*")


def parse_headers(pairs: Iterable[str]) -> Headers:
    """`--header NAME=VALUE`. Raises UsageError, which leaves the value out: it may be a secret."""
    found = []
    for pair in pairs:
        name, equals, value = (part.strip() for part in pair.partition("="))
        if not equals or not _NAME.fullmatch(name):
            raise UsageError("--header wants NAME=VALUE", hint="for example --header OpenAI-Beta=realtime=v1")
        if name.lower() == "authorization":
            raise UsageError("--header Authorization is not taken", hint="use DASHSCOPE_API_KEY or --api-key-file")
        if _OURS.fullmatch(name.lower()):
            raise UsageError(f"--header {name} belongs to the handshake itself", hint="leave it out")
        if not value.isascii() or not value.isprintable():
            raise UsageError(f"--header {name} holds what no header can", hint="plain characters only")
        found.append((name, value))
    return tuple(found)
