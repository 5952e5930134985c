"""Which web pages may use the service: none but those that are allowed by name.

The vendor's service need not care. This one is on the machine of somebody who visits pages, and every page may connect
to loopback. A browser says whose page it is in Origin, and in Host which name the page asked for. So Host must be a
name of loopback, or a page could have its own name lead here; and Origin, where there is one, must be the service's
own: some clients that are no browsers say that, with its port (websocket-client) or without one (PHP's Pawl). A page
from another port of loopback is a page like any other.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from websockets.datastructures import Headers

from asrcli.values.addresses import is_loopback
from asrcli.values.errors import UsageError

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose page it is. `port` None is the scheme's own."""

    scheme: str
    host: str
    port: int | None


def parse_origin(text: str) -> Origin:
    """The origin that `text` names, such as https://app.example or http://localhost:3000. Raises UsageError.

    `null` names none: a browser says it of everybody's pages that are kept apart, those in a sandbox for example.
    """
    origin = _origin(text)
    if origin is None:
        raise UsageError(f"{text!r} is not an origin", hint="use SCHEME://HOST or SCHEME://HOST:PORT, without a path")
    return origin


def reason_against(headers: Headers, allowed: Collection[Origin]) -> str | None:
    """Why the one who sends these headers is not let in; None for who is no page, or an allowed one."""
    port: int | None = None
    for name in headers.get_all("Host"):
        asked_for = _origin(f"http://{name}")
        if asked_for is None or not is_loopback(asked_for.host):
            return f"This service goes by no such name as {name}: use 127.0.0.1."
        port = asked_for.port
    for text in headers.get_all("Origin"):
        origin = _origin(text)
        if origin is None or not (origin in allowed or _is_own(origin, port)):
            return f"Pages of {text} are not allowed: see --allow-origin."
    return None


def _is_own(origin: Origin, port: int | None) -> bool:
    return origin.scheme in _DEFAULT_PORTS and is_loopback(origin.host) and origin.port in (None, port)


def _origin(text: str) -> Origin | None:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    beyond = parts._replace(scheme="", netloc="").geturl()
    if not parts.scheme or not parts.hostname or beyond or "@" in parts.netloc:
        return None
    return Origin(parts.scheme, parts.hostname, None if port == _DEFAULT_PORTS.get(parts.scheme) else port)
