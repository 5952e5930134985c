"""The vendor's own SDK holds sessions with our service: an implementation of the protocol that we did not write."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import jiwer
import pytest
import websocket

from asrcli.service.protocols.base import Limits
from asrcli.service.server import Service
from tests.service.session_client import MODEL, TRANSCRIPTION
from tests.support.service import TALK_TEXT, running_service

# The SDK's warnings are its own: unclosed sockets, deprecated calls.
pytestmark = [
    pytest.mark.filterwarnings("default"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]

PATH = "/api-ws/v1/realtime"
TALK = TALK_TEXT.read_text("utf-8").splitlines()
CUTS = [0, 32 * 4_000, 32 * 8_500, 32 * 13_000]
END_S = 100


@pytest.fixture
def omni(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The SDK's module. Its key is a module global, and it takes proxies from the environment.

    Its sockets are closed here, because it leaves some of them open.
    """
    sockets: list[socket.socket] = []
    core: Any = websocket._core
    connect = core.connect

    def recorded(*arguments: Any) -> Any:
        made = connect(*arguments)
        sockets.append(made[0])
        return made

    monkeypatch.setattr(core, "connect", recorded)
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    import dashscope
    from dashscope.audio import qwen_omni

    monkeypatch.setattr(dashscope, "api_key", "any-key")
    yield qwen_omni
    for each in sockets:
        each.close()


class Conversation:
    """One session of the SDK with what it called back."""

    def __init__(self, omni: Any, service: Service, model: str = MODEL) -> None:
        self.events: list[dict[str, Any]] = []
        self.close: tuple[int | None, str | None] | None = None
        self._changed = threading.Condition()
        outer = self

        class Callback(omni.OmniRealtimeCallback):  # type: ignore[misc]
            def on_event(self, message: dict[str, Any]) -> None:
                with outer._changed:
                    outer.events.append(message)
                    outer._changed.notify_all()

            def on_close(self, close_status_code: int | None, close_msg: str | None) -> None:
                with outer._changed:
                    outer.close = (close_status_code, close_msg)
                    outer._changed.notify_all()

        self.sdk = omni.OmniRealtimeConversation(model=model, callback=Callback(), url=service.url + PATH)
        self._omni = omni

    def update(self, *, manual: bool = False, **transcription: Any) -> None:
        """As the vendor's samples do it."""
        self.sdk.update_session(
            output_modalities=[self._omni.MultiModality.TEXT],
            enable_turn_detection=not manual,
            turn_detection_threshold=0.0,
            turn_detection_silence_duration_ms=400,
            transcription_params=self._omni.omni_realtime.TranscriptionParams(
                language="en", sample_rate=16000, input_audio_format="pcm", **transcription
            ),
        )

    def append(self, pcm: bytes) -> None:
        for start in range(0, len(pcm), 3200):
            self.sdk.append_audio(base64.b64encode(pcm[start : start + 3200]).decode())

    def wait_for(self, event: str) -> dict[str, Any]:
        with self._changed:
            assert self._changed.wait_for(lambda: self.of(event), END_S), self.kinds()
            return self.of(event)[0]

    def wait_for_close(self) -> tuple[int | None, str | None]:
        with self._changed:
            assert self._changed.wait_for(lambda: self.close, END_S), self.kinds()
            assert self.close is not None
            return self.close

    def of(self, event: str) -> list[dict[str, Any]]:
        return [message for message in self.events if message["type"].endswith(event)]

    def kinds(self) -> list[str]:
        return [message["type"] for message in self.events]

    def transcripts(self) -> list[str]:
        return [message["transcript"] for message in self.of(".completed")]

    def end(self) -> None:
        """Its thread is not waited for: it may sleep ten seconds over a closed socket."""
        self.sdk.end_session(END_S)
        self.sdk.close()


def word_errors(said: list[str], heard: list[str]) -> float:
    return jiwer.wer(" ".join(said).lower(), " ".join(heard).lower())


def test_a_talk_in_vad_mode(omni: Any, listening: Service, talk_pcm: bytes) -> None:
    """All events of the pages, each with a type, one item id for each utterance, and the session's end in time."""
    talk = Conversation(omni, listening)
    talk.sdk.connect()
    talk.update(corpus_text="radio, weather")
    talk.append(talk_pcm[: CUTS[3]])
    talk.sdk.end_session(END_S)
    assert word_errors(TALK[:3], talk.transcripts()) <= 0.10
    assert len(talk.transcripts()) == 3
    assert talk.kinds()[:2] == ["session.created", "session.updated"]
    assert talk.kinds()[-1] == "session.finished"
    assert talk.sdk.get_session_id() == talk.events[0]["session"]["id"]
    session = talk.events[1]["session"]
    assert session["turn_detection"] == {"type": "server_vad", "threshold": 0.0, "silence_duration_ms": 400}
    assert session["input_audio_transcription"] == {"language": "en", "corpus": {"text": "radio, weather"}}
    for number in range(1, 4):
        mine = [event["type"] for event in talk.events if event.get("item_id") == f"item_{number}"]
        assert mine[0] == "input_audio_buffer.speech_started"
        assert mine.count(f"{TRANSCRIPTION}text") >= 3
        assert mine[-3:] == [
            "input_audio_buffer.speech_stopped", "input_audio_buffer.committed", f"{TRANSCRIPTION}completed",
        ]  # fmt: skip
    assert talk.close is None, "the closing is left to the client"
    talk.sdk.close()


def test_a_talk_in_manual_mode(omni: Any, scripted: Service, talk_pcm: bytes) -> None:
    talk = Conversation(omni, scripted)
    talk.sdk.connect()
    talk.update(manual=True)
    for begin, end in pairwise(CUTS):
        talk.append(talk_pcm[begin:end])
        talk.sdk.commit()
    talk.end()
    assert talk.transcripts() == TALK[:3]
    assert talk.of("session.updated")[0]["session"]["turn_detection"] is None
    assert not talk.of("speech_started")


def test_the_update_may_be_first_and_null_is_no_value(omni: Any, scripted: Service, talk_pcm: bytes) -> None:
    """The SDK does not wait for session.created; it sends voice null and a padding that nobody documents."""
    talk = Conversation(omni, scripted)
    talk.sdk.connect()
    talk.update()
    talk.append(talk_pcm[: CUTS[1]])
    talk.end()
    assert talk.transcripts() == TALK[:1]
    assert not talk.of("error")
    assert not {"voice", "output_audio_format"} & set(talk.of("session.updated")[0]["session"])


def test_silence_ends_without_an_error(omni: Any, listening: Service) -> None:
    talk = Conversation(omni, listening)
    talk.sdk.connect()
    talk.update()
    talk.append(bytes(32_000))
    talk.end()
    assert talk.kinds() == ["session.created", "session.updated", "session.finished"]


def test_an_error_reaches_the_callback_and_the_session_goes_on(omni: Any, scripted: Service, talk_pcm: bytes) -> None:
    """A commit in VAD mode, and what is only there for other models."""
    talk = Conversation(omni, scripted)
    talk.sdk.connect()
    talk.update()
    talk.sdk.commit()
    talk.wait_for("error")
    talk.sdk.clear_appended_audio()
    talk.append(talk_pcm[: CUTS[1]])
    talk.wait_for(".completed")
    talk.end()
    assert [event["error"]["code"] for event in talk.of("error")] == ["invalid_value"] * 2
    assert talk.transcripts() == TALK[:1]


def test_a_wrong_model_is_closed_with_its_reason(omni: Any, scripted: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK hears it, but its `connect` looks ten times a second and may never see the connection stand."""
    talk = Conversation(omni, scripted, model="qwen-omni-turbo")
    monkeypatch.setattr(omni.omni_realtime, "time", Hurried(talk))
    with contextlib.suppress(TimeoutError):
        talk.sdk.connect()
    talk.wait_for_close()
    assert talk.close == (1007, "Model not found (qwen-omni-turbo)!")


class Hurried:
    """Stands in for the time module: the first sleep lasts until the connection is closed, and five seconds."""

    def __init__(self, talk: Conversation) -> None:
        self._talk = talk
        self._now = 0.0

    def time(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._talk.wait_for_close()
        self._now += 5


def test_an_idle_session_is_closed_with_1011(omni: Any) -> None:
    with running_service(limits=Limits(session_idle_s=0.3)) as service:
        talk = Conversation(omni, service)
        talk.sdk.connect()
        assert talk.wait_for_close() == (1011, "Internal server error")
