"""The vendor's own SDK talks to our service: an implementation of the protocol that we did not write."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import jiwer
import pytest

from asrcli.service.protocols.base import Limits
from asrcli.service.server import Service
from tests.service.client import PATH
from tests.support.beginnings import beginning
from tests.support.coded_talk import a_sentence_every
from tests.support.service import TALK_SCRIPT, TALK_TEXT, TALK_WAV, keep_list, running_service

# The SDK's warnings are its own: unclosed sockets, event loops, deprecated calls.
pytestmark = [
    pytest.mark.filterwarnings("default"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning"),
]

TALK = TALK_TEXT.read_text("utf-8").splitlines()
END_S = 30


@pytest.fixture
def sdk(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The SDK's module. Its key and address are module globals, and it takes proxies from the environment."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    import dashscope

    monkeypatch.setattr(dashscope, "api_key", "any-key")
    return dashscope


def point(sdk: Any, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdk, "base_websocket_api_url", service.url + PATH)


class Listener:
    """What the SDK calls back, in order."""

    def __init__(self) -> None:
        from dashscope.audio.asr import RecognitionCallback

        self.calls: list[tuple[str, Any]] = []
        self.done = threading.Event()
        outer = self

        class Callback(RecognitionCallback):
            def on_event(self, result: Any) -> None:
                outer.calls.append(("event", result.get_sentence()))

            def on_complete(self) -> None:
                outer.calls.append(("complete", None))
                outer.done.set()

            def on_error(self, result: Any) -> None:
                outer.calls.append(("error", (result.code, result.message)))
                outer.done.set()

        self.callback = Callback()

    def finals(self) -> list[str]:
        return [call["text"] for name, call in self.calls if name == "event" and call.get("end_time") is not None]


def recognition(callback: Any = None, **parameters: Any) -> Any:
    from dashscope.audio.asr import Recognition

    settings = {"model": "fun-asr-realtime", "format": "pcm", "sample_rate": 16000, **parameters}
    return Recognition(callback=callback, **settings)


def test_a_file_is_transcribed_in_one_call(
    sdk: Any, listening: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """`call` sends the whole file as fast as the socket takes it."""
    point(sdk, listening, monkeypatch)
    result = recognition(format="wav").call(str(beginning(tmp_path / "talk.wav", 13)))
    assert result.status_code == 200
    sentences = result.get_sentence()
    assert len(sentences) == 3
    heard = " ".join(sentence["text"] for sentence in sentences).lower()
    assert jiwer.wer(" ".join(TALK[:3]).lower(), heard) <= 0.10
    assert all(sentence["words"] for sentence in sentences)
    assert result.usages[-1]["usage"] == {"duration": 13}


@pytest.mark.parametrize("audio_format", ["mp3", "opus", "aac", "amr"])
def test_a_compressed_file_is_transcribed_in_one_call(
    sdk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, audio_format: str
) -> None:
    """By a recogniser that goes by what it hears."""
    talk = a_sentence_every(tmp_path, 4, 9, timeline="tones")
    with running_service(talk.recognizer) as service:
        point(sdk, service, monkeypatch)
        rate_hz = 8000 if audio_format == "amr" else 16000
        result = recognition(format=audio_format, sample_rate=rate_hz).call(str(talk.encoded(audio_format)))
    assert result.status_code == 200
    assert [sentence["text"] for sentence in result.get_sentence()] == [each["text"] for each in talk.sentences]


def test_frames_are_transcribed_while_they_are_sent(
    sdk: Any, listening: Service, talk_pcm: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """start, send_audio_frame, stop: what the SDK queues before task-started comes in one burst."""
    point(sdk, listening, monkeypatch)
    listener = Listener()
    session = recognition(listener.callback)
    session.start()
    piece = talk_pcm[: 32 * 9_200]
    for start in range(0, len(piece), 3200):
        session.send_audio_frame(piece[start : start + 3200])
    session.stop()
    assert listener.done.wait(END_S)
    assert listener.calls[-1] == ("complete", None)
    heard = " ".join(listener.finals()).lower()
    assert jiwer.wer(" ".join(TALK[:2]).lower(), heard) <= 0.10


@pytest.mark.parametrize(("audio_format", "frame_bytes"), [("wav", 3200), ("pcm", 6400)])
def test_emotions_reach_the_callback_with_the_finals(
    sdk: Any, scripted: Service, monkeypatch: pytest.MonkeyPatch, audio_format: str, frame_bytes: int
) -> None:
    point(sdk, scripted, monkeypatch)
    listener = Listener()
    session = recognition(
        listener.callback,
        **{"model": "paraformer-realtime-8k-v2", "format": audio_format, "semantic_punctuation_enabled": False},
    )
    session.start()
    sound = TALK_WAV.read_bytes()[44 if audio_format == "pcm" else 0 : 32 * 9_200]
    for start in range(0, len(sound), frame_bytes):
        session.send_audio_frame(sound[start : start + frame_bytes])
    session.stop()
    assert listener.done.wait(END_S)
    assert listener.finals() == TALK[:2]
    said = [call for name, call in listener.calls if name == "event"]
    assert all((call.get("emo_tag") == "neutral") == (call["end_time"] is not None) for call in said)


def test_every_parameter_of_the_sdk_is_understood(
    sdk: Any, scripted: Service, talk_pcm: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those that only the service can make something of, and the resources of an old phrase id."""
    point(sdk, scripted, monkeypatch)
    keep_list(scripted, "any-key", "vocab-x-1", "fun-asr-realtime")
    listener = Listener()
    session = recognition(
        listener.callback,
        language_hints=["en"],
        vocabulary_id="vocab-x-1",
        semantic_punctuation_enabled=False,
        max_sentence_silence=800,
        multi_threshold_mode_enabled=True,
        heartbeat=True,
        speech_noise_threshold=-0.3,
        disfluency_removal_enabled=True,
        something_new=1,
    )
    session.start(phrase_id="phrase-1")
    session.send_audio_frame(talk_pcm[: 32 * 5_000])
    session.stop()
    assert listener.done.wait(END_S)
    assert listener.calls[-1] == ("complete", None)
    assert listener.finals() == TALK[:1]


def test_an_object_of_the_sdk_can_be_used_again(
    sdk: Any, scripted: Service, talk_pcm: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It sends the same task id again, on a new connection."""
    point(sdk, scripted, monkeypatch)
    session = recognition(format="wav")
    for _ in range(2):
        assert [sentence["text"] for sentence in session.call(str(TALK_WAV)).get_sentence()] == TALK


@pytest.mark.parametrize("recognizer", [TALK_SCRIPT, "sphinx"])
def test_heartbeat_results_are_swallowed(
    sdk: Any, talk_pcm: bytes, monkeypatch: pytest.MonkeyPatch, recognizer: str
) -> None:
    """Also those that come while the rest is recognised, which takes the real recogniser a moment."""
    with running_service(recognizer, limits=Limits(heartbeat_s=0.01)) as service:
        point(sdk, service, monkeypatch)
        listener = Listener()
        session = recognition(listener.callback, heartbeat=True)
        session.start()
        for start in range(0, 32 * 5_000, 3200):
            session.send_audio_frame(talk_pcm[start : start + 3200])
        session.stop()
        assert listener.done.wait(END_S)
    assert listener.finals() == TALK[:1]
    assert not any(call.get("heartbeat") for name, call in listener.calls if name == "event")


def test_a_failed_task_reaches_the_error_callback(
    sdk: Any, scripted: Service, talk_pcm: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    point(sdk, scripted, monkeypatch)
    result = recognition(format="wav", max_sentence_silence=100).call(str(TALK_WAV))
    assert result.code == "CLIENT_ERROR"
    assert "max_sentence_silence" in result.message


def test_a_wrong_key_is_refused_in_the_handshake(sdk: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with running_service(required_key="secret") as service:
        point(sdk, service, monkeypatch)
        result = recognition(format="wav").call(str(TALK_WAV))
        assert result.status_code == 401
        monkeypatch.setattr(sdk, "api_key", "secret")
        assert recognition(format="wav").call(str(TALK_WAV)).status_code == 200
