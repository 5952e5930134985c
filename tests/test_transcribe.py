"""The engine over one source: everything that was recognised comes out, whatever ends the run."""

from __future__ import annotations

import json
import signal
import threading

import numpy as np
import pytest

from asrcli.audio.chunker import chunk
from asrcli.control import Control
from asrcli.engine import Engine
from asrcli.errors import DecodeError, Interrupted, LinkError, ProtocolViolation, ServiceError, ServiceTimeout
from asrcli.events import (
    AudioFinished,
    AudioSent,
    FinalResult,
    LinkReady,
    Notice,
    PartialResult,
    Reconnecting,
    SessionFinished,
    SessionStarted,
    Tick,
)
from asrcli.pcm import Chunk, PcmFormat
from asrcli.protocols.base import Endpoint, RecognitionOptions
from asrcli.protocols.run_task import RunTask
from asrcli.retry import Retry
from asrcli.service.faults import parse_fault
from asrcli.session import Limits
from asrcli.transcribe import transcribe
from tests.support.fakes import ToneSource
from tests.support.scripted_server import Conversation, free_port, scripted_server, silent_port
from tests.support.service import running_service


def engine(url: str, **fields) -> Engine:
    fields.setdefault("speed", None)
    fields.setdefault("retry", Retry(tries=0))
    return Engine(lambda: RunTask(RecognitionOptions(model="m"), Endpoint(url, "k")), **fields)


def run(url: str, source: ToneSource, **fields) -> tuple[list, BaseException | None]:
    """All events, and what ended the transcription early, if anything did."""
    events: list = []
    try:
        for event in transcribe(source, engine(url, **fields), Control()):
            events.append(event)
    except Exception as error:
        assert source.closed
        return events, error
    assert source.closed
    return events, None


def texts(events: list) -> list[str]:
    return [event.sentence.text for event in events if isinstance(event, FinalResult)]


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    assert {thread.name for thread in threading.enumerate()} & {"uplink", "downlink", "intake"} == set()


def polite(talk: Conversation) -> None:
    """A service that hears "one" in the first second and "two" after the end."""
    talk.expect("run-task")
    talk.say("task-started")
    talk.expect_audio(32000)
    talk.say_sentence(1, "on", 0, None)
    talk.say_sentence(1, "one", 0, 900)
    talk.expect("finish-task")
    talk.say_sentence(2, "two", 1000, 1900)
    talk.say("task-finished", {"output": {}, "usage": None})


def test_a_source_to_its_end():
    with scripted_server(polite) as url:
        events, error = run(url, ToneSource(2.05))
    assert error is None
    kinds = [type(event) for event in events]
    assert kinds[:2] == [LinkReady, SessionStarted]
    assert kinds[-2:] == [FinalResult, SessionFinished]
    assert PartialResult in kinds
    assert [event.end_ms for event in events if isinstance(event, AudioFinished)] == [2050]
    assert texts(events) == ["one", "two"]


def test_every_sample_arrives_and_once():
    received = {}

    def count(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-started")
        received["audio"] = talk.expect_audio(2 * 33333)
        talk.expect("finish-task")
        talk.say("task-finished", {"output": {}})

    with scripted_server(count) as url:
        _, error = run(url, ToneSource(33333 / 16000))
    assert error is None
    assert len(received["audio"]) == 2 * 33333


def failing(talk: Conversation) -> None:
    talk.expect("run-task")
    talk.say("task-started")
    talk.say_sentence(1, "kept", 0, 900)
    talk.say("task-failed", error_code="InternalError", error_message="boom")
    talk.close(1000)


def closing(talk: Conversation) -> None:
    talk.expect("run-task")
    talk.say("task-started")
    talk.say_sentence(1, "kept", 0, 900)
    talk.close(1011, "Internal server error")


def resetting(talk: Conversation) -> None:
    talk.expect("run-task")
    talk.say("task-started")
    talk.expect_audio(3200)
    talk.say_sentence(1, "kept", 0, 900)
    talk.expect_audio(3200)
    talk.reset()


def half_json(talk: Conversation) -> None:
    talk.expect("run-task")
    talk.say("task-started")
    talk.say_sentence(1, "kept", 0, 900)
    talk.send('{"header": {"event": "result-gen')
    talk.hang()


def binary(talk: Conversation) -> None:
    talk.expect("run-task")
    talk.say("task-started")
    talk.say_sentence(1, "kept", 0, 900)
    talk.send(b"\x00\x01\x02")
    talk.hang()


def never_finishing(talk: Conversation) -> None:
    talk.expect("run-task")
    talk.say("task-started")
    talk.say_sentence(1, "kept", 0, 900)
    talk.expect("finish-task")
    talk.hang()


@pytest.mark.parametrize(
    ("script", "kind", "said"),
    [
        (failing, ServiceError, "boom"),
        (closing, LinkError, "1011, 'Internal server error'"),
        (resetting, LinkError, "lost"),
        (half_json, ProtocolViolation, "not JSON"),
        (binary, ProtocolViolation, "binary"),
        (never_finishing, ServiceTimeout, "after the end of the audio"),
    ],
)
def test_what_was_final_is_kept_and_the_reason_is_told(script, kind, said):
    with scripted_server(script) as url:
        events, error = run(url, ToneSource(5.0), speed=10.0, limits=Limits(finish_s=0.3))
    assert texts(events) == ["kept"]
    assert type(error) is kind
    assert said in str(error)


def test_a_service_that_never_answers_is_a_timeout_that_names_the_stage():
    with silent_port() as url:
        _, error = run(url, ToneSource(0.1), limits=Limits(connect_s=0.2))
    assert isinstance(error, ServiceTimeout)
    assert error.stage == "connect"
    with scripted_server(lambda talk: talk.hang()) as url:
        _, error = run(url, ToneSource(0.1), limits=Limits(start_s=0.2))
    assert isinstance(error, ServiceTimeout)
    assert error.stage == "start"


def test_sound_that_breaks_off_keeps_its_results():
    def broken() -> None:
        raise DecodeError("talk.mp3 breaks off at 0:01")

    with scripted_server(polite) as url:
        events, error = run(url, ToneSource(2.0, after=broken))
    assert texts(events) == ["one", "two"]
    assert isinstance(error, DecodeError)


def test_a_stop_delivers_the_last_words():
    control = Control()
    events = []
    with scripted_server(polite) as url:
        source = ToneSource(60.0)
        for event in transcribe(source, engine(url, speed=2.0), control):
            events.append(event)
            if isinstance(event, FinalResult) and event.sentence.text == "one":
                control.stop(signal.SIGINT)
    assert texts(events) == ["one", "two"]
    assert control.stopped_by == signal.SIGINT
    assert isinstance(events[-1], SessionFinished)


def test_a_second_stop_ends_at_once():
    control = Control()
    with scripted_server(never_finishing) as url, pytest.raises(Interrupted):
        for event in transcribe(ToneSource(60.0), engine(url, speed=2.0), control):
            if isinstance(event, FinalResult):
                control.stop(signal.SIGINT)
                control.stop(signal.SIGINT)


def test_a_stop_before_the_service_is_ready_ends_at_once():
    control = Control()
    control.stop(signal.SIGTERM)
    with silent_port() as url, pytest.raises(Interrupted) as caught:
        list(transcribe(ToneSource(1.0), engine(url), control))
    assert caught.value.signal_number == signal.SIGTERM


def test_giving_up_in_the_middle_finishes_the_task_at_the_service():
    seen = []

    def wait_for_finish(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-started")
        seen.append(talk.expect("finish-task")["header"]["action"])

    with scripted_server(wait_for_finish) as url:
        events = transcribe(ToneSource(60.0), engine(url, speed=1.0), Control())
        for event in events:
            if isinstance(event, AudioSent):
                break
        events.close()
    assert seen == ["finish-task"]


def test_notices_of_the_source_and_ticks_come_through():
    control = Control()
    control.notice("the file is truncated")
    with scripted_server(polite) as url:
        events = list(transcribe(ToneSource(2.0), engine(url, speed=4.0, tick_s=0.01), control))
    assert events[0] == Notice("the file is truncated")
    assert Tick() in events


def test_the_key_goes_into_the_handshake_and_nowhere_else():
    seen = {}

    def script(talk: Conversation) -> None:
        seen["authorization"] = talk.request.headers["Authorization"]
        seen["run-task"] = json.dumps(talk.expect("run-task"))
        talk.say("task-failed", error_code="X", error_message="y")

    with scripted_server(script) as url:
        protocol = Engine(lambda: RunTask(RecognitionOptions(model="m"), Endpoint(url, "sk-planted")), speed=None)
        with pytest.raises(ServiceError) as caught:
            list(transcribe(ToneSource(0.1), protocol, Control()))
    assert seen["authorization"] == "Bearer sk-planted"
    assert "sk-planted" not in seen["run-task"] + str(caught.value) + repr(protocol)


def chunk_blocks(source: ToneSource) -> list[Chunk]:
    return list(chunk((block[:, 0] for block in source.blocks()), PcmFormat(), 100))


QUICK = Retry(tries=3, first_s=0.01)


def samples(audio: bytes) -> np.ndarray:
    return np.frombuffer(audio, dtype="<i2")


def test_after_a_reset_the_open_sentence_is_recognised_anew_and_nothing_twice():
    heard = {}

    def first(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-started")
        heard["first"] = talk.expect_audio(2 * 16000)
        talk.say_sentence(1, "one", 0, 640)
        talk.say_sentence(2, "tw", 700, None)
        talk.reset()

    def second(talk: Conversation) -> None:
        heard["second id"] = talk.expect("run-task")["header"]["task_id"]
        talk.say("task-started")
        heard["second"] = talk.expect_audio(2 * (32000 - 10240))
        # Its times count from the beginning of its own audio, at 640 ms.
        talk.say_sentence(1, "two", 60, 1200)
        talk.expect("finish-task")
        talk.say("task-finished", {"output": {}, "usage": None})

    with scripted_server(first, second) as url:
        events, error = run(url, ToneSource(2.0), speed=20.0, retry=QUICK)
    assert error is None
    assert texts(events) == ["one", "two"]
    [reconnect] = [event for event in events if isinstance(event, Reconnecting)]
    assert (reconnect.attempt, reconnect.resume_ms) == (1, 640)
    two = [event.sentence for event in events if isinstance(event, FinalResult)][1]
    assert (two.index, two.begin_ms, two.end_ms) == (2, 700, 1840)
    ids = [event.session_id for event in events if isinstance(event, SessionStarted)]
    assert len(set(ids)) == 2
    assert ids[1] == heard["second id"]
    # What was replayed is the very sound that followed the last final.
    overlap = samples(heard["first"])[10240:]
    assert np.array_equal(samples(heard["second"])[: len(overlap)], overlap)
    assert len(samples(heard["second"])) == 32000 - 10240


@pytest.mark.parametrize("script", [closing, never_finishing])
def test_a_lost_or_silent_service_is_left_for_another_try(script):
    with scripted_server(script, polite) as url:
        events, error = run(url, ToneSource(3.0), retry=QUICK, limits=Limits(finish_s=0.3))
    assert error is None
    # The second session hears what follows the 0.9 s that were final.
    assert texts(events) == ["kept", "one", "two"]
    assert [event.sentence.index for event in events if isinstance(event, FinalResult)] == [1, 2, 3]
    assert [type(event) for event in events].count(AudioFinished) == (1 if script is closing else 2)


def test_tries_are_bounded_and_the_end_says_from_when_on_nothing_was_recognised():
    def hopeless(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-started")
        talk.reset()

    with scripted_server(closing, hopeless) as url:
        events, error = run(url, ToneSource(3.0), retry=QUICK)
    assert [event.attempt for event in events if isinstance(event, Reconnecting)] == [1, 2, 3]
    assert isinstance(error, LinkError)
    assert "gave up after 3 tries; nothing was recognised after 0:00" in str(error)


@pytest.mark.parametrize("code", ["Arrearage", "InvalidApiKey", "InvalidParameter"])
def test_what_cannot_heal_is_not_tried_again(code):
    def refusing(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-started")
        talk.say("task-failed", error_code=code, error_message="no")

    with scripted_server(refusing) as url:
        events, error = run(url, ToneSource(0.5), retry=QUICK)
    assert isinstance(error, ServiceError)
    assert not [event for event in events if isinstance(event, Reconnecting)]


def test_a_service_that_was_never_reached_is_not_tried_again():
    events, error = run(f"ws://127.0.0.1:{free_port()}", ToneSource(0.5), retry=QUICK)
    assert isinstance(error, LinkError)
    assert events == []


def test_a_refusal_for_now_is_tried_again_from_the_start():
    with scripted_server(polite, refuse=503, body="") as url:
        events, error = run(url, ToneSource(0.5), retry=QUICK)
    assert [event.attempt for event in events if isinstance(event, Reconnecting)] == [1, 2, 3]
    assert "HTTP 503" in str(error)
    assert "gave up after 3 tries" in str(error)


def test_a_stop_while_waiting_for_another_try_still_delivers():
    control = Control()
    events = []
    with scripted_server(closing, polite) as url:
        for event in transcribe(ToneSource(60.0), engine(url, speed=4.0, retry=QUICK), control):
            events.append(event)
            if isinstance(event, FinalResult) and event.sentence.text == "one":
                control.stop(signal.SIGINT)
    assert texts(events) == ["kept", "one", "two"]


def test_a_pause_of_the_source_keeps_the_service_waiting_and_times_true():
    """Silence is sent while the source pauses; sentences after it keep their place in the source."""
    pause, heard = threading.Event(), {}

    def script(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-started")
        heard["audio"] = talk.expect_audio(2 * (16000 + 32000))
        pause.set()
        talk.expect("finish-task")
        # In the service's time, where the second half of the source comes after all the silence.
        sent_ms = len(heard["audio"]) // 32 + 900
        talk.say_sentence(1, "after the pause", sent_ms - 500, sent_ms)
        talk.say("task-finished", {"output": {}})

    class Pausing(ToneSource):
        def blocks(self):
            blocks = list(super().blocks())
            yield from blocks[:10]
            pause.wait(20)
            yield from blocks[10:]

    with scripted_server(script) as url:
        events, error = run(url, Pausing(2.0), idle_s=0.02)
    assert error is None
    silence = samples(heard["audio"])[16000 : 16000 + 32000]
    assert not silence.any()
    assert [event.end_ms for event in events if isinstance(event, AudioFinished)] == [2000]
    [final] = [event.sentence for event in events if isinstance(event, FinalResult)]
    assert 1000 <= final.begin_ms < final.end_ms <= 1900


def test_a_link_that_breaks_before_the_service_was_ever_ready_is_made_again():
    """The handshake stood, so the address is right."""

    def breaking(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.close(1011, "Internal server error")

    with scripted_server(breaking, polite) as url:
        events, error = run(url, ToneSource(2.0), retry=QUICK)
    assert error is None
    assert texts(events) == ["one", "two"]
    assert [event.attempt for event in events if isinstance(event, Reconnecting)] == [1]


@pytest.mark.parametrize("code", ["NO_VALID_AUDIO_ERROR", "EmptyAudio"])
def test_the_silence_after_the_last_word_is_no_failure_of_a_further_session(code):
    """The link broke after the last final; what was left is refused, because there is no speech in it."""

    def silent(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-started")
        talk.expect("finish-task")
        talk.say("task-failed", error_code=code, error_message="no valid audio")

    def breaking(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-started")
        talk.expect("finish-task")
        talk.say_sentence(1, "one", 0, 900)
        talk.reset()

    with scripted_server(breaking, silent) as url:
        events, error = run(url, ToneSource(2.0), retry=QUICK)
    assert (texts(events), error) == (["one"], None)
    with scripted_server(silent) as url:
        _, error = run(url, ToneSource(2.0), retry=QUICK)
    assert isinstance(error, ServiceError)


def test_a_sentence_without_an_end_is_not_told_again_by_the_next_session():
    def breaking(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-started")
        talk.expect_audio(32000)
        sentence = {"sentence_id": 1, "text": "one", "begin_time": 0, "end_time": None, "sentence_end": True}
        talk.say("result-generated", {"output": {"sentence": sentence}})
        talk.reset()

    with scripted_server(breaking, polite) as url:
        events, error = run(url, ToneSource(2.0), retry=QUICK)
    assert (texts(events), error) == (["one", "two"], None)


def test_a_service_that_only_repeats_itself_is_given_up():
    """Tries count on while nothing new is decided."""

    def repeating(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-started")
        talk.expect_audio(3200)
        sentence = {"sentence_id": 1, "text": "one", "begin_time": 0, "end_time": None, "sentence_end": True}
        talk.say("result-generated", {"output": {"sentence": sentence}})
        talk.close(1011)

    with scripted_server(repeating) as url:
        events, error = run(url, ToneSource(2.0), retry=QUICK)
    assert texts(events) == ["one"]
    assert "gave up after 3 tries" in str(error)


def test_the_service_tells_how_long_to_wait():
    """Retry-After outranks our own, much longer wait."""
    with running_service(faults=(parse_fault("refuse=429:1:0"),)) as service:
        _, error = run(service.url, ToneSource(0.5), retry=Retry(tries=1, first_s=3600.0))
    assert error is None


def test_live_sound_that_was_not_recognised_is_handed_over_when_all_tries_are_used_up():
    """What is handed over is the very sound that follows the last final."""
    rescued = []

    def rescue(chunks) -> str:
        rescued.extend(chunks)
        return "kept elsewhere"

    source = ToneSource(3.0)
    source.live = True
    whole = b"".join(chunk.data for chunk in chunk_blocks(ToneSource(3.0)))

    def hears_one(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-started")
        talk.expect_audio(32000)
        talk.say_sentence(1, "one", 0, 900)
        talk.reset()

    with scripted_server(hears_one, Conversation.reset) as url:
        events, error = run(url, source, retry=QUICK, rescue=rescue)
    assert texts(events) == ["one"]
    assert "nothing was recognised from 0:00 to 0:03" in str(error)
    assert error.hint == "kept elsewhere"
    assert b"".join(chunk.data for chunk in rescued) == whole[2 * 14400 :]
