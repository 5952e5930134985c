"""The link: real sockets on loopback, and every way in which a connection can go wrong."""

from __future__ import annotations

import errno
import inspect
import selectors
import socket
import ssl

import pytest
import websocket

from asrcli.output.wording import words
from asrcli.values.errors import AsrcliError, AuthError, LinkError, ProtocolViolation, ServiceError
from asrcli.wire.failures import place
from asrcli.wire.framing import MAX_MESSAGE_BYTES
from asrcli.wire.link_events import LinkClosed, LinkOpened, MessageReceived
from asrcli.wire.translation import translate
from tests.support.links import closed_with, take
from tests.support.scripted_server import Conversation, scripted_server


def test_messages_go_both_ways_and_headers_arrive(links):
    seen = {}

    def script(talk: Conversation) -> None:
        seen["authorization"] = talk.request.headers["Authorization"]
        seen["origin"] = talk.request.headers.get("Origin")
        seen["audio"] = talk.expect_audio(6)
        talk.send("héllo")
        talk.send(b"\x01\x02")
        talk.close(1000, "bye")

    with scripted_server(script) as url:
        link = links(url, Authorization="Bearer k")
        assert isinstance(take(link), LinkOpened)
        link.say(b"abcdef")
        assert take(link) == MessageReceived("héllo")
        assert take(link) == MessageReceived(b"\x01\x02")
        assert take(link) == LinkClosed(1000, "bye")
    assert seen == {"authorization": "Bearer k", "origin": None, "audio": b"abcdef"}


def test_close_code_and_reason_are_kept(links):
    with scripted_server(lambda talk: talk.close(1007, "Model not found (x)!")) as url:
        assert closed_with(links(url)) == LinkClosed(1007, "Model not found (x)!")


def test_a_reset_is_a_lost_connection(links):
    with scripted_server(Conversation.reset) as url:
        closed = closed_with(links(url))
    assert closed.code is None
    assert isinstance(closed.error, LinkError)
    assert "was lost" in str(closed.error)


def test_a_system_that_watches_no_more_sockets_loses_the_link(links, monkeypatch):
    """As where fs.epoll.max_user_watches is reached; the loop goes on."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with scripted_server(Conversation.hang, Conversation.hang) as url:
        with monkeypatch.context() as full:
            full.setattr(selectors.DefaultSelector, "modify", refuse)
            link = links(url)
            assert isinstance(take(link), LinkOpened)
            error = take(link).error
        assert isinstance(error, LinkError)
        assert "No space left on device" in error.message
        assert isinstance(take(links(url)), LinkOpened)


@pytest.mark.parametrize(("scheme", "hint"), [("ws", "begins with wss://"), ("wss", "safe to try again")])
def test_who_hangs_up_during_the_handshake_may_want_tls(links, scheme, hint):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        link = links(f"{scheme}://127.0.0.1:{listener.getsockname()[1]}")
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(4096)
        error = closed_with(link).error
    assert isinstance(error, LinkError)
    assert "hung up during the handshake" in error.message
    assert hint in error.hint


def test_who_answers_tls_with_something_else_speaks_none(links):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        link = links(f"wss://127.0.0.1:{listener.getsockname()[1]}")
        connection, _ = listener.accept()
        with connection:
            assert connection.recv(4096)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            error = closed_with(link).error
    assert isinstance(error, LinkError)
    assert "no TLS with" in error.message
    assert "ws://" in error.hint


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (401, '{"code":"InvalidApiKey","message":"Invalid API-key provided."}', AuthError, "Invalid API-key provided."),
        (403, "", AuthError, "HTTP 403"),
        (429, '{"code":"Throttling","message":"slow down","request_id":"r1"}', ServiceError, "slow down"),
        (404, "<html>", ServiceError, "HTTP 404"),
        (302, "", LinkError, "Redirect limit"),
        (503, "[1]", LinkError, "HTTP 503"),
    ],
)
def test_a_refused_handshake_names_status_and_reason(links, status, body, kind, said):
    with scripted_server(lambda talk: None, refuse=status, body=body) as url:
        error = closed_with(links(url)).error
    assert type(error) is kind
    assert isinstance(error, AsrcliError)
    assert said in words(error)
    assert error.hint
    assert error.retryable == (status in (302, 429, 503))


def test_nobody_listening_is_a_link_error_that_says_so(links, dead_port):
    error = closed_with(links(f"ws://127.0.0.1:{dead_port}")).error
    assert isinstance(error, LinkError)
    assert "nothing answers there" in words(error)


def test_an_unknown_host_is_a_link_error(links):
    error = closed_with(links("ws://nosuchhost.invalid")).error
    assert isinstance(error, LinkError)
    assert "nosuchhost.invalid" in words(error)


def test_an_enormous_message_is_refused_before_it_is_read(links):
    # A frame header that promises 2^62 bytes, and nothing behind it.
    header = bytes([0x81, 127]) + (1 << 62).to_bytes(8, "big")

    def script(talk: Conversation) -> None:
        talk.raw(header)
        talk.hang()

    with scripted_server(script) as url:
        error = closed_with(links(url)).error
    assert isinstance(error, ProtocolViolation)
    assert "more than 1 MiB" in words(error)


def test_fragments_that_never_end_are_refused(links):
    fragment = bytes([0x01, 127]) + (MAX_MESSAGE_BYTES // 2).to_bytes(8, "big") + b"x" * (MAX_MESSAGE_BYTES // 2)
    more = bytes([0x00]) + fragment[1:]

    def script(talk: Conversation) -> None:
        talk.raw(fragment + more)
        talk.hang()

    with scripted_server(script) as url:
        assert isinstance(closed_with(links(url)).error, ProtocolViolation)


def test_text_that_is_not_utf8_is_a_violation(links):
    def script(talk: Conversation) -> None:
        talk.raw(bytes([0x81, 2, 0xFF, 0xFE]))
        talk.hang()

    with scripted_server(script) as url:
        assert "not UTF-8" in str(closed_with(links(url)).error)


def test_garbage_on_the_wire_is_a_violation(links):
    def script(talk: Conversation) -> None:
        talk.raw(bytes([0xF3, 0x05]) + b"abcde")
        talk.hang()

    with scripted_server(script) as url:
        assert isinstance(closed_with(links(url)).error, ProtocolViolation)


def test_sending_on_a_lost_link_raises_and_stays_dead(links):
    with scripted_server(Conversation.reset) as url:
        link = links(url)
        closed_with(link)
        for _ in range(2):
            with pytest.raises(LinkError):
                link.say(b"x" * 3200)


def test_every_exception_of_the_library_is_translated():
    def make(kind: type[Exception]) -> Exception:
        if kind is websocket.WebSocketBadStatusException:
            return kind("refused", 500, None, {}, b"")
        return kind("it happened")

    library = [
        kind
        for _, kind in inspect.getmembers(websocket, inspect.isclass)
        if issubclass(kind, websocket.WebSocketException)
    ]
    assert len(library) >= 8
    system = [ConnectionResetError, BrokenPipeError, TimeoutError, socket.gaierror, ssl.SSLError, OSError]
    for kind in [*library, *system]:
        error = translate(make(kind), "wss://host/path?api_key=sk-1")
        assert isinstance(error, AsrcliError)
        assert "wss://host/path" in words(error)
        assert "sk-1" not in words(error)


def test_the_place_shows_neither_query_nor_password():
    assert place("wss://user:pw@host:1/p?api_key=k") == "wss://host:1/p"
