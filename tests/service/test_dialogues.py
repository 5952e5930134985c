"""The service's half replays the dialogues: what the client says goes in, what the service says must come out."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from asrcli.service.base import Action, Feed, FinishRecognition, Handshake, Hangup, Limits, OpenRecognition, Reply
from asrcli.service.recognizer import Ended, HeardWord, Hypothesis, Opened, Result
from asrcli.service.run_task import RunTask
from tests.support.fakes import FakeClock
from tests.support.service import DATA

DIALOGUES = sorted((DATA / "dialogues" / "run-task").glob("*.jsonl"))


class Replay:
    """The half, with the least that can stand in for a server: recognitions open at once."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.half = RunTask(Handshake(RunTask.path), Limits(), self.clock)
        self.said: list[dict[str, Any] | Hangup] = []
        self.fed_bytes = 0

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
                case FinishRecognition():
                    pass

    def say(self, line: dict[str, Any], task_id: str) -> None:
        """The client's line."""
        if "audio_ms" in line:
            self.carry_out(self.half.receive(bytes(32 * line["audio_ms"])))
        else:
            self.carry_out(self.half.receive(json.dumps(line["text"]).replace("$TASK", task_id)))

    def cause(self, line: dict[str, Any]) -> None:
        """Whatever makes the service say this line."""
        if "after_s" in line:
            self.clock.advance(line["after_s"])
            self.carry_out(self.half.idle())
        if "hears" in line:
            self.carry_out(self.half.result(_result(line["hears"])))


def _result(hears: dict[str, Any]) -> Result:
    if "ended" in hears:
        return Ended(**hears["ended"])
    return Hypothesis(**{**hears, "words": tuple(HeardWord(**word) for word in hears["words"])})


@pytest.mark.parametrize("path", DIALOGUES, ids=lambda path: path.stem)
def test_service_half_says_its_lines(path: Path) -> None:
    replay, sessions, audio_ms = Replay(), 0, 0
    for line in map(json.loads, path.read_text("utf-8").splitlines()):
        task_id = f"task-{sessions}"
        if "options" in line:
            sessions += 1
        elif line["from"] == "client":
            assert replay.said == [], "the service has spoken before its turn"
            replay.say(line, task_id)
            audio_ms += line.get("audio_ms", 0)
        else:
            replay.cause(line)
            said = replay.said.pop(0)
            if "close" in line:
                assert said == Hangup(**line["close"])
            else:
                assert said == json.loads(json.dumps(line["text"]).replace("$TASK", task_id))
    assert replay.said == []
    assert replay.fed_bytes == 32 * audio_ms


def test_every_case_of_the_protocol_has_a_dialogue() -> None:
    """A lost data directory does not pass as a success."""
    names = {path.stem for path in DIALOGUES}
    assert names >= {"plain", "parameters", "heartbeat", "no-speech", "two-tasks", "failed-timeout-23s"}
