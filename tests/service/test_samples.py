"""What the vendor's samples in C#, PHP and Java send, message by message, with the headers of their libraries.

The samples in Python, Node.js and Go are run with their own libraries: see test_vendor_sdk, test_vendor_omni and
test_foreign.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest

from asrcli.service.server import Service
from tests.service.client import PATH, run_task
from tests.service.handshakes import DOTNET, JAVA_WEBSOCKET, OKHTTP, PAWL, ForeignClient, ForeignSession
from tests.service.session_client import PATH as SESSION_PATH
from tests.service.session_client import SessionClient, append, finish
from tests.support.service import TALK_TEXT, TALK_WAV, keep_list

TALK = TALK_TEXT.read_text("utf-8").splitlines()
SOUND_BYTES = 32 * 9_000
INSPECTED = "X-DashScope-DataInspection: enable"
PHRASES = [{"resource_id": "phrase-1", "resource_type": "asr_phrase"}]


@pytest.fixture(scope="module")
def talk_wav() -> bytes:
    """The first two sentences, with a header that says more."""
    return TALK_WAV.read_bytes()[: SOUND_BYTES + 44]


def task_message(action: str, task_id: str, **payload: object) -> dict[str, Any]:
    return {"header": {"action": action, "task_id": task_id, "streaming": "duplex"}, "payload": payload}


def first(task_id: str, model: str, parameters: object, **more: object) -> dict[str, Any]:
    """A run-task of exactly this."""
    kind = {"task_group": "audio", "task": "asr", "function": "recognition"}
    return task_message("run-task", task_id, **kind, model=model, parameters=parameters, **more)


def finals(client: ForeignClient, task_id: str) -> list[str]:
    return [sentence["text"] for sentence in client.sentences(task_id) if sentence["sentence_end"]]


def pieces(data: bytes, size: int) -> Iterable[bytes]:
    return (data[start:end] for start, end in pairwise([*range(0, len(data), size), len(data)]))


DOTNET_FUN_ASR: tuple[Any, ...] = (DOTNET, "bearer k", "fun-asr-realtime", {"format": "wav", "sample_rate": 16000}, {})
DOTNET_PARAFORMER = (
    (*DOTNET, INSPECTED),
    "k",
    "paraformer-realtime-v2",
    {"format": "pcm", "sample_rate": 16000, "vocabulary_id": "vocab-x-1", "disfluency_removal_enabled": False},
    {"resources": PHRASES},
)


@pytest.mark.parametrize("sample", [DOTNET_FUN_ASR, DOTNET_PARAFORMER], ids=["fun-asr", "paraformer"])
def test_csharp(scripted: Service, talk_wav: bytes, sample: tuple[Any, ...]) -> None:
    """A third of real time in pieces of 1 KB; a bare key, and a WAV called pcm; pongs unasked."""
    headers, key, model, parameters, more = sample
    keep_list(scripted, key, "vocab-x-1", model)
    task_id = uuid.uuid4().hex
    with ForeignClient(scripted.url, PATH + "/", headers, key) as client:
        client.say(first(task_id, model, parameters, **more, input={}))
        client.hear_until("task-started")
        for number, piece in enumerate(pieces(talk_wav, 1024)):
            client.audio(piece)
            if number % 100 == 50:
                client.pong()
        client.say(task_message("finish-task", task_id, input={}))
        client.hear_until("task-finished")
        assert finals(client, task_id) == TALK[:2]
        client.leave(1000, "Closing")
        assert client.close_code == 1000


@pytest.mark.parametrize(
    ("headers", "model", "parameters", "more"),
    [
        (PAWL, "fun-asr-realtime", {"format": "wav", "sample_rate": 16000}, {}),
        ((*PAWL, INSPECTED), "paraformer-realtime-v2", {"format": "pcm", "sample_rate": 16000}, {"resources": PHRASES}),
    ],
    ids=["fun-asr", "paraformer"],
)
def test_php(
    scripted: Service, talk_wav: bytes, headers: tuple[str, ...], model: str, parameters: object, more: dict[str, Any]
) -> None:
    """Its empty object is a list, its finish-task bears an id of its own, its Origin has no port."""
    task_id = uuid.uuid4().hex
    with ForeignClient(scripted.url, PATH + "/", headers, "bearer k") as client:
        client.say(first(task_id, model, parameters, **more, input=[]))
        client.hear_until("task-started")
        for piece in pieces(talk_wav, 1024):
            client.audio(piece)
        client.say(task_message("finish-task", uuid.uuid4().hex, input=[]))
        assert client.hear_until("task-finished")["header"]["task_id"] == task_id
        assert finals(client, task_id) == TALK[:2]
        client.leave(1000, "")
        assert client.close_code == 1000


def java_sdk(client: ForeignClient, model: str, audio_format: str, audio: bytes, size: int) -> list[str]:
    """A task of the Java SDK: it does not wait for task-started."""
    task_id = str(uuid.uuid4())
    parameters = {
        **{"sample_rate": 16000, "pre_task_id": task_id, "format": audio_format},
        "disfluency_removal_enabled": False,
    }
    client.say(first(task_id, model, parameters, input={}))
    for piece in pieces(audio, size):
        client.audio(piece)
    client.say(task_message("finish-task", task_id, input={}))
    client.hear_until("task-finished")
    events = [seen["header"]["event"] for seen in client.seen if seen["header"]["task_id"] == task_id]
    assert events[0] == "task-started"
    return finals(client, task_id)


def test_java_sdk_with_a_file(scripted: Service, talk_wav: bytes) -> None:
    with ForeignClient(scripted.url, PATH, OKHTTP, "Bearer k") as client:
        assert "Sec-WebSocket-Extensions" not in client.response
        assert java_sdk(client, "fun-asr-realtime", "wav", talk_wav, 3200) == TALK[:2]
        client.leave(1000, "bye")


def test_java_sdk_with_a_microphone(scripted: Service, talk_pcm: bytes) -> None:
    """It calls raw samples wav."""
    with ForeignClient(scripted.url, PATH, OKHTTP, "Bearer k") as client:
        assert java_sdk(client, "fun-asr-realtime", "wav", talk_pcm[:SOUND_BYTES], 1024) == TALK[:2]
        client.leave(1000, "bye")


def test_java_sdk_with_its_pool(scripted: Service, talk_wav: bytes) -> None:
    """One task after another on one connection."""
    with ForeignClient(scripted.url, PATH, OKHTTP, "Bearer k") as client:
        for _ in range(3):
            assert java_sdk(client, "paraformer-realtime-v2", "pcm", talk_wav, 3200) == TALK[:2]


def test_java_sdk_before_the_real_recogniser_is_ready(listening: Service, talk_wav: bytes) -> None:
    """Sound that came before task-started is heard like any other."""
    with ForeignClient(listening.url, PATH, OKHTTP, "Bearer k") as client:
        heard = java_sdk(client, "fun-asr-realtime", "wav", talk_wav[: 32 * 4_600], 3200)
        assert [text.lower() for text in heard] == ["hello and welcome to our radio show."]


def test_java_websocket(scripted: Service, talk_pcm: bytes) -> None:
    """Qwen-ASR-Realtime over Java-WebSocket."""
    with ForeignSession(scripted.url, SESSION_PATH, JAVA_WEBSOCKET, "Bearer k") as client:
        detection = {"silence_duration_ms": 400, "threshold": 0.0, "type": "server_vad"}
        session = {
            **{"turn_detection": detection, "modalities": ["text"], "sample_rate": 16000},
            **{"input_audio_format": "pcm", "input_audio_transcription": {"language": "en"}},
        }
        client.say({"session": session, "event_id": "event_1", "type": "session.update"})
        client.append(talk_pcm[:SOUND_BYTES])
        client.say(finish())
        client.hear_until("session.finished")
        assert client.transcripts() == TALK[:2]
        client.leave(1000, "ASR finished")
        assert client.close_code == 1000


def test_java_omni(scripted: Service, talk_pcm: bytes) -> None:
    """Qwen-ASR-Realtime over the Java SDK: null for what is not set, and its own constants."""
    with ForeignSession(scripted.url, SESSION_PATH, OKHTTP, "Bearer k") as client:
        detection = {"type": "server_vad", "threshold": 0.2, "prefix_padding_ms": 300, "silence_duration_ms": 800}
        session = {
            **{"modalities": ["text"], "output_audio_format": "pcm24", "input_audio_format": "pcm"},
            **{"input_audio_transcription": {"model": None, "language": "en"}, "turn_detection": detection},
            "sample_rate": 16000,
        }
        client.say({"event_id": "event_1", "type": "session.update", "session": session})
        assert client.hear_until("session.updated")["session"]["sample_rate"] == 16000
        for piece in pieces(talk_pcm[:SOUND_BYTES], 1024):
            client.say(append(piece))
        client.say(finish())
        client.hear_until("session.finished")
        assert client.transcripts() == TALK[:2]
        client.leave(1000, "bye")
        assert client.close_code == 1000


def test_a_session_may_be_set_to_manual_mode_and_nothing_else(scripted: Service) -> None:
    with SessionClient(scripted.url) as client:
        client.say({"type": "session.update", "session": {"turn_detection": None}})
        assert client.hear_until("session.updated")["session"]["turn_detection"] is None


def test_a_second_task_waits_for_nothing_but_the_end_of_the_first(scripted: Service, talk_pcm: bytes) -> None:
    """Audio of 1 KB and of more than 16 KB a message, and no audio at all, each in a task of its own."""
    with ForeignClient(scripted.url, PATH, DOTNET, "k") as client:
        for task_id, size in (("small", 1024), ("large", 200_000), ("larger", 256 * 1024)):
            assert client.transcribe(talk_pcm[:SOUND_BYTES], task_id, size) == TALK[:2]
        assert client.transcribe(b"", "none") == []
        client.say(run_task("none"))
        assert "used on this connection" in client.hear_until("task-failed")["header"]["error_message"]
