"""What a service reports as a failure: whose error it is, where its words stand, and how many of them are kept."""

from __future__ import annotations

import json

import pytest

from asrcli.output.wording import words
from asrcli.protocols.base import Protocol
from asrcli.protocols.error_codes import closed_early, reported, service_error
from asrcli.protocols.realtime import Realtime
from asrcli.protocols.run_task import RunTask
from asrcli.values.errors import AsrcliError, AuthError, LinkError, ServiceError
from asrcli.values.events import Notice
from asrcli.values.recognition import Endpoint, RecognitionOptions
from tests.support.wording import says

ENDPOINT = Endpoint("wss://dashscope-intl.aliyuncs.com", "k")
PAGE = "x" * 500_000
MOST = 301


def failure(protocol: Protocol, document: object) -> AsrcliError:
    with pytest.raises(AsrcliError) as caught:
        list(protocol.receive(json.dumps(document)))
    return caught.value


def task(event: str, payload: object = None, **header: object) -> AsrcliError:
    return failure(
        RunTask(RecognitionOptions("m"), ENDPOINT), {"header": {"event": event, **header}, "payload": payload}
    )


def session(**fields: object) -> AsrcliError:
    return failure(Realtime(RecognitionOptions("m"), ENDPOINT), {"type": "error", **fields})


@pytest.mark.parametrize(
    "error",
    [
        task("task-failed", error_code="InvalidApiKey", error_message="Invalid API-key provided."),
        task("error", {"code": "InvalidApiKey", "message": "Invalid API-key provided."}),
        session(error={"type": "invalid_request_error", "code": "invalid_api_key", "message": "Invalid API-key."}),
    ],
)
def test_a_key_that_is_refused_inside_the_session_is_a_refused_key(error):
    """As in the handshake: exit 4, and no other try."""
    assert isinstance(error, AuthError)
    assert not error.retryable
    assert error.code in ("InvalidApiKey", "invalid_api_key")
    assert "Invalid API-key" in words(error)
    assert "--region" in error.hint


@pytest.mark.parametrize(
    "error",
    [
        task("task-failed", error_code="Busy", error_message="not now"),
        task("task-failed", {"code": "Busy", "message": "not now"}),
        task("error", {"code": "Busy", "message": "not now"}),
        task("error", {"message": "not now"}, error_code="Busy"),
        session(error={"code": "Busy", "message": "not now"}),
        session(payload={"code": "Busy", "message": "not now"}),
    ],
)
def test_code_and_message_are_found_where_a_gateway_puts_them(error):
    assert isinstance(error, ServiceError)
    assert (error.code, error.message) == ("Busy", "not now")


def test_the_vendor_s_own_place_outranks_the_other():
    assert reported({"error_code": "a", "code": "b"}, {"code": "c", "message": "d"}) == ("a", "d")
    assert reported({}, {}) == ("", "")


@pytest.mark.parametrize(
    "error",
    [
        service_error(PAGE, PAGE, PAGE),
        service_error("InvalidApiKey", PAGE, PAGE),
        task("task-failed", error_code=PAGE, error_message=PAGE),
        session(error={"code": PAGE, "message": PAGE, "param": PAGE}),
        closed_early(1007, PAGE, started=True, request_id=None),
        closed_early(1011, PAGE, started=True, request_id=None),
    ],
)
def test_a_page_of_a_message_is_three_hundred_characters(error):
    for text in (error.code, error.message, getattr(error, "request_id", None) or ""):
        assert len(text) <= MOST + 100
    assert "…" in error.message
    assert len(words(error)) < 3 * MOST + 200


def test_what_is_only_told_is_no_longer_either():
    protocol = Realtime(RecognitionOptions("m"), ENDPOINT)
    list(protocol.receive(json.dumps({"type": "session.created", "session": {"id": PAGE}})))
    list(protocol.receive(json.dumps({"type": "session.updated"})))
    assert len(protocol.session_id) == MOST
    [notice] = protocol.receive(json.dumps({"type": "error", "error": {"code": "odd", "message": PAGE}}))
    assert isinstance(notice, Notice)
    assert len(notice.message) < MOST + 100


def test_an_id_is_called_what_it_names():
    assert "task ID " in words(task("task-failed", error_code="Busy"))
    protocol = Realtime(RecognitionOptions("m"), ENDPOINT)
    list(protocol.receive(json.dumps({"type": "session.created", "session": {"id": "sess_1"}})))
    assert "session ID sess_1" in words(failure(protocol, {"type": "error", "error": {"code": "odd"}}))
    with pytest.raises(ServiceError, check=says("session ID sess_1")):
        list(protocol.closed(1007, "no"))
    assert isinstance(closed_early(1006, "", started=False, request_id=None), LinkError)
