"""The service when it meets a bug: with one client, or on the thread that serves them all."""

from __future__ import annotations

import threading

import pytest
import websocket

from asrcli.service.server import ServerOptions, Service
from asrcli.values.errors import Shortage
from tests.service.client import Client, run_task
from tests.support.service import TALK_SCRIPT, running_service

# A quarter of a second of silence.
QUIET = bytes(8_000)
# What a client meets whose connection was cut.
GONE = (ConnectionError, websocket.WebSocketException)


def broken(*arguments: object) -> None:
    raise ZeroDivisionError


def test_a_bug_on_its_own_thread_ends_it() -> None:
    """Its clients are cut off, whoever waits for its end is told, and `close` does not wait for what will not come."""
    died = threading.Event()
    service = Service(ServerOptions(port=0, recognizer=TALK_SCRIPT), died=died.set)
    service.start()
    with Client(service.url) as client:
        client.say(run_task())
        client.hear_until("task-started")
        service._loop.call(broken)
        assert died.wait(20)
        with pytest.raises(GONE):
            client.hear()
    service.close()
    assert isinstance(service.bug, ZeroDivisionError)


def test_a_bug_with_one_client_cuts_off_that_client_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with running_service(TALK_SCRIPT) as service, Client(service.url) as well:
        with monkeypatch.context() as patch:
            patch.setattr("asrcli.service.wire.websocket.WebSocket.received", broken)
            with pytest.raises(GONE), Client(service.url):
                pass
        assert well.transcribe(QUIET) == []
        assert service.bug is None
    assert "connection 2: cut, because of a bug in asrcli" in caplog.text


def test_a_service_that_gets_no_thread_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    service = Service(ServerOptions(port=0, recognizer=TALK_SCRIPT))

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr("threading.Thread.start", refuse)
        with pytest.raises(Shortage, match="service"):
            service.start()
    service.close()
