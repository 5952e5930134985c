"""A handshake that was refused, in our words."""

from __future__ import annotations

import errno
import json
import socket

import pytest
import websocket

from asrcli.output.wording import words
from asrcli.values.errors import LinkError, ServiceError
from asrcli.wire.proxies import Proxy
from asrcli.wire.translation import handshake_failure, translate

URL = "wss://service.example/api-ws/v1/inference"
PAGE = "x" * 500_000


def refused(status: int, body: object) -> websocket.WebSocketBadStatusException:
    return websocket.WebSocketBadStatusException("refused", status, "", {}, json.dumps(body).encode())


@pytest.mark.parametrize("status", [400, 404])
def test_a_refusal_names_the_request_and_is_no_lost_connection(status):
    error = handshake_failure(
        refused(status, {"code": "InvalidParameter", "message": "url error", "request_id": "r-1"}), URL
    )
    assert words(error) == "the service answered InvalidParameter, request ID r-1: url error (check --endpoint)"
    assert not error.retryable


@pytest.mark.parametrize("status", [400, 404])
def test_a_refusal_without_a_reason_says_so(status):
    error = handshake_failure(refused(status, None), URL)
    assert words(error) == f"the service answered HTTP {status}: it gave no reason (check --endpoint)"


@pytest.mark.parametrize(
    "said", ["Redirect limit exhausted", "Invalid header", "Invalid status line: '404'", "Invalid WebSocket Header"]
)
def test_an_answer_that_is_no_websocket_is_not_called_a_loss(said):
    error = handshake_failure(websocket.WebSocketException(said), URL)
    assert isinstance(error, LinkError)
    assert said in error.message
    assert "lost" not in words(error)
    assert "safe to try again" not in words(error)
    assert "check --endpoint" in error.hint


@pytest.mark.parametrize("failure", [handshake_failure, translate])
def test_a_limit_of_open_files_is_named_and_is_no_lost_connection(failure):
    error = failure(OSError(errno.EMFILE, "Too many open files", "encodings/idna.py"), URL)
    assert isinstance(error, LinkError)
    limit = "Too many open files (raise the limit (ulimit -n), or use fewer at once)"
    assert words(error) == f"no connection to {URL}: {limit}"


@pytest.mark.parametrize(
    ("scheme", "raised", "said"),
    [
        ("http", ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"), "nothing answers there"),
        # As python-socks has it.
        ("socks5", OSError(errno.ECONNREFUSED, "Could not connect to proxy"), "nothing answers there"),
        ("http", websocket.WebSocketAddressException("Name or service not known"), "cannot find the address"),
        ("http", socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "cannot find the address"),
    ],
)
def test_a_proxy_that_is_not_there_is_not_blamed_on_the_service(scheme, raised, said):
    error = handshake_failure(raised, URL, Proxy(scheme, "127.0.0.1", 9))
    assert f"the proxy {scheme}://127.0.0.1:9" in error.message
    assert said in error.message
    assert URL not in error.message
    assert error.hint == "check --proxy and HTTPS_PROXY"


def test_a_name_that_a_socks_proxy_does_not_know_may_be_that_of_the_service():
    error = handshake_failure(socket.gaierror("unknown"), URL, Proxy("socks5", "127.0.0.1", 9))
    assert f"cannot find the address of {URL}" in error.message


@pytest.mark.parametrize("status", [400, 401, 403, 404, 429, 503])
def test_a_page_of_a_refusal_is_a_few_lines(status):
    error = handshake_failure(refused(status, {"code": PAGE, "message": PAGE, "request_id": PAGE}), URL)
    assert len(words(error)) < 1300
    assert len(error.code) <= 301
    assert len(getattr(error, "request_id", None) or "") <= 301
    if isinstance(error, ServiceError):
        assert error.message == "x" * 300 + "…"


@pytest.mark.parametrize(
    "kind",
    [
        websocket.WebSocketException,
        websocket.WebSocketProtocolException,
        websocket.WebSocketProxyException,
        websocket.WebSocketAddressException,
        socket.gaierror,
        OSError,
        ValueError,
    ],
)
def test_what_a_library_says_is_cut_too(kind):
    for said in (translate, handshake_failure):
        assert len(words(said(kind(PAGE), URL))) < 600
