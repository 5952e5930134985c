"""Who is let in by the service, and what the others are told."""

from __future__ import annotations

import json

import pytest
import websocket

from asrcli.service.faults.kinds import parse_fault
from asrcli.service.server import Service
from asrcli.service.wire.web_origins import parse_origin
from tests.service.client import PATH, Client, page_status, run_task
from tests.support.service import running_service

# A quarter of a second: the talk has not begun yet.
QUIET = bytes(8_000)


@pytest.mark.parametrize("key", ["Bearer k", "bearer k", "BEARER  k", "k"])
@pytest.mark.parametrize("path", [PATH, PATH + "/", PATH + "?x=1"])
def test_any_spelling_of_the_key_and_the_path_is_let_in(scripted: Service, key: str, path: str) -> None:
    with Client(scripted.url, key=key, path=path) as client:
        client.say(run_task())
        assert client.hear_until("task-started")["header"] == {
            "task_id": "t1",
            "event": "task-started",
            "attributes": {},
        }


def refused(service: Service, **options: str | None) -> tuple[int, str]:
    """HTTP status and the code in the body."""
    with pytest.raises(websocket.WebSocketBadStatusException) as caught:
        Client(service.url, **options)  # type: ignore[arg-type]
    document = json.loads(caught.value.resp_body or b"")
    assert set(document) == {"code", "message", "request_id"}
    return caught.value.status_code, document["code"]


@pytest.mark.parametrize("key", [None, "", "Bearer", "Bearer "])
def test_without_a_key_nobody_is_let_in(scripted: Service, key: str | None) -> None:
    assert refused(scripted, key=key) == (401, "InvalidApiKey")


def test_a_required_key_is_the_only_one() -> None:
    with running_service(required_key="secret") as service:
        assert refused(service, key="Bearer other") == (401, "InvalidApiKey")
        assert refused(service, key="Bearer sécret") == (401, "InvalidApiKey")
        with Client(service.url, key="Bearer secret") as client:
            assert client.transcribe(QUIET) == []


def test_an_unknown_path_is_not_found(scripted: Service) -> None:
    assert refused(scripted, path="/api-ws/v1/nothing") == (404, "NotFound")


def test_a_web_page_is_refused(scripted: Service) -> None:
    """Before its key is looked at: a page may learn nothing of that."""
    assert page_status(scripted.url, "http://\xff\xfe") == 403
    for origin in ("https://example.org", "null", "http://localhost:3000"):
        assert page_status(scripted.url, origin) == 403
        with pytest.raises(websocket.WebSocketBadStatusException) as caught:
            websocket.create_connection(scripted.url + PATH, origin=origin)
        assert caught.value.status_code == 403
        assert json.loads(caught.value.resp_body or b"")["code"] == "AccessDenied"
    assert page_status(scripted.url, None, host="rebound.example") == 403
    for own in (None, scripted.url.replace("ws", "http"), "http://127.0.0.1"):
        assert page_status(scripted.url, own) == 101


def test_the_pages_of_an_allowed_origin_are_let_in() -> None:
    with running_service(allowed_origins=frozenset({parse_origin("https://app.example")})) as service:
        assert page_status(service.url, "https://app.example") == 101
        assert page_status(service.url, "http://app.example") == 403
        with pytest.raises(websocket.WebSocketBadStatusException) as caught:
            websocket.create_connection(service.url + PATH, origin="https://app.example")
        assert caught.value.status_code == 401


def test_neither_compression_nor_pings_are_offered(scripted: Service) -> None:
    with Client(scripted.url) as client:
        assert "sec-websocket-extensions" not in client.socket.getheaders()


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "InvalidApiKey"), (403, "AccessDenied"), (429, "Throttling.RateQuota"), (503, "ModelUnavailable")],
)
def test_a_refusal_on_demand_bears_the_vendors_code(status: int, code: str) -> None:
    with running_service(faults=(parse_fault(f"refuse={status}"),)) as service:
        with pytest.raises(websocket.WebSocketBadStatusException) as caught:
            Client(service.url)
        assert caught.value.status_code == status
        assert json.loads(caught.value.resp_body or b"")["code"] == code
