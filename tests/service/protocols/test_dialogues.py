"""The service's half replays the dialogues: what the client says goes in, what the service says must come out."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from asrcli.service.protocols.base import (
    Action,
    EndUtterance,
    Feed,
    FinishRecognition,
    Handshake,
    Hangup,
    Limits,
    OpenRecognition,
    Reply,
)
from asrcli.service.recognizers.base import HeardWord, Hypothesis, Opened, RecognitionEnded, Result
from asrcli.service.server import PROTOCOLS
from tests.support.fakes import FakeClock
from tests.support.service import DATA

PATHS = {"run-task": "/api-ws/v1/inference", "realtime": "/api-ws/v1/realtime"}
DIALOGUES = [path for name in PATHS for path in sorted((DATA / "dialogues" / name).glob("*.jsonl"))]


class Replay:
    """The half, with the least that can stand in for a server: recognitions open at once."""

    def __init__(self, protocol: str, model: str) -> None:
        self.clock = FakeClock()
        self.protocol = protocol
        path = PATHS[protocol]
        self.half = PROTOCOLS[path](Handshake(path, {"model": model}), Limits(), self.clock)
        self.said: list[dict[str, Any] | Hangup] = []
        self.fed_bytes = 0
        self.carry_out(self.half.connected())

    def carry_out(self, actions: Iterable[Action]) -> None:
        for action in actions:
            match action:
                case Reply(text):
                    self.said.append(json.loads(text))
                case Hangup():
                    self.said.append(action)
                case OpenRecognition():
                    self.carry_out(self.half.result(Opened()))
                case Feed(audio):
                    self.fed_bytes += len(audio)
                case EndUtterance() | FinishRecognition():
                    pass

    def say(self, line: dict[str, Any], task_id: str) -> None:
        """The client's line."""
        if "audio_ms" in line:
            self.carry_out(self.half.receive(self.audio(bytes(32 * line["audio_ms"]))))
        else:
            self.carry_out(self.half.receive(json.dumps(line["text"]).replace("$TASK", task_id)))

    def audio(self, pcm: bytes) -> str | bytes:
        if self.protocol == "run-task":
            return pcm
        return json.dumps({"type": "input_audio_buffer.append", "audio": base64.b64encode(pcm).decode()})

    def cause(self, line: dict[str, Any]) -> None:
        """Whatever makes the service say this line."""
        if "after_s" in line:
            self.clock.advance(line["after_s"])
            self.carry_out(self.half.idle())
        if "hears" in line:
            self.carry_out(self.half.result(_result(line["hears"])))


def _result(hears: dict[str, Any]) -> Result:
    if "ended" in hears:
        return RecognitionEnded(**hears["ended"])
    return Hypothesis(**{**hears, "words": tuple(HeardWord(**word) for word in hears["words"])})


def anonymous(said: dict[str, Any] | Hangup) -> dict[str, Any] | Hangup:
    """Without what differs from run to run: event ids, and the id of a session."""
    if isinstance(said, dict) and "event_id" in said:
        del said["event_id"]
        if "session" in said:
            said["session"]["id"] = "$TASK"
    return said


@pytest.mark.parametrize("path", DIALOGUES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_service_half_says_its_lines(path: Path) -> None:
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    replay, sessions, fed_ms = Replay(path.parent.name, lines[0]["options"]["model"]), 0, 0
    for line in lines:
        task_id = f"task-{sessions}" if path.parent.name == "run-task" else "$TASK"
        if "options" in line:
            sessions += 1
        elif line["from"] == "client":
            assert replay.said == [], "the service has spoken before its turn"
            replay.say(line, task_id)
            fed_ms += line.get("audio_ms", 0) if line.get("heard", True) else 0
        else:
            replay.cause(line)
            said = anonymous(replay.said.pop(0))
            if "close" in line:
                assert said == Hangup(**line["close"])
            else:
                assert said == json.loads(json.dumps(line["text"]).replace("$TASK", task_id))
    assert replay.said == []
    assert replay.fed_bytes == 32 * fed_ms


def test_every_case_of_the_protocols_has_a_dialogue() -> None:
    """A lost data directory does not pass as a success."""
    names = {f"{path.parent.name}/{path.stem}" for path in DIALOGUES}
    assert names >= {
        *(f"run-task/{case}" for case in ("plain", "parameters", "heartbeat", "no-speech", "two-tasks")),
        *(f"realtime/{case}" for case in ("vad-plain", "manual-plain", "parameters", "finish-without-speech")),
        "run-task/failed-timeout-23s",
        "realtime/error-before-update",
    }
