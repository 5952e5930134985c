"""`asrcli qwen` and a service of its protocol that misbehaves."""

from __future__ import annotations

from asrcli.engine.stages import Timeouts
from tests.support.scripted_server import Conversation, scripted_server
from tests.support.service import TALK_WAV

TRANSCRIPTION = "conversation.item.input_audio_transcription"


def finals(events):
    return [event for event in events if event["type"] == "final"]


def says(talk: Conversation, number: int, text: str) -> None:
    """A whole utterance in VAD mode, without partial results."""
    item = f"item_{number}"
    talk.say_event("input_audio_buffer.speech_started", item_id=item, audio_start_ms=1000 * number)
    talk.say_event("input_audio_buffer.speech_stopped", item_id=item, audio_end_ms=1000 * number + 500)
    talk.say_event(f"{TRANSCRIPTION}.completed", item_id=item, transcript=text, language="en", emotion="happy")


def complains(talk: Conversation, message: str) -> None:
    talk.say_event("error", error={"type": "server_error", "code": "odd", "message": message, "param": None})


def test_an_error_during_and_after_the_audio_does_not_end_the_session(asrcli):
    def script(talk: Conversation) -> None:
        talk.begin_session()
        complains(talk, "during")
        says(talk, 1, "One.")
        talk.expect_type("session.finish")
        complains(talk, "after")
        says(talk, 2, "Two.")
        talk.say_event("session.finished")

    with scripted_server(script) as url:
        done = asrcli("qwen", TALK_WAV, "--endpoint", url, "--pace", "fast")
    assert done.code == 0
    assert done.out.splitlines() == ["One.", "Two."]
    assert "odd: during" in done.err
    assert "odd: after" in done.err


def test_an_error_before_the_session_stands_ends_it(asrcli):
    def script(talk: Conversation) -> None:
        talk.say_event("session.created", session={"id": "sess_1"})
        talk.expect_type("session.update")
        complains(talk, "not today")
        talk.hang()

    with scripted_server(script) as url:
        done = asrcli("qwen", TALK_WAV, "--endpoint", url, "--pace", "fast")
    assert done.code == 5
    assert "odd, session ID sess_1: not today" in done.err


def test_an_error_that_is_followed_by_a_close_is_the_reason(asrcli):
    def script(talk: Conversation) -> None:
        talk.begin_session()
        talk.expect_type("session.finish")
        complains(talk, "no more")
        talk.close(1000)

    with scripted_server(script) as url:
        done = asrcli("qwen", TALK_WAV, "--endpoint", url, "--pace", "fast")
    assert done.code == 5
    assert "no more" in done.err


def test_one_failed_utterance_leaves_the_others(asrcli):
    def script(talk: Conversation) -> None:
        talk.begin_session()
        talk.expect_type("session.finish")
        says(talk, 1, "One.")
        error = {"code": "InternalError", "message": "try again", "param": None}
        talk.say_event("input_audio_buffer.speech_started", item_id="item_2", audio_start_ms=2000)
        talk.say_event(f"{TRANSCRIPTION}.failed", item_id="item_2", content_index=0, error=error)
        says(talk, 3, "Three.")
        talk.say_event("session.finished")

    with scripted_server(script) as url:
        done = asrcli("qwen", TALK_WAV, "--endpoint", url, "--pace", "fast")
    assert done.code == 5
    assert done.out.splitlines() == ["One.", "Three."]
    assert "InternalError" in done.err
    assert "try again" in done.err


def test_a_final_needs_no_partial_before_it(asrcli):
    def script(talk: Conversation) -> None:
        talk.begin_session()
        talk.say_event(f"{TRANSCRIPTION}.completed", item_id="item_1", transcript="Out of nowhere.")
        talk.expect_type("session.finish")
        talk.say_event("session.finished")

    with scripted_server(script) as url:
        done = asrcli("qwen", TALK_WAV, "--endpoint", url, "--pace", "fast", "--json")
    assert done.code == 0
    [final] = finals(done.events)
    assert (final["text"], final["begin_ms"], final["end_ms"]) == ("Out of nowhere.", None, None)


def test_a_service_that_creates_no_session_is_given_up_in_time(asrcli, monkeypatch):
    original = Timeouts.__init__
    monkeypatch.setattr(Timeouts, "__init__", lambda self, **given: original(self, **{**given, "start_s": 0.3}))
    with scripted_server(lambda talk: talk.hang()) as url:
        done = asrcli("qwen", TALK_WAV, "--endpoint", url, "--pace", "fast")
    assert done.code == 6
    assert "did not start the recognition within 0.3 s" in done.err


def test_a_finish_without_an_answer_is_given_up_with_what_there_is(asrcli):
    def script(talk: Conversation) -> None:
        talk.begin_session()
        says(talk, 1, "One.")
        talk.expect_type("session.finish")
        talk.hang()

    with scripted_server(script) as url:
        bounds = ("--drain-timeout", "0.3", "--retries", "0")
        done = asrcli("qwen", TALK_WAV, "--endpoint", url, "--pace", "fast", *bounds)
    assert done.code == 6
    assert done.out.splitlines() == ["One."]
    assert "after the end of the audio" in done.err


def test_a_link_lost_within_an_utterance_is_made_again(asrcli):
    """The second session begins where the last final ended; times go on."""

    def breaks(talk: Conversation) -> None:
        talk.begin_session()
        talk.expect_append(32 * 3_000)
        says(talk, 1, "One.")
        talk.say_event("input_audio_buffer.speech_started", item_id="item_2", audio_start_ms=2000)
        talk.say_event(f"{TRANSCRIPTION}.text", item_id="item_2", text="Tw", stash="")
        talk.close(1011, "Internal server error")

    def goes_on(talk: Conversation) -> None:
        talk.begin_session()
        talk.expect_type("session.finish")
        says(talk, 1, "Two.")
        talk.say_event("session.finished")

    with scripted_server(breaks, goes_on) as url:
        done = asrcli("qwen", TALK_WAV, "--endpoint", url, "--pace", "fast", "--json")
    assert done.code == 0
    [reconnect] = [event for event in done.events if event["type"] == "reconnect"]
    assert "1011" in reconnect["reason"]
    assert reconnect["resume_ms"] == 1500
    assert [(event["index"], event["text"], event["begin_ms"]) for event in finals(done.events)] == [
        (1, "One.", 1000),
        (2, "Two.", 2500),
    ]


def test_close_1007_is_final_and_shows_its_reason(asrcli):
    reason = "Access denied, please make sure your account is in good standing."
    with scripted_server(lambda talk: talk.close(1007, reason)) as url:
        done = asrcli("qwen", TALK_WAV, "--endpoint", url, "--pace", "fast", "--json")
    assert done.code == 5
    error = done.events[-1]
    assert (error["code"], error["message"], error["retryable"]) == ("close 1007", reason, False)
    assert reason in done.err
