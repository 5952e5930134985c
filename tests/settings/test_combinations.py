"""What has no effect is told, with what to do; what is right is passed over in silence."""

from __future__ import annotations

import pytest

from asrcli.settings import catalogue as models
from asrcli.settings.combinations import notices, of_the_source
from asrcli.settings.recognition import recognition_options
from asrcli.values.context import Turn
from asrcli.values.errors import UsageError
from asrcli.values.pcm import PcmFormat
from asrcli.values.recognition import RecognitionOptions
from tests.support.wording import says

STREAMING = "qwen-audio-3.1-asr-flash-streaming"
SESSION = "qwen3-asr-flash-realtime"


def told(model: str, protocol: str = "run-task", region: str | None = None, **fields: object) -> str:
    options, warnings = recognition_options(model, fields, region)
    return "\n".join([*warnings, *(f"{message} ({hint})" for message, hint in notices(options, protocol, region))])


@pytest.mark.parametrize(
    ("model", "fields", "said"),
    [
        (STREAMING, {"semantic_punctuation": True, "max_sentence_silence_ms": 800}, "--max-sentence-silence ends no"),
        (STREAMING, {"semantic_punctuation": True, "multi_threshold": True}, "--multi-threshold does nothing"),
        (STREAMING, {"multi_threshold": True, "extra": {"semantic_punctuation_enabled": True}}, "does nothing"),
        ("paraformer-realtime-8k-v2", {"semantic_punctuation": True}, "tells no emotions with --semantic-punctuation"),
        (STREAMING, {"languages": ("xx",)}, "not documented for the language 'xx'"),
        (STREAMING, {"languages": ("zh", "en", "ja", "ko", "vi")}, "reads only the first 4 of 5"),
        (STREAMING, {"vad_model": "close"}, "--vad-model close is not documented (known: far_field_meeting_16k"),
        (STREAMING, {"extra": {"keep_dialekt": True}}, "keep_dialekt is not known to this version (did you mean keep_"),
        (STREAMING, {"extra": {"tomorrow": 1}}, "tomorrow is not known to this version (it is sent as it is)"),
        (
            "fun-asr-realtime",
            {"extra": {"keep_dialect": True}},
            f"not documented for --param keep_dialect (-m {STREAMING} is)",
        ),
        (STREAMING, {"extra": {"punctuation_prediction_enabled": False}}, "(-m paraformer-realtime-v2 is)"),
        (STREAMING, {"noise_threshold": 0.1, "extra": {"speech_noise_threshold": 0}}, "the place of --noise-threshold"),
        (STREAMING, {"languages": ("zh",), "extra": {"language_hints": ["en"]}}, "takes the place of --language"),
        (
            STREAMING,
            {"extra": {"max_sentence_silence": "800"}},
            "--param max_sentence_silence=800 may be refused (max_sentence_silence is a whole number from 200 to 6000",
        ),
        (STREAMING, {"extra": {"special_word_filter": {"filter_with_empty": ["a"]}}}, "filter_with_empty is an object"),
    ],
)
def test_what_does_nothing_is_told(model, fields, said):
    assert said in told(model, **fields)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"noise_threshold": 0.5, "extra": {"turn_detection": {}}}, "--param turn_detection takes the place of --thr"),
        ({"context": (Turn("x"),), "extra": {"input_audio_transcription": {}}}, "takes the place of --corpus"),
        ({"extra": {"heartbeat": True}}, "heartbeat is not known to this version"),
        ({"extra": {"turn_detection": {"threshold": 7}}}, "turn_detection.threshold is a number from -1 to 1"),
        ({"extra": {"input_audio_transcription": {"corpus": "x"}}}, "input_audio_transcription.corpus is an object"),
    ],
)
def test_what_does_nothing_in_a_session_is_told(fields, said):
    assert said in told(SESSION, "realtime", **fields)


def test_an_option_without_a_field_in_the_protocol_is_told():
    """Of a model that is not known nobody can say what it lacks, but what has no field cannot arrive."""
    said = told("qwen9-asr-flash-realtime", "realtime", heartbeat=True, noise_threshold=0.1, phrase_list="p")
    assert "--heartbeat has no place in the realtime protocol (it is left out)" in said
    assert "--phrase-list has no place" in said
    assert "threshold has no place" not in said
    assert "has no place" not in told("new-model", phrase_list="p", context=(Turn("c"),), languages=("en",))


@pytest.mark.parametrize(
    ("model", "protocol", "fields"),
    [
        (STREAMING, "run-task", {"max_sentence_silence_ms": 800, "multi_threshold": True, "noise_threshold": 0.1}),
        (STREAMING, "run-task", {"semantic_punctuation": True}),
        (STREAMING, "run-task", {"extra": {"keep_dialect": True, "special_word_filter": "{}"}}),
        (SESSION, "realtime", {"extra": {"input_audio_transcription": {"language": "en", "corpus": {"text": "x"}}}}),
        (SESSION, "realtime", {"extra": {"modalities": ["text"], "turn_detection": None}, "languages": ("en",)}),
        ("paraformer-realtime-8k-v2", "run-task", {"semantic_punctuation": False}),
        ("paraformer-realtime-v2", "run-task", {"punctuation": False, "languages": ("zh", "en")}),
    ],
)
def test_what_is_right_is_passed_over(model, protocol, fields):
    assert told(model, protocol, "cn", **fields) == ""


def test_a_model_that_is_not_in_the_region_is_told_with_one_that_is():
    said = told("paraformer-realtime-v2", region="intl")
    assert said.startswith("paraformer-realtime-v2 is in the region cn, and this goes to intl (--region cn with a key")
    instead = said.rpartition("-m ")[2].rstrip(")")
    assert "intl" in models.find(instead).regions
    assert told("paraformer-realtime-v2", region="cn") == ""
    assert told("paraformer-realtime-v2") == ""


@pytest.mark.parametrize(
    ("model", "fields", "able"),
    [
        ("fun-asr-realtime", {"disfluency_removal": True}, "qwen-audio-3.1-asr-flash-message"),
        ("fun-asr-realtime", {"hotwords": {"a": 4}}, STREAMING),
        ("fun-asr-realtime", {"vad_model": "near_meeting_16k"}, STREAMING),
        ("fun-asr-realtime", {"numbers": False}, "paraformer-realtime-v2 --region cn"),
        ("paraformer-realtime-v2", {"phrase_list": "p"}, "paraformer-realtime-v1 --region cn"),
        ("paraformer-realtime-v1", {"hotwords_id": "v", "heartbeat": True}, STREAMING),
    ],
)
def test_a_refusal_names_a_model_that_would_do(model, fields, able):
    with pytest.raises(UsageError, check=says(f"{model} has no .*-m {able} has")):
        recognition_options(model, fields, "intl")


def test_the_model_that_would_do_takes_all_that_was_asked():
    fields = {"keep_dialect": True, "semantic_punctuation": True, "context": (Turn("x"),)}
    with pytest.raises(UsageError, check=says(f"-m {STREAMING} has")):
        recognition_options("fun-asr-realtime", fields, "intl")
    with pytest.raises(UsageError) as nobody:
        recognition_options("fun-asr-realtime", {"disfluency_removal": True, "phrase_list": "p", "hotwords": {"a": 4}})
    assert "-m" not in nobody.value.hint


def test_a_rate_that_the_model_does_not_take_is_refused_with_one_that_does():
    with pytest.raises(UsageError, check=says("takes no --wire-rate 8000 .16000; -m qwen-audio-3.1-asr-flash-str")):
        recognition_options("qwen-audio-3.1-asr-flash-message", {"wire_rate": 8000}, "intl")
    assert recognition_options("fun-asr-realtime", {"wire_rate": 8000})[0].audio_format == PcmFormat(8000)
    with pytest.raises(UsageError, check=says("--wire-rate 4000 is out of range .8000 to 96000 Hz")):
        recognition_options("fun-asr-realtime", {"wire_rate": 4000})


@pytest.mark.parametrize("key", ["format", "sample_rate", "input_audio_format"])
def test_a_parameter_that_would_lie_about_the_sound_is_refused(key):
    with pytest.raises(UsageError, match=f"--param {key} would say of the sound what it is not"):
        recognition_options("fun-asr-realtime", {"extra": {key: "x"}})


def test_telephone_sound_for_a_model_of_16_khz_is_told():
    def said(model: str, rate_hz: int, **fields: object) -> tuple[str, ...]:
        return of_the_source(recognition_options(model, fields)[0], rate_hz) or ()

    assert said("fun-asr-realtime", 8000) == (
        "the sound has 8 kHz and is sent as 16 kHz, which makes it no clearer",
        "--wire-rate 8000 or for Chinese -m fun-asr-flash-8k-realtime",
    )
    assert said("fun-asr-realtime", 8000, languages=("en",))[1] == "--wire-rate 8000"
    assert said("qwen-audio-3.1-asr-flash-message", 8000)[1] == "for Chinese -m fun-asr-flash-8k-realtime"
    assert said("fun-asr-realtime", 16000) == ()
    assert said("fun-asr-realtime", 8000, wire_rate=8000) == ()
    assert said("fun-asr-flash-8k-realtime", 8000) == ()
    assert of_the_source(RecognitionOptions("new-model"), 8000) is None
