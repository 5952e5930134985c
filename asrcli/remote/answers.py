"""What an HTTP server's answer says: of what is there, and why it is not to be had."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus

from asrcli.remote.base import RemoteError
from asrcli.values.addresses import shown
from asrcli.values.errors import brief

_EXPECTED = (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
# What passes: too much to do, or a fault behind it. 408 and 425 ask for another try by their names.
_PASSING = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS)
_REASONS: dict[int, str] = {
    HTTPStatus.NO_CONTENT: "nothing is in it",
    HTTPStatus.UNAUTHORIZED: "it wants to know who asks",
    HTTPStatus.FORBIDDEN: "it is not for us to read",
    HTTPStatus.NOT_FOUND: "nothing is there",
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: "the proxy wants to know who asks",
    HTTPStatus.GONE: "it is there no more",
    HTTPStatus.TOO_MANY_REQUESTS: "its server has too much to do",
}
_HINTS: dict[int, str] = {
    HTTPStatus.UNAUTHORIZED: "user and password go before the host: https://user:password@host/…",
    HTTPStatus.FORBIDDEN: "a signed address is good for a time only",
    HTTPStatus.NOT_FOUND: "check the address",
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: "check the proxy's user and password",
}
# As object stores say it, in XML.
_SAID = re.compile(rb"<(Code|Message)>([^<]{1,200})</\1>")


def problem(
    address: str, status: int, reason: str | None, headers: Mapping[str, str], beginning: bytes
) -> RemoteError | None:
    """Why an answer does not bring what lies at `address`; None where it does. `beginning`: of its body."""
    if status in _EXPECTED:
        coding = headers.get("Content-Encoding", "identity").strip().lower()
        if coding in ("", "identity"):
            return None
        return RemoteError(
            f"{shown(address)} comes packed as {brief(coding)}, which was not asked for",
            hint="fetch it to a file first",
        )
    words = ": ".join(found[2].decode(errors="replace") for found in _SAID.finditer(beginning))
    told = f" ({shown(brief(words))})" if words else ""
    is_passing = status >= 500 or status in _PASSING
    why = _REASONS.get(status) or brief(reason or "no reason given")
    hint = "safe to try again" if is_passing else _HINTS.get(status, "")
    error = RemoteError(f"cannot read {shown(address)}: HTTP {status}, {why}{told}", hint=hint, retryable=is_passing)
    asked = headers.get("Retry-After", "")
    error.retry_after_s = float(asked) if asked.isascii() and asked.isdigit() else None
    error.throttled = status == HTTPStatus.TOO_MANY_REQUESTS
    return error


def identity_of(headers: Mapping[str, str], size_bytes: int | None) -> str | None:
    """What a change would show in: a strong ETag, else the time of the last change, or a weak ETag, and the length."""
    etag, modified = headers.get("ETag", ""), headers.get("Last-Modified", "")
    if etag and not etag.startswith("W/"):
        return f"etag:{etag}"
    if size_bytes is None or not (modified or etag):
        return None
    return f"time:{modified} bytes:{size_bytes}" if modified else f"etag:{etag} bytes:{size_bytes}"


def validator(headers: Mapping[str, str]) -> str | None:
    """What If-Range may say (RFC 9110, 13.1.5): a strong ETag, else the time of the last change; None without both."""
    etag = headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else headers.get("Last-Modified") or None


def whole_bytes(headers: Mapping[str, str]) -> int | None:
    """How long the body is; None where that is not said, or does not count."""
    said = headers.get("Content-Length", "")
    return int(said) if said.isascii() and said.isdigit() and "Transfer-Encoding" not in headers else None
