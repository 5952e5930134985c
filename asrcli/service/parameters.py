"""The run-task parameters that this service knows: their types, their ranges, and which models take them.

Sources: the vendor's "client events" pages of Fun-ASR, Paraformer and Qwen-Audio-ASR of 2026. Unknown parameters and
unknown models are let through, because both grow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from asrcli.service.recognizer import RecognitionSettings

AUDIO_FORMATS = ("pcm", "wav", "mp3", "opus", "speex", "aac", "amr")
_SUPER_HOTWORD_WEIGHT = 50
_CONTEXT_PARTS = {"user": "input_text", "assistant": "text"}

Check = Callable[[object], str | None]
"""Says what a value must be, or None where it is that already."""


class ParameterError(Exception):
    """A parameter that the service refuses. `code` is the vendor's error code; the text names the parameter."""

    def __init__(self, message: str, *, code: str = "CLIENT_ERROR") -> None:
        super().__init__(message)
        self.code = code


def _boolean(value: object) -> str | None:
    return None if isinstance(value, bool) else "true or false"


def _string(value: object) -> str | None:
    return None if isinstance(value, str) else "a string"


def _strings(value: object) -> str | None:
    return None if isinstance(value, list) and all(isinstance(item, str) for item in value) else "a list of strings"


def _filter(value: object) -> str | None:
    # The reference shows a string that holds JSON, the guide an object.
    return None if isinstance(value, str | dict) else "a JSON string"


def _whole(low: int, high: int) -> Check:
    def check(value: object) -> str | None:
        fits = isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        return None if fits else f"a whole number from {low} to {high}"

    return check


def _number(low: float, high: float) -> Check:
    def check(value: object) -> str | None:
        fits = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
        return None if fits else f"a number from {low:g} to {high:g}"

    return check


def _one_of(*choices: str) -> Check:
    return lambda value: None if value in choices else "one of " + ", ".join(choices)


def _vocabulary(value: object) -> str | None:
    fits = isinstance(value, dict) and all(_is_weight(weight) for weight in value.values())
    return None if fits else f"an object of words with weights from 1 to 5, or {_SUPER_HOTWORD_WEIGHT}"


def _is_weight(value: object) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return whole and (_whole(1, 5)(value) is None or value == _SUPER_HOTWORD_WEIGHT)


_CHECKS: dict[str, Check] = {
    "format": _one_of(*AUDIO_FORMATS),
    "sample_rate": _whole(8_000, 96_000),
    "vocabulary_id": _string,
    "vocabulary": _vocabulary,
    "language_hints": _strings,
    "semantic_punctuation_enabled": _boolean,
    "max_sentence_silence": _whole(200, 6_000),
    "multi_threshold_mode_enabled": _boolean,
    "punctuation_prediction_enabled": _boolean,
    "heartbeat": _boolean,
    "disfluency_removal_enabled": _boolean,
    "inverse_text_normalization_enabled": _boolean,
    "speech_noise_threshold": _number(-1, 1),
    "special_word_filter": _filter,
    "keep_dialect": _boolean,
    "vad_model": _string,
    "intermediate_result_enabled": _boolean,
}


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


def check_parameters(model: str, parameters: Mapping[str, Any]) -> None:
    """Raise ParameterError for the first parameter that is missing, of a wrong type, out of range or foreign."""
    for name in ("format", "sample_rate"):
        if name not in parameters:
            message = f"Missing required parameter 'payload.parameters.{name}'! Please follow the protocol!"
            raise ParameterError(message, code="InvalidParameter")
    for name, check in _CHECKS.items():
        if name in parameters and (wanted := check(parameters[name])) is not None:
            raise ParameterError(f"parameter '{name}' must be {wanted}, not {parameters[name]!r}"[:300])
    if "vocabulary" in parameters and not knows_vocabulary(model):
        raise ParameterError(f"parameter 'vocabulary' is not supported by model '{model}'")


def check_context(context: object) -> None:
    """Raise ParameterError unless `context` is a list of turns, each with a role and a list of texts."""
    if not isinstance(context, list):
        raise ParameterError("'payload.input.context' must be a list of messages with role and content")
    for number, turn in enumerate(context):
        role = turn.get("role") if isinstance(turn, dict) else None
        kind = _CONTEXT_PARTS.get(role) if isinstance(role, str) else None
        if kind is None:
            raise ParameterError(f"'payload.input.context[{number}].role' must be user or assistant")
        parts = turn.get("content")
        if not isinstance(parts, list) or not all(_is_text_part(part, kind) for part in parts):
            raise ParameterError(f"'payload.input.context[{number}].content' must be a list of {kind} parts with text")


def _is_text_part(part: object, kind: str) -> bool:
    return isinstance(part, dict) and part.get("type") == kind and isinstance(part.get("text"), str)


def settings_of(parameters: Mapping[str, Any]) -> RecognitionSettings:
    """The recogniser's settings; `parameters` have been checked.

    Language hints, hotwords and semantic punctuation have no counterpart: the recogniser knows English, a fixed
    vocabulary, and sentences by their silence.
    """
    return RecognitionSettings(
        audio_format=parameters["format"],
        sample_rate_hz=parameters["sample_rate"],
        max_sentence_silence_ms=parameters.get("max_sentence_silence", 1300),
        multi_threshold=parameters.get("multi_threshold_mode_enabled", False),
        noise_threshold=parameters.get("speech_noise_threshold", 0.0),
        punctuation=parameters.get("punctuation_prediction_enabled", True),
        disfluency_removal=parameters.get("disfluency_removal_enabled", False),
    )
