"""The session protocol of Qwen-ASR-Realtime: what is sent, and what the service's events mean."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.protocols.base import NewEncoder, Send
from asrcli.protocols.realtime import Realtime
from asrcli.values.context import Turn
from asrcli.values.errors import LinkError, ProtocolViolation, ServiceError
from asrcli.values.events import (
    FinalResult,
    Notice,
    PartialResult,
    SessionFinished,
    SessionStarted,
    SpeechStarted,
    SpeechStopped,
    UtteranceFailed,
)
from asrcli.values.pcm import PcmFormat
from asrcli.values.recognition import Endpoint, RecognitionOptions
from asrcli.values.sound import Chunk
from tests.protocols.strategies import json_values
from tests.support.sounds import pcm_chunk
from tests.support.wording import says

ENDPOINT = Endpoint("wss://dashscope-intl.aliyuncs.com", "sk-secret-1")
TRANSCRIPTION = "conversation.item.input_audio_transcription"


def machine(new_encoder: NewEncoder | None = None, **fields: Any) -> Realtime:
    return Realtime(RecognitionOptions(model="qwen3-asr-flash-realtime", **fields), ENDPOINT, new_encoder)


def receive(protocol: Realtime, kind: str, **fields: object) -> list[Any]:
    return list(protocol.receive(json.dumps({"event_id": "event_1", "type": kind, **fields})))


def ready(**fields: Any) -> Realtime:
    protocol = machine(**fields)
    receive(protocol, "session.created", session={"id": "sess_001"})
    receive(protocol, "session.updated", session={})
    return protocol


def documents(messages: Any) -> list[dict[str, Any]]:
    return [json.loads(item.message if isinstance(item, Send) else item) for item in messages]


def chunk(begin_ms: int, end_ms: int, *, ends: bool = False) -> Chunk:
    return pcm_chunk(bytes(32 * (end_ms - begin_ms)), 16 * end_ms, ends)


def test_the_model_stands_in_the_query():
    request = machine().connect_request()
    assert request.url == "wss://dashscope-intl.aliyuncs.com/api-ws/v1/realtime?model=qwen3-asr-flash-realtime"
    assert request.headers["Authorization"] == "Bearer sk-secret-1"


def test_the_service_speaks_first_and_the_settings_follow():
    protocol = machine()
    assert list(protocol.start()) == []
    [update] = documents(receive(protocol, "session.created", session={"id": "sess_001"}))
    assert update["type"] == "session.update"
    assert update["session"] == {
        "modalities": ["text"],
        "input_audio_format": "pcm",
        "sample_rate": 16000,
        "turn_detection": {"type": "server_vad"},
    }
    assert receive(protocol, "session.updated", session={}) == [SessionStarted("sess_001")]
    assert receive(protocol, "session.updated", session={}) == []


def test_every_option_has_its_documented_field():
    protocol = machine(
        audio_format=PcmFormat(8000),
        languages=("en",),
        context=(Turn("ALSA, PulseAudio"),),
        parameters={"noise_threshold": 0.0, "max_sentence_silence_ms": 400},
        extra={"new_field": 1},
    )
    [update] = documents(receive(protocol, "session.created", session={"id": "s"}))
    assert update["session"] == {
        "modalities": ["text"],
        "input_audio_format": "pcm",
        "sample_rate": 8000,
        "turn_detection": {"type": "server_vad", "threshold": 0.0, "silence_duration_ms": 400},
        "input_audio_transcription": {"language": "en", "corpus": {"text": "ALSA, PulseAudio"}},
        "new_field": 1,
    }


def test_manual_mode_has_no_turn_detection():
    [update] = documents(receive(machine(manual=True), "session.created", session={"id": "s"}))
    assert update["session"]["turn_detection"] is None


def test_audio_is_base64_and_every_event_has_an_id_of_its_own():
    protocol = ready()
    sent = documents([*protocol.audio(pcm_chunk(b"\x01\x02\x03\x04", 2)), *protocol.audio(chunk(0, 100))])
    sent += documents(protocol.finish())
    assert [event["type"] for event in sent] == ["input_audio_buffer.append"] * 2 + ["session.finish"]
    assert base64.b64decode(sent[0]["audio"]) == b"\x01\x02\x03\x04"
    assert len({event["event_id"] for event in sent}) == 3


def test_manual_mode_commits_at_the_ends_of_utterances_and_once_more_for_the_rest():
    protocol = ready(manual=True)
    kinds = [
        document["type"].rpartition(".")[2]
        for step in (
            protocol.audio(chunk(0, 100)),
            protocol.audio(chunk(100, 200, ends=True)),
            protocol.audio(chunk(200, 500)),
            protocol.finish(),
        )
        for document in documents(step)
    ]
    assert kinds == ["append", "append", "commit", "append", "commit", "finish"]


def test_vad_mode_never_commits():
    protocol = ready()
    sent = documents([*protocol.audio(chunk(0, 500, ends=True)), *protocol.finish()])
    assert not [event for event in sent if event["type"].endswith("commit")]


def test_a_whole_utterance_in_vad_mode():
    protocol = ready()
    steps = [
        *receive(protocol, "input_audio_buffer.speech_started", audio_start_ms=1289, item_id="a"),
        *receive(protocol, f"{TRANSCRIPTION}.text", item_id="a", text="confirmed", stash=" part", language="en"),
        *receive(protocol, f"{TRANSCRIPTION}.text", item_id="a", text="confirmed part", stash=""),
        *receive(protocol, "input_audio_buffer.speech_stopped", audio_end_ms=4110, item_id="a"),
        *receive(protocol, "input_audio_buffer.committed", item_id="a", previous_item_id=None),
        *receive(protocol, "conversation.item.created", item={"id": "a"}),
        *receive(
            protocol, f"{TRANSCRIPTION}.completed", item_id="a", transcript="Whole.", language="en", emotion="happy"
        ),
        *receive(protocol, "session.finished"),
    ]  # fmt: skip
    assert [type(step) for step in steps] == [
        SpeechStarted, PartialResult, PartialResult, SpeechStopped, FinalResult, SessionFinished,
    ]  # fmt: skip
    assert steps[1].sentence.text == "confirmed part"
    assert steps[1].sentence.end_ms is None
    final = steps[4].sentence
    assert (final.index, final.text, final.begin_ms, final.end_ms) == (1, "Whole.", 1289, 4110)
    assert (final.language, final.emotion, final.words) == ("en", "happy", ())


def test_overlapping_utterances_are_told_apart_by_their_item():
    protocol = ready()
    receive(protocol, "input_audio_buffer.speech_started", audio_start_ms=0, item_id="a")
    receive(protocol, "input_audio_buffer.speech_stopped", audio_end_ms=900, item_id="a")
    receive(protocol, "input_audio_buffer.speech_started", audio_start_ms=1000, item_id="b")
    [second] = receive(protocol, f"{TRANSCRIPTION}.text", item_id="b", text="two", stash="")
    [first] = receive(protocol, f"{TRANSCRIPTION}.completed", item_id="a", transcript="One.")
    assert (second.sentence.index, second.sentence.begin_ms) == (2, 1000)
    assert (first.sentence.index, first.sentence.end_ms) == (1, 900)


def test_the_older_name_of_the_partial_event_is_read_too():
    [step] = receive(ready(), f"{TRANSCRIPTION}.delta", item_id="a", text="a", stash="b")
    assert step.sentence.text == "ab"


def test_unknown_times_are_not_invented():
    [step] = receive(ready(), f"{TRANSCRIPTION}.completed", item_id="never seen", transcript="One.")
    assert (step.sentence.index, step.sentence.begin_ms, step.sentence.end_ms) == (1, None, None)


def test_manual_sentences_lie_between_our_own_cuts():
    protocol = ready(manual=True)
    for piece in (chunk(5000, 6000), chunk(6000, 7000, ends=True), chunk(7000, 9000, ends=True)):
        list(protocol.audio(piece))
    receive(protocol, "input_audio_buffer.committed", item_id="a")
    receive(protocol, "input_audio_buffer.committed", item_id="b")
    [second] = receive(protocol, f"{TRANSCRIPTION}.completed", item_id="b", transcript="Two.")
    [first] = receive(protocol, f"{TRANSCRIPTION}.completed", item_id="a", transcript="One.")
    assert (first.sentence.begin_ms, first.sentence.end_ms) == (0, 2000)
    assert (second.sentence.begin_ms, second.sentence.end_ms) == (2000, 4000)


def test_a_failed_utterance_does_not_touch_the_others():
    protocol = ready()
    [failed] = receive(
        protocol, f"{TRANSCRIPTION}.failed", item_id="a", error={"code": "x", "message": "no", "param": None}
    )
    assert failed == UtteranceFailed(1, "x", "no")
    assert receive(protocol, f"{TRANSCRIPTION}.completed", item_id="a", transcript="late") == []
    [final] = receive(protocol, f"{TRANSCRIPTION}.completed", item_id="b", transcript="Two.")
    assert final.sentence.index == 2


def test_a_commit_that_is_confirmed_twice_counts_once():
    """Some gateways deliver a message again; the second utterance then had no times, and came again after a cut."""
    protocol = ready(manual=True)
    list(protocol.audio(chunk(0, 1000, ends=True)))
    list(protocol.audio(chunk(1000, 3000, ends=True)))
    for item_id in ("a", "a", "b", "b"):
        receive(protocol, "input_audio_buffer.committed", item_id=item_id)
    finals = [receive(protocol, f"{TRANSCRIPTION}.completed", item_id=item, transcript="x")[0] for item in "ab"]
    assert [(final.sentence.begin_ms, final.sentence.end_ms) for final in finals] == [(0, 1000), (1000, 3000)]


def test_silence_that_was_committed_is_no_failure():
    protocol = ready(manual=True)
    assert receive(protocol, f"{TRANSCRIPTION}.failed", item_id="a", error={"code": "EmptyAudio"}) == []


def test_an_error_before_the_session_stands_ends_it():
    fault = {"type": "invalid_request_error", "code": "invalid_value", "message": "bad", "param": "session.x"}
    with pytest.raises(ServiceError) as caught:
        receive(machine(), "error", error=fault)
    assert (caught.value.code, caught.value.message) == ("invalid_value", "bad (session.x)")


def test_a_later_error_is_told_and_counts_when_the_connection_closes():
    protocol = ready()
    [notice] = receive(protocol, "error", error={"type": "server_error", "message": "boom"})
    assert isinstance(notice, Notice)
    assert "boom" in notice.message
    with pytest.raises(ServiceError, match="boom"):
        list(protocol.closed(1000, ""))


def test_close_1007_shows_code_and_reason():
    with pytest.raises(ServiceError, check=says(r"close 1007.*Model not found \(x\)!")):
        list(machine().closed(1007, "Model not found (x)!"))
    with pytest.raises(LinkError, match="1011"):
        list(ready().closed(1011, "Internal server error"))


def test_our_own_close_after_the_end_is_regular():
    protocol = ready()
    receive(protocol, "session.finished")
    assert list(protocol.closed(1000, "")) == []


def test_unknown_events_are_skipped():
    protocol = ready()
    assert receive(protocol, "response.created", response={}) == []
    assert receive(protocol, "input_audio_buffer.cleared") == []


event_kinds = st.sampled_from(
    ["session.created", "session.updated", "session.finished", "error", "input_audio_buffer.speech_started",
     "input_audio_buffer.speech_stopped", "input_audio_buffer.committed", f"{TRANSCRIPTION}.text",
     f"{TRANSCRIPTION}.completed", f"{TRANSCRIPTION}.failed"]
)  # fmt: skip
fields = st.sampled_from(
    ["item_id", "text", "stash", "transcript", "language", "emotion", "audio_start_ms", "audio_end_ms", "error",
     "session"]
)  # fmt: skip
near_valid = st.builds(
    lambda kind, rest: json.dumps({**rest, "type": kind}), event_kinds, st.dictionaries(fields, json_values)
)


@given(st.lists(st.binary() | st.text() | json_values.map(json.dumps) | near_valid, max_size=8), st.booleans())
def test_whatever_the_service_says_is_an_event_or_one_of_our_errors(messages, manual):
    protocol = machine(manual=manual)
    for message in messages:
        try:
            for step in protocol.receive(message):
                if isinstance(step, PartialResult | FinalResult):
                    assert step.sentence.text.strip()
        except (ServiceError, ProtocolViolation):
            return


class Shouting:
    """An encoder that holds one chunk back."""

    def __init__(self, pcm: PcmFormat) -> None:
        self.held = b""

    def encode(self, data: bytes) -> bytes:
        ready, self.held = self.held, b"!" + data[:2]
        return ready

    def finish(self) -> bytes:
        return self.held + b"."


def test_opus_is_one_stream_for_each_commit_and_nothing_stays_in_the_encoder():
    protocol = machine(manual=True, new_encoder=Shouting, encoding="opus")
    [update] = documents(receive(protocol, "session.created", session={"id": "s"}))
    assert update["session"]["input_audio_format"] == "opus"
    sent = documents([*protocol.audio(chunk(0, 100)), *protocol.audio(chunk(100, 300, ends=True))])
    sent += documents([*protocol.audio(chunk(300, 600)), *protocol.finish()])
    told = [base64.b64decode(event["audio"]) if "audio" in event else event["type"] for event in sent]
    zero = b"!\x00\x00"
    assert told == [
        zero,
        zero + b".",
        "input_audio_buffer.commit",
        zero + b".",
        "input_audio_buffer.commit",
        "session.finish",
    ]
