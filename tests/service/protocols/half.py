"""Helpers for the tests of the run-task half without a socket."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from asrcli.service.protocols.base import Action, Hangup, OpenRecognition, Reply
from asrcli.service.protocols.run_task import RunTask
from asrcli.service.recognizers.base import Opened
from tests.service.client import run_task


def started(half: RunTask, **parameters: Any) -> RunTask:
    """A half with a running task t1."""
    assert isinstance(tell(half, run_task(**parameters))[0], OpenRecognition)
    assert events(half.result(Opened())) == ["task-started"]
    return half


def tell(half: RunTask, message: object) -> list[Action]:
    return list(half.receive(message if isinstance(message, str | bytes) else json.dumps(message)))


def events(actions: Iterable[Action]) -> list[str]:
    return [json.loads(action.text)["header"]["event"] for action in actions if isinstance(action, Reply)]


def failure(actions: Iterable[Action]) -> tuple[str, str]:
    """Code and message of task-failed, after which the connection must be closed."""
    reply, hangup = actions
    assert isinstance(reply, Reply)
    assert hangup == Hangup(1000, "")
    header = json.loads(reply.text)["header"]
    assert header["event"] == "task-failed"
    return header["error_code"], header["error_message"]
