"""Helpers for the tests of the session protocol's half without a socket."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from asrcli.service.protocols.base import Action, Handshake, Limits, Reply
from asrcli.service.protocols.realtime import Realtime
from asrcli.service.recognizers.base import HeardWord, Hypothesis
from tests.service.session_client import MODEL, TRANSCRIPTION
from tests.support.fakes import FakeClock

PCM = b"\1\0" * 1600


def connected(clock: FakeClock, model: str = MODEL, limits: Limits | None = None) -> Realtime:
    half = Realtime(Handshake(Realtime.path, {"model": model}), limits or Limits(), clock)
    assert kinds(half.connected()) == ["session.created"]
    return half


def tell(half: Realtime, message: object) -> list[Action]:
    return list(half.receive(message if isinstance(message, str | bytes) else json.dumps(message)))


def said(actions: Iterable[Action]) -> list[dict[str, Any]]:
    return [json.loads(action.text) for action in actions if isinstance(action, Reply)]


def kinds(actions: Iterable[Action]) -> list[str]:
    return [event["type"].removeprefix(TRANSCRIPTION) for event in said(actions)]


def heard(half: Realtime, text: str, *, final: bool = False, begin_ms: int = 170, end_ms: int = 920) -> list[Action]:
    words = tuple(HeardWord(word, begin_ms, end_ms) for word in text.split())
    return list(half.result(Hypothesis(text, begin_ms, end_ms if final else None, words, final, end_ms)))


def refusal(actions: list[Action]) -> dict[str, Any]:
    """The error of the one error event that is the whole answer."""
    (event,) = said(actions)
    assert len(actions) == 1
    assert event["type"] == "error"
    assert event["error"]["type"] == "invalid_request_error"
    error: dict[str, Any] = event["error"]
    return error
