"""The way through a proxy that is spoken to over TLS: to plain and to secured services, and each way it can fail."""

from __future__ import annotations

import base64
import contextlib
import itertools
import queue
import socket
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest
import trustme
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.sync.server import ServerConnection

from asrcli.output.wording import words
from asrcli.system.clock import Deadline, SystemClock
from asrcli.system.loop import Loop
from asrcli.values.errors import LinkError
from asrcli.values.messages import ConnectRequest
from asrcli.wire import link as link_module
from asrcli.wire.dial import Network, tls_context
from asrcli.wire.duplex import Duplex
from asrcli.wire.link import Link
from asrcli.wire.link_events import LinkClosed, LinkDrained, LinkOpened, MessageReceived
from asrcli.wire.proxies import Proxy
from asrcli.wire.tunnel import InnerTls
from tests.support.far_end import FarEnd
from tests.support.tls_proxy import TlsProxy, server_context, target, tls_proxy

PATIENCE_S = 20
USER, PASSWORD = "me", "s3cret:words"
CREDENTIALS = base64.b64encode(f"{USER}:{PASSWORD}".encode())


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA(organization_name="Company Proxy Authority")


@pytest.fixture(scope="module")
def bundle(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


def through(proxy: TlsProxy, bundle: Path | None, password: str | None = PASSWORD) -> Network:
    return Network(Proxy("https", "localhost", proxy.port, USER if password else None, password), bundle)


class Caller:
    """A link, and what it posts."""

    def __init__(self, url: str, network: Network, loop: Loop) -> None:
        self._inbox: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._loop = loop
        self._link = Link(ConnectRequest(url), self._inbox.put, loop, network)
        loop.call(self._link.open)

    def take(self) -> object:
        return self._inbox.get(timeout=PATIENCE_S)

    def say(self, *messages: bytes) -> bool:
        """Send; True where the network did not take all of it."""
        answer: queue.SimpleQueue[bool] = queue.SimpleQueue()

        def send() -> None:
            for message in messages:
                self._link.send(message)
            answer.put(self._link.congested)

        self._loop.call(send)
        return answer.get(timeout=PATIENCE_S)

    def close(self) -> None:
        self._loop.call(self._link.close)


@contextlib.contextmanager
def calling(url: str, network: Network) -> Iterator[Caller]:
    loop = Loop()
    loop.hold()
    caller = Caller(url, network, loop)
    try:
        yield caller
    finally:
        caller.close()
        loop.release()


def failure(url: str, network: Network) -> LinkError:
    """What the link to `url` fails with, before anything else."""
    with calling(url, network) as caller:
        closed = caller.take()
    assert isinstance(closed, LinkClosed)
    assert isinstance(closed.error, LinkError)
    said = f"{closed.error}{closed.error!r}{network!r}"
    assert PASSWORD not in said
    assert CREDENTIALS.decode() not in said
    assert "\n" not in str(closed.error)
    return closed.error


@pytest.mark.parametrize("secure", [True, False])
def test_messages_go_both_ways_through_a_proxy_with_tls(authority, bundle, secure):
    context = server_context(authority)
    with (
        tls_proxy(context) as proxy,
        target(context if secure else None) as url,
        calling(url, through(proxy, bundle)) as caller,
    ):
        opened = caller.take()
        assert [caller.take(), caller.take()] == [MessageReceived("hello"), MessageReceived("again")]
        caller.say(b"sound")
        assert caller.take() == MessageReceived(b"sound")
    [request] = proxy.requests
    port = url.rpartition(":")[2]
    assert request.startswith(f"CONNECT localhost:{port} HTTP/1.1\r\nHost: localhost:{port}\r\n".encode())
    assert b"\r\nProxy-Authorization: Basic " + CREDENTIALS + b"\r\n" in request
    assert isinstance(opened, LinkOpened)
    phases = opened.phases
    assert phases.tcp_ms > 0
    assert (phases.tls_ms is not None) == secure
    told_ms = phases.dns_ms + phases.tcp_ms + (phases.tls_ms or 0) + phases.upgrade_ms
    assert told_ms == pytest.approx(opened.connect_ms)


def test_what_waits_for_room_arrives_in_order_when_the_service_reads_again(authority, bundle):
    """Messages of many records leave piece by piece; nothing is lost, doubled or swapped."""
    context, reading = server_context(authority), threading.Event()
    heard: list[Any] = []
    messages = [bytes([n]) * 200_000 for n in range(100)]

    def slow(talk: ServerConnection) -> None:
        reading.wait(PATIENCE_S)
        heard.extend(talk.recv() for _ in messages)
        talk.send("all there")

    with tls_proxy(context) as proxy, target(context, slow) as url, calling(url, through(proxy, bundle)) as caller:
        assert isinstance(caller.take(), LinkOpened)
        assert caller.say(*messages)
        reading.set()
        assert caller.take() == LinkDrained()
        assert caller.take() == MessageReceived("all there")
    assert heard == messages


def over_tls(authority: trustme.CA, bundle: Path, rooms: Iterable[int] = ()) -> tuple[Duplex, FarEnd]:
    """A duplex that does not wait any more, over TLS to a far end."""
    far_end = FarEnd(server_context(authority), itertools.chain(rooms, itertools.repeat(1 << 20)))
    carrier = cast(socket.socket, far_end)
    inner = InnerTls(carrier, tls_context(bundle), "localhost")
    inner.shake_hands(Deadline(SystemClock(), PATIENCE_S))
    far_end.become_narrow()
    duplex = Duplex(carrier, inner)
    duplex.stop_waiting()
    return duplex, far_end


@settings(max_examples=50)
@given(st.lists(st.binary(min_size=1, max_size=40_000), max_size=6), st.lists(st.integers(0, 20_000), max_size=30))
def test_whatever_room_there_is_the_bytes_arrive_in_order(authority, bundle, messages, rooms):
    duplex, far_end = over_tls(authority, bundle, rooms)
    for message in messages:
        assert duplex.send(message) == len(message)
    while duplex.unsent_bytes:
        duplex.flush()
    assert far_end.heard == b"".join(messages)


@settings(max_examples=50)
@given(st.lists(st.binary(min_size=1, max_size=40_000), min_size=1, max_size=6), st.booleans())
def test_all_that_has_come_is_taken_at_once(authority, bundle, messages, ends):
    """Several records in one piece make the descriptor readable once only."""
    duplex, far_end = over_tls(authority, bundle)
    for message in messages:
        far_end.say(message)
    if ends:
        far_end.say_goodbye()
    duplex.fill()
    received = b""
    while duplex.has_input and (piece := duplex.recv(1000)):
        received += piece
    assert received == b"".join(messages)
    assert duplex.has_input == ends


def test_one_read_during_the_handshake_leaves_nothing_behind(authority, bundle):
    """The answer to the upgrade and the first message may share a record of the outer TLS."""
    far_end = FarEnd(server_context(authority), iter(()))
    carrier = cast(socket.socket, far_end)
    inner = InnerTls(carrier, tls_context(bundle), "localhost")
    inner.shake_hands(Deadline(SystemClock(), PATIENCE_S))
    far_end.say(b"HTTP/1.1 101\r\n\r\n")
    far_end.say(b"frame")
    assert inner.recv(65536) == b"HTTP/1.1 101\r\n\r\nframe"


REFUSALS = [
    (b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n", "HTTP 407", "password", False),
    (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", "HTTP 403", "who run the proxy", False),
    (b"HTTP/1.0 502 Bad Gateway\r\n\r\n", "HTTP 502", "try again", True),
    (b"HTTP/1.1 302 Found\nLocation: http://login.example\n\n", "HTTP 302", "who run the proxy", False),
    (b"220 mail.example ready\r\n", "does not speak as a proxy", "--proxy", True),
    (b"HTTP/1.1 fine\r\n\r\n", "does not speak as a proxy", "--proxy", True),
    (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, "does not speak as a proxy", "--proxy", True),
    (b"HTTP/1.1 200 OK\r\n\r\n<html>It works!</html>", "does not speak as a proxy", "--proxy", True),
    (b"HTTP/1.1 200 OK\r\nX: y\r\n", "hung up", "--proxy", True),
    (b"", "hung up", "--proxy", True),
]


@pytest.mark.parametrize(
    ("url", "target"),
    [("wss://[2001:db8::1]", b"[2001:db8::1]:443"), ("ws://b\u00fccher.example", b"xn--bcher-kva.example:80")],
)
def test_the_proxy_is_asked_in_letters_that_it_knows(authority, bundle, url, target):
    with tls_proxy(server_context(authority), b"HTTP/1.1 403 no\r\n\r\n") as proxy:
        failure(url, through(proxy, bundle))
    assert proxy.requests[0].startswith(b"CONNECT " + target + b" HTTP/1.1\r\nHost: " + target + b"\r\n")


@pytest.mark.parametrize(("answer", "said", "advised", "retryable"), REFUSALS)
def test_an_answer_that_is_no_yes_is_one_clear_line(authority, bundle, answer, said, advised, retryable):
    with tls_proxy(server_context(authority), answer) as proxy:
        error = failure("wss://service.example:8443/path?key=1", through(proxy, bundle))
    assert said in error.message
    assert f"https://localhost:{proxy.port}" in error.message
    assert "key=1" not in words(error)
    assert advised in error.hint
    assert error.retryable is retryable
    assert proxy.requests[0].startswith(b"CONNECT service.example:8443 ")


def test_a_proxy_that_wants_a_password_and_gets_none_says_how_to_give_it(authority, bundle):
    with tls_proxy(server_context(authority), b"HTTP/1.1 407 x\r\n\r\n") as proxy:
        assert "https://user:password@" in failure("wss://a.example", through(proxy, bundle, None)).hint
    assert b"authorization" not in proxy.requests[0].lower()


def test_a_proxy_that_does_not_answer_is_given_up(authority, bundle, monkeypatch):
    monkeypatch.setattr(link_module, "_TIMEOUT_S", 0.3)
    with tls_proxy(server_context(authority), None) as proxy:
        error = failure("wss://a.example", through(proxy, bundle))
    assert error.message == f"the proxy https://localhost:{proxy.port} gave no sign of life for too long"


def test_a_proxy_that_is_not_there_is_named(dead_port):
    error = failure("wss://a.example", Network(Proxy("https", "localhost", dead_port)))
    assert "cannot connect to the proxy https://localhost:" in error.message


def test_a_certificate_of_the_proxy_that_is_not_trusted_is_called_the_proxys(authority):
    with tls_proxy(server_context(authority)) as proxy:
        error = failure("wss://a.example", through(proxy, None))
    place = f"the proxy https://localhost:{proxy.port}, signed by 'Company Proxy Authority'"
    assert error.message.startswith(f"the certificate of {place} is not trusted")
    assert "--ca-bundle" in error.hint
    assert error.retryable is False
    assert proxy.requests == []


def test_a_proxy_with_the_certificate_of_another_host_gets_no_password(authority, bundle):
    with tls_proxy(server_context(authority, "elsewhere.example")) as proxy:
        error = failure("wss://a.example", through(proxy, bundle))
    assert "the proxy" in error.message
    assert "not trusted" in error.message
    assert proxy.requests == []


def test_a_proxy_without_tls_is_said_to_be_one():
    def say_no(listener: socket.socket) -> None:
        client, _ = listener.accept()
        with client:
            client.recv(4096)
            client.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=say_no, args=(listener,))
        thread.start()
        error = failure("wss://a.example", Network(Proxy("https", "localhost", listener.getsockname()[1])))
        thread.join()
    assert "no TLS with the proxy" in error.message
    assert "http://" in error.hint


@pytest.mark.parametrize("names", [(), ("elsewhere.example",)], ids=["another authority", "another host"])
def test_a_service_behind_the_proxy_that_is_not_trusted_is_called_by_its_own_name(authority, bundle, names):
    """The proxy is not gone around to find out more."""
    shown = server_context(authority if names else trustme.CA(), *names)
    with tls_proxy(server_context(authority)) as proxy, target(shown) as url:
        error = failure(url, through(proxy, bundle))
    assert f"the certificate of {url} through the proxy https://localhost:{proxy.port} is not trusted" in error.message
    assert error.retryable is False
    assert len(proxy.requests) == 1
