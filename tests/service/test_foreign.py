"""Clients on the libraries that the vendor's samples use, in their languages; skipped where those are missing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import websocket

from asrcli.service.server import Service
from tests.service.client import PATH, finish_task
from tests.service.session_client import MODEL, append, finish, update
from tests.service.session_client import PATH as SESSION_PATH
from tests.support.service import TALK_TEXT, TALK_WAV

TALK = TALK_TEXT.read_text("utf-8").splitlines()
SOUND_BYTES = 32 * 9_000
FOREIGN = Path(__file__).parent / "foreign"
# Where Debian puts them.
NODE_MODULES = "/usr/share/nodejs"
GO_CODE = "/usr/share/gocode"
END_S = 60
PAUSE_MS = 2

needs_node = pytest.mark.skipif(
    shutil.which("node") is None or not Path(NODE_MODULES, "ws").exists(), reason="needs Debian's node-ws"
)
needs_go = pytest.mark.skipif(
    shutil.which("go") is None or not Path(GO_CODE, "src/github.com/gorilla/websocket").exists(),
    reason="needs Debian's golang-go and golang-github-gorilla-websocket-dev",
)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with talk.wav and talk.pcm: the first two sentences."""
    folder = tmp_path_factory.mktemp("sounds")
    talk = TALK_WAV.read_bytes()[: SOUND_BYTES + 44]
    (folder / "talk.wav").write_bytes(talk)
    (folder / "talk.pcm").write_bytes(talk[44:])
    return folder


def printed(command: Sequence[str | Path], **env: str) -> list[dict[str, Any]]:
    """The messages that a client printed."""
    done = subprocess.run(
        command, env={**os.environ, **env}, capture_output=True, text=True, timeout=END_S, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [json.loads(line) for line in done.stdout.splitlines()]


def task_finals(messages: Sequence[dict[str, Any]]) -> list[str]:
    sentences = [each["payload"]["output"]["sentence"] for each in messages if "sentence" in str(each.get("payload"))]
    return [sentence["text"] for sentence in sentences if sentence["sentence_end"]]


def events(messages: Sequence[dict[str, Any]]) -> list[str]:
    return [each["header"]["event"] for each in messages if "header" in each]


# --- Node.js with ws ------------------------------------------------------------------------------------------------


def node(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return printed(["node", FOREIGN / "client.js", json.dumps({"pause_ms": PAUSE_MS, **plan})], NODE_PATH=NODE_MODULES)


@needs_node
@pytest.mark.parametrize(
    ("model", "parameters"),
    [("fun-asr-realtime", {"sample_rate": 16000, "format": "wav"}), ("paraformer-realtime-v2", {})],
)
def test_node_with_a_task(scripted: Service, sounds: Path, model: str, parameters: dict[str, object]) -> None:
    """What a file's stream gives is a message of 64 KB, the header of the WAV in the first of them."""
    payload = {"task_group": "audio", "task": "asr", "function": "recognition", "model": model, "input": {}}
    header = {"action": "run-task", "task_id": "t1", "streaming": "duplex"}
    said = node(
        {
            **{"url": scripted.url + PATH + "/", "headers": {"Authorization": "bearer k"}},
            "hello": {"header": header, "payload": {**payload, "parameters": parameters}},
            **{"ready": "task-started", "last": "task-finished", "sound": str(sounds / "talk.wav"), "piece": 0},
            "goodbye": [finish_task()],
        }
    )
    assert task_finals(said) == TALK[:2]
    assert (events(said)[0], events(said)[-1], said[-1]) == ("task-started", "task-finished", {"closed": 1000})


@needs_node
@pytest.mark.parametrize("detection", [{"type": "server_vad", "threshold": 0.0, "silence_duration_ms": 400}, None])
def test_node_with_a_session(scripted: Service, sounds: Path, detection: dict[str, object] | None) -> None:
    goodbye = [finish()] if detection else [{"event_id": "event_2", "type": "input_audio_buffer.commit"}, finish()]
    said = node(
        {
            "url": scripted.url + SESSION_PATH,
            "headers": {"Authorization": "Bearer k", "OpenAI-Beta": "realtime=v1"},
            "hello": update(
                modalities=["text"],
                input_audio_format="pcm",
                sample_rate=16000,
                input_audio_transcription={"language": "en"},
                turn_detection=detection,
            ),
            **{"ready": "session.updated", "last": "session.finished", "sound": str(sounds / "talk.pcm")},
            **{"piece": 3200, "encoded": True, "goodbye": goodbye},
        }
    )
    transcripts = [each["transcript"] for each in said if str(each.get("type")).endswith(".completed")]
    assert transcripts == (TALK[:2] if detection else [" ".join(TALK[:2])])
    assert said[-1] == {"closed": 1000}


# --- Go with gorilla ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def go_client(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("go") / "client"
    env = {"GO111MODULE": "off", "GOPATH": GO_CODE, "GOCACHE": str(built.parent / "cache"), "GOFLAGS": ""}
    subprocess.run(
        ["go", "build", "-o", built, FOREIGN / "client.go"], env={**os.environ, **env}, check=True, timeout=5 * END_S
    )
    return built


@needs_go
@pytest.mark.parametrize(
    ("model", "audio_format", "sound"),
    [
        ("fun-asr-realtime", "wav", "talk.wav"),
        ("paraformer-realtime-v2", "pcm", "talk.wav"),
        ("paraformer-realtime-8k-v2", "pcm", "talk.pcm"),
    ],
)
def test_go(scripted: Service, sounds: Path, go_client: Path, model: str, audio_format: str, sound: str) -> None:
    """Empty and null for what is not set, in the finish-task too."""
    said = printed(
        [go_client, scripted.url + PATH + "/", "bearer k", sounds / sound, model, audio_format, str(PAUSE_MS)]
    )
    assert task_finals(said) == TALK[:2]
    assert (events(said)[0], events(said)[-1]) == ("task-started", "task-finished")
    assert ("emo_tag" in json.dumps(said)) == (model == "paraformer-realtime-8k-v2")


# --- Python with websocket-client -----------------------------------------------------------------------------------


def test_websocket_client_with_a_session(scripted: Service, sounds: Path) -> None:
    """The library says whose page it were: the service's own."""
    heard: list[dict[str, Any]] = []
    closed: list[int | None] = []

    def opened(app: websocket.WebSocketApp) -> None:
        app.send(json.dumps(update(modalities=["text"], input_audio_format="pcm", sample_rate=16000)))

    def received(app: websocket.WebSocketApp, message: str) -> None:
        heard.append(json.loads(message))
        if heard[-1]["type"] == "session.updated":
            sender.start()
        elif heard[-1]["type"] == "session.finished":
            app.close()

    def send() -> None:
        sound = (sounds / "talk.pcm").read_bytes()
        for start in range(0, len(sound), 3200):
            app.send(json.dumps(append(sound[start : start + 3200])))
        app.send(json.dumps(finish()))

    sender = threading.Thread(target=send)
    app = websocket.WebSocketApp(
        scripted.url + SESSION_PATH,
        header=["Authorization: Bearer k", "OpenAI-Beta: realtime=v1"],
        on_open=opened,
        on_message=received,
        on_close=lambda app, code, reason: closed.append(code),
    )
    app.run_forever()
    sender.join()
    assert [each["transcript"] for each in heard if each["type"].endswith(".completed")] == TALK[:2]
    assert heard[0]["session"]["model"] == MODEL
    assert len(closed) == 1
