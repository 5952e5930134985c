"""`asrcli qwen`: both modes of Qwen-ASR-Realtime, its knobs, and a service that misbehaves."""

from __future__ import annotations

import json
import wave
from itertools import pairwise
from pathlib import Path

import jiwer
import numpy as np
import pytest

from asrcli import session
from asrcli.protocols import realtime
from asrcli.service import server
from asrcli.service.recognizer import Ended, Hypothesis, OnResult, Opened, Pcm, RecognitionSettings
from tests.support.scripted_server import Conversation, scripted_server
from tests.support.service import DATA, TALK_TEXT, TALK_WAV, running_service

SENTENCES = [line.strip() for line in TALK_TEXT.read_text(encoding="utf-8").splitlines() if line.strip()]
SCRIPT = [json.loads(line) for line in (DATA / "talk.script.jsonl").read_text(encoding="utf-8").splitlines()]
MODEL = "qwen3-asr-flash-realtime"
TRANSCRIPTION = "conversation.item.input_audio_transcription"


def finals(events):
    return [event for event in events if event["type"] == "final"]


def plain(sentences):
    return " ".join(sentences).lower().replace(".", "")


# --- both modes -----------------------------------------------------------------------------------------------------


@pytest.fixture
def one_session(monkeypatch):
    """Manual mode without a second session, in which a script would begin anew."""
    monkeypatch.setattr(realtime, "_MANUAL_SESSION_MS", 120_000)


@pytest.mark.usefixtures("one_session")
@pytest.mark.parametrize("mode", ["--vad", "--manual"])
def test_plain_text_is_one_sentence_a_line(asrcli, talk_service, mode):
    done = asrcli("qwen", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", mode)
    assert done.code == 0
    assert done.out.splitlines() == SENTENCES
    assert done.err == ""


def test_vad_mode_has_the_times_at_which_speech_began_and_stopped(asrcli, talk_service):
    done = asrcli("qwen", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "--json")
    assert done.code == 0
    assert {name: done.events[0][name] for name in ("type", "model", "protocol", "sample_rate_hz")} == {
        "type": "begin", "model": MODEL, "protocol": "realtime", "sample_rate_hz": 16000,
    }  # fmt: skip
    heard = finals(done.events)
    assert [(event["begin_ms"], event["end_ms"], event["text"]) for event in heard] == [
        (line["begin_ms"], line["end_ms"], line["text"]) for line in SCRIPT
    ]
    assert [event["index"] for event in heard] == list(range(1, 9))
    assert {(event["language"], event["emotion"]) for event in heard} == {("en", "neutral")}
    assert not any(event.get("words") for event in heard)
    partials = [event for event in done.events if event["type"] == "partial"]
    assert {event["index"] for event in partials} == set(range(1, 9))
    end = done.events[-1]
    assert (end["type"], end["complete"], end["sentences"], end["audio_ms"]) == ("end", True, 8, 33941)
    assert end["task_ids"][0].startswith("sess_")


@pytest.mark.usefixtures("one_session")
def test_manual_mode_has_the_times_of_our_own_cuts(asrcli, talk_service):
    """Each sentence lies between them."""
    done = asrcli("qwen", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "--manual", "--json")
    assert done.code == 0
    heard = finals(done.events)
    assert [event["text"] for event in heard] == SENTENCES
    for event, line in zip(heard, SCRIPT, strict=True):
        assert event["begin_ms"] <= line["begin_ms"] < line["end_ms"] <= event["end_ms"]
    for before, after in pairwise(heard):
        assert before["end_ms"] <= after["begin_ms"]


def test_every_knob_reaches_the_service(asrcli, tmp_path):
    told = []

    def script(talk: Conversation) -> None:
        told.append(talk.begin_session())
        talk.expect_type("session.finish")
        talk.say_event("session.finished")

    names = tmp_path / "names.txt"
    names.write_text("Ada, Grace\n", encoding="utf-8")
    knobs = ("--threshold", "-0.5", "--silence-ms", "400", "-l", "yue", "--corpus", names, "--param", "new_field=[1]")
    with scripted_server(script) as url:
        assert asrcli("qwen", TALK_WAV, "--endpoint", url, "--pace", "fast", *knobs).code == 0
        assert asrcli("qwen", TALK_WAV, "--endpoint", url, "--pace", "fast", "--manual").code == 0
    assert told[0] == {
        "modalities": ["text"],
        "input_audio_format": "pcm",
        "sample_rate": 16000,
        "turn_detection": {"type": "server_vad", "threshold": -0.5, "silence_duration_ms": 400},
        "input_audio_transcription": {"language": "yue", "corpus": {"text": "Ada, Grace"}},
        "new_field": [1],
    }
    assert told[1]["turn_detection"] is None


def test_file_speaks_the_protocol_of_its_model(asrcli, talk_service):
    done = asrcli("file", TALK_WAV, "-m", MODEL, "--endpoint", talk_service, "--pace", "fast", "--json")
    assert done.code == 0
    assert done.events[0]["protocol"] == "realtime"
    assert [event["text"] for event in finals(done.events)] == SENTENCES


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["--vad", "--manual"])
def test_region_local_recognises_the_talk_with_the_real_recogniser(asrcli, mode):
    done = asrcli("qwen", TALK_WAV, "--region", "local", "--pace", "fast", "--json", "--no-partials", mode)
    assert done.code == 0
    heard = [event["text"] for event in finals(done.events)]
    assert jiwer.wer(plain(SENTENCES), plain(heard)) <= 0.10
    assert len(heard) == len(SENTENCES)


# --- a long file in manual mode -------------------------------------------------------------------------------------

_SENTENCES = 64
_SAID_MS, _PAUSE_MS = 2_000, 850


class LevelRecognizer:
    """Hears levels: sentence n is 2 s of samples with the value 1000 + n, whatever session it is said in."""

    capacity = 100

    def open(self, settings: RecognitionSettings, on_result: OnResult) -> LevelRecognition:
        assert settings.max_sentence_silence_ms is None
        on_result(Opened())
        return LevelRecognition(on_result)

    def close(self) -> None:
        pass


class LevelRecognition:
    """Tells the numbers of the sentences in each utterance, and how much of each was in it."""

    def __init__(self, on_result: OnResult) -> None:
        self._on_result = on_result
        self._uttered = b""

    def feed(self, pcm: Pcm) -> None:
        self._uttered += pcm.data

    def end_utterance(self) -> None:
        values, counts = np.unique(np.frombuffer(self._uttered, "<i2"), return_counts=True)
        said = [
            f"{value - 1000}: {count / 16:g} ms" for value, count in zip(values, counts, strict=True) if value > 1000
        ]
        self._uttered = b""
        self._on_result(Hypothesis(", ".join(said), 0, 1, final=True))

    def finish(self) -> None:
        self._on_result(Ended(0))

    def close(self) -> None:
        pass


def three_minutes(path: Path) -> Path:
    """64 sentences of two seconds each, with pauses."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        for number in range(1, _SENTENCES + 1):
            file.writeframes(np.full(16 * _SAID_MS, 1000 + number, "<i2").tobytes() + bytes(32 * _PAUSE_MS))
    return path


def test_a_long_file_in_manual_mode_loses_and_doubles_nothing(asrcli, tmp_path, monkeypatch):
    """A session holds less than a minute: several of them, cut at pauses, carry three minutes of sentences."""
    monkeypatch.setattr(server, "open_recognizer", lambda name, stall_s: LevelRecognizer())
    path = three_minutes(tmp_path / "long.wav")
    with running_service("levels") as service:
        done = asrcli("qwen", path, "--endpoint", service.url, "--pace", "fast", "--manual", "--json")
    assert done.code == 0
    heard = finals(done.events)
    assert [event["text"] for event in heard] == [f"{number}: 2000 ms" for number in range(1, _SENTENCES + 1)]
    assert [event["index"] for event in heard] == list(range(1, _SENTENCES + 1))
    for number, event in enumerate(heard):
        begin_ms = number * (_SAID_MS + _PAUSE_MS)
        assert event["begin_ms"] <= begin_ms < begin_ms + _SAID_MS <= event["end_ms"]
    end = done.events[-1]
    assert (end["complete"], end["audio_ms"]) == (True, _SENTENCES * (_SAID_MS + _PAUSE_MS))
    assert len(set(end["task_ids"])) == len(end["task_ids"]) >= 4


# --- what cannot work -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--threshold", "1.5"], "--threshold"),
        (["--threshold", "-1.01"], "--threshold"),
        (["--threshold", "low"], "--threshold"),
        (["--silence-ms", "199"], "--silence-ms"),
        (["--silence-ms", "6001"], "--silence-ms"),
        (["-l", "tlh"], "--language 'tlh' is not known"),
        (["-l", "ennglish"], "--language 'ennglish' is not known"),
        (["--manual", "--threshold", "0.2"], "--manual turns off"),
        (["--corpus", "./nosuch.txt"], "no such file"),
        (["--corpus", "word " * 2001], "10005 characters"),
        (["--param", "x"], "KEY=VALUE"),
        (["--pace", "never"], "pace"),
    ],
)
def test_bad_input_is_one_clear_line(asrcli, talk_service, arguments, said):
    done = asrcli("qwen", TALK_WAV, "--endpoint", talk_service, *arguments)
    assert done.code == 2
    assert said in done.err
    assert done.err.startswith("asrcli: error: ")
    assert done.err.count("\n") == 1
    assert done.out == ""


def test_a_corpus_file_that_is_too_long_or_no_text_is_named(asrcli, talk_service, tmp_path):
    long, binary = tmp_path / "long.txt", tmp_path / "binary.txt"
    long.write_text("x" * (1 << 21), encoding="utf-8")
    binary.write_bytes(b"\xff\xfe\x00")
    for path, said in ((long, "too long"), (binary, "not a text file")):
        done = asrcli("qwen", TALK_WAV, "--endpoint", talk_service, "--corpus", path)
        assert done.code == 2
        assert f"--corpus {path}" in done.err
        assert said in done.err


def test_nothing_to_transcribe_is_said(asrcli):
    done = asrcli("qwen")
    assert done.code == 2
    assert "nothing to transcribe" in done.err


@pytest.mark.parametrize(
    "option",
    [
        ("--hotwords", "vocab-x"),
        ("--hotwords", "Ada:5,Grace"),
        ("--semantic-punctuation",),
        ("--multi-threshold",),
        ("--heartbeat",),
        ("--disfluency-removal",),
    ],
)
def test_options_of_the_other_family_are_refused_by_name(asrcli, option):
    done = asrcli("file", TALK_WAV, "-m", MODEL, *option)
    assert done.code == 2
    assert f"{MODEL} has no {option[0]}" in done.err


def test_a_refused_field_shows_code_and_parameter(asrcli, talk_service):
    done = asrcli("qwen", TALK_WAV, "--endpoint", talk_service, "--param", "sample_rate=44100", "--json")
    assert done.code == 5
    error = done.events[-1]
    assert (error["type"], error["code"]) == ("error", "invalid_value")
    assert "session.sample_rate" in error["message"]
    assert error["request_id"].startswith("sess_")


def test_a_model_that_the_service_does_not_know_is_refused(asrcli, talk_service):
    done = asrcli("qwen", TALK_WAV, "--endpoint", talk_service, "-m", "qwen9-asr-flash-realtime")
    assert done.code == 5
    assert "Model not found (qwen9-asr-flash-realtime)!" in done.err
    assert "1007" in done.err


# --- a service that misbehaves --------------------------------------------------------------------------------------


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
    assert "odd, task sess_1: not today" in done.err


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
    original = session.Limits.__init__
    monkeypatch.setattr(session.Limits, "__init__", lambda self, **given: original(self, **{**given, "start_s": 0.3}))
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
