"""The parameters of a recognition, one row each: their options, kinds and ranges, and the vendor's fields for them.

Read by the command line (an option for each row), by the settings (what is refused), by both protocols (which field)
and by the local service (what it takes). Which model takes what stands in the catalogue, by the names here.
Sources: the vendor's "client events" pages of Fun-ASR, Paraformer, Qwen-Audio-ASR and Qwen-ASR-Realtime, of 2026.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from asrcli.values.kinds import Check, Number, Switch, Text, Texts, Weights, Whole


@dataclass(frozen=True, slots=True)
class Parameter:
    """One of them. `name` is ours, and `flag` its option in `asrcli file` and its kin; without a `help` text that
    option is written by hand there, because it says more than one value.

    `field` is the path in payload.parameters of run-task, `session` that in `session` of session.update, "" for none;
    `session_flag` is the option of `asrcli qwen`, where it has another name. `unit` follows a range.
    """

    name: str
    flag: str
    kind: Check
    help: str = ""
    metavar: str = ""
    field: str = ""
    session: str = ""
    session_flag: str = ""
    unit: str = ""

    @property
    def option(self) -> str:
        """The name that the option has for Typer, and in a configuration file."""
        return self.flag.removeprefix("--").replace("-", "_")

    def flag_for(self, value: object) -> str:
        """The option as it is written for `value`: --no-x turns off a switch."""
        return f"--no-{self.flag.removeprefix('--')}" if value is False else self.flag


_WORDS = 'FILE|"a,b"'
# The reference wants a string that holds JSON.
_AS_JSON = "special_word_filter"
MOST_FILTERED = 32
"""Words that the service masks and leaves out, in all."""

PARAMETERS = (
    Parameter(
        "languages", "--language", Texts(), field="language_hints", session="input_audio_transcription.language"
    ),
    Parameter("hotwords_id", "--hotwords", Text(), field="vocabulary_id"),
    Parameter("hotwords", "--hotwords", Weights(), field="vocabulary"),
    Parameter("context", "--context", Text(), session="input_audio_transcription.corpus.text", session_flag="--corpus"),
    Parameter("context_from", "--context-from", Text()),
    Parameter("manual", "--manual", Switch()),
    Parameter(
        "phrase_list", "--phrase-list", Text(),
        "A list of hot phrases of the earlier kind, for Paraformer v1.", "ID",
    ),
    Parameter(
        "vad_model", "--vad-model", Text(("far_field_meeting_16k", "near_meeting_16k")),
        "What finds speech: far_field_meeting_16k, or near_meeting_16k for a close microphone.", "NAME",
        field="vad_model",
    ),
    Parameter(
        "max_sentence_silence_ms", "--max-sentence-silence", Whole(200, 6000),
        "Silence that ends a sentence, 200 to 6000.", "MS",
        field="max_sentence_silence", session="turn_detection.silence_duration_ms", session_flag="--silence-ms",
        unit=" milliseconds",
    ),
    Parameter(
        "semantic_punctuation", "--semantic-punctuation", Switch(), "Split sentences by meaning, not silence.",
        field="semantic_punctuation_enabled",
    ),
    Parameter(
        "multi_threshold", "--multi-threshold", Switch(), "Keep sentences from growing overlong.",
        field="multi_threshold_mode_enabled",
    ),
    Parameter(
        "noise_threshold", "--noise-threshold", Number(-1.0, 1.0), "-1.0 to 1.0; higher drops more as noise.", "N",
        field="speech_noise_threshold", session="turn_detection.threshold", session_flag="--threshold",
        unit=", in steps of 0.1",
    ),
    Parameter(
        "heartbeat", "--heartbeat", Switch(), "Keep the task alive through long silence.", field="heartbeat"
    ),
    Parameter(
        "intermediate", "--intermediate", Switch(),
        "Results that may still change, where the model sends none unasked [unless --no-partials].",
        field="intermediate_result_enabled",
    ),
    Parameter(
        "punctuation", "--punctuation", Switch(), "Punctuation marks [yes].", field="punctuation_prediction_enabled"
    ),
    Parameter(
        "numbers", "--numbers", Switch(), "Spoken numbers as digits [yes].",
        field="inverse_text_normalization_enabled",
    ),
    Parameter(
        "disfluency_removal", "--disfluency-removal", Switch(), "Drop fillers such as um.",
        field="disfluency_removal_enabled",
    ),
    Parameter(
        "keep_dialect", "--keep-dialect", Switch(), "A dialect in its own words, not in Mandarin ones.",
        field="keep_dialect",
    ),
    Parameter(
        "mask_words", "--mask-words", Texts(MOST_FILTERED),
        "Words to be replaced by *, 32 at most; a FILE has one a line.", _WORDS,
        field=f"{_AS_JSON}.filter_with_signed.word_list",
    ),
    Parameter(
        "drop_words", "--drop-words", Texts(MOST_FILTERED), "Words to be left out, 32 at most.", _WORDS,
        field=f"{_AS_JSON}.filter_with_empty.word_list",
    ),
    Parameter(
        "service_filter", "--service-filter", Switch(), "The service's own list of words to mask.",
        field=f"{_AS_JSON}.system_reserved_filter",
    ),
    Parameter(
        "wire_rate", "--wire-rate", Whole(8000, 96000), "Sample rate to send [16000; 8k models 8000].", "HZ",
        field="sample_rate", session="sample_rate", unit=" Hz",
    ),
)  # fmt: skip

BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}


def run_task_fields(values: Mapping[str, object]) -> dict[str, object]:
    """What `values`, by our names, are in payload.parameters of run-task."""
    fields = _nested((row.field, values[row.name]) for row in PARAMETERS if row.field and row.name in values)
    if _AS_JSON in fields:
        fields[_AS_JSON] = json.dumps(fields[_AS_JSON], ensure_ascii=False)
    return fields


def session_fields(values: Mapping[str, object]) -> dict[str, Any]:
    """What `values`, by our names, are in `session` of session.update."""
    return _nested((row.session, values[row.name]) for row in PARAMETERS if row.session and row.name in values)


def _nested(pairs: Iterable[tuple[str, object]]) -> dict[str, Any]:
    """Each value at its path, whose parts are separated by dots."""
    found: dict[str, Any] = {}
    for path, value in pairs:
        *parents, last = path.split(".")
        place = found
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = list(value) if isinstance(value, tuple) else value
    return found


Problem = tuple[str, str]
"""The path of what is wrong, and what must be there."""


def problem(field: str, value: object) -> Problem | None:
    """What is wrong with `value` for the run-task `field`; None where nothing is, or the field is not known."""
    rows = [row for row in PARAMETERS if row.field.partition(".")[0] == field]
    if rows and rows[0].field == field:
        wanted = rows[0].kind(value)
        return None if wanted is None else (field, wanted)
    if not rows:
        return None
    # The reference shows a string that holds JSON, the guide an object.
    if isinstance(value, str):
        try:
            value = json.loads(value or "{}")
        except (ValueError, RecursionError):
            value = None
    if not isinstance(value, dict):
        return field, "a JSON string"
    wrong = next(filter(None, (_wrong_within(value, row.field, row.kind) for row in rows)), None)
    lists = [part.get("word_list") for part in value.values() if isinstance(part, dict)]
    too_many = sum(len(words) for words in lists if isinstance(words, list)) > MOST_FILTERED
    return wrong or ((field, f"of {MOST_FILTERED} words at most") if too_many else None)


def session_problem(field: str, value: object) -> Problem | None:
    """The same for a field of the session. A language is one word there, and null is manual mode or the default."""
    rows = [row for row in PARAMETERS if row.session.startswith(f"{field}.") and row.name != "languages"]
    if not rows or value is None:
        return None
    return next(filter(None, (_wrong_within(value, row.session, row.kind) for row in rows)), None)


def _wrong_within(value: object, path: str, kind: Check) -> Problem | None:
    """What is wrong at `path`, whose first part is `value` itself; what is not there is not wrong."""
    first, *parts = path.split(".")
    for part in parts:
        if not isinstance(value, dict):
            return first, "an object"
        first, value = f"{first}.{part}", value.get(part)
        if value is None:
            return None
    wanted = kind(value)
    return None if wanted is None else (path, wanted)
