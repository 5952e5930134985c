"""The table of parameters: all that is documented can be said by name, arrives, and is checked by the service."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from asrcli.cli.flags import knobs
from asrcli.protocols.realtime import session_settings
from asrcli.protocols.run_task import RunTask, run_task_parameters
from asrcli.service.protocols.parameters import ParameterError, those_set
from asrcli.service.protocols.session_settings import SessionSettings, SettingsRefused, updated
from asrcli.settings.hotword_rules import placed
from asrcli.settings.recognition import recognition_options
from asrcli.values.errors import UsageError
from asrcli.values.kinds import Number, Switch, Text, Texts, Weights, Whole, one_of
from asrcli.values.parameters import PARAMETERS, problem
from asrcli.values.recognition import Endpoint
from tests.support.wording import says

STREAMING = "qwen-audio-3.1-asr-flash-streaming"
MESSAGE = "qwen-audio-3.1-asr-flash-message"
# The parameters of run-task in the vendor's "client events" pages: what is typed for one, for which model, what is sent
# then, and what is no value for it. `format` is not among them: what is sent is PCM.
DOCUMENTED: dict[str, tuple[tuple[str, ...], str, object, object]] = {
    "sample_rate": (("--wire-rate", "48000"), STREAMING, 48000, 4000),
    "vocabulary_id": (("--hotwords", "vocab-x-1"), STREAMING, "vocab-x-1", 7),
    "vocabulary": (("--hotwords", "Ada:5,Grace"), STREAMING, {"Ada": 5, "Grace": 4}, {"Ada": 6}),
    "language_hints": (("-l", "zh", "-l", "en"), STREAMING, ["zh", "en"], "zh"),
    "semantic_punctuation_enabled": (("--semantic-punctuation",), STREAMING, True, 1),
    "max_sentence_silence": (("--max-sentence-silence", "800"), STREAMING, 800, 199),
    "multi_threshold_mode_enabled": (("--no-multi-threshold",), STREAMING, False, "no"),
    "speech_noise_threshold": (("--noise-threshold", "-0.3"), STREAMING, -0.3, 1.5),
    "heartbeat": (("--heartbeat",), STREAMING, True, "true"),
    "special_word_filter": (
        ("--mask-words", "damn", "--drop-words", "um, er", "--service-filter"),
        STREAMING,
        '{"filter_with_signed": {"word_list": ["damn"]}, "filter_with_empty": {"word_list": ["um", "er"]},'
        ' "system_reserved_filter": true}',
        '{"filter_with_signed": {"word_list": "damn"}}',
    ),
    "vad_model": (("--vad-model", "near_meeting_16k"), STREAMING, "near_meeting_16k", 1),
    "keep_dialect": (("--keep-dialect",), STREAMING, True, 0),
    "intermediate_result_enabled": (("--intermediate",), MESSAGE, True, "yes"),
    "disfluency_removal_enabled": (("--disfluency-removal",), MESSAGE, True, []),
    "punctuation_prediction_enabled": (("--no-punctuation",), "paraformer-realtime-v2", False, "no"),
    "inverse_text_normalization_enabled": (("--no-numbers",), "paraformer-realtime-v2", False, "no"),
}
# The same of `session` in session.update.
SESSION: dict[str, tuple[tuple[str, ...], object, object]] = {
    "sample_rate": (("--wire-rate", "8000"), 8000, 11025),
    "input_audio_format": (("--send", "opus"), "opus", "flac"),
    "input_audio_transcription": (
        ("-l", "en", "--corpus", "Ada Lovelace"),
        {"language": "en", "corpus": {"text": "Ada Lovelace"}},
        {"corpus": {"text": 1}},
    ),
    "turn_detection": (
        ("--threshold", "0.1", "--silence-ms", "400"),
        {"type": "server_vad", "threshold": 0.1, "silence_duration_ms": 400},
        {"silence_duration_ms": 100},
    ),
}


@pytest.fixture
def options_of(asrcli, monkeypatch):
    """The options that a command line comes down to."""

    def parsed(*words: str) -> Any:
        requests: list[Any] = []
        monkeypatch.setattr("asrcli.runs.run.run", lambda _, prepare, **__: requests.append(prepare()) or 0)
        done = asrcli(*words)
        assert done.code == 0, done.err
        fields = dict(requests[0].fields)
        if (hotwords := fields.pop("hotwords", None)) is not None:
            fields |= placed(hotwords, requests[0].model)[0]
        return recognition_options(requests[0].model, fields)[0]

    return parsed


@pytest.mark.parametrize("field", DOCUMENTED)
def test_a_documented_parameter_has_an_option_and_is_checked_by_the_service(field, options_of):
    words, model, sent, wrong = DOCUMENTED[field]
    parameters = run_task_parameters(options_of("file", __file__, "-m", model, *words))
    assert parameters[field] == sent
    assert field in those_set(model, parameters)
    with pytest.raises(ParameterError, match=f"'{field}"):
        those_set(model, {field: wrong})


@pytest.mark.parametrize("field", SESSION)
def test_a_documented_field_of_the_session_has_an_option_and_is_checked_by_the_service(field, options_of):
    words, sent, wrong = SESSION[field]
    fields = session_settings(options_of("qwen", __file__, *words))
    assert fields[field] == sent
    updated(SessionSettings(), fields)
    with pytest.raises(SettingsRefused) as refused:
        updated(SessionSettings(), {field: wrong})
    assert refused.value.parameter.startswith(f"session.{field}")


def test_a_phrase_list_of_the_earlier_kind_stands_beside_the_parameters(options_of):
    options = options_of("file", __file__, "-m", "paraformer-realtime-v1", "--phrase-list", "p1")
    [step] = RunTask(options, Endpoint("ws://127.0.0.1", "k")).start()
    assert '"resources": [{"resource_id": "p1", "resource_type": "asr_phrase"}]' in step.message
    assert "p1" not in str(run_task_parameters(options))


def test_what_is_in_the_table_is_documented_and_named_once():
    tops = {row.field.partition(".")[0] for row in PARAMETERS if row.field}
    assert tops == DOCUMENTED.keys()
    assert {row.session.partition(".")[0] for row in PARAMETERS if row.session} < SESSION.keys()
    # --hotwords says either an id or words.
    options = [row for row in PARAMETERS if row.name != "hotwords_id"]
    for key, rows in (("name", PARAMETERS), ("flag", options), ("option", options)):
        names = [getattr(row, key) for row in rows]
        assert len(set(names)) == len(names)


def test_words_to_filter_come_from_a_file_too_and_are_32_at_most(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("\ufeffdamn\r\n\r\n heck \r\ndamn\r\n", encoding="utf-8")
    assert knobs.fields({"mask_words": str(path)}) == {"mask_words": ("damn", "heck")}
    many = ",".join(f"w{number}" for number in range(20))
    for given, said in (
        ({"mask_words": f"{many},{many.replace('w', 'v')}"}, "--mask-words takes a list of strings, 32 at most"),
        ({"mask_words": many, "drop_words": many}, "--mask-words and --drop-words hold 40 words"),
        ({"mask_words": " , "}, "no word in it"),
        ({"mask_words": "./none.txt"}, "no such file"),
    ):
        with pytest.raises(UsageError, check=says(said)):
            recognition_options(STREAMING, knobs.fields(given))


@pytest.mark.parametrize(
    "value",
    ["", "{}", {}, '{"system_reserved_filter": true}', {"filter_with_empty": {"word_list": ["um"]}}, '{"new": 1}'],
)
def test_the_filter_may_be_a_string_or_an_object(value):
    assert problem("special_word_filter", value) is None


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (3, ""),
        ("nonsense", ""),
        ("[]", ""),
        ("[" * 100_000, ""),
        ({"filter_with_empty": {"word_list": 5}}, ".filter_with_empty.word_list"),
        ({"filter_with_empty": ["um"]}, ".filter_with_empty"),
        ({"filter_with_signed": {"word_list": ["w"] * 33}}, ".filter_with_signed.word_list"),
        ({"system_reserved_filter": "yes"}, ".system_reserved_filter"),
        ({"filter_with_empty": {"word_list": ["v"] * 20}, "filter_with_signed": {"word_list": ["w"] * 20}}, ""),
    ],
)
def test_what_is_wrong_in_the_filter_is_named_by_its_path(value, path):
    found = problem("special_word_filter", value)
    assert found is not None
    assert found[0].startswith(f"special_word_filter{path}")


def test_a_kind_takes_its_own_and_nothing_else():
    kinds: dict[Any, tuple[list[object], list[object]]] = {
        Switch(): ([True], [1, "true"]),
        Whole(1, 5): ([1, 5], [0, 6, 1.0, True, "1"]),
        Number(-1, 1): ([-1, 0.5], [1.1, float("nan"), True, "0"]),
        Text(): ([""], [1, None]),
        Texts(2): ([[], ("a", "b")], ["ab", [1], ["a", "b", "c"]]),
        Weights(): ([{}, {"a": 1, "b": 50}], [{"a": 6}, {"a": True}, []]),
        one_of("a", 1): (["a", 1], [True, "b"]),
    }
    for kind, (good, bad) in kinds.items():
        assert [kind(value) for value in good] == [None] * len(good)
        assert all(kind(value) for value in bad)


def test_a_row_can_be_written_down():
    assert all(dataclasses.asdict(row)["name"] == row.name for row in PARAMETERS)
