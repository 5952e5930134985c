"""The service's half of the session protocol without a socket: the order of its events."""

from __future__ import annotations

from asrcli.service.protocols.base import (
    EndUtterance,
    Feed,
    FinishRecognition,
    OpenRecognition,
)
from asrcli.service.protocols.realtime import Realtime
from asrcli.service.recognizers.base import Opened, RecognitionEnded, RecognitionSettings
from tests.service.protocols.session_half import PCM, heard, kinds, refusal, said, tell
from tests.service.session_client import TRANSCRIPTION, append, commit, finish, update

MANUAL = RecognitionSettings(max_sentence_silence_ms=None)


def test_the_order_of_events_in_vad_mode(realtime: Realtime) -> None:
    tell(realtime, append(PCM))
    assert list(realtime.result(Opened())) == []
    assert said(heard(realtime, ""))[0] | {"event_id": ""} == {
        "event_id": "",
        "type": "input_audio_buffer.speech_started",
        "audio_start_ms": 170,
        "item_id": "item_1",
    }
    (text,) = said(heard(realtime, "good morning every one"))
    assert (text["item_id"], text["text"], text["stash"]) == ("item_1", "good morning", " every one")
    assert (text["language"], text["emotion"], text["content_index"]) == ("en", "neutral", 0)
    events = said(heard(realtime, "Good morning everyone.", final=True))
    assert [event["type"] for event in events] == [
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.created",
        f"{TRANSCRIPTION}completed",
    ]
    assert events[0]["audio_end_ms"] == 920
    assert events[2]["item"] == {
        "id": "item_1",
        "object": "realtime.item",
        "type": "message",
        "status": "completed",
        "role": "user",
        "content": [{"type": "input_audio", "transcript": None}],
    }
    assert events[3]["transcript"] == "Good morning everyone."


def test_items_are_chained_and_every_event_has_an_id_of_its_own(realtime: Realtime) -> None:
    tell(realtime, append(PCM))
    events = said(
        [
            *heard(realtime, "one", final=True),
            *heard(realtime, "two", final=True),
            *heard(realtime, "three", final=True),
        ]
    )
    chain = [(event["previous_item_id"], event["item_id"]) for event in events if event["type"].endswith(".committed")]
    assert chain == [(None, "item_1"), ("item_1", "item_2"), ("item_2", "item_3")]
    assert len({event["event_id"] for event in events}) == len(events)


def test_the_language_is_what_was_set(realtime: Realtime) -> None:
    tell(realtime, update(input_audio_transcription={"language": "yue"}))
    tell(realtime, append(PCM))
    assert said(heard(realtime, "Hello", final=True))[-1]["language"] == "yue"


def test_the_order_of_events_in_manual_mode(manual: Realtime) -> None:
    """Nothing is shown of an utterance before its commit."""
    assert tell(manual, append(PCM)) == [OpenRecognition(MANUAL), Feed(PCM)]
    assert heard(manual, "good") == heard(manual, "good morning") == []
    actions = tell(manual, commit())
    assert kinds(actions) == ["input_audio_buffer.committed", "conversation.item.created", "text"]
    assert actions[-1] == EndUtterance()
    assert said(actions)[-1]["stash"] == "good morning"
    assert kinds(heard(manual, "good morning everyone")) == ["text"]
    (completed,) = said(heard(manual, "Good morning everyone.", final=True))
    assert (completed["item_id"], completed["transcript"]) == ("item_1", "Good morning everyone.")


def test_texts_belong_to_the_commits_in_their_order(manual: Realtime) -> None:
    tell(manual, append(PCM))
    tell(manual, commit())
    tell(manual, append(PCM))
    assert kinds(tell(manual, commit())) == ["input_audio_buffer.committed", "conversation.item.created"]
    events = said(
        [
            *heard(manual, "one"),
            *heard(manual, "One.", final=True),
            *heard(manual, "two"),
            *heard(manual, "", final=True),
            *heard(manual, "third, not committed"),
        ]
    )
    assert [(event["item_id"], event["type"].rpartition(".")[2]) for event in events] == [
        ("item_1", "text"),
        ("item_1", "completed"),
        ("item_2", "text"),
        ("item_2", "completed"),
    ]


def test_commit_is_refused_in_vad_mode_and_the_session_goes_on(realtime: Realtime) -> None:
    tell(realtime, append(PCM))
    error = refusal(tell(realtime, commit()))
    assert "manual mode" in error["message"]
    assert error["event_id"] == "event_commit"
    assert tell(realtime, append(PCM)) == [Feed(PCM)]


def test_an_empty_commit_is_refused(manual: Realtime) -> None:
    assert "no audio" in refusal(tell(manual, commit()))["message"]
    tell(manual, append(PCM))
    tell(manual, commit())
    assert "no audio" in refusal(tell(manual, commit()))["message"]


def test_a_commit_of_more_than_a_minute_is_refused_and_dropped(manual: Realtime) -> None:
    minute = bytes(32_000 * 60)
    tell(manual, append(minute))
    assert kinds(tell(manual, commit()))[:1] == ["input_audio_buffer.committed"]
    tell(manual, append(minute))
    tell(manual, append(PCM))
    end, reply = tell(manual, commit())
    assert end == EndUtterance()
    assert refusal([reply])["code"] == "input_audio_buffer_too_long"
    assert kinds(heard(manual, "first", final=True)) == ["completed"]
    assert heard(manual, "too long", final=True) == []
    tell(manual, append(PCM))
    assert said(tell(manual, commit()))[0]["previous_item_id"] == "item_1"


def test_a_finish_recognises_the_rest_first(realtime: Realtime) -> None:
    tell(realtime, append(PCM))
    heard(realtime, "Hel")
    assert tell(realtime, finish()) == [FinishRecognition()]
    assert kinds(heard(realtime, "Hello.", final=True))[-1] == "completed"
    assert kinds(realtime.result(RecognitionEnded(1000))) == ["session.finished"]


def test_a_finish_is_answered_at_once_where_nothing_was_said(realtime: Realtime) -> None:
    assert kinds(tell(realtime, finish())) == ["session.finished"]
    for message in (append(PCM), finish(), update()):
        assert "open a new one" in refusal(tell(realtime, message))["message"]
