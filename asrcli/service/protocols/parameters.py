"""The run-task parameters as this service takes them: what makes one wrong, and what they do.

Their types and ranges are those of `values.parameters`. Sources: the vendor's "client events" pages of Fun-ASR,
Paraformer and Qwen-Audio-ASR of 2026, and its samples, which leave out what the pages call needed and send null for
what they do not set. Unknown parameters and unknown models are let through, because both grow.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from asrcli.service.recognizers.base import RecognitionSettings
from asrcli.values.context import MOST_CHARACTERS, MOST_TURNS
from asrcli.values.kinds import one_of
from asrcli.values.parameters import problem

AUDIO_FORMATS = ("pcm", "wav", "mp3", "opus", "speex", "aac", "amr")
_CONTEXT_PARTS = {"user": "input_text", "assistant": "text"}


class ParameterError(Exception):
    """A parameter that the service refuses; the text names it. `code` is the vendor's."""

    code = "CLIENT_ERROR"


def knows_vocabulary(model: str) -> bool:
    """Instant hotwords belong to Qwen-Audio 3.x."""
    return model.startswith("qwen-audio-3")


def reports_tokens(model: str) -> bool:
    """Qwen-Audio 3.1 is billed by tokens, and says so in every usage."""
    return model.startswith("qwen-audio-3.1")


def only_realtime(model: str) -> bool:
    """Qwen-ASR-Realtime lives on /api-ws/v1/realtime and is unknown here."""
    return model.startswith("qwen3-asr-flash-realtime")


def shows_partials(model: str, parameters: Mapping[str, Any]) -> bool:
    """The message model sends final sentences only, unless it is asked for more."""
    return "-asr-flash-message" not in model or parameters.get("intermediate_result_enabled", False)


def shows_emotions(model: str, parameters: Mapping[str, Any]) -> bool:
    """One model does, in its final results, and only where silence ends its sentences."""
    return model == "paraformer-realtime-8k-v2" and not parameters.get("semantic_punctuation_enabled", False)


def those_set(model: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that `given` sets, with the format and the rate that hold where it names none.

    Null sets nothing. Raises ParameterError for the first one of a wrong type, out of range or foreign.
    """
    parameters = {name: value for name, value in given.items() if value is not None}
    for name, value in parameters.items():
        if name == "format":
            wrong = (name, wanted) if (wanted := one_of(*AUDIO_FORMATS)(value)) else None
        else:
            wrong = problem(name, value)
        if wrong is not None:
            raise ParameterError(f"parameter '{wrong[0]}' must be {wrong[1]}, not {value!r}"[:300])
    if "vocabulary" in parameters and not knows_vocabulary(model):
        raise ParameterError(f"parameter 'vocabulary' is not supported by model '{model}'")
    return {"format": "pcm", "sample_rate": 8_000 if "-8k" in model else 16_000, **parameters}


def context_in_force(model: str, context: object) -> str:
    """All that counts of `context`: of a turn its first 400 characters, of each side its newest 5 messages.

    A turn begins with each message of the user. Raises ParameterError for what is no list of messages, and for a model
    that takes none.
    """
    _check_context(context)
    assert isinstance(context, list)
    if context and model.startswith("paraformer"):
        raise ParameterError(f"'payload.input.context' is not supported by model '{model}'")
    kept: dict[str, list[str]] = {role: [] for role in _CONTEXT_PARTS}
    left = MOST_CHARACTERS
    for message in context:
        left = MOST_CHARACTERS if message["role"] == "user" else left
        text = "\n".join(part["text"] for part in message["content"])[:left]
        left -= len(text)
        kept[message["role"]].append(text)
    return "\n".join(text for texts in kept.values() for text in texts[-MOST_TURNS:])


def _check_context(context: object) -> None:
    """Raise ParameterError unless `context` is a list of messages, each with a role and a list of texts."""
    if not isinstance(context, list):
        raise ParameterError("'payload.input.context' must be a list of messages with role and content")
    for at, turn in enumerate(context):
        role = turn.get("role") if isinstance(turn, dict) else None
        kind = _CONTEXT_PARTS.get(role) if isinstance(role, str) else None
        if kind is None:
            raise ParameterError(f"'payload.input.context[{at}].role' must be user or assistant")
        parts = turn.get("content")
        if not isinstance(parts, list) or not all(_is_text_part(part, kind) for part in parts):
            raise ParameterError(f"'payload.input.context[{at}].content' must be a list of {kind} parts with text")


def _is_text_part(part: object, kind: str) -> bool:
    return isinstance(part, dict) and part.get("type") == kind and isinstance(part.get("text"), str)


def settings_of(
    parameters: Mapping[str, Any], listed: Iterable[Mapping[str, Any]] = (), context: str = ""
) -> RecognitionSettings:
    """The recogniser's settings from those that `those_set` gave, from the words of the list that they name, and from
    the context in force.

    Language hints, dialects and semantic punctuation have no counterpart: the recogniser knows English, and sentences
    by their silence. But where there are hints, listed words of another language have no effect.
    """
    hints = parameters.get("language_hints")
    acting = {word["text"] for word in listed if not (hints and word.get("lang")) or word["lang"] in hints}
    return RecognitionSettings(
        audio_format=parameters["format"],
        sample_rate_hz=parameters["sample_rate"],
        max_sentence_silence_ms=parameters.get("max_sentence_silence", 1300),
        multi_threshold=parameters.get("multi_threshold_mode_enabled", False),
        noise_threshold=parameters.get("speech_noise_threshold", 0.0),
        punctuation=parameters.get("punctuation_prediction_enabled", True),
        disfluency_removal=parameters.get("disfluency_removal_enabled", False),
        context=context,
        hotwords=tuple(sorted({*parameters.get("vocabulary", ()), *acting})),
    )
