"""What a session can be told: the values in force, those that are refused, and which models there are."""

from __future__ import annotations

import pytest

from asrcli.service.protocols.base import (
    Feed,
    Handshake,
    Hangup,
    Limits,
    OpenRecognition,
)
from asrcli.service.protocols.realtime import Realtime
from asrcli.service.protocols.session_settings import SessionSettings, knows_model, updated
from asrcli.service.recognizers.base import RecognitionSettings
from tests.service.protocols.session_half import PCM, kinds, refusal, said, tell
from tests.service.session_client import MODEL, append, update
from tests.support.fakes import FakeClock

VAD = RecognitionSettings(max_sentence_silence_ms=800, noise_threshold=0.2)


def test_session_created_comes_at_once_with_the_defaults(clock: FakeClock) -> None:
    (created,) = said(Realtime(Handshake(Realtime.path, {"model": MODEL}), Limits(), clock).connected())
    assert created["event_id"]
    session = created["session"]
    assert session.pop("id")
    assert session == {
        "object": "realtime.session",
        "model": MODEL,
        "modalities": ["text"],
        "input_audio_format": "pcm",
        "input_audio_transcription": None,
        "sample_rate": 16000,
        "turn_detection": {"type": "server_vad", "threshold": 0.2, "silence_duration_ms": 800},
    }


def test_session_updated_tells_the_values_in_force(realtime: Realtime) -> None:
    transcription = {"language": "en", "corpus": {"text": "ALSA, 中文"}}
    detection = {"type": "server_vad", "threshold": -0.5, "silence_duration_ms": 400}
    (updated,) = said(
        tell(realtime, update(sample_rate=8000, input_audio_transcription=transcription, turn_detection=detection))
    )
    assert updated["type"] == "session.updated"
    session = updated["session"]
    assert (session["sample_rate"], session["input_audio_format"]) == (8000, "pcm")
    assert session["input_audio_transcription"] == transcription
    assert session["turn_detection"] == detection
    assert tell(realtime, append(PCM)) == [
        OpenRecognition(RecognitionSettings("pcm", 8000, 400, False, -0.5, context="ALSA, 中文")),
        Feed(PCM),
    ]


def test_a_second_update_changes_only_what_it_names(realtime: Realtime) -> None:
    tell(realtime, update(turn_detection={"threshold": 0.5}, input_audio_transcription={"language": "de"}))
    (updated,) = said(tell(realtime, update(turn_detection={"type": "server_vad", "silence_duration_ms": 200})))
    assert updated["session"]["turn_detection"] == {"type": "server_vad", "threshold": 0.5, "silence_duration_ms": 200}
    assert updated["session"]["input_audio_transcription"] == {"language": "de"}


def test_what_the_vendors_sdk_sends_unasked_is_passed_over(realtime: Realtime) -> None:
    sent = {
        "modalities": ["text"],
        "voice": None,
        "input_audio_format": "pcm",
        "output_audio_format": "pcm16",
        "input_audio_transcription": {"model": None, "language": None},
        "turn_detection": {
            "type": "server_vad",
            "threshold": 0.2,
            "prefix_padding_ms": 300,
            "silence_duration_ms": 800,
        },
        "sample_rate": 16000,
        "something_new": [1],
    }
    (updated,) = said(tell(realtime, update(**sent)))
    assert updated["type"] == "session.updated"
    assert not {"voice", "output_audio_format", "something_new"} & set(updated["session"])
    assert updated["session"]["input_audio_transcription"] is None


def test_null_turn_detection_is_manual_mode_and_an_object_ends_it(realtime: Realtime) -> None:
    (updated,) = said(tell(realtime, update(turn_detection=None)))
    assert updated["session"]["turn_detection"] is None
    (updated,) = said(tell(realtime, update(sample_rate=16000)))
    assert updated["session"]["turn_detection"] is None
    (updated,) = said(tell(realtime, update(turn_detection={"type": "server_vad"})))
    assert updated["session"]["turn_detection"]["threshold"] == 0.2


def test_audio_may_come_without_any_update(realtime: Realtime) -> None:
    assert tell(realtime, append(PCM)) == [OpenRecognition(VAD), Feed(PCM)]
    assert tell(realtime, append(PCM)) == [Feed(PCM)]
    assert kinds(
        tell(realtime, update(turn_detection={"threshold": 0.2}, input_audio_transcription={"language": "en"}))
    ) == ["session.updated"]


@pytest.mark.parametrize(
    "change", [{"sample_rate": 8000}, {"turn_detection": None}, {"turn_detection": {"threshold": 0}}]
)
def test_the_recogniser_is_set_before_the_first_audio(realtime: Realtime, change: dict[str, object]) -> None:
    tell(realtime, append(PCM))
    assert "first audio" in refusal(tell(realtime, update(**change)))["message"]


REFUSED = [
    ({"input_audio_format": "mp3"}, "session.input_audio_format"),
    ({"input_audio_format": "pcm16"}, "session.input_audio_format"),
    ({"sample_rate": 44100}, "session.sample_rate"),
    ({"sample_rate": "16000"}, "session.sample_rate"),
    ({"sample_rate": 16000.0}, "session.sample_rate"),
    ({"input_audio_transcription": "en"}, "session.input_audio_transcription"),
    ({"input_audio_transcription": {"language": "tlh"}}, "session.input_audio_transcription.language"),
    ({"input_audio_transcription": {"language": ["en"]}}, "session.input_audio_transcription.language"),
    ({"input_audio_transcription": {"corpus": "names"}}, "session.input_audio_transcription.corpus"),
    ({"input_audio_transcription": {"corpus": {"text": 1}}}, "session.input_audio_transcription.corpus.text"),
    ({"turn_detection": "off"}, "session.turn_detection"),
    ({"turn_detection": {"type": "semantic_vad"}}, "session.turn_detection.type"),
    ({"turn_detection": {"threshold": 1.1}}, "session.turn_detection.threshold"),
    ({"turn_detection": {"threshold": -1.1}}, "session.turn_detection.threshold"),
    ({"turn_detection": {"threshold": True}}, "session.turn_detection.threshold"),
    ({"turn_detection": {"threshold": float("nan")}}, "session.turn_detection.threshold"),
    ({"turn_detection": {"silence_duration_ms": 199}}, "session.turn_detection.silence_duration_ms"),
    ({"turn_detection": {"silence_duration_ms": 6001}}, "session.turn_detection.silence_duration_ms"),
    ({"turn_detection": {"silence_duration_ms": 400.5}}, "session.turn_detection.silence_duration_ms"),
]


@pytest.mark.parametrize(("session", "parameter"), REFUSED)
def test_a_value_out_of_range_is_named_and_changes_nothing(
    realtime: Realtime, session: dict[str, object], parameter: str
) -> None:
    error = refusal(tell(realtime, update(**session)))
    assert (error["code"], error["param"], error["event_id"]) == ("invalid_value", parameter, "event_update")
    assert parameter.rpartition(".")[2] in error["message"]
    assert tell(realtime, append(PCM)) == [OpenRecognition(VAD), Feed(PCM)]


def test_all_27_languages_are_taken() -> None:
    codes = "zh yue en ja de ko ru fr pt ar it es hi id th tr uk vi cs da fil fi is ms no pl sv"
    assert codes.count(" ") == 26
    for code in codes.split(" "):
        settings = updated(SessionSettings(), {"input_audio_transcription": {"language": code}})
        assert settings.language == code


@pytest.mark.parametrize(
    ("model", "known"),
    [
        (MODEL, True),
        (f"{MODEL}-2026-02-10", True),
        (f"{MODEL}-2031-01-01", True),
        (f"{MODEL}-latest", False),
        ("fun-asr-realtime", False),
        ("", False),
    ],
)
def test_only_models_of_this_protocol_are_found(clock: FakeClock, model: str, known: bool) -> None:
    assert knows_model(model) == known
    actions = list(Realtime(Handshake(Realtime.path, {"model": model}), Limits(), clock).connected())
    assert (actions == [Hangup(1007, f"Model not found ({model})!")]) == (not known)


def test_the_reason_of_a_close_fits_its_frame(clock: FakeClock) -> None:
    (hangup,) = Realtime(Handshake(Realtime.path, {"model": "模" * 200}), Limits(), clock).connected()
    assert isinstance(hangup, Hangup)
    assert len(hangup.reason.encode()) <= 123
