"""What `serve --verbose` says: what each connection asks for, and why it does not get that."""

from __future__ import annotations

import logging

import pytest
from websockets.datastructures import Headers
from websockets.http11 import Request

from asrcli.service.admission import noted, refusal_of
from asrcli.service.notes import note
from asrcli.service.server import PROTOCOLS, ServerOptions, Service
from tests.service.client import Client, run_task
from tests.support.service import TALK_SCRIPT


@pytest.fixture
def said(caplog):
    """The lines so far."""
    caplog.set_level(logging.INFO, "asrcli.service")
    return lambda: [record.getMessage() for record in caplog.records if record.name == "asrcli.service.notes"]


def test_what_a_client_asks_for_and_is_refused_stands_in_two_lines(said):
    request = Request("/api-ws/v1/realtime?model=q3&key=secret", Headers())
    noted(7, request, refusal_of(request, PROTOCOLS, None, ()))
    assert said() == [
        "connection 7: asks for /api-ws/v1/realtime with model=q3",
        "connection 7: is refused: 401 InvalidApiKey: No API-key provided.",
    ]


def test_what_comes_from_outside_is_one_line_without_control_codes(said):
    note(1, "模型\x1b[2J\n" + "x" * 10_000)
    (line,) = said()
    assert line.startswith("connection 1: 模型\\x1b[2J\\nxxx")
    assert len(line) < 2000


def test_a_task_and_its_failure_are_told(said):
    service = Service(ServerOptions(port=0, recognizer=TALK_SCRIPT))
    service.start()
    try:
        with Client(service.url) as client:
            client.say(run_task(model="qwen3-asr-flash-realtime"))
            client.hear_until("task-failed")
    finally:
        service.close()
    lines = said()
    assert lines[1] == "connection 1: asks for /api-ws/v1/inference"
    assert lines[2].startswith("connection 1: is answered ModelNotFound")
