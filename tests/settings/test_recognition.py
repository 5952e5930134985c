"""Settings: where the key and the address come from, and what is refused before anything is sent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from asrcli.output.wording import words
from asrcli.protocols import REGISTRY
from asrcli.settings import catalogue as models
from asrcli.settings import endpoints, keys, phrases, recognition
from asrcli.values.context import Turn
from asrcli.values.errors import AuthError, UsageError
from asrcli.values.parameters import BY_NAME
from tests.support.wording import says


@pytest.mark.parametrize(
    ("region", "workspace", "endpoint", "environ", "url"),
    [
        (None, None, None, {}, "wss://dashscope-intl.aliyuncs.com"),
        ("cn", None, None, {}, "wss://dashscope.aliyuncs.com"),
        ("intl", "ws-1", None, {}, "wss://ws-1.ap-southeast-1.maas.aliyuncs.com"),
        ("cn", "ws-1", None, {}, "wss://ws-1.cn-beijing.maas.aliyuncs.com"),
        ("qwen-intl", None, None, {}, "wss://maas.qwencloudapi.com"),
        ("qwen-cn", "ws-1", None, {}, "wss://maas.qianwenaiapi.com"),
        ("cn", "ws-1", "ws://127.0.0.1:8765", {}, "ws://127.0.0.1:8765"),
        (None, None, None, {"DASHSCOPE_WEBSOCKET_BASE_URL": "wss://gateway/x"}, "wss://gateway/x"),
        ("cn", None, None, {"DASHSCOPE_WEBSOCKET_BASE_URL": "wss://gateway/x"}, "wss://dashscope.aliyuncs.com"),
        (None, None, "ws://[::1]:9/", {}, "ws://[::1]:9/"),
    ],
)
def test_the_address_comes_from_flag_environment_or_region(region, workspace, endpoint, environ, url):
    assert endpoints.endpoint_url(region, workspace, endpoint, environ) == url


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ("ws://example.com", "in clear"),
        ("ws://127.0.0.1.example.com", "in clear"),
        ("http://127.0.0.1", "not a WebSocket address"),
        ("wss://", "not a WebSocket address"),
        ("wss://host:port", "not a URL"),
        ("wss://a b", "not a WebSocket address"),
        ("nonsense", "not a WebSocket address"),
    ],
)
def test_an_address_that_cannot_work_is_refused(endpoint, said):
    with pytest.raises(UsageError, check=says(said)):
        endpoints.endpoint_url(None, None, endpoint, {})


def test_a_region_that_is_not_known_names_the_known_ones():
    with pytest.raises(UsageError, check=says("intl, cn, qwen-intl, qwen-cn, local")):
        endpoints.region_label("us", None, {})


def test_a_workspace_with_a_slash_cannot_become_another_host():
    with pytest.raises(UsageError, match="workspace"):
        endpoints.endpoint_url(None, "evil.com/", None, {})


def test_the_key_is_looked_for_in_order(tmp_path: Path):
    flag_file, variable_file, home = tmp_path / "flag", tmp_path / "variable", tmp_path / "home"
    flag_file.write_text("sk-flag-file\n")
    variable_file.write_text("sk-variable-file")
    (home / ".dashscope").mkdir(parents=True)
    environ = {"DASHSCOPE_API_KEY": "sk-variable", "DASHSCOPE_API_KEY_FILE_PATH": str(variable_file)}
    find = keys.find_key
    assert find("sk-flag", flag_file, environ, home).value == "sk-flag"
    assert find(None, flag_file, environ, home).value == "sk-flag-file"
    assert find(None, None, environ, home).value == "sk-variable"
    del environ["DASHSCOPE_API_KEY"]
    assert find(None, None, environ, home).value == "sk-variable-file"
    assert find(None, None, {}, home) is None
    (home / ".dashscope" / "api_key").write_text("sk-home\n")
    assert find(None, None, {}, home).value == "sk-home"


@pytest.mark.parametrize("text", ["", " \n", "two words", "sk-ü", "sk-\x00", "sk-a\nX-Evil: 1"])
def test_a_key_that_cannot_stand_in_a_header_is_refused_without_being_shown(tmp_path: Path, text):
    path = tmp_path / "key"
    path.write_text(text)
    with pytest.raises(AuthError) as caught:
        keys.find_key(None, path, {}, tmp_path)
    assert "Evil" not in words(caught.value)
    assert "two words" not in words(caught.value)


def test_the_place_of_a_region_is_answered_with_its_name():
    with pytest.raises(UsageError, match="--region 'Beijing' is not known") as raised:
        endpoints.region_label("Beijing", None, {})
    assert raised.value.hint == "here it is --region cn"


def test_an_unreadable_key_file_is_named(tmp_path: Path):
    with pytest.raises(AuthError, check=says(r"nokey: No such file")):
        keys.find_key(None, tmp_path / "nokey", {}, tmp_path)


def test_the_key_is_in_no_repr():
    assert "sk-secret" not in repr(keys.ApiKey("sk-secret", "--api-key"))


@pytest.mark.parametrize(
    ("model", "fields", "said"),
    [
        ("fun-asr-realtime", {"disfluency_removal": True}, "fun-asr-realtime has no --disfluency-removal"),
        ("paraformer-realtime-v1", {"hotwords_id": "vocab-1", "heartbeat": True}, "no --hotwords and no --heartbeat"),
        ("fun-asr-realtime", {"punctuation": False}, r"has no --no-punctuation \(-m paraformer-realtime-v2 has"),
        (
            "fun-asr-realtime",
            {"punctuation": False},
            "; --param punctuation_prediction_enabled=false sends it unchecked",
        ),
        ("fun-asr-realtime", {"max_sentence_silence_ms": 100}, "200 to 6000"),
        ("fun-asr-realtime", {"noise_threshold": 1.5}, "-1.0 to 1.0"),
    ],
)
def test_an_option_that_the_model_lacks_is_named_with_the_model(model, fields, said):
    with pytest.raises(UsageError, check=says(said)):
        recognition.recognition_options(model, fields)


@pytest.mark.parametrize("fields", [{"context": (("", "a"),)}, {"mask_words": ("a",)}, {"hotwords": {"a": 1}}])
def test_nothing_is_said_of_param_where_it_could_not_send_the_same(fields):
    with pytest.raises(UsageError) as raised:
        recognition.recognition_options("paraformer-realtime-v1", fields)
    assert "leave it out" in raised.value.hint
    assert "--param" not in raised.value.hint


def test_an_unknown_model_is_a_warning_with_the_nearest_name():
    options, [warning] = recognition.recognition_options("fun-asr-realtme", {"disfluency_removal": True})
    assert options.model == "fun-asr-realtme"
    assert "did you mean fun-asr-realtime?" in warning


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("large-v3", "a model of OpenAI; `asrcli models`"),
        ("whisper-1", "a model of OpenAI"),
        ("Nova-2", "a model of Deepgram"),
        ("fun-asr-realtme", "did you mean fun-asr-realtime?"),
    ],
)
def test_a_model_of_somebody_else_is_said_to_be_one(name, said):
    _, [warning] = recognition.recognition_options(name, {})
    assert warning.startswith(f"the model {name!r} is not in the catalogue of this version; ")
    assert said in warning
    assert ("OpenAI" in warning or "Deepgram" in warning) is ("a model of" in said)


def test_an_undocumented_language_is_a_warning():
    _, warnings = recognition.recognition_options("fun-asr-realtime-2025-09-15", {"languages": ("ja", "zh")})
    assert len(warnings) == 2
    assert "'ja'" in warnings[0]
    assert "first 1 of 2" in warnings[1]


def test_8k_models_get_8_khz():
    assert recognition.wire_rate_hz("paraformer-realtime-8k-v2") == 8000
    assert recognition.wire_rate_hz("fun-asr-flash-8k-realtime-2027-01-01") == 8000
    assert recognition.wire_rate_hz("fun-asr-realtime") == 16000


def test_the_model_picks_the_protocol_and_the_flag_overrides():
    known = {"run-task": 1, "realtime": 1}
    assert recognition.protocol_name("qwen3-asr-flash-realtime", None, known) == "realtime"
    assert recognition.protocol_name("qwen9-asr-flash-realtime", None, known) == "realtime"
    assert recognition.protocol_name("new-model", None, known) == "run-task"
    assert recognition.protocol_name("qwen3-asr-flash-realtime", "run-task", known) == "run-task"
    with pytest.raises(UsageError, check=says("run-task, realtime")):
        recognition.protocol_name("x", "grpc", known)


def test_parameters_are_json_where_they_can_be():
    pairs = ["a=1", "b=true", 'c={"x":[1]}', "d=plain text", "e=", "f=NaN", "g=x=y"]
    parameters = phrases.parse_parameters(pairs)
    assert parameters == {
        "a": 1, "b": True, "c": {"x": [1]}, "d": "plain text", "e": "", "f": "NaN", "g": "x=y",
    }  # fmt: skip
    json.dumps(parameters, allow_nan=False)
    assert phrases.parse_parameters([f"a={'[' * 100_000}"]) == {"a": "[" * 100_000}
    for bad in ("novalue", "=1"):
        with pytest.raises(UsageError, match="KEY=VALUE"):
            phrases.parse_parameters([bad])


def test_hotwords_are_an_id_or_words():
    assert phrases.parse_hotwords("vocab-x-1").list_id == "vocab-x-1"
    said = phrases.parse_hotwords("ALSA:5,Pulse Audio")
    assert (said.list_id, phrases.weights(said.phrases, "…")) == (None, {"ALSA": 5, "Pulse Audio": 4})
    with pytest.raises(UsageError, match="weights are 1 to 5"):
        phrases.weights(phrases.parse_hotwords("ALSA:9,x").phrases, "…")


def test_phrases_may_have_blanks_around_their_parts():
    said = phrases.parse_hotwords(" ALSA : 5 ,,Pulse Audio")
    assert phrases.weights(said.phrases, "…") == {"ALSA": 5, "Pulse Audio": 4}


@pytest.mark.parametrize(
    ("fields", "flag"),
    [
        ({"context": (Turn("caf\udce9"),)}, "--context"),
        ({"languages": ("z\udce9",)}, "--language"),
        ({"hotwords": {"caf\udce9": 4}}, "--hotwords"),
        ({"extra": {"x": [{"y\udce9": 1}]}}, "--param"),
    ],
)
def test_a_text_that_cannot_be_sent_is_refused_by_the_name_of_its_option(fields, flag):
    """An argument that is not in the system's encoding reaches us with lone surrogates in it."""
    with pytest.raises(UsageError, match=f"{flag}.* is not valid UTF-8"):
        recognition.recognition_options("qwen-audio-3.1-asr-flash-streaming", fields)
    with pytest.raises(UsageError, match="--model is not"):
        recognition.recognition_options("m\udce9", {})


def test_the_catalogue_is_consistent():
    names = [model.name for model in models.CATALOGUE]
    assert len(set(names)) == len(names)
    for model in models.CATALOGUE:
        assert model.options <= BY_NAME.keys()
        assert model.regions
        assert not model.rates_hz or model.wire_rate_hz in model.rates_hz
        assert model.protocol == models.guess_protocol(model.name)
        assert model.wire_rate_hz == models.guess_wire_rate_hz(model.name)
    assert models.find(models.DEFAULT_MODEL)
    assert set(REGISTRY) <= {model.protocol for model in models.CATALOGUE}
