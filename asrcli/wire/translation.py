"""Our errors for everything that websocket-client, TLS and sockets raise, and for a handshake that was refused."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping

import websocket

from asrcli.values.errors import AsrcliError, Bug, LinkError, ProtocolViolation, brief
from asrcli.wire.failures import (
    network_failure,
    no_way_through_socks,
    place_of,
    proxy_password_hint,
    refusal,
    tls_failure,
)
from asrcli.wire.proxies import Proxy


def translate(error: BaseException, url: str, proxy: Proxy | None = None) -> AsrcliError:
    """Our error for anything that websocket-client or the socket beneath it raises."""
    where, said = place_of(url, proxy), brief(str(error))
    if isinstance(error, AsrcliError):
        return error
    if isinstance(error, websocket.WebSocketBadStatusException):
        return refusal(error.status_code, error.resp_headers, error.resp_body, where)
    if isinstance(error, websocket.WebSocketTimeoutException):
        return network_failure(TimeoutError(), url, proxy)
    if isinstance(error, websocket.WebSocketProtocolException | websocket.WebSocketPayloadException):
        return ProtocolViolation(f"{where} broke the WebSocket protocol ({said})")
    if isinstance(error, websocket.WebSocketProxyException):
        hint = proxy_password_hint(proxy) if proxy and "407" in said else "check --proxy and HTTPS_PROXY"
        return LinkError(f"the proxy refused the way to {where}: {said}", hint=hint)
    if "Python Socks" in said:
        return no_way_through_socks()
    if isinstance(error, websocket.WebSocketAddressException):
        return network_failure(socket.gaierror(said), url, proxy)
    if isinstance(error, OSError):
        return network_failure(error, url, proxy)
    if isinstance(error, websocket.WebSocketConnectionClosedException):
        return LinkError(f"the connection to {where} was lost", hint="safe to try again")
    if isinstance(error, websocket.WebSocketException):
        return LinkError(f"the connection to {where} was lost: {said}", hint="safe to try again")
    if isinstance(error, ValueError | LookupError | OverflowError | MemoryError):
        # What the library makes of an answer that is none.
        return LinkError(f"the connection to {where} failed: {brief(repr(error))}")
    return Bug(error)


def answered_headers(error: BaseException) -> Mapping[str, str]:
    """The headers of the answer that refused a handshake, their names in lower case; none where there was no answer."""
    return (error.resp_headers or {}) if isinstance(error, websocket.WebSocketBadStatusException) else {}


def handshake_failure(error: BaseException, url: str, proxy: Proxy | None = None) -> AsrcliError:
    """Our error for anything that goes wrong until a connection stands."""
    if isinstance(error, websocket.WebSocketConnectionClosedException | ConnectionResetError | ssl.SSLEOFError):
        hint = "if it speaks TLS, its address begins with wss://" if url.startswith("ws:") else "safe to try again"
        return LinkError(f"{place_of(url, proxy)} hung up during the handshake", hint=hint)
    if isinstance(error, ssl.SSLError):
        return tls_failure(error, url, proxy)
    if type(error) is websocket.WebSocketException and "Python Socks" not in str(error):
        # Something answers: a redirect, a header that makes no sense, a page. Nothing was lost.
        problem = f"{place_of(url, proxy)} answers, but not as a WebSocket service does: {brief(str(error))}"
        return LinkError(problem, hint="check --endpoint and the network")
    return translate(error, url, proxy)
