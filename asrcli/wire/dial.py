"""The way to the service: addresses, TCP, TLS, proxies and certificates. Knows no WebSocket and no protocol.

A direct connection is made here, because websocket-client would read the proxy variables by itself and get them wrong:
values without a scheme or a port, ALL_PROXY, loopback. The ways through proxies are the library's.
"""

from __future__ import annotations

import functools
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from asrcli.values.errors import UsageError

_PROXY_PORTS = {"http": 80, "https": 443, "socks4": 1080, "socks4a": 1080, "socks5": 1080, "socks5h": 1080}


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy on the way. User and password are left out of the repr."""

    scheme: str
    host: str
    port: int
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"


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


def find_proxy(flag: str | None, environ: Mapping[str, str], url: str) -> tuple[Proxy | None, str | None]:
    """The proxy for `url`, and a note where its value had to be completed.

    Order: --proxy ("none" for no proxy), HTTPS_PROXY, ALL_PROXY, each in lower case too. Loopback and what NO_PROXY
    names are reached directly. Raises UsageError for a value that is no proxy.
    """
    host = urlsplit(url).hostname or ""
    if flag is not None:
        return (None, None) if flag == "none" else parse_proxy(flag, "--proxy")
    if _is_loopback(host) or _is_excepted(host, _variable(environ, "no_proxy")[1]):
        return None, None
    for name in ("https_proxy", "all_proxy"):
        spelled, value = _variable(environ, name)
        if value:
            return parse_proxy(value, spelled)
    return None, None


def parse_proxy(value: str, origin: str) -> tuple[Proxy, str | None]:
    """A proxy from `[scheme://][user:password@]host[:port]`, and a note where scheme or port were missing."""
    text = value.strip()
    full = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(full)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"{origin} is not a proxy address", hint="for example http://proxy:8080") from error
    scheme = parts.scheme.lower()
    if scheme not in _PROXY_PORTS or not host:
        raise UsageError(f"{origin} is not a proxy address", hint="http://host:port, socks5://host:port, or none")
    proxy = Proxy(
        scheme,
        host,
        port or _PROXY_PORTS[scheme],
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
    )
    completed = port is None or "://" not in text
    return proxy, f"{origin} is incomplete and was read as {proxy}" if completed else None


def _variable(environ: Mapping[str, str], name: str) -> tuple[str, str]:
    """The variable `name` in lower or upper case, with the spelling that was found."""
    for spelled in (name, name.upper()):
        if environ.get(spelled, "").strip():
            return spelled, environ[spelled].strip()
    return name, ""


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _is_excepted(host: str, listed: str) -> bool:
    """Whether NO_PROXY names `host`: itself, a domain it is in, a network that its address is in, or everything."""
    for entry in (item.strip().lower() for item in listed.split(",")):
        name = entry.removeprefix("*").lstrip(".").partition(":")[0] if entry.count(":") == 1 else entry.lstrip("*.")
        if entry == "*" or (name and (host == name or host.endswith(f".{name}"))):
            return True
        try:
            if ip_address(host) in ip_network(entry, strict=False):
                return True
        except ValueError:
            continue
    return False
