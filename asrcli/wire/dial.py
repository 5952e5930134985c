"""The way to the service: addresses, TCP, TLS, proxies and certificates. Knows no WebSocket and no protocol.

A direct connection is made here, because websocket-client would read the proxy variables by itself and get them wrong:
values without a scheme or a port, ALL_PROXY, loopback. The ways through proxies are the library's.
"""

from __future__ import annotations

import functools
import socket
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from asrcli.values.errors import UsageError
from asrcli.wire.proxies import Proxy

Addresses = list[tuple[Any, ...]]
"""As getaddrinfo gives them."""


@dataclass(frozen=True, slots=True)
class Network:
    """How to get to the service. `ca_bundle` is trusted beside the system's own authorities."""

    proxy: Proxy | None = None
    ca_bundle: Path | None = None


@dataclass(frozen=True, slots=True)
class Steps:
    """How long the steps of a connection took; `tls_ms` is None without TLS."""

    dns_ms: float = 0.0
    tcp_ms: float = 0.0
    tls_ms: float | None = None


def dial(url: str, network: Network, timeout_s: float) -> tuple[socket.socket, Steps]:
    """A connected socket to the host of `url`, with TLS for wss; `timeout_s` bounds each step.

    Raises OSError of all kinds: gaierror, ConnectionRefusedError, TimeoutError, SSLError.
    """
    began = time.perf_counter()
    addresses = look_up(url)
    found = time.perf_counter()
    connection = reach(addresses, timeout_s)
    reached = time.perf_counter()
    if not is_secure(url):
        return connection, Steps((found - began) * 1000, (reached - found) * 1000)
    secured = secure(connection, url, network)
    took_ms = (time.perf_counter() - reached) * 1000
    return secured, Steps((found - began) * 1000, (reached - found) * 1000, took_ms)


def is_secure(url: str) -> bool:
    """Whether TLS is spoken at `url`."""
    return urlsplit(url).scheme == "wss"


def look_up(url: str) -> Addresses:
    """The addresses of the host of `url`. Raises gaierror; waits for as long as the system does."""
    parts = urlsplit(url)
    port = parts.port or (443 if is_secure(url) else 80)
    return socket.getaddrinfo(parts.hostname or "", port, type=socket.SOCK_STREAM)


def reach(addresses: Addresses, timeout_s: float) -> socket.socket:
    """A connection to the first of `addresses` that answers, `timeout_s` for each; raises the last one's OSError."""
    failure: OSError = socket.gaierror("no address")
    for family, kind, number, _, address in addresses:
        connection = socket.socket(family, kind, number)
        try:
            connection.settimeout(timeout_s)
            connection.connect(address)
            # A chunk is a small write now and then; waiting to fill a packet would only delay it.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


def secure(connection: socket.socket, url: str, network: Network) -> ssl.SSLSocket:
    """TLS with the host of `url` on `connection`, which is closed where that fails. Raises OSError and UsageError."""
    try:
        host = urlsplit(url).hostname or ""
        return tls_context(network.ca_bundle).wrap_socket(connection, server_hostname=host)
    except BaseException:
        connection.close()
        raise


@functools.cache
def tls_context(ca_bundle: Path | None) -> ssl.SSLContext:
    """One for the process: loading the system's authorities costs about 19 ms. OpenSSL reads SSL_CERT_FILE.

    Raises UsageError for a bundle that cannot be read.
    """
    context = ssl.create_default_context()
    if ca_bundle is not None:
        try:
            context.load_verify_locations(ca_bundle)
        except OSError as error:
            # ssl.SSLError, for a file without certificates, is an OSError too.
            reason = error.strerror if not isinstance(error, ssl.SSLError) else "it holds no certificate in PEM form"
            raise UsageError(f"--ca-bundle {ca_bundle} cannot be used: {reason}") from error
    return context
