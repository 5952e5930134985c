"""What a session of Qwen-ASR-Realtime can be told, and what is in force.

Sources: the vendor's pages "client events" and "server events" of Qwen-ASR-Realtime, and its guide, of 2026. Unknown
fields and null are passed over, because the vendor's own SDK sends `voice`, `output_audio_format` and
`prefix_padding_ms` unasked; only `turn_detection` null means something: the client ends the utterances.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from asrcli.service.recognizers.base import RecognitionSettings
from asrcli.values.kinds import Check, one_of
from asrcli.values.parameters import BY_NAME

_MODEL = re.compile(r"qwen3-asr-flash-realtime(-\d{4}-\d{2}-\d{2})?")
_LANGUAGES = (
    "zh", "yue", "en", "ja", "de", "ko", "ru", "fr", "pt", "ar", "it", "es", "hi", "id",
    "th", "tr", "uk", "vi", "cs", "da", "fil", "fi", "is", "ms", "no", "pl", "sv",
)  # fmt: skip
# The guide: the last three pass session.update, and may then fail to decode; with us they always do.
DECODABLE = ("pcm", "opus")
_FORMATS = (*DECODABLE, "wav", "aac", "amr")


class SettingsRefused(Exception):  # noqa: N818 - an answer, not a failure
    """Something of the client's is answered with an error event.

    `parameter` is the path of the field at fault, such as session.sample_rate.
    """

    def __init__(self, message: str, *, parameter: str | None = None, code: str = "invalid_value") -> None:
        super().__init__(message)
        self.parameter = parameter
        self.code = code


@dataclass(frozen=True, slots=True)
class TurnDetection:
    """How the service finds utterances. `threshold` -1.0 to 1.0, lower hears more; the defaults are the vendor's."""

    threshold: float = 0.2
    silence_duration_ms: int = 800


@dataclass(frozen=True, slots=True)
class SessionSettings:
    """The values in force. `turn_detection` None: manual mode. `language` has no effect here."""

    input_audio_format: str = "pcm"
    sample_rate: int = 16000
    language: str | None = None
    corpus: str | None = None
    turn_detection: TurnDetection | None = field(default_factory=TurnDetection)

    @property
    def manual(self) -> bool:
        return self.turn_detection is None

    def described(self) -> dict[str, object]:
        """As `session` of session.created and session.updated shows them."""
        transcription: dict[str, object] = {}
        if self.language is not None:
            transcription["language"] = self.language
        if self.corpus is not None:
            transcription["corpus"] = {"text": self.corpus}
        detection = self.turn_detection
        return {
            "modalities": ["text"],
            "input_audio_format": self.input_audio_format,
            "input_audio_transcription": transcription or None,
            "sample_rate": self.sample_rate,
            "turn_detection": detection
            and {
                "type": "server_vad",
                "threshold": detection.threshold,
                "silence_duration_ms": detection.silence_duration_ms,
            },
        }

    def for_recogniser(self) -> RecognitionSettings:
        settings = RecognitionSettings(
            audio_format=self.input_audio_format, sample_rate_hz=self.sample_rate, context=self.corpus or ""
        )
        detection = self.turn_detection
        if detection is None:
            return replace(settings, max_sentence_silence_ms=None)
        return replace(
            settings,
            max_sentence_silence_ms=detection.silence_duration_ms,
            noise_threshold=detection.threshold,
        )


def knows_model(model: str) -> bool:
    """The stable name, and any dated snapshot of it: new ones appear."""
    return _MODEL.fullmatch(model) is not None


def updated(settings: SessionSettings, update: object) -> SessionSettings:
    """`settings` after session.update with `update` as its session. Raises SettingsRefused."""
    if not isinstance(update, Mapping):
        raise SettingsRefused("session must be an object", parameter="session")
    changes: dict[str, Any] = {}
    for name, check in (("input_audio_format", one_of(*_FORMATS)), ("sample_rate", one_of(8000, 16000))):
        if update.get(name) is not None:
            changes[name] = _checked(update[name], f"session.{name}", check)
    transcription = update.get("input_audio_transcription")
    if transcription is not None:
        changes |= _transcription(transcription)
    if "turn_detection" in update:
        changes["turn_detection"] = _turn_detection(settings.turn_detection, update["turn_detection"])
    return replace(settings, **changes)


def _transcription(value: object) -> dict[str, object]:
    path = "session.input_audio_transcription"
    if not isinstance(value, Mapping):
        raise SettingsRefused("input_audio_transcription must be an object", parameter=path)
    changes: dict[str, object] = {}
    if value.get("language") is not None:
        changes["language"] = _checked(value["language"], f"{path}.language", one_of(*_LANGUAGES))
    corpus = value.get("corpus")
    if corpus is not None:
        if not isinstance(corpus, Mapping):
            raise SettingsRefused("corpus must be an object", parameter=f"{path}.corpus")
        if corpus.get("text") is not None:
            changes["corpus"] = _checked(corpus["text"], f"{path}.corpus.text", BY_NAME["context"].kind)
    return changes


def _turn_detection(now: TurnDetection | None, value: object) -> TurnDetection | None:
    path = "session.turn_detection"
    if value is None:
        return None
    if not isinstance(value, Mapping):
        raise SettingsRefused("turn_detection must be an object, or null for manual mode", parameter=path)
    rows = (BY_NAME["noise_threshold"], BY_NAME["max_sentence_silence_ms"])
    checks = {row.session.rpartition(".")[2]: row.kind for row in rows}
    if value.get("type") is not None:
        _checked(value["type"], f"{path}.type", one_of("server_vad"))
    changes: dict[str, Any] = {
        name: _checked(value[name], f"{path}.{name}", check)
        for name, check in checks.items()
        if value.get(name) is not None
    }
    return replace(now or TurnDetection(), **changes)


def _checked(value: object, path: str, check: Check) -> object:
    wanted = check(value)
    if wanted is not None:
        raise SettingsRefused(f"{path.rpartition('.')[2]} must be {wanted}, not {value!r}"[:300], parameter=path)
    return value
