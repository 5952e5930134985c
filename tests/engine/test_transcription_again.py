"""The engine over several sessions: what it does when a link is lost, and how sessions become one transcription."""

from __future__ import annotations

import signal
import threading
from itertools import pairwise

import numpy as np
import pytest

from asrcli.audio.chunks.chunker import chunk
from asrcli.engine.control import Control
from asrcli.engine.stages import Timeouts
from asrcli.output.wording import words
from asrcli.service.faults.kinds import parse_fault
from asrcli.values.errors import AsrcliError, AuthError, LinkError, ServiceError, ServiceTimeout
from asrcli.values.events import AudioFinished, AudioSent, FinalResult, Notice, Reconnecting, SessionStarted
from asrcli.values.pcm import PcmFormat
from asrcli.values.sound import Chunk
from asrcli.wire.retry import Retry
from tests.support.fakes import ToneSource
from tests.support.scripted_server import Conversation, scripted_server
from tests.support.service import running_service
from tests.support.transcribing import closing, engine, never_finishing, polite, run, texts, transcribe

pytestmark = pytest.mark.usefixtures("no_thread_is_left")


QUICK = Retry(tries=3, first_s=0.01)


def samples(audio: bytes) -> np.ndarray:
    return np.frombuffer(audio, dtype="<i2")


def chunk_blocks(source: ToneSource) -> list[Chunk]:
    return list(chunk((block[:, 0] for block in source.blocks()), PcmFormat(), 100))


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
    [before] = [told for told, after in pairwise(events) if isinstance(after, Reconnecting)]
    assert isinstance(before, AudioSent)
    [finished] = [event for event in events if isinstance(event, AudioFinished)]
    assert finished.resent_ms == before.end_ms - 640


@pytest.mark.parametrize("script", [closing, never_finishing])
def test_a_lost_or_silent_service_is_left_for_another_try(script):
    with scripted_server(script, polite) as url:
        events, error = run(url, ToneSource(3.0), speed=10.0, retry=QUICK, timeouts=Timeouts(finish_s=0.3))
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
    assert (error.tries, error.missing) == (3, ((900, None),))
    assert "gave up after 3 tries; nothing was recognised after 0:00" in words(error)


def hearing_all(talk: Conversation) -> None:
    """Recognises the first second, and never says that it has finished."""
    talk.expect("run-task")
    talk.say("task-started")
    talk.expect_audio(32000)
    talk.say_sentence(1, "one", 0, 900)
    talk.expect("finish-task")
    talk.hang()


def speechless(talk: Conversation) -> None:
    """Hears nothing, and never says that it has finished."""
    talk.expect("run-task")
    talk.say("task-started")
    talk.expect("finish-task")
    talk.hang()


@pytest.mark.parametrize("second", [hearing_all, speechless, Conversation.reset], ids=lambda each: each.__name__)
def test_a_service_that_only_fails_to_say_goodbye_is_asked_once_more_and_all_is_complete(second):
    """A second of tone, then silence, which no final result covers."""
    source = ToneSource(1.0)
    source._samples = np.concatenate([source._samples[:14000], np.zeros((20000, 1), np.float32)])
    with scripted_server(hearing_all, second) as url:
        events, error = run(url, source, retry=QUICK, timeouts=Timeouts(finish_s=0.3))
    assert error is None
    assert texts(events)[0] == "one"
    assert [type(event) for event in events].count(Reconnecting) == 1
    assert isinstance(events[-1], Notice)
    assert events[-1].message.startswith("all sound has its results, but the service did not say so")


def test_a_service_that_leaves_sound_without_a_result_is_asked_as_often_as_may_be():
    """The tone goes on after the last final: it might have been a word."""
    with scripted_server(hearing_all, speechless) as url:
        events, error = run(url, ToneSource(3.0), retry=QUICK, timeouts=Timeouts(finish_s=0.3))
    assert isinstance(error, ServiceTimeout)
    assert [type(event) for event in events].count(Reconnecting) == QUICK.tries


@pytest.mark.parametrize("code", ["Arrearage", "InvalidApiKey", "InvalidParameter"])
def test_what_cannot_heal_is_not_tried_again(code):
    def refusing(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-started")
        talk.say("task-failed", error_code=code, error_message="no")

    with scripted_server(refusing) as url:
        events, error = run(url, ToneSource(0.5), retry=QUICK)
    assert isinstance(error, AuthError if code == "InvalidApiKey" else ServiceError)
    assert not [event for event in events if isinstance(event, Reconnecting)]


def test_a_service_that_was_never_reached_is_not_tried_again(dead_port):
    events, error = run(f"ws://127.0.0.1:{dead_port}", ToneSource(0.5), retry=QUICK)
    assert isinstance(error, LinkError)
    assert events == []


def test_a_refusal_for_now_is_tried_again_from_the_start():
    with scripted_server(polite, refuse=503, body="") as url:
        events, error = run(url, ToneSource(0.5), retry=QUICK)
    assert [event.attempt for event in events if isinstance(event, Reconnecting)] == [1, 2, 3]
    assert isinstance(error, AsrcliError)
    assert "HTTP 503" in words(error)
    assert "gave up after 3 tries" in words(error)


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
        events, error = run(url, Pausing(2.0, waits=True), idle_s=0.02)
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
    assert isinstance(error, AsrcliError)
    assert "gave up after 3 tries" in words(error)


def test_the_service_tells_how_long_to_wait():
    """Retry-After outranks our own, much longer wait."""
    with running_service(faults=(parse_fault("refuse=429:1:0"),)) as service:
        events, error = run(service.url, ToneSource(0.5), retry=Retry(tries=1, first_s=3600.0))
    assert error is None
    [again] = [event for event in events if isinstance(event, Reconnecting)]
    assert (again.code, again.reason) == ("Throttling.RateQuota", "Throttling.RateQuota: A fault on demand.")


def test_live_sound_that_was_not_recognised_is_handed_over_when_all_tries_are_used_up():
    """What is handed over is the very sound that follows the last final."""
    rescued = []

    def rescue(chunks, sound) -> str:
        assert sound is None
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
    assert error.missing == ((900, 3000),)
    assert isinstance(error, AsrcliError)
    assert "nothing was recognised from 0:00 to 0:03" in words(error)
    assert error.hint == "kept elsewhere"
    assert b"".join(chunk.data for chunk in rescued) == whole[2 * 14400 :]
