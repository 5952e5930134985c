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
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "wss"
    began = time.perf_counter()
    addresses = socket.getaddrinfo(host, parts.port or (443 if secure else 80), type=socket.SOCK_STREAM)
    found = time.perf_counter()
    connection = _first_that_answers(addresses, timeout_s)
    reached = time.perf_counter()
    try:
        # A chunk is a small write now and then; waiting to fill a packet would only delay it.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not secure:
            return connection, Steps((found - began) * 1000, (reached - found) * 1000)
        connection = tls_context(network.ca_bundle).wrap_socket(connection, server_hostname=host)
        secured = time.perf_counter()
        return connection, Steps((found - began) * 1000, (reached - found) * 1000, (secured - reached) * 1000)
    except BaseException:
        connection.close()
        raise


def _first_that_answers(addresses: list[tuple[Any, ...]], timeout_s: float) -> socket.socket:
    """A connection to one of `addresses`, tried in order; raises the last one's error."""
    failure: OSError = socket.gaierror("no address")
    for family, kind, number, _, address in addresses:
        connection = socket.socket(family, kind, number)
        try:
            connection.settimeout(timeout_s)
            connection.connect(address)
        except OSError as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


@functools.cache
def tls_context(ca_bundle: Path | None) -> ssl.SSLContext:
    """One for the process: loading the system's authorities costs about 19 ms. SSL_CERT_FILE is heeded by OpenSSL.

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
