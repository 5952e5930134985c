"""`asrcli file` with knobs: what reaches the service, and what is told before."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.scripted_server import Conversation, scripted_server
from tests.support.service import TALK_WAV
from tests.support.sounds import s16, tone, write


@pytest.fixture
def heard(asrcli, tmp_path):
    """Runs a command line against a service that hears nothing; the outcome, run-task's payload, and the headers."""
    tone_wav = write(tmp_path / "tone.wav", tone(0.3))

    def run(*words: object, source: object = tone_wav) -> tuple[Any, dict[str, Any], Any]:
        told: list[Any] = []

        def script(talk: Conversation) -> None:
            told.append(talk.request.headers)
            told.append(talk.expect("run-task")["payload"])
            talk.say("task-started")
            talk.expect("finish-task")
            talk.say("task-finished")

        with scripted_server(script) as url:
            done = asrcli("file", source, "--endpoint", url, "--pace", "fast", *words)
        return done, told[1], told[0]

    return run


def test_headers_are_in_the_handshake_and_their_values_in_no_log(heard):
    secret = "planted-team-token"
    done, _, headers = heard("--header", f"X-Team={secret}", "--header", "OpenAI-Beta=realtime=v1", "--data-inspection")
    assert (headers["X-Team"], headers["OpenAI-Beta"]) == (secret, "realtime=v1")
    assert headers["X-DashScope-DataInspection"] == "enable"
    assert done.code == 0
    assert "X-DashScope-DataInspection" not in heard()[2]
    refused = heard("--header", f"X-Team={secret}", "-vv", "--param", f"x={secret}")[0]
    assert secret not in refused.err
    assert "***" in refused.err


def test_partials_are_asked_for_where_the_model_sends_none_and_somebody_wants_them(heard):
    model = ("-m", "qwen-audio-3.1-asr-flash-message")
    assert heard(*model)[1]["parameters"]["intermediate_result_enabled"] is True
    assert heard(*model, "--no-intermediate")[1]["parameters"]["intermediate_result_enabled"] is False
    own = heard(*model, "--param", "intermediate_result_enabled=false")[1]
    assert own["parameters"]["intermediate_result_enabled"] is False
    assert "intermediate_result_enabled" not in heard(*model, "--no-partials")[1]["parameters"]
    assert "intermediate_result_enabled" not in heard()[1]["parameters"]
    both = heard(*model, "--no-partials", "--intermediate")[0]
    assert "--intermediate asks for what --no-partials leaves out (leave one of them out)" in both.err


def test_telephone_sound_is_told_and_goes_out_as_it_is_where_that_is_asked(heard, tmp_path):
    source = write(tmp_path / "tel.wav", tone(0.3, 8000), 8000)
    done, payload, _ = heard(source=source)
    assert payload["parameters"]["sample_rate"] == 16000
    assert done.err.count("the sound has 8 kHz and is sent as 16 kHz") == 1
    done, payload, _ = heard("--wire-rate", 8000, source=source)
    assert payload["parameters"]["sample_rate"] == 8000
    assert "kHz" not in done.err


def test_a_pcm_file_goes_out_with_a_notice(heard, tmp_path):
    source = tmp_path / "your_audio_file.pcm"
    source.write_bytes(s16(tone(0.3)))
    done, _, _ = heard("--json", source=source)
    assert done.code == 0
    assert any("taken for raw samples" in event.get("message", "") for event in done.events)


def test_the_words_to_filter_are_one_text_of_json(heard):
    parameters = heard("--mask-words", "a b,c", "--service-filter")[1]["parameters"]
    assert json.loads(parameters["special_word_filter"]) == {
        "filter_with_signed": {"word_list": ["a b", "c"]},
        "system_reserved_filter": True,
    }


def test_a_model_of_another_region_is_told_before_the_key_is_looked_for(asrcli, monkeypatch):
    monkeypatch.delenv("DASHSCOPE_API_KEY", raising=False)
    monkeypatch.setenv("HOME", "/nonexistent")
    done = asrcli("file", TALK_WAV, "-m", "paraformer-realtime-v2")
    assert done.code == 4
    assert "paraformer-realtime-v2 is in the region cn, and this goes to intl (--region cn" in done.err
    assert "is in the region" not in asrcli("file", TALK_WAV, "-m", "paraformer-realtime-v2", "--region", "qwen-cn").err


def test_the_settings_of_a_file_are_knobs_too(heard, tmp_path, monkeypatch):
    (tmp_path / "asrcli.toml").write_text('[file]\nkeep-dialect = true\nmask-words = "a"\nwire-rate = 48000\n')
    monkeypatch.chdir(tmp_path)
    parameters = heard("-m", "qwen-audio-3.1-asr-flash-streaming")[1]["parameters"]
    assert (parameters["keep_dialect"], parameters["sample_rate"]) == (True, 48000)
    (tmp_path / "asrcli.toml").write_text("[file]\nwire-rate = 4000\n")
    from asrcli.cli.app import run

    assert run(["models"]) == 2
