"""The way through a proxy that is itself spoken to over TLS: CONNECT (RFC 9110, 9.3.6), and TLS inside its TLS.

Knows no WebSocket. Proxies that speak plain HTTP or SOCKS are websocket-client's.
"""

from __future__ import annotations

import base64
import re
import socket
import ssl
from urllib.parse import urlsplit

from asrcli.system.clock import Deadline, SystemClock
from asrcli.values.errors import LinkError
from asrcli.wire.dial import Network, Steps, dial, tls_context
from asrcli.wire.duplex import Duplex
from asrcli.wire.failures import place, proxy_failure, proxy_password_hint
from asrcli.wire.proxies import Proxy

# A proxy answers with a few headers; one that adds a page of its own still stays below this.
_MOST_ANSWER_BYTES = 64 * 1024
_READ_BYTES = 64 * 1024
# What one record of TLS holds at most (RFC 8446, 5.1): of what cannot leave, no more than that is kept here.
_RECORD_BYTES = 16 * 1024
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([1-5]\d\d)[ \r\n]")
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")


class InnerTls:
    """The client's end of TLS over a connection that is itself TLS; `send` and `recv` wait if the carrier does.

    Only Python's SSLObject can do that: a TLS socket takes the descriptor for itself, beneath the TLS that is there.
    urllib3's SSLTransport is made of it too, but for connections that wait: what it has encrypted and the carrier does
    not take is lost, and what it has received stays in it unseen. Four tests of test_tunnel fail with it.
    Raises ssl.SSLError, and what the carrier raises: SSLWantReadError and SSLWantWriteError where it does not wait.
    """

    def __init__(self, carrier: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._carrier = carrier
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        # Encrypted, but not yet taken by the carrier; and how many bytes of what `send` was given stand for it.
        self._leaving = bytearray()
        self._entrusted_bytes = 0
        self._at_end = False

    def shake_hands(self, deadline: Deadline) -> None:
        """For a carrier that waits. Raises TimeoutError, and SSLCertVerificationError for whom we do not trust."""
        while True:
            try:
                self._tls.do_handshake()
                return
            except ssl.SSLWantReadError:
                pass
            finally:
                # Our part of it; or the alert which says why we leave.
                self._flush()
            encrypted = _next(self._carrier, deadline)
            if not encrypted:
                raise ConnectionResetError("it was closed during the TLS handshake")
            self._incoming.write(encrypted)

    def recv(self, most_bytes: int) -> bytes:
        """Like a TLS socket's, but all that has come, so that nothing is left here of which the descriptor is silent.

        Where that is more than `most_bytes`, the rest is for the next call.
        """
        while True:
            received = self._decrypted(most_bytes)
            if received or self._at_end:
                return received
            encrypted = self._carrier.recv(_READ_BYTES)
            # As with a TLS socket, an end without TLS's goodbye is an end; WebSocket has a goodbye of its own.
            self._at_end = not encrypted
            self._incoming.write(encrypted)

    def send(self, data: bytes | bytearray) -> int:
        """Like a TLS socket's: after SSLWantWriteError the same bytes must be given again, more may follow them."""
        if not self._entrusted_bytes:
            self._entrusted_bytes = self._tls.write(data[:_RECORD_BYTES])
        self._flush()
        sent, self._entrusted_bytes = self._entrusted_bytes, 0
        return sent

    def _decrypted(self, most_bytes: int) -> bytes:
        """What can be had without asking the carrier; empty at the end too, which is noted."""
        data = bytearray()
        try:
            while len(data) < most_bytes and (self._incoming.pending or self._tls.pending()):
                piece = self._tls.read(most_bytes - len(data))
                if not piece:
                    self._at_end = True
                    break
                data += piece
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._at_end = True
        except ssl.SSLError:
            # What came before it counts first; the next call meets it again, or the end.
            if not data:
                raise
        return bytes(data)

    def _flush(self) -> None:
        self._leaving += self._outgoing.read()
        while self._leaving:
            sent = self._carrier.send(self._leaving)
            del self._leaving[:sent]


def open_tunnel(url: str, network: Network, timeout_s: float) -> tuple[Duplex, Steps]:
    """A way to the host of `url` through the proxy of `network`, with TLS of its own for wss.

    `timeout_s` bounds each step, and each later wait. The proxy's certificate is held to the same authorities as any
    other. Of the steps, reaching the proxy, its TLS and CONNECT count as TCP; the name is the proxy's.
    Raises LinkError where the proxy fails or refuses, and OSError of all kinds for what lies behind it.
    """
    proxy = network.proxy
    assert proxy is not None
    parts, clock = urlsplit(url), SystemClock()
    host, secure = parts.hostname or "", parts.scheme == "wss"
    began = clock.now()
    try:
        carrier, to_proxy = dial(tunnel_url(proxy), network, timeout_s)
    except OSError as error:
        raise proxy_failure(error, proxy) from error
    try:
        try:
            target = _authority(host, parts.port or (443 if secure else 80))
            _connect(carrier, proxy, target, url, Deadline(clock, timeout_s))
        except OSError as error:
            raise proxy_failure(error, proxy) from error
        through = clock.now()
        tcp_ms = (through - began) * 1000 - to_proxy.dns_ms
        inner, tls_ms = None, None
        if secure:
            inner = InnerTls(carrier, tls_context(network.ca_bundle), host)
            inner.shake_hands(Deadline(clock, timeout_s))
            tls_ms = (clock.now() - through) * 1000
        carrier.settimeout(timeout_s)
    except BaseException:
        carrier.close()
        raise
    return Duplex(carrier, inner), Steps(to_proxy.dns_ms, tcp_ms, tls_ms)


def tunnel_url(proxy: Proxy) -> str:
    """Where `proxy` is, for `dial`: "wss" only says that there is to be TLS."""
    return f"wss://{_authority(proxy.host, proxy.port)}"


def _connect(carrier: socket.socket, proxy: Proxy, target: str, url: str, deadline: Deadline) -> None:
    """Ask the proxy for the way to `target`. Raises LinkError for every answer but yes, and OSError."""
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if proxy.user:
        credentials = base64.b64encode(f"{proxy.user}:{proxy.password or ''}".encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {credentials}")
    carrier.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    answer = b""
    while not (end := _END_OF_HEADERS.search(answer)):
        # What is no HTTP may wait for us to speak, and never end.
        if not answer.startswith(b"HTTP/"[: len(answer)]) or len(answer) > _MOST_ANSWER_BYTES:
            raise _nonsense(proxy)
        piece = _next(carrier, deadline)
        if not piece:
            raise LinkError(f"the proxy {proxy} hung up instead of answering", hint="check --proxy and HTTPS_PROXY")
        answer += piece
    status_line = _STATUS_LINE.match(answer)
    if status_line is None:
        raise _nonsense(proxy)
    status = int(status_line[1])
    if not 200 <= status <= 299:
        raise _refusal(proxy, status, url)
    if end.end() < len(answer):
        # Behind a proxy nobody speaks before we do.
        raise _nonsense(proxy)


def _next(carrier: socket.socket, deadline: Deadline) -> bytes:
    """What comes next, and b"" at the end. Raises TimeoutError."""
    remaining_s = deadline.remaining_s()
    if not remaining_s:
        raise TimeoutError("the deadline has passed")
    carrier.settimeout(remaining_s)
    return carrier.recv(_READ_BYTES)


def _authority(host: str, port: int) -> str:
    """`host:port`; a name in other letters as the name system knows it, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host.encode('idna').decode()}:{port}"


def _nonsense(proxy: Proxy) -> LinkError:
    return LinkError(
        f"what answers at {proxy} does not speak as a proxy does", hint="check the address in --proxy or HTTPS_PROXY"
    )


def _refusal(proxy: Proxy, status: int, url: str) -> LinkError:
    if status == 407:
        hint = proxy_password_hint(proxy)
    elif status >= 500:
        hint = "it does not reach the service now; safe to try again"
    else:
        hint = "ask those who run the proxy"
    failure = LinkError(f"the proxy {proxy} refused the way to {place(url)}: HTTP {status}", hint=hint)
    # Asking again with the same password can lock somebody out.
    failure.retryable = status >= 500
    return failure
