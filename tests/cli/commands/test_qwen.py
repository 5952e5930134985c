"""`asrcli qwen`: both modes of Qwen-ASR-Realtime, its knobs, and what cannot work."""

from __future__ import annotations

import json
from itertools import pairwise

import jiwer
import pytest

from asrcli.protocols import realtime
from tests.support.beginnings import beginning
from tests.support.scripted_server import Conversation, scripted_server
from tests.support.service import DATA, TALK_TEXT, TALK_WAV

SENTENCES = [line.strip() for line in TALK_TEXT.read_text(encoding="utf-8").splitlines() if line.strip()]
SCRIPT = [json.loads(line) for line in (DATA / "talk.script.jsonl").read_text(encoding="utf-8").splitlines()]
MODEL = "qwen3-asr-flash-realtime"


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


def test_another_protocol_is_refused_before_anything_is_sent(asrcli):
    done = asrcli("qwen", TALK_WAV, "--protocol", "run-task")
    assert done.code == 2
    assert "asrcli qwen speaks realtime, not run-task" in done.err


def test_file_speaks_the_protocol_of_its_model(asrcli, talk_service):
    done = asrcli("file", TALK_WAV, "-m", MODEL, "--endpoint", talk_service, "--pace", "fast", "--json")
    assert done.code == 0
    assert done.events[0]["protocol"] == "realtime"
    assert [event["text"] for event in finals(done.events)] == SENTENCES


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two sentences for the real recogniser, which is given the whole talk in its own tests."""
    return beginning(tmp_path_factory.mktemp("two") / "talk.wav", 9.2)


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["--vad", "--manual"])
def test_region_local_recognises_the_talk_with_the_real_recogniser(asrcli, two, mode):
    done = asrcli("qwen", two, "--region", "local", "--pace", "fast", "--json", "--no-partials", mode)
    assert done.code == 0
    heard = [event["text"] for event in finals(done.events)]
    assert jiwer.wer(plain(SENTENCES[:2]), plain(heard)) <= 0.10
    assert len(heard) == 2


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
        (["--corpus", "./nosuch.txt"], "--corpus ./nosuch.txt: no such file"),
        (["--corpus", "terms/nosuch"], "--corpus terms/nosuch: no such file"),
        (["--corpus", "nosuch.csv"], "--corpus nosuch.csv: no such file"),
        (["--corpus", "/tmp"], "a folder, not a file"),
        (["--corpus", "caf\udce9"], "--corpus is not valid UTF-8"),
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
    wrong = 'turn_detection={"type":"server_vad","threshold":7}'
    done = asrcli("qwen", TALK_WAV, "--endpoint", talk_service, "--param", wrong, "--json")
    assert done.code == 5
    error = done.events[-1]
    assert (error["type"], error["code"]) == ("error", "invalid_value")
    assert "session.turn_detection.threshold" in error["message"]
    assert error["request_id"].startswith("sess_")


def test_a_model_that_the_service_does_not_know_is_refused(asrcli, talk_service):
    done = asrcli("qwen", TALK_WAV, "--endpoint", talk_service, "-m", "qwen9-asr-flash-realtime")
    assert done.code == 5
    assert "Model not found (qwen9-asr-flash-realtime)!" in done.err
    assert "1007" in done.err


def test_the_rate_on_the_wire_can_be_chosen(asrcli):
    """8 kHz is announced and sent; another rate is refused before anything is sent."""
    seen = {}

    def script(talk: Conversation) -> None:
        seen["rate"] = talk.begin_session()["sample_rate"]
        seen["bytes"] = len(talk.expect_append(2 * 8000 * 33))
        talk.expect_type("session.finish")
        talk.say_event("session.finished")

    with scripted_server(script) as url:
        done = asrcli("qwen", TALK_WAV, "--endpoint", url, "--pace", "fast", "--wire-rate", "8000")
    assert done.code == 0
    assert seen["rate"] == 8000
    assert asrcli("qwen", TALK_WAV, "--wire-rate", "44100").code == 2


@pytest.mark.slow
@pytest.mark.parametrize("words", [("--send", "opus", "--vad"), ("--opus", "--manual")])
def test_the_talk_is_recognised_from_opus(asrcli, two, words):
    done = asrcli("qwen", two, "--region", "local", "--pace", "fast", *words)
    assert done.code == 0
    assert len(done.out.splitlines()) == 2
