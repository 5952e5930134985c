"""Our errors for what goes wrong on the way to a service, and for an HTTP request that it refuses.

Knows no WebSocket: names, TCP, TLS, proxies and HTTP's statuses are the same for every kind of connection.
"""

from __future__ import annotations

import errno
import json
import socket
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from asrcli.system.extras import how_to_add
from asrcli.values.errors import (
    FILES_USED_UP,
    MORE_FILES,
    AsrcliError,
    AuthError,
    LinkError,
    ServiceError,
    UsageError,
    brief,
)
from asrcli.wire.certificates import seen_issuer
from asrcli.wire.proxies import Proxy

_NO_REASON = "it gave no reason"


def network_failure(error: OSError, url: str, proxy: Proxy | None = None) -> LinkError:
    """Our error for what a socket to the host of `url` raises, or the look-up of its name."""
    where, said = place_of(url, proxy), brief(str(error))
    if proxy and _is_of_the_proxy(error, proxy):
        return proxy_failure(error, proxy)
    if isinstance(error, TimeoutError):
        return LinkError(f"{where} gave no sign of life for too long", hint="check the network; safe to try again")
    if isinstance(error, socket.gaierror):
        return unknown_name(where, said)
    if isinstance(error, ssl.SSLCertVerificationError):
        # Not asked behind a proxy: the way around it may not be there, or show another certificate.
        parts = urlsplit(url)
        return _untrusted(error, where, None if proxy else seen_issuer(parts.hostname or "", parts.port or 443))
    if isinstance(error, ConnectionRefusedError):
        return LinkError(f"cannot connect to {where}: nothing answers there", hint="check --endpoint and the network")
    if error.errno in FILES_USED_UP:
        # Nothing was lost, and nobody else is to blame.
        return LinkError(f"no connection to {where}: {error.strerror}", hint=MORE_FILES)
    return LinkError(f"the connection to {where} was lost: {said}", hint="safe to try again")


def _is_of_the_proxy(error: OSError, proxy: Proxy) -> bool:
    """Whether `error` is about the way to `proxy`: behind it, names and refusals are its own to tell."""
    return error.errno == errno.ECONNREFUSED or (isinstance(error, socket.gaierror) and proxy.scheme == "http")


def tls_failure(error: ssl.SSLError, url: str, proxy: Proxy | None = None) -> LinkError:
    """Our error for a TLS handshake with the host of `url` that failed, but not because it was cut off."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return network_failure(error, url, proxy)
    hint = "where the service speaks no TLS, its address begins with ws://"
    return LinkError(f"no TLS with {place_of(url, proxy)}: {error.reason or error}", hint=hint)


def unknown_name(where: str, said: str) -> LinkError:
    return LinkError(f"cannot find the address of {where}: {said}", hint="check the name and the network")


def proxy_failure(error: OSError, proxy: Proxy) -> LinkError:
    """Our error for what goes wrong between us and a proxy that is spoken to over TLS."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return _untrusted(error, f"the proxy {proxy}", seen_issuer(proxy.host, proxy.port))
    hint = "check --proxy and HTTPS_PROXY"
    if isinstance(error, socket.gaierror):
        return LinkError(f"cannot find the address of the proxy {proxy}: {error}", hint=hint)
    if error.errno == errno.ECONNREFUSED:
        return LinkError(f"cannot connect to the proxy {proxy}: nothing answers there", hint=hint)
    if isinstance(error, TimeoutError):
        return LinkError(f"the proxy {proxy} gave no sign of life for too long", hint=hint)
    if isinstance(error, ssl.SSLError) and not isinstance(error, ssl.SSLEOFError):
        hint = "where the proxy itself speaks plain HTTP, its address begins with http://"
        return LinkError(f"no TLS with the proxy {proxy}: {error.reason or error}", hint=hint)
    return LinkError(f"the connection to the proxy {proxy} was lost: {error}", hint=hint)


def proxy_password_hint(proxy: Proxy) -> str:
    """What to do where `proxy` answers 407."""
    if proxy.user:
        return "check the proxy's user and password"
    return f"it wants {proxy.scheme}://user:password@host:port"


def _untrusted(error: ssl.SSLCertVerificationError, where: str, signed_by: str | None) -> LinkError:
    by = f", signed by {brief(signed_by)!r}" if signed_by else ""
    hint = "check the clock; a company's own authority is given with --ca-bundle FILE or SSL_CERT_FILE"
    failure = LinkError(f"the certificate of {where}{by} is not trusted: {error.verify_message}", hint=hint)
    failure.retryable = False
    return failure


def no_way_through_socks() -> UsageError:
    """For a socks proxy where python-socks is missing."""
    return UsageError("a socks proxy needs a package that is not installed", hint=how_to_add("socks"))


def place_of(url: str, proxy: Proxy | None) -> str:
    """The URL as it may be shown, and the proxy before it."""
    return f"{place(url)} through the proxy {proxy}" if proxy else place(url)


def place(url: str) -> str:
    """The URL as it may be shown: without a query, which may hold a key, and without user and password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def refusal(status: int, headers: Mapping[str, str] | None, body: bytes | str | None, where: str) -> AsrcliError:
    """Our error for a request that `where` answered with `status`; the names of `headers` are in lower case."""
    code, message, request_id = _refusal_body(body)
    said = f"HTTP {status}" + (f", {code}" if code else "") + (f": {message}" if message else "")
    if status in (401, 403):
        hint = "check the key; keys belong to one region and sometimes one workspace: check --region and --workspace"
        return AuthError(
            message or _NO_REASON,
            hint=hint,
            service_code=code,
            request_id=request_id,
            refused_by=where,
            http_status=status,
        )
    if status >= 500:
        refused: AsrcliError = LinkError(
            f"{where} is not available ({said})", hint="a fault of the service; safe to try again", refused=True
        )
    else:
        hint = "wait a little, or use fewer at once" if status == 429 else "check --endpoint"
        refused = ServiceError(
            code or f"HTTP {status}",
            message or _NO_REASON,
            request_id=request_id,
            id_of="request",
            hint=hint,
            retryable=status == 429,
        )
    refused.throttled = status == 429
    refused.retry_after_s = _retry_after_s(headers)
    return refused


def _retry_after_s(headers: Mapping[str, str] | None) -> float | None:
    """`Retry-After` in seconds; its form as a date is not worth the code, our own backoff does then."""
    asked = (headers or {}).get("retry-after", "")
    return float(asked) if asked.isascii() and asked.isdigit() else None


def _refusal_body(body: bytes | str | None) -> tuple[str, str, str | None]:
    """code, message and request id of a refused handshake, as far as its body has them."""
    try:
        document = json.loads(body or b"")
    except (ValueError, RecursionError):
        return "", "", None
    if not isinstance(document, dict):
        return "", "", None
    code, message, request_id = (brief(str(document.get(key) or "")) for key in ("code", "message", "request_id"))
    return code, message, request_id or None
