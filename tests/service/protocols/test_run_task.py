"""The service's half of run-task without a socket: what it refuses, and when it loses patience."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.service.protocols.base import (
    ChangeContext,
    Feed,
    FinishRecognition,
    Handshake,
    Limits,
    OpenRecognition,
    Reply,
)
from asrcli.service.protocols.run_task import RunTask
from asrcli.service.recognizers.base import Failed, Hypothesis, Opened, RecognitionEnded, RecognitionSettings
from tests.service.client import finish_task, run_task
from tests.service.protocols.half import events, failure, started, tell
from tests.support.fakes import FakeClock


def changed(**payload: object) -> dict[str, Any]:
    """run-task with another payload; None takes a field out."""
    message = run_task()
    message["payload"] = {name: value for name, value in {**message["payload"], **payload}.items() if value is not None}
    return message


BROKEN = {
    "half a message": ('{"header": {"action": "run-', "InvalidParameter", "not valid JSON"),
    "deeply nested": ("[" * 100_000, "InvalidParameter", "not valid JSON"),
    "no header": ({"payload": {}}, "InvalidParameter", "no header"),
    "a list": ([], "InvalidParameter", "no header"),
    "no payload": ({"header": {"action": "run-task", "task_id": "t"}}, "InvalidParameter", "Invalid payload data"),
    "no task id": ({"header": {"action": "run-task"}, "payload": {}}, "InvalidParameter", "header.task_id"),
    "unknown action": (
        {"header": {"action": "sing", "task_id": "t"}, "payload": {}},
        "InvalidParameter",
        "unknown action",
    ),
    "no task": (changed(task=None), "InvalidParameter", "task can not be null"),
    "another function": (changed(function="translation"), "InvalidParameter", "function must be"),
    "no model": (
        changed(model=None),
        "InvalidParameter",
        "Missing required parameter 'payload.model'! Please follow the protocol!",
    ),
    "no input": (changed(input=None), "InvalidParameter", "Invalid payload data"),
    "context as a string": (changed(input={"context": "names"}), "CLIENT_ERROR", "payload.input.context"),
    "context of a stranger": (
        changed(input={"context": [{"role": "system", "content": []}]}),
        "CLIENT_ERROR",
        "payload.input.context[0].role",
    ),
    "context without text": (
        changed(input={"context": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]}),
        "CLIENT_ERROR",
        "payload.input.context[0].content",
    ),
    "input as a list": (changed(input=[{}]), "InvalidParameter", "Invalid payload data"),
    "parameters as a list": (changed(parameters=["pcm"]), "InvalidParameter", "payload.parameters"),
    "realtime model": (run_task(model="qwen3-asr-flash-realtime"), "ModelNotFound", "qwen3-asr-flash-realtime"),
    "finish without a task": (finish_task(), "InvalidParameter", "finish-task without a running task"),
    "audio without a task": (b"\0" * 320, "InvalidParameter", "audio is only welcome in a running task"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_message_fails_the_task_and_closes(half: RunTask, case: str) -> None:
    message, code, text = BROKEN[case]
    said_code, said_text = failure(tell(half, message))
    assert said_code == code
    assert text in said_text


REFUSED = [
    ("format", "flac"),
    ("sample_rate", "16000"),
    ("sample_rate", 4000),
    ("sample_rate", True),
    ("vocabulary_id", 7),
    ("language_hints", "en"),
    ("language_hints", ["en", 1]),
    ("semantic_punctuation_enabled", "yes"),
    ("max_sentence_silence", 199),
    ("max_sentence_silence", 6001),
    ("max_sentence_silence", 800.5),
    ("multi_threshold_mode_enabled", 1),
    ("punctuation_prediction_enabled", ""),
    ("heartbeat", "true"),
    ("disfluency_removal_enabled", []),
    ("speech_noise_threshold", 1.1),
    ("speech_noise_threshold", float("nan")),
    ("speech_noise_threshold", "-0.3"),
    ("special_word_filter", 3),
]


@pytest.mark.parametrize(("name", "value"), REFUSED)
def test_a_parameter_out_of_range_is_named(half: RunTask, name: str, value: object) -> None:
    code, text = failure(tell(half, run_task(**{name: value})))  # type: ignore[arg-type]
    assert code == "CLIENT_ERROR"
    assert f"'{name}'" in text


@pytest.mark.parametrize("weight", [1, 5, 50])
def test_instant_hotwords_belong_to_qwen_audio(clock: FakeClock, weight: int) -> None:
    def fresh() -> RunTask:
        return RunTask(Handshake(RunTask.path), Limits(), clock)

    hotwords = {"vocabulary": {"Ada": weight}}
    assert failure(tell(fresh(), run_task(**hotwords)))[0] == "CLIENT_ERROR"  # type: ignore[arg-type]
    started(fresh(), model="qwen-audio-3.1-asr-flash-streaming", **hotwords)
    too_heavy = {"vocabulary": {"Ada": weight + 5}}
    assert (
        failure(tell(fresh(), run_task(model="qwen-audio-3.0-asr-flash-streaming", **too_heavy)))[0] == "CLIENT_ERROR"  # type: ignore[arg-type]
    )


def test_what_is_unknown_is_let_through(half: RunTask) -> None:
    """New models and parameters appear, and older clients send resources."""
    message = run_task(model="fun-asr-realtime-2031-01-01", tomorrow=True, vocabulary_id="vocab-x-1")
    message["payload"]["resources"] = [{"resource_id": "phrase-1", "resource_type": "asr_phrase"}]
    assert isinstance(tell(half, message)[0], OpenRecognition)


def test_settings_reach_the_recogniser(half: RunTask) -> None:
    message = run_task(
        sample_rate=8000,
        format="wav",
        max_sentence_silence=400,
        multi_threshold_mode_enabled=True,
        speech_noise_threshold=0.5,
        punctuation_prediction_enabled=False,
        disfluency_removal_enabled=True,
    )
    wanted = RecognitionSettings("wav", 8000, 400, True, 0.5, False, True)
    assert tell(half, message) == [OpenRecognition(wanted)]


def test_audio_after_finish_task_fails_the_task(half: RunTask) -> None:
    assert tell(started(half), finish_task()) == [FinishRecognition()]
    assert failure(tell(half, b"\0" * 320))[0] == "InvalidParameter"


def test_a_second_task_beside_a_running_one_fails(half: RunTask) -> None:
    assert "t1 is not finished" in failure(tell(started(half), run_task("t2")))[1]


def test_a_task_id_is_good_for_one_task(half: RunTask) -> None:
    tell(started(half), finish_task())
    list(half.result(RecognitionEnded(0)))
    assert "used on this connection before" in failure(tell(half, run_task()))[1]


def test_a_foreign_task_id_fails_the_task(half: RunTask) -> None:
    message = finish_task("t2")
    message["header"]["action"] = "continue-task"
    assert "another task_id" in failure(tell(started(half), message))[1]


def test_continue_task_is_checked_and_not_answered(half: RunTask) -> None:
    started(half)
    turn = {"role": "assistant", "content": [{"type": "text", "text": "Hello"}]}
    message = {"header": {"action": "continue-task", "task_id": "t1"}, "payload": {"input": {"context": [turn]}}}
    # Nothing goes to the client.
    assert tell(half, message) == [ChangeContext("Hello")]
    message["payload"]["input"]["context"] = "Hello"  # type: ignore[index]
    assert failure(tell(half, message))[0] == "CLIENT_ERROR"


def test_finish_task_without_input_is_malformed(half: RunTask) -> None:
    message = {"header": {"action": "finish-task", "task_id": "t1"}, "payload": {}}
    assert failure(tell(started(half), message)) == ("InvalidParameter", "Invalid payload data")


def test_an_audio_message_has_a_largest_size(half: RunTask) -> None:
    started(half)
    largest = bytes(Limits().audio_message_bytes)
    assert tell(half, largest) == [Feed(largest)]
    assert "too big" in failure(tell(half, largest + b"\0"))[1]


def test_a_recogniser_that_fails_fails_the_task(half: RunTask) -> None:
    tell(half, run_task())
    assert failure(list(half.result(Failed("Throttling.RateQuota", "later")))) == ("Throttling.RateQuota", "later")


def test_speech_without_words_is_not_reported(half: RunTask) -> None:
    """A noise that never became a word takes no sentence number."""
    started(half)
    assert list(half.result(Hypothesis("", 100))) == []
    assert list(half.result(Hypothesis("", 100, 400, final=True))) == []
    (reply,) = half.result(Hypothesis("Hello", 900))
    assert isinstance(reply, Reply)
    assert json.loads(reply.text)["payload"]["output"]["sentence"]["sentence_id"] == 1


def test_the_message_model_sends_partials_only_when_asked(half: RunTask) -> None:
    model = "qwen-audio-3.1-asr-flash-message"
    started(half, model=model)
    assert events(half.result(Hypothesis("Hel", 0))) == []
    assert events(half.result(Hypothesis("Hello", 0, 500, final=True))) == ["result-generated"]
    tell(half, finish_task())
    list(half.result(RecognitionEnded(600)))
    tell(half, run_task("t2", model=model, intermediate_result_enabled=True))
    list(half.result(Opened()))
    assert events(half.result(Hypothesis("Hel", 0))) == ["result-generated"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)
FIELDS = [
    *("payload", "input", "model", "parameters", "task", "header", "streaming", "resources", "context"),
    *("format", "sample_rate", "heartbeat", "vocabulary_id", "vocabulary", "language_hints", "max_sentence_silence"),
    *("semantic_punctuation_enabled", "speech_noise_threshold", "special_word_filter", "disfluency_removal_enabled"),
]


@given(st.one_of(st.text(max_size=40), st.binary(max_size=40), json_values.map(json.dumps)))
def test_any_message_without_a_task_is_refused(message: str | bytes) -> None:
    half = RunTask(Handshake(RunTask.path), Limits(), FakeClock())
    assert events(half.receive(message)) == ["task-failed"]


@given(st.sampled_from(FIELDS), json_values)
def test_any_value_in_any_field_is_taken_or_refused(field: str, value: object) -> None:
    """Nothing that a client sends breaks the service."""
    half = RunTask(Handshake(RunTask.path), Limits(), FakeClock())
    message = run_task()
    payload = message["payload"]
    for place in (payload["parameters"], payload["input"], payload, message["header"], message):
        place[field] = value
    actions = tell(half, message)
    assert isinstance(actions[0], OpenRecognition) or failure(actions)[0] in ("CLIENT_ERROR", "InvalidParameter")


def test_half_a_surrogate_pair_in_a_task_id_can_be_answered() -> None:
    """What is echoed can always be sent as UTF-8."""
    half = RunTask(Handshake(RunTask.path), Limits(), FakeClock())
    message = json.dumps({"header": {"action": "run-task", "task_id": "\ud800", "streaming": "duplex"}, "payload": {}})
    replies = [action.text for action in half.receive(message) if isinstance(action, Reply)]
    assert replies
    for text in replies:
        text.encode("utf-8")
