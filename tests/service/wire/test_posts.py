"""HTTP requests with a body, on the service's one port."""

from __future__ import annotations

import json
import socket

import pytest

from asrcli.service.server import Service
from asrcli.service.vocabulary.api import PATH
from tests.support.service import running_service

LIST = json.dumps({"model": "speech-biasing", "input": {"action": "list_vocabulary"}})


@pytest.fixture(scope="module")
def service():
    with running_service(required_key="right") as running:
        yield running


def exchange(service: Service, *pieces: str) -> tuple[int, dict[str, object]]:
    """Status and document of the answer to a request in these pieces; the service ends the connection."""
    host, port = service.url.removeprefix("ws://").split(":")
    with socket.create_connection((host, int(port)), 10) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            client.sendall(piece.encode())
        answer = b""
        while data := client.recv(65536):
            answer += data
    head, _, body = answer.rpartition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body or b"{}")


def post(body: str = LIST, path: str = PATH, **headers: str) -> str:
    told = {"Host": "127.0.0.1", "Authorization": "Bearer right", "Content-Length": str(len(body.encode())), **headers}
    return f"POST {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in told.items()) + "\r\n" + body


def test_a_request_is_answered_in_whatever_pieces_it_comes(service):
    status, document = exchange(service, post())
    assert (status, document["output"], document["usage"]) == (200, {"vocabulary_list": []}, {"count": 1})
    assert len(str(document["request_id"])) == 36
    whole = post()
    assert exchange(service, *whole)[0] == 200
    assert exchange(service, whole[:3], whole[3:-1], whole[-1:])[0] == 200


@pytest.mark.parametrize(
    ("request_text", "status", "code"),
    [
        (post(Authorization="Bearer wrong"), 401, "InvalidApiKey"),
        (post(Authorization=""), 401, "InvalidApiKey"),
        (post(Host="evil.example"), 403, "AccessDenied"),
        (post(Origin="https://evil.example"), 403, "AccessDenied"),
        (post(path="/api/v1/other"), 404, "NotFound"),
        (post("no json"), 400, "InvalidParameter"),
        (post("[]"), 400, "InvalidParameter"),
        (post('{"model": "speech-biasing"}'), 400, "InvalidParameter"),
        (post('{"model": "other", "input": {"action": "list_vocabulary"}}'), 400, "InvalidParameter"),
        (post('{"model": "speech-biasing", "input": {"action": "fly"}}'), 400, "InvalidParameter"),
    ],
)
def test_who_and_what_is_refused_in_the_vendors_form(service, request_text, status, code):
    found, document = exchange(service, request_text)
    assert (found, document["code"]) == (status, code)
    assert document["message"]
    assert document["request_id"]


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("POST /x\r\n\r\n", 400),
        ("POST / HTTP/2\r\n\r\n", 400),
        (post(**{"Transfer-Encoding": "chunked"}), 411),
        (post(**{"Content-Length": "-1"}), 400),
        (post(**{"Content-Length": "99999999999999"}), 413),
        (f"POST {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 411),
        ("POST / HTTP/1.1\r\n" + "x: y\r\n" * 20_000 + "\r\n", 431),
    ],
)
def test_what_is_no_request_is_refused(service, request_text, status):
    assert exchange(service, request_text) == (status, {})


def test_a_client_that_asks_whether_to_go_on_is_told_so(service):
    whole = post(Expect="100-continue")
    head, end, body = whole.partition("\r\n\r\n")
    host, port = service.url.removeprefix("ws://").split(":")
    with socket.create_connection((host, int(port)), 10) as client:
        client.sendall((head + end).encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 100 Continue")
        client.sendall(body.encode())
        assert client.recv(1000).startswith(b"HTTP/1.1 200 OK")


def test_every_other_method_is_the_websockets(service):
    assert exchange(service, f"GET {PATH} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: right\r\n\r\n")[0] == 404
