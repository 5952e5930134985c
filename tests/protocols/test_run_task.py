"""The run-task protocol: what is sent, and what the service's messages mean."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.output.wording import words
from asrcli.protocols.base import Send, address
from asrcli.protocols.run_task import RunTask
from asrcli.values.context import Turn
from asrcli.values.errors import LinkError, ProtocolViolation, ServiceError
from asrcli.values.events import FinalResult, PartialResult, SessionFinished, SessionStarted, UsageReported
from asrcli.values.pcm import PcmFormat
from asrcli.values.recognition import Endpoint, RecognitionOptions
from tests.protocols.strategies import json_values
from tests.support.wording import says

ENDPOINT = Endpoint("wss://dashscope-intl.aliyuncs.com", "sk-secret-1", workspace="ws-1")


def machine(**fields: Any) -> RunTask:
    return RunTask(RecognitionOptions(model="fun-asr-realtime", **fields), ENDPOINT)


def sent(steps: Any) -> list[dict[str, Any]]:
    return [json.loads(step.message) for step in steps if isinstance(step, Send)]


def message(protocol: RunTask, event: str, payload: object = None, **header: object) -> str:
    return json.dumps({"header": {"task_id": protocol.session_id, "event": event, **header}, "payload": payload})


def result(protocol: RunTask, *, usage: object = None, **sentence: object) -> str:
    return message(protocol, "result-generated", {"output": {"sentence": sentence}, "usage": usage})


def test_run_task_sends_only_what_was_set():
    protocol = machine()
    [document] = sent(protocol.start())
    assert document == {
        "header": {"action": "run-task", "task_id": protocol.session_id, "streaming": "duplex"},
        "payload": {
            "task_group": "audio",
            "task": "asr",
            "function": "recognition",
            "model": "fun-asr-realtime",
            "parameters": {"format": "pcm", "sample_rate": 16000},
            "input": {},
        },
    }


def test_every_option_has_its_documented_field():
    protocol = machine(
        audio_format=PcmFormat(8000),
        languages=("zh", "en"),
        hotwords_id="vocab-x-1",
        hotwords={"ALSA": 5},
        parameters={
            "max_sentence_silence_ms": 800,
            "semantic_punctuation": False,
            "multi_threshold": True,
            "noise_threshold": -0.3,
            "heartbeat": True,
            "disfluency_removal": True,
        },
        context=(Turn("ALSA, PulseAudio"),),
        extra={"keep_dialect": True, "special_word_filter": '{"system_reserved_filter": true}'},
    )
    [document] = sent(protocol.start())
    assert document["payload"]["parameters"] == {
        "format": "pcm",
        "sample_rate": 8000,
        "language_hints": ["zh", "en"],
        "vocabulary_id": "vocab-x-1",
        "vocabulary": {"ALSA": 5},
        "max_sentence_silence": 800,
        "semantic_punctuation_enabled": False,
        "multi_threshold_mode_enabled": True,
        "speech_noise_threshold": -0.3,
        "heartbeat": True,
        "disfluency_removal_enabled": True,
        "keep_dialect": True,
        "special_word_filter": '{"system_reserved_filter": true}',
    }
    assert document["payload"]["input"] == {
        "context": [{"role": "user", "content": [{"type": "input_text", "text": "ALSA, PulseAudio"}]}]
    }


def test_continue_and_finish_task_carry_the_same_task_id():
    protocol = machine()
    [update] = sent(protocol.update_context((Turn("new terms"),)))
    [finish] = sent(protocol.finish())
    assert update["header"] == {"action": "continue-task", "task_id": protocol.session_id, "streaming": "duplex"}
    assert update["payload"]["input"]["context"][0]["content"][0]["text"] == "new terms"
    assert finish["header"] == {"action": "finish-task", "task_id": protocol.session_id, "streaming": "duplex"}
    assert finish["payload"] == {"input": {}}


def test_task_ids_are_new_32_hex_digits():
    ids = {machine().session_id for _ in range(100)}
    assert len(ids) == 100
    assert all(len(task_id) == 32 and int(task_id, 16) >= 0 for task_id in ids)


def test_the_handshake_carries_key_and_workspace_and_no_inspection_header():
    request = machine().connect_request()
    assert request.url == "wss://dashscope-intl.aliyuncs.com/api-ws/v1/inference"
    assert request.headers["Authorization"] == "Bearer sk-secret-1"
    assert request.headers["X-DashScope-WorkSpace"] == "ws-1"
    assert "X-DashScope-DataInspection" not in request.headers
    assert "sk-secret-1" not in repr(request) + repr(ENDPOINT)


def test_partials_replace_each_other_and_the_final_has_words():
    protocol = machine()
    steps = [
        *protocol.receive(message(protocol, "task-started")),
        *protocol.receive(result(protocol, sentence_id=1, begin_time=170, end_time=None, text="How")),
        *protocol.receive(result(protocol, sentence_id=1, begin_time=170, end_time=None, text="How are")),
        *protocol.receive(
            result(
                protocol, sentence_id=1, begin_time=170, end_time=920, text="How are you?", sentence_end=True,
                words=[{"begin_time": 170, "end_time": 295, "text": "How", "punctuation": "", "fixed": True}],
                usage={"duration": 1},
            )
        ),
        *protocol.receive(message(protocol, "task-finished", {"output": {}, "usage": None})),
    ]  # fmt: skip
    assert [type(step) for step in steps] == [
        SessionStarted, PartialResult, PartialResult, FinalResult, UsageReported, SessionFinished,
    ]  # fmt: skip
    final = steps[3].sentence
    assert (final.index, final.text, final.begin_ms, final.end_ms) == (1, "How are you?", 170, 920)
    assert [(word.text, word.begin_ms, word.end_ms) for word in final.words] == [("How", 170, 295)]
    assert steps[4] == steps[3].usage == UsageReported(billed_s=1)


@pytest.mark.parametrize(
    ("fields", "final"),
    [
        ({"sentence_end": True, "end_time": 900}, True),
        ({"sentence_end": True, "end_time": None}, True),
        ({"sentence_end": False, "end_time": 900}, False),
        ({"end_time": 900}, True),
        ({"sentence_end": None, "end_time": 900}, True),
        ({"sentence_end": False, "end_time": None}, False),
        ({"end_time": None}, False),
        ({}, False),
        ({"end_time": "900"}, False),
    ],
)
def test_sentence_end_decides_and_the_end_time_only_without_it(fields, final):
    protocol = machine()
    [step] = protocol.receive(result(protocol, begin_time=0, text="a", **fields))
    assert isinstance(step, FinalResult) == final
    if not final:
        assert step.sentence.end_ms is None


def test_the_rest_of_a_sentence_comes_after_a_partial_result_with_an_end_time():
    protocol = machine()
    fields = {"sentence_id": 1, "begin_time": 0}
    [partial] = protocol.receive(result(protocol, text="to be", end_time=900, sentence_end=False, **fields))
    [final] = protocol.receive(result(protocol, text="to be or not", end_time=1900, sentence_end=True, **fields))
    assert (type(partial), type(final)) == (PartialResult, FinalResult)
    assert (final.sentence.text, final.sentence.end_ms) == ("to be or not", 1900)


def test_heartbeats_and_empty_texts_are_skipped():
    protocol = machine()
    assert list(protocol.receive(result(protocol, sentence_id=0, heartbeat=True, text="", end_time=None))) == []
    assert list(protocol.receive(result(protocol, sentence_id=1, sentence_begin=True, text="", end_time=None))) == []
    [step] = protocol.receive(result(protocol, sentence_id=1, text="a", end_time=None))
    assert step.sentence.index == 1


def test_sentences_without_an_id_are_counted_in_order():
    protocol = machine()
    steps = [
        *protocol.receive(result(protocol, begin_time=0, end_time=None, text="a")),
        *protocol.receive(result(protocol, begin_time=40, end_time=None, text="a b")),
        *protocol.receive(result(protocol, begin_time=40, end_time=900, text="a b c")),
        *protocol.receive(result(protocol, begin_time=40, end_time=900, text="a b c")),
        *protocol.receive(result(protocol, begin_time=2000, end_time=None, text="d")),
    ]
    assert [(type(step).__name__, step.sentence.index) for step in steps] == [
        ("PartialResult", 1), ("PartialResult", 1), ("FinalResult", 1), ("PartialResult", 2),
    ]  # fmt: skip


def test_a_repeated_final_and_a_late_partial_are_dropped():
    protocol = machine()
    final = result(protocol, sentence_id=1, begin_time=0, end_time=900, text="a")
    assert len(list(protocol.receive(final))) == 1
    assert list(protocol.receive(final)) == []
    assert list(protocol.receive(result(protocol, sentence_id=1, begin_time=0, end_time=None, text="a b"))) == []


def test_messages_of_another_task_are_dropped():
    protocol = machine()
    late = json.dumps({"header": {"task_id": "0" * 32, "event": "task-finished"}, "payload": {}})
    assert list(protocol.receive(late)) == []


def test_unknown_events_and_fields_are_tolerated():
    protocol = machine()
    assert list(protocol.receive(message(protocol, "task-hiccup", {"x": 1}))) == []
    [step] = protocol.receive(
        result(protocol, sentence_id=1, text="a", end_time=None, stash={"text": "b"}, vad_pre_end=True, new_field=[1])
    )
    assert step.sentence.text == "a"


def test_emotion_speaker_and_tokens_are_passed_on():
    protocol = machine()
    steps = list(
        protocol.receive(
            result(
                protocol, sentence_id=1, text="a", end_time=10, emo_tag="neutral", emo_confidence=0.914, speaker_id=2,
                usage={"duration": 2.2, "input_tokens": 70, "output_tokens": 3, "total_tokens": 73},
            )
        )
    )  # fmt: skip
    sentence = steps[0].sentence
    assert (sentence.emotion, sentence.emotion_confidence, sentence.speaker) == ("neutral", 0.914, "2")
    assert steps[1] == UsageReported(billed_s=3, input_tokens=70, output_tokens=3)


@pytest.mark.parametrize(
    ("code", "text", "hint", "retryable"),
    [
        ("CLIENT_ERROR", "request timeout after 23 seconds.", "source stalled", True),
        ("CLIENT_ERROR", "vocabulary is not supported", "parameter", False),
        ("Arrearage", "Access denied, please make sure your account is in good standing.", "overdue", False),
        ("Throttling.RateQuota", "Requests rate limit exceeded", "wait a little", True),
        ("Brand.New.Code", "no idea", "", False),
    ],
)
def test_task_failed_keeps_code_and_message_and_adds_advice(code, text, hint, retryable):
    protocol = machine()
    with pytest.raises(ServiceError) as caught:
        list(protocol.receive(message(protocol, "task-failed", error_code=code, error_message=text)))
    error = caught.value
    assert (error.code, error.message, error.request_id) == (code, text, protocol.session_id)
    assert hint in error.hint
    assert error.retryable == retryable
    assert code in words(error)
    assert text in words(error)


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "{",
        "null",
        "[]",
        "3",
        '{"header": 3}',
        '{"header": {}}',
        '{"header": {"event": 7}}',
        b"\x00\x01",
        "[" * 5000,
    ],
)
def test_nonsense_is_a_violation_with_an_excerpt(nonsense):
    with pytest.raises(ProtocolViolation) as caught:
        list(machine().receive(nonsense))
    assert len(caught.value.excerpt) < 200


def test_a_close_before_the_end_says_code_and_reason():
    with pytest.raises(LinkError, match=r"before it was ready .*1011.*'Internal server error'"):
        list(machine().closed(1011, "Internal server error"))
    with pytest.raises(ServiceError, check=says("1007")):
        list(machine().closed(1007, "Model not found"))
    protocol = machine()
    list(protocol.receive(message(protocol, "task-finished", {})))
    assert list(protocol.closed(1000, "")) == []


@pytest.mark.parametrize(
    ("given_url", "url"),
    [
        ("wss://host", "wss://host/api-ws/v1/inference"),
        ("wss://host/", "wss://host/api-ws/v1/inference"),
        ("wss://host:8443/api-ws/v1/realtime?x=1", "wss://host:8443/api-ws/v1/inference?x=1"),
        ("wss://host/api-ws/v1/inference/", "wss://host/api-ws/v1/inference"),
        ("wss://gateway/asr", "wss://gateway/asr"),
    ],
)
def test_an_endpoint_gets_the_protocols_path(given_url, url):
    assert address(given_url, RunTask.path) == url


sentence_fields = st.sampled_from(
    ["text", "begin_time", "end_time", "words", "sentence_end", "sentence_id", "heartbeat", "emo_tag", "speaker_id"]
)
near_valid = st.builds(
    lambda event, sentence, usage: {
        "header": {"event": event},
        "payload": {"output": {"sentence": sentence}, "usage": usage},
    },
    st.sampled_from(["task-started", "result-generated", "task-finished", "task-failed"]) | json_values,
    st.dictionaries(sentence_fields, json_values) | json_values,
    json_values,
)


@given(st.lists(st.binary() | st.text() | json_values.map(json.dumps) | near_valid.map(json.dumps), max_size=6))
def test_whatever_the_service_says_is_an_event_or_one_of_our_errors(messages):
    protocol = machine()
    for received in messages:
        try:
            for step in protocol.receive(received):
                if isinstance(step, PartialResult | FinalResult):
                    assert step.sentence.text.strip()
                    assert step.sentence.index >= 1
        except (ServiceError, ProtocolViolation):
            return
