"""The ways to the HTTP API: TLS, proxies, and what goes wrong there."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from asrcli.api.client import Client, Unanswered
from asrcli.output.wording import words
from asrcli.values.errors import LinkError
from asrcli.wire.dial import Network
from asrcli.wire.proxies import parse_proxy
from tests.support.looping import PATIENCE_S
from tests.support.tls_proxy import server_context, tls_proxy

ANSWER = b'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n{"done": 1}'


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(path)
    return path


@contextlib.contextmanager
def one_answer(
    answer: bytes = ANSWER, tls: ssl.SSLContext | None = None, end: bytes = b"}"
) -> Iterator[tuple[int, list[bytes]]]:
    """The port of a server that answers what ends so and hangs up, and what it was sent."""
    requests: list[bytes] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            plain, _ = listener.accept()
            plain.settimeout(PATIENCE_S)
            with plain, tls.wrap_socket(plain, server_side=True) if tls else plain as client:
                requests.append(_request(client, end))
                client.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        thread = threading.Thread(target=serve, name="one answer")
        thread.start()
        try:
            yield listener.getsockname()[1], requests
        finally:
            thread.join(PATIENCE_S)


def _request(client: socket.socket, end: bytes = b"}") -> bytes:
    """What comes, up to what ends with `end`."""
    data = b""
    while piece := client.recv(65536):
        data += piece
        if data.endswith(end):
            break
    return data


def ask(url: str, network: Network = Network()) -> object:  # noqa: B008 - it is frozen
    with contextlib.closing(Client(url, {"Authorization": "Bearer k"}, network, lambda *_: False)) as client:
        return client.ask({"question": "é"}, repeatable=True)


def through(address: str, ca_bundle: Path | None = None) -> Network:
    return Network(parse_proxy(address, "--proxy")[0], ca_bundle)


def test_a_question_goes_over_tls_and_is_json(authority, bundle):
    with one_answer(tls=server_context(authority)) as (port, requests):
        assert ask(f"https://localhost:{port}/api", Network(ca_bundle=bundle)) == {"done": 1}
    head, _, body = requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /api HTTP/1.1\r\n")
    assert b"authorization: bearer k" in head.lower()
    assert json.loads(body) == {"question": "é"}


def test_who_is_not_trusted_is_named_with_who_signed(authority, monkeypatch):
    monkeypatch.setattr("asrcli.wire.failures.seen_issuer", lambda host, port: f"the authority of {host}")
    not_trusted = pytest.raises(LinkError, match="signed by 'the authority of localhost' is not trusted")
    with one_answer(tls=server_context(authority)) as (port, requests), not_trusted as raised:
        ask(f"https://localhost:{port}/api")
    assert "--ca-bundle" in raised.value.hint
    assert requests == []


def test_plain_http_where_tls_was_wanted_is_said(bundle):
    with one_answer(end=b"") as (port, _), pytest.raises(LinkError, match="no TLS with https://localhost"):
        ask(f"https://localhost:{port}/api", Network(ca_bundle=bundle))


def test_nobody_there_and_no_such_name_are_said():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(LinkError, match="nothing answers there"):
        ask(f"http://127.0.0.1:{port}/api")
    with pytest.raises(LinkError, match=r"cannot find the address of https://nowhere.invalid/api"):
        ask("https://nowhere.invalid/api")


def test_what_was_never_asked_may_be_asked_again_and_what_was_sent_may_not():
    client = Client("http://127.0.0.1:1/api", {}, Network(), lambda *_: False)
    with pytest.raises(LinkError):
        client.ask({}, repeatable=False)
    with one_answer(b"") as (port, _), pytest.raises(Unanswered, match="was lost"):
        Client(f"http://127.0.0.1:{port}/api", {}, Network(), lambda *_: False).ask({}, repeatable=False)


def test_a_proxy_with_tls_is_gone_through(authority, bundle):
    context = server_context(authority)
    with tls_proxy(context) as proxy, one_answer(tls=context) as (port, _):
        network = through(f"https://me:pass@localhost:{proxy.port}", bundle)
        assert ask(f"https://localhost:{port}/api", network) == {"done": 1}
    assert proxy.requests[0].startswith(f"CONNECT localhost:{port} ".encode())
    assert b"proxy-authorization: basic bwu6cgfzcw==" in proxy.requests[0].lower()
    assert b"Bearer" not in proxy.requests[0]


def test_a_proxy_that_refuses_or_is_not_there_is_said(authority, bundle):
    refused = pytest.raises(LinkError, match=r"the proxy refused the way to .*407 Who are you")
    with tls_proxy(server_context(authority), b"HTTP/1.1 407 Who are you\r\n\r\n") as proxy, refused:
        ask("https://service.invalid/api", through(f"https://localhost:{proxy.port}", bundle))
    with pytest.raises(LinkError, match=r"cannot connect to the proxy http://127.0.0.1:1: nothing answers there"):
        ask("https://service.invalid/api", through("http://127.0.0.1:1"))


def test_a_plain_proxy_is_asked_for_a_tunnel(authority, bundle):
    """It cannot be tunnelled through here: that it was asked, and without the key, is what counts."""
    refused = pytest.raises(LinkError, match="503 Later")
    with one_answer(b"HTTP/1.1 503 Later\r\n\r\n", end=b"\r\n\r\n") as (port, requests), refused:
        ask("https://service.invalid/api", through(f"http://127.0.0.1:{port}", bundle))
    assert requests[0].startswith(b"CONNECT service.invalid:443 ")
    assert b"Bearer" not in requests[0]


def test_a_socks_proxy_is_gone_through_and_resolves_names():
    greeting, connect = b"\x05\x01\x00", b"\x05\x01\x00\x03\x0eservice.remote\x00\x50"
    said: list[bytes] = []

    def serve() -> None:
        client, _ = listener.accept()
        client.settimeout(PATIENCE_S)
        with client:
            for wanted, answer in ((greeting, b"\x05\x00"), (connect, b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50")):
                said.append(client.recv(len(wanted)))
                client.sendall(answer)
            said.append(_request(client))
            client.sendall(ANSWER)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        thread = threading.Thread(target=serve, name="socks proxy")
        thread.start()
        port = listener.getsockname()[1]
        assert ask("http://service.remote:80/api", through(f"socks5h://127.0.0.1:{port}")) == {"done": 1}
        thread.join(PATIENCE_S)
    assert said[:2] == [greeting, connect]
    assert said[2].startswith(b"POST /api HTTP/1.1")


def test_a_socks_proxy_that_refuses_or_is_not_there_is_said():
    with pytest.raises(LinkError, match=r"cannot connect to the proxy socks5://127.0.0.1:1: nothing answers there"):
        ask("http://127.0.0.1:80/api", through("socks5://127.0.0.1:1"))
    with one_answer(b"\x05\xff", end=b"") as (port, _), pytest.raises(LinkError) as raised:
        ask("http://127.0.0.1:80/api", through(f"socks5://127.0.0.1:{port}"))
    assert f"the proxy socks5://127.0.0.1:{port} refused the way" in words(raised.value)
