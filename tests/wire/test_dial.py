"""The way to the service: which proxy, which certificate, and what is said when either is wrong."""

from __future__ import annotations

import base64
import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from websockets.sync.server import serve

from asrcli.output.wording import words
from asrcli.values.errors import LinkError, UsageError
from asrcli.wire.certificates import issuer
from asrcli.wire.dial import Network, dial, tls_context
from asrcli.wire.link_events import LinkClosed, LinkOpened, MessageReceived
from asrcli.wire.proxies import Proxy, find_proxy, parse_proxy
from tests.support.links import posting_links, take

HOST = "wss://dashscope-intl.aliyuncs.com"


@pytest.mark.parametrize(
    ("value", "proxy", "completed"),
    [
        ("http://proxy:8080", Proxy("http", "proxy", 8080), False),
        ("proxy:8080", Proxy("http", "proxy", 8080), True),
        ("http://proxy", Proxy("http", "proxy", 80), True),
        ("proxy", Proxy("http", "proxy", 80), True),
        ("socks5://proxy", Proxy("socks5", "proxy", 1080), True),
        ("socks5h://me:p%40ss@proxy:1081", Proxy("socks5h", "proxy", 1081, "me", "p@ss"), False),
        ("http://[::1]:3128/", Proxy("http", "::1", 3128), False),
        ("https://proxy", Proxy("https", "proxy", 443), True),
    ],
)
def test_a_proxy_is_read_with_or_without_scheme_and_port(value, proxy, completed):
    parsed, note = parse_proxy(value, "HTTPS_PROXY")
    assert parsed == proxy
    assert bool(note) == completed
    assert "p@ss" not in repr(parsed) + str(parsed) + str(note)


@pytest.mark.parametrize("value", ["", "ftp://proxy:1", "http://", "http://proxy:port", "http://[x"])
def test_what_is_no_proxy_is_refused(value):
    with pytest.raises(UsageError, match="--proxy"):
        parse_proxy(value, "--proxy")


@given(st.text())
def test_any_text_is_a_proxy_or_a_usage_error(value):
    with contextlib.suppress(UsageError):
        parsed, _ = parse_proxy(value, "--proxy")
        assert parsed.host
        assert 0 < parsed.port < 65536


@pytest.mark.parametrize(
    ("flag", "environ", "url", "found"),
    [
        (None, {}, HOST, None),
        (None, {"HTTPS_PROXY": "http://a:1"}, HOST, "http://a:1"),
        (None, {"https_proxy": "http://a:1", "HTTPS_PROXY": "http://b:1"}, HOST, "http://a:1"),
        (None, {"ALL_PROXY": "socks5://a:1"}, HOST, "socks5://a:1"),
        (None, {"ALL_PROXY": "socks5://a:1", "HTTPS_PROXY": "b:2"}, HOST, "http://b:2"),
        (None, {"HTTPS_PROXY": "http://a:1", "NO_PROXY": "aliyuncs.com"}, HOST, None),
        (None, {"HTTPS_PROXY": "http://a:1", "NO_PROXY": "x, .aliyuncs.com:443"}, HOST, None),
        (None, {"HTTPS_PROXY": "http://a:1", "no_proxy": "*"}, HOST, None),
        (None, {"HTTPS_PROXY": "http://a:1", "NO_PROXY": "iyuncs.com"}, HOST, "http://a:1"),
        (None, {"HTTPS_PROXY": "http://a:1", "NO_PROXY": "10.0.0.0/8"}, "wss://10.1.2.3", None),
        (None, {"HTTPS_PROXY": "http://a:1", "HTTP_PROXY": "http://a:1"}, "ws://127.0.0.1:9", None),
        (None, {"ALL_PROXY": "http://a:1"}, "ws://localhost:9", None),
        ("http://c:3", {"HTTPS_PROXY": "http://a:1", "NO_PROXY": "*"}, HOST, "http://c:3"),
        ("none", {"HTTPS_PROXY": "http://a:1"}, HOST, None),
    ],
)
def test_the_proxy_comes_from_flag_or_environment(flag, environ, url, found):
    proxy, _ = find_proxy(flag, environ, url)
    assert (str(proxy) if proxy else None) == found


@contextlib.contextmanager
def tls_server(authority: trustme.CA, name: str = "localhost") -> Iterator[str]:
    """A WebSocket server that says hello over TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    with serve(lambda talk: talk.send("hello"), "127.0.0.1", 0, ssl=context, compression=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"wss://localhost:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


def said_over(url: str, network: Network) -> list[Any]:
    """Everything that a link with this network says."""
    with posting_links(network) as make:
        link = make(url)
        items = [take(link)]
        while not isinstance(items[-1], LinkClosed):
            items.append(take(link))
        return items


@pytest.fixture
def authority(tmp_path: Path) -> tuple[trustme.CA, Path]:
    made = trustme.CA(organization_name="Company Proxy Authority")
    path = tmp_path / "ca.pem"
    made.cert_pem.write_to_path(path)
    return made, path


def test_a_bundle_is_trusted_beside_the_system(authority):
    made, path = authority
    with tls_server(made) as url:
        opened, hello, _ = said_over(url, Network(ca_bundle=path))
    assert isinstance(opened, LinkOpened)
    assert hello == MessageReceived("hello")
    assert tls_context(path) is tls_context(path)


def test_the_steps_of_a_direct_way_are_told_one_by_one(authority):
    made, path = authority
    with tls_server(made) as url:
        secured, steps = dial(url, Network(ca_bundle=path), 10)
        with secured:
            assert isinstance(secured, ssl.SSLSocket)
            assert secured.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert min(steps.dns_ms, steps.tcp_ms, steps.tls_ms) > 0
    with socket.create_server(("127.0.0.1", 0)) as server:
        plain, steps = dial(f"ws://127.0.0.1:{server.getsockname()[1]}", Network(), 10)
        with plain:
            assert plain.getpeername() == server.getsockname()
            assert not isinstance(plain, ssl.SSLSocket)
        assert steps.tls_ms is None


def test_the_link_tells_the_steps_of_its_handshake(authority):
    made, path = authority
    with tls_server(made) as url:
        opened, *_ = said_over(url, Network(ca_bundle=path))
    phases = opened.phases
    assert min(phases.tcp_ms, phases.tls_ms, phases.upgrade_ms) > 0
    assert phases.dns_ms + phases.tcp_ms + phases.tls_ms + phases.upgrade_ms == pytest.approx(opened.connect_ms)


def test_an_untrusted_certificate_names_its_issuer_and_what_to_do(authority):
    made, _ = authority
    with tls_server(made) as url:
        [closed] = said_over(url, Network())
    assert isinstance(closed.error, LinkError)
    assert "signed by 'Company Proxy Authority'" in words(closed.error)
    assert "--ca-bundle" in words(closed.error)
    assert closed.error.retryable is False


def test_a_certificate_for_another_host_is_refused(authority):
    made, path = authority
    with tls_server(made, "elsewhere.example") as url:
        [closed] = said_over(url, Network(ca_bundle=path))
    assert "not trusted" in words(closed.error)


@pytest.mark.parametrize("content", [None, b"no certificate"])
def test_a_bundle_that_cannot_be_used_is_a_usage_error(tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UsageError, match=r"ca\.pem"):
        tls_context(path)


@given(st.binary(max_size=300))
def test_the_issuer_of_any_bytes_is_a_name_or_unknown(data):
    assert issuer(data) is None or isinstance(issuer(data), str)


class HttpProxy:
    """A proxy that passes CONNECT on, or answers it with `refuse`."""

    def __init__(self, refuse: bytes = b"") -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._refuse = refuse
        self.requests: list[bytes] = []
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()
        self.port = self._listener.getsockname()[1]

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            client, _ = self._listener.accept()
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                request += client.recv(4096)
            self.requests.append(request)
            if self._refuse:
                client.sendall(self._refuse)
                client.close()
                return
            host, _, port = request.split()[1].decode().rpartition(":")
            upstream = socket.create_connection((host, int(port)))
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            for source, target in ((client, upstream), (upstream, client)):
                self._threads.append(threading.Thread(target=self._pass_on, args=(source, target)))
                self._threads[-1].start()

    @staticmethod
    def _pass_on(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def close(self) -> None:
        self._listener.close()
        for thread in self._threads:
            thread.join(10)


@pytest.fixture
def http_proxy() -> Iterator[HttpProxy]:
    proxy = HttpProxy()
    yield proxy
    proxy.close()


def test_an_http_proxy_is_gone_through_with_user_and_password(authority, http_proxy):
    made, path = authority
    way = Network(Proxy("http", "127.0.0.1", http_proxy.port, "me", "secret"), path)
    with tls_server(made) as url:
        opened, hello, _ = said_over(url, way)
    assert isinstance(opened, LinkOpened)
    assert hello == MessageReceived("hello")
    [request] = http_proxy.requests
    assert request.startswith(b"CONNECT localhost:")
    assert base64.b64encode(b"me:secret") in request


def test_a_proxy_that_refuses_is_named():
    proxy = HttpProxy(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
    try:
        [closed] = said_over("wss://localhost:1", Network(Proxy("http", "127.0.0.1", proxy.port)))
    finally:
        proxy.close()
    assert isinstance(closed.error, LinkError)
    assert "proxy" in words(closed.error)


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_a_proxy_that_is_not_there_is_a_link_error(scheme, dead_port):
    [closed] = said_over("wss://localhost:1", Network(Proxy(scheme, "127.0.0.1", dead_port)))
    assert isinstance(closed.error, LinkError)


def test_loopback_is_reached_without_the_proxy_of_the_environment(monkeypatch, dead_port):
    dead = f"http://127.0.0.1:{dead_port}"
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, dead)
    with serve(lambda talk: talk.send("hello"), "127.0.0.1", 0, compression=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        opened, hello, _ = said_over(f"ws://127.0.0.1:{server.socket.getsockname()[1]}", Network())
        server.shutdown()
        thread.join()
    assert isinstance(opened, LinkOpened)
    assert hello == MessageReceived("hello")
