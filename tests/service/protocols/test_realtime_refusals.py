"""The service's half of the session protocol without a socket: what it refuses, and when it loses patience."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.service.protocols.base import (
    Feed,
    FinishRecognition,
    Hangup,
    Limits,
    OpenRecognition,
    Reply,
)
from asrcli.service.protocols.realtime import Realtime
from asrcli.service.recognizers.base import Failed, RecognitionEnded
from tests.service.protocols.session_half import PCM, connected, heard, kinds, refusal, said, tell
from tests.service.session_client import append, commit, finish, update
from tests.support.fakes import FakeClock

MIB = 1024 * 1024


# --- what is refused ------------------------------------------------------------------------------------------------

BROKEN = {
    "binary audio": (b"\0" * 320, None, "base64"),
    "half a message": ('{"type": "session.upd', None, "not valid JSON"),
    "deeply nested": ("[" * 100_000, None, "not valid JSON"),
    "a list": ([], "type", "an object with a type"),
    "no type": ({"event_id": "e"}, "type", "an object with a type"),
    "a type that is none": ({"type": 7}, "type", "an object with a type"),
    "unknown type": ({"type": "response.create"}, "type", "response.create"),
    "update without a session": ({"type": "session.update"}, "session", "must be an object"),
    "append without audio": ({"type": "input_audio_buffer.append"}, "audio", "base64 string"),
    "audio with a stranger in it": (
        {"type": "input_audio_buffer.append", "audio": "AAA*"},
        "audio",
        "not valid base64",
    ),
    "audio that is too short": ({"type": "input_audio_buffer.append", "audio": "A"}, "audio", "not valid base64"),
    "audio in Chinese": ({"type": "input_audio_buffer.append", "audio": "音频"}, "audio", "not valid base64"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_event_is_an_error_and_the_session_goes_on(realtime: Realtime, case: str) -> None:
    message, parameter, text = BROKEN[case]
    error = refusal(tell(realtime, message))
    assert (error["code"], error["param"]) == ("invalid_value", parameter)
    assert text in error["message"]
    assert kinds(tell(realtime, update())) == ["session.updated"]


def test_an_append_has_a_largest_size(realtime: Realtime) -> None:
    """15 MiB fit, and their message fits the bound of the path; one sample more is an error event."""
    largest = append(bytes(15 * MIB))
    assert len(json.dumps(largest)) < Realtime.largest_message_bytes
    assert tell(realtime, largest)[1] == Feed(bytes(15 * MIB))
    assert "15728640 bytes" in refusal(tell(realtime, append(bytes(15 * MIB + 2))))["message"]
    assert tell(realtime, append(PCM)) == [Feed(PCM)]


def test_what_cannot_be_written_is_echoed_safely(realtime: Realtime) -> None:
    """Half a surrogate pair is legal in JSON and not in UTF-8."""
    message = '{"event_id": "\\ud800", "type": "session.update", "session": {"sample_rate": "\\ud800"}}'
    assert refusal(tell(realtime, message))["event_id"] == "?"


# --- audio that cannot be decoded -----------------------------------------------------------------------------------


@pytest.mark.parametrize("audio_format", ["wav", "aac", "amr"])
def test_a_format_that_passes_the_update_may_fail_to_decode(manual: Realtime, audio_format: str) -> None:
    """Told once; each commit then fails, and the session still ends well."""
    (done,) = said(tell(manual, update(input_audio_format=audio_format)))
    assert done["session"]["input_audio_format"] == audio_format
    assert refusal(tell(manual, append(PCM)))["param"] == "session.input_audio_format"
    assert tell(manual, append(PCM)) == []
    events = said(tell(manual, commit()))
    assert [event["type"].rpartition(".")[2] for event in events] == ["committed", "created", "failed"]
    assert events[-1]["error"] == {
        "code": "invalid_value", "message": f"audio in the format {audio_format} cannot be decoded", "param": None,
    }  # fmt: skip
    assert kinds(tell(manual, finish())) == ["session.finished"]


def test_opus_is_decoded(realtime: Realtime) -> None:
    tell(realtime, update(input_audio_format="opus"))
    opened, _ = tell(realtime, append(b"OggS"))
    assert isinstance(opened, OpenRecognition)
    assert opened.settings.audio_format == "opus"


def test_broken_audio_fails_what_is_open_and_the_rest_is_not_heard(manual: Realtime) -> None:
    tell(manual, append(PCM))
    tell(manual, commit())
    tell(manual, append(PCM))
    tell(manual, commit())
    events = said(manual.result(Failed("NO_VALID_AUDIO_ERROR", "the audio is not opus")))
    assert [(event["item_id"], event["error"]["code"]) for event in events] == [
        ("item_1", "NO_VALID_AUDIO_ERROR"),
        ("item_2", "NO_VALID_AUDIO_ERROR"),
    ]
    assert tell(manual, append(PCM)) == []
    assert kinds(tell(manual, commit()))[-1] == "failed"
    assert kinds(tell(manual, finish())) == ["session.finished"]


def test_broken_audio_without_an_utterance_is_an_error(realtime: Realtime) -> None:
    tell(realtime, append(b"RIFF"))
    assert (
        refusal(list(realtime.result(Failed("NO_VALID_AUDIO_ERROR", "a RIFF header"))))["code"]
        == "NO_VALID_AUDIO_ERROR"
    )
    tell(realtime, finish())


def test_audio_that_breaks_at_the_end_still_finishes_the_session(realtime: Realtime) -> None:
    tell(realtime, append(PCM))
    heard(realtime, "Hel")
    tell(realtime, finish())
    assert kinds(realtime.result(Failed("NO_VALID_AUDIO_ERROR", "no"))) == ["failed", "session.finished"]


def test_a_fault_of_the_service_is_told_and_closes_with_1011(realtime: Realtime) -> None:
    tell(realtime, append(PCM))
    reply, hangup = realtime.result(Failed("Throttling.RateQuota", "later"))
    (event,) = said([reply])
    assert (event["error"]["type"], event["error"]["code"]) == ("server_error", "Throttling.RateQuota")
    assert hangup == Hangup(1011, "Internal server error")


# --- patience -------------------------------------------------------------------------------------------------------


def test_a_session_without_audio_is_closed_after_a_minute(realtime: Realtime, clock: FakeClock) -> None:
    clock.advance(59.9)
    assert list(realtime.idle()) == []
    tell(realtime, append(PCM))
    clock.advance(59.9)
    tell(realtime, update(input_audio_transcription={"language": "en"}))
    assert realtime.deadline() == pytest.approx(clock.now() + 0.1)
    clock.advance(0.2)
    assert list(realtime.idle()) == [Hangup(1011, "Internal server error")]


def test_the_client_owes_nothing_while_the_session_is_finished(clock: FakeClock) -> None:
    realtime = connected(clock, limits=Limits(session_idle_s=5))
    tell(realtime, append(PCM))
    tell(realtime, finish())
    clock.advance(5)
    assert list(realtime.idle()) == []
    list(realtime.result(RecognitionEnded(100)))
    clock.advance(5)
    assert list(realtime.idle()) == [Hangup(1011, "Internal server error")]


# --- anything at all ------------------------------------------------------------------------------------------------

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=5,
)
NAMES = ["input_audio_format", "sample_rate", "input_audio_transcription", "turn_detection", "modalities", "voice"]
messages = st.one_of(
    st.text(max_size=40),
    st.binary(max_size=40),
    json_values.map(json.dumps),
    st.dictionaries(st.sampled_from(NAMES), json_values).map(lambda session: json.dumps(update(**session))),
    st.just(json.dumps(update(turn_detection=None))),
    st.binary(max_size=8).map(lambda pcm: json.dumps(append(pcm))),
    st.just(json.dumps(commit())),
    st.just(json.dumps(finish())),
)


@given(st.lists(messages, max_size=8))
def test_no_message_breaks_the_session(said_by_client: list[str | bytes]) -> None:
    """Whatever comes is obeyed or refused, the recogniser is driven in order, and nothing closes the connection."""
    realtime = connected(FakeClock())
    is_open = False
    for message in said_by_client:
        for action in tell(realtime, message):
            assert not isinstance(action, Hangup)
            if isinstance(action, OpenRecognition):
                assert not is_open
                is_open = True
            elif isinstance(action, Reply):
                json.loads(action.text.encode())
            else:
                assert is_open
            if isinstance(action, FinishRecognition):
                is_open = False
    assert kinds(tell(realtime, update())) in (["session.updated"], ["error"])


def test_base64_is_padded(realtime: Realtime) -> None:
    message = append(b"\1\0\2\0")
    assert tell(realtime, message)[1] == Feed(b"\1\0\2\0")
    assert refusal(tell(realtime, {**message, "audio": message["audio"].rstrip("=")}))["param"] == "audio"
