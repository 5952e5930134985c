"""Values of options as anybody may see them: without the passwords and tokens that may be in them."""

from __future__ import annotations

import re
from typing import Any

HIDDEN = "***"

# From the scheme to the last @ before a query: a password may hold any other character.
_USER = re.compile(r"^(\w+://)?[^?#]*@")
_QUERY = re.compile(r"[?#].+")


def without_secrets(option: str, value: Any) -> Any:
    """The `value` of `option` as it may be shown, whether it is a right one or not."""
    if isinstance(value, list):
        return [without_secrets(option, each) for each in value]
    match option.replace("-", "_"):
        case "api_key":
            return HIDDEN
        case "header":
            name, equals, _ = str(value).partition("=")
            return f"{name}={HIDDEN}" if equals else HIDDEN
        case "proxy" | "endpoint":
            return address_without_secrets(str(value))
    return value


def address_without_secrets(url: str) -> str:
    """`url`, which need not be one, without user, password and query."""
    return _QUERY.sub(f"?{HIDDEN}", _USER.sub(rf"\1{HIDDEN}@", url))
