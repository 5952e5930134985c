"""The client's half replays the dialogues: what the service says goes in, our messages and events must come out."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from asrcli.protocols import REGISTRY
from asrcli.protocols.base import Protocol, Send
from asrcli.values.context import Turn
from asrcli.values.errors import AsrcliError, LinkError
from asrcli.values.parameters import BY_NAME
from asrcli.values.pcm import PcmFormat
from asrcli.values.recognition import Endpoint, RecognitionOptions
from tests.support.sounds import pcm_chunk

DIALOGUES = Path(__file__).parents[1] / "data" / "dialogues"
FILES = [path for name in REGISTRY for path in sorted((DIALOGUES / name).rglob("*.jsonl"))]


class Replay:
    """One protocol after another through the lines of a file."""

    def __init__(self, name: str) -> None:
        self.kind = REGISTRY[name]
        self.protocol: Protocol | None = None
        self.sent: list[Any] = []
        self.sample = 0
        self.failed = False

    def begin(self, options: dict[str, Any]) -> None:
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in options.items()
        }
        if "context" in fields:
            fields["context"] = (Turn(fields["context"]),)
        rate_hz = fields.pop("sample_rate_hz", 16000)
        own = set(RecognitionOptions.__dataclass_fields__)
        parameters = {name: fields.pop(name) for name in fields.keys() - own}
        assert parameters.keys() <= BY_NAME.keys()
        said = RecognitionOptions(**fields, audio_format=PcmFormat(rate_hz), parameters=parameters)
        self.protocol = self.kind(said, Endpoint("ws://127.0.0.1", "k"))
        self.sample, self.failed = 0, False
        self.take(self.protocol.start())

    def take(self, steps: Any) -> list[Any]:
        """Keep what is to be sent; return the events."""
        steps = list(steps)
        self.sent += [json.loads(step.message) for step in steps if isinstance(step, Send)]
        return [step for step in steps if not isinstance(step, Send)]

    def client(self, line: dict[str, Any]) -> None:
        """Our own line: we must have said it, or say it now."""
        if "audio_ms" in line:
            assert self.sent == []
            self.sample += 16 * line["audio_ms"]
            chunk = pcm_chunk(bytes(32 * line["audio_ms"]), self.sample, line.get("ends_utterance", False))
            for message in self.protocol.audio(chunk):
                if isinstance(message, str):
                    document = json.loads(message)
                    if document["type"] != "input_audio_buffer.append":
                        self.sent.append(document)
            return
        if not self.sent:
            self.speak(line["text"])
        assert anonymous(self.sent.pop(0)) == anonymous(line["text"], self.protocol.session_id)

    def speak(self, text: dict[str, Any]) -> None:
        if text.get("header", {}).get("action") == "continue-task":
            [turn] = text["payload"]["input"]["context"]
            self.take(self.protocol.update_context((Turn(turn["content"][0]["text"]),)))
        else:
            self.take(self.protocol.finish())

    def service(self, line: dict[str, Any]) -> None:
        """The service's line, and the events that we must make of it."""
        expected = line.get("events", [])
        if "close" in line:
            close = line["close"]
            if "error" in line:
                self.fails(line["error"], lambda: self.protocol.closed(close["code"], close["reason"]))
            elif not self.failed:
                list(self.protocol.closed(close["code"], close["reason"]))
            return
        text = json.dumps(line["text"]).replace("$TASK", self.protocol.session_id or "session-1")
        if "error" in line:
            self.fails(line["error"], lambda: self.protocol.receive(text))
            return
        events = self.take(self.protocol.receive(text))
        assert [type(event).__name__ for event in events] == [want["type"] for want in expected]
        for event, want in zip(events, expected, strict=True):
            assert_has(event, {key: value for key, value in want.items() if key != "type"})

    def fails(self, error: dict[str, str], steps: Callable[[], Iterable[Any]]) -> None:
        with pytest.raises(AsrcliError) as caught:
            list(steps())
        assert type(caught.value).__name__ == error["type"]
        wanted = {name: value for name, value in error.items() if name != "type"}
        assert {name: getattr(caught.value, name) for name in wanted} == wanted
        self.failed = True


def anonymous(document: dict[str, Any], task_id: str = "") -> dict[str, Any]:
    """Without what differs from run to run: task ids and event ids."""
    copy = json.loads(json.dumps(document).replace("$TASK", task_id))
    copy.pop("event_id", None)
    if "header" in copy:
        copy["header"].pop("task_id")
    return copy


def assert_has(found: Any, wanted: Any) -> None:
    """Only the fields that a dialogue lists are compared."""
    if isinstance(wanted, dict):
        for name, value in wanted.items():
            assert_has(getattr(found, name), value)
    elif isinstance(wanted, list):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            assert_has(one, other)
    else:
        assert found == wanted


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DIALOGUES)))
def test_client_half_says_its_lines_and_understands_the_others(path: Path):
    replay = Replay(path.relative_to(DIALOGUES).parts[0])
    for line in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
        if "options" in line:
            replay.begin(line["options"])
        elif line["from"] == "client":
            replay.client(line)
        else:
            replay.service(line)
    assert replay.sent == []


def test_there_are_dialogues():
    assert len(FILES) >= 15


def test_a_close_before_the_end_is_an_error():
    replay = Replay("run-task")
    replay.begin({"model": "m"})
    with pytest.raises(LinkError):
        replay.service({"from": "service", "close": {"code": 1001, "reason": "going away"}})
