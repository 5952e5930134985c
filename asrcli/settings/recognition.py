"""From what the user said to what the engine runs on: key, endpoint, recognition options.

Everything is checked here once, before anything is sent; what comes out is frozen. The key is left out of every repr.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from asrcli.settings import catalogue as models
from asrcli.values.errors import UsageError
from asrcli.values.pcm import PcmFormat
from asrcli.values.recognition import RecognitionOptions


def recognition_options(model_name: str, fields: Mapping[str, object]) -> tuple[RecognitionOptions, list[str]]:
    """Options for `model_name` from the neutral `fields` the user set, and warnings.

    Raises UsageError for a value out of range and for an option that a known model lacks.
    """
    _check_text({"model": model_name, **fields})
    options = RecognitionOptions(model=model_name, **{"audio_format": PcmFormat(wire_rate_hz(model_name)), **fields})  # type: ignore[arg-type]
    _check_ranges(options)
    model = models.find(model_name)
    if model is None:
        known = models.nearest(model_name)
        advice = f"; did you mean {known}?" if known else ""
        return options, [f"the model {model_name!r} is not in the catalogue of this version{advice}"]
    lacking = [_FLAGS[name] for name in fields if name in _FLAGS and name not in model.options]
    if lacking:
        raise UsageError(
            f"{model_name} has no {' and no '.join(lacking)}",
            hint="leave it out or choose another model (see `asrcli models`); --param sends a field unchecked",
        )
    return options, list(_language_warnings(options, model))


def _check_text(fields: Mapping[str, object]) -> None:
    """Raise UsageError for a text that cannot be sent.

    Python makes lone surrogates of arguments that are not in the system's encoding, and no message can hold one.
    """
    for name, value in fields.items():
        try:
            json.dumps(value, ensure_ascii=False, default=str).encode()
        except UnicodeEncodeError as error:
            flag = _FLAGS.get(name, "--param" if name == "extra" else f"--{name}")
            raise UsageError(
                f"{flag} is not valid UTF-8", hint="check the encoding of the terminal or script"
            ) from error


def with_heartbeat(options: RecognitionOptions) -> RecognitionOptions:
    """Ask the service to bear long silence, where the model is known to listen to that and the user did not say."""
    model = models.find(options.model)
    if model is None or "heartbeat" not in model.options or options.heartbeat is not None:
        return options
    return replace(options, heartbeat=True)


_FLAGS = {
    "languages": "--language",
    "hotwords_id": "--hotwords",
    "hotwords": "--hotwords with words",
    "max_sentence_silence_ms": "--max-sentence-silence",
    "semantic_punctuation": "--semantic-punctuation",
    "multi_threshold": "--multi-threshold",
    "noise_threshold": "--noise-threshold",
    "heartbeat": "--heartbeat",
    "disfluency_removal": "--disfluency-removal",
    "context": "--context",
    "manual": "--manual",
}


def _check_ranges(options: RecognitionOptions) -> None:
    silence_ms, noise = options.max_sentence_silence_ms, options.noise_threshold
    if silence_ms is not None and not 200 <= silence_ms <= 6000:
        raise UsageError(f"--max-sentence-silence {silence_ms} is out of range", hint="200 to 6000 milliseconds")
    if noise is not None and not -1.0 <= noise <= 1.0:
        raise UsageError(f"--noise-threshold {noise:g} is out of range", hint="-1.0 to 1.0, in steps of 0.1")


def _language_warnings(options: RecognitionOptions, model: models.Model) -> Iterable[str]:
    for code in options.languages:
        if code not in model.languages:
            yield f"{model.name} is not documented for the language {code!r} (known: {' '.join(model.languages)})"
    if len(options.languages) > model.max_languages:
        yield f"{model.name} reads only the first {model.max_languages} of {len(options.languages)} languages"


def wire_rate_hz(model_name: str) -> int:
    """The sample rate to send: 8 kHz for the 8k models, else 16 kHz."""
    model = models.find(model_name)
    return model.wire_rate_hz if model else models.guess_wire_rate_hz(model_name)


def protocol_name(model_name: str, override: str | None, known: Iterable[str]) -> str:
    """The protocol that `model_name` speaks; `override` is the user's --protocol."""
    if override is not None and override not in known:
        raise UsageError(f"--protocol {override!r} is not known", hint=f"choose one of {', '.join(known)}")
    model = models.find(model_name)
    return override or (model.protocol if model else models.guess_protocol(model_name))
