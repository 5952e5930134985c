"""From what the user said of a recognition to the options that the engine runs on.

Everything is checked here once, before anything is sent; what comes out is frozen.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

from asrcli.settings import catalogue as models
from asrcli.settings.languages import near_code, refuse_names
from asrcli.values.choices import choose_one
from asrcli.values.errors import UsageError
from asrcli.values.kinds import Number, Whole
from asrcli.values.parameters import BY_NAME, MOST_FILTERED, Parameter
from asrcli.values.pcm import PcmFormat
from asrcli.values.recognition import RecognitionOptions

_OWN_FIELDS = {field.name for field in dataclasses.fields(RecognitionOptions)}
# What is sent is what --send says, at the rate that the begin line names, whatever a message says of it.
_OF_THE_SOUND = {
    "format": "use --send",
    "input_audio_format": "use --send",
    "sample_rate": "use --wire-rate",
}


def recognition_options(
    model_name: str, fields: Mapping[str, object], region: str | None = None
) -> tuple[RecognitionOptions, list[str]]:
    """Options for `model_name` from the neutral `fields` the user set, and warnings.

    `fields` are those of RecognitionOptions and names of `values.parameters`. Raises UsageError for a value out of
    range and for an option that a known model lacks; a model that has it is looked for in `region` first.
    """
    _check_text({"model": model_name, **fields})
    for name in fields:
        # Turns are right already; the table speaks of the text that a session takes.
        if name in BY_NAME and name != "context":
            check(BY_NAME[name], fields[name])
    _check_filter(fields)
    refuse_names(fields.get("languages", ()))  # type: ignore[arg-type]
    model = models.find(model_name)
    if model is not None:
        _check_model(model, fields, region)
    options = _options(model_name, fields)
    for key in options.extra:
        if key in _OF_THE_SOUND:
            raise UsageError(f"--param {key} would say of the sound what it is not", hint=_OF_THE_SOUND[key])
    if model is None:
        return options, ["; ".join(filter(None, models.not_in_it(model_name)))]
    return options, list(_language_warnings(options, model))


def _options(model_name: str, fields: Mapping[str, object]) -> RecognitionOptions:
    given = dict(fields)
    rate_hz = given.pop("wire_rate", None) or wire_rate_hz(model_name)
    own = {name: given.pop(name) for name in _OWN_FIELDS & given.keys()}
    own = {"audio_format": PcmFormat(rate_hz), **own}  # type: ignore[arg-type]
    return RecognitionOptions(model=model_name, parameters=given, **own)  # type: ignore[arg-type]


def _check_text(fields: Mapping[str, object]) -> None:
    """Raise UsageError for a text that cannot be sent.

    Python makes lone surrogates of arguments that are not in the system's encoding, and no message can hold one.
    """
    for name, value in fields.items():
        try:
            json.dumps(value, ensure_ascii=False, default=str).encode()
        except UnicodeEncodeError as error:
            flag = BY_NAME[name].flag if name in BY_NAME else "--param" if name == "extra" else f"--{name}"
            raise UsageError(
                f"{flag} is not valid UTF-8", hint="check the encoding of the terminal or script"
            ) from error


def check(parameter: Parameter, value: object) -> None:
    """Raise UsageError where `value` is not what `parameter` may hold."""
    wanted = parameter.kind(value)
    if wanted is None:
        return
    if isinstance(parameter.kind, Whole | Number) and isinstance(value, int | float):
        low, high = parameter.kind.low, parameter.kind.high
        raise UsageError(f"{parameter.flag} {value:g} is out of range", hint=f"{low} to {high}{parameter.unit}")
    raise UsageError(f"{parameter.flag} takes {wanted}")


def _check_filter(fields: Mapping[str, object]) -> None:
    named = [BY_NAME[name].flag for name in ("mask_words", "drop_words") if fields.get(name)]
    count = sum(len(fields.get(name, ())) for name in ("mask_words", "drop_words"))  # type: ignore[arg-type, misc]
    if count > MOST_FILTERED:
        raise UsageError(
            f"{' and '.join(named)} hold {count} words", hint=f"the service takes {MOST_FILTERED} at most in all"
        )


def _check_model(model: models.Model, fields: Mapping[str, object], region: str | None) -> None:
    """Raise UsageError for what `model` lacks, with one that would do."""
    lacking = [name for name in fields if name in BY_NAME and name != "wire_rate" and name not in model.options]
    if lacking:
        able = models.with_options(model, lacking, fields.keys() & BY_NAME.keys() - {"wire_rate"}, region)
        flags = " and no ".join(BY_NAME[name].flag_for(fields[name]) for name in lacking)
        other = f"{_named(able, region)} has; or " if able else ""
        raise UsageError(
            f"{model.name} has no {flags}", hint=f"{other}leave it out{_unchecked(model, lacking, fields)}"
        )
    rate_hz = fields.get("wire_rate")
    if rate_hz is not None and model.rates_hz and rate_hz not in model.rates_hz:
        taken = " or ".join(map(str, model.rates_hz))
        like = models.with_rate(model, rate_hz, region)
        raise UsageError(
            f"{model.name} takes no --wire-rate {rate_hz}",
            hint=f"{taken}{f'; {_named(like, region)} does' if like else ''}",
        )


def _unchecked(model: models.Model, lacking: list[str], fields: Mapping[str, object]) -> str:
    """How to send it all the same, where it is one plain value in a field of its own."""
    row, value = BY_NAME[lacking[0]], fields[lacking[0]]
    is_plain = isinstance(value, bool | int | float) and row.field and "." not in row.field
    if len(lacking) > 1 or not is_plain or model.protocol != "run-task":
        return ""
    return f"; --param {row.field}={json.dumps(value)} sends it unchecked"


def _named(model: models.Model, region: str | None) -> str:
    """How to ask for `model`, from `region` where the user is."""
    away = region is not None and region not in model.regions
    return f"-m {model.name}{f' --region {model.regions[0]}' if away else ''}"


def with_parameter(options: RecognitionOptions, name: str, value: object) -> RecognitionOptions:
    """Set a parameter unasked, where the model is known to listen to that and the user did not say."""
    model = models.find(options.model)
    if model is None or name not in model.options or name in options.parameters or BY_NAME[name].field in options.extra:
        return options
    return replace(options, parameters={**options.parameters, name: value})


def _language_warnings(options: RecognitionOptions, model: models.Model) -> Iterable[str]:
    for code in options.languages:
        if code not in model.languages:
            near = near_code(code, model.languages)
            advice = f"did you mean {near}? " if near else ""
            known = " ".join(model.languages)
            yield f"{model.name} is not documented for the language {code!r} ({advice}known: {known})"
    if len(options.languages) > model.max_languages:
        yield f"{model.name} reads only the first {model.max_languages} of {len(options.languages)} languages"


def wire_rate_hz(model_name: str) -> int:
    """The sample rate to send: 8 kHz for the 8k models, else 16 kHz."""
    model = models.find(model_name)
    return model.wire_rate_hz if model else models.guess_wire_rate_hz(model_name)


def protocol_name(model_name: str, override: str | None, known: Iterable[str]) -> str:
    """The protocol that `model_name` speaks; `override` is the user's --protocol."""
    if override is not None and override not in known:
        raise UsageError(f"--protocol {override!r} is not known", hint=choose_one(override, known))
    model = models.find(model_name)
    return override or (model.protocol if model else models.guess_protocol(model_name))
