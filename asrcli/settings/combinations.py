"""What the user said that will have no effect, or another one than meant: told before anything is sent, never refused.

The catalogue may be behind the service, which decides in the end.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping

from asrcli.settings import catalogue as models
from asrcli.settings.context import cuts
from asrcli.values.errors import brief
from asrcli.values.kinds import Text
from asrcli.values.parameters import BY_NAME, PARAMETERS, Parameter, problem, run_task_fields, session_problem
from asrcli.values.recognition import ONE_UTTERANCE_MS, RecognitionOptions

Notice = tuple[str, str]
"""What is so, and what to do."""

# Said in the payload of run-task beside its parameters.
_BESIDE = ("context", "context_from", "phrase_list")
# Fields of a session that only --param reaches.
_OF_EVERY_SESSION = ("modalities",)
_SEMANTIC, _SILENCE, _MULTI = "semantic_punctuation_enabled", "max_sentence_silence", "multi_threshold_mode_enabled"
# The highest rate that is telephone sound.
_TELEPHONE_HZ = 8000


def notices(options: RecognitionOptions, protocol: str, region: str | None) -> Iterator[Notice]:
    """All of them, for a recognition by `protocol` in `region`; None: anywhere."""
    model = models.find(options.model)
    if model is not None and region is not None and region not in model.regions:
        yield _elsewhere(model, region)
    if protocol == "run-task":
        yield from _segmentation(options, model)
        yield from cuts(options.context)
    yield from _without_a_field(options, protocol)
    yield from _names(options)
    for key, value in options.extra.items():
        yield from _extra(options, model, protocol, key, value)


def _elsewhere(model: models.Model, region: str) -> Notice:
    there = " and ".join(model.regions)
    like = models.with_options(model, [], frozenset(), region)
    instead = f", or -m {like.name}" if like is not None and region in like.regions else ""
    return (
        f"{model.name} is in the region {there}, and this goes to {region}",
        f"--region {model.regions[0]} with a key of that region{instead}",
    )


def _segmentation(options: RecognitionOptions, model: models.Model | None) -> Iterator[Notice]:
    """What sentences by meaning take away."""
    said = {**run_task_fields(options.parameters), **options.extra}
    if said.get(_SEMANTIC) is not True:
        return
    if _SILENCE in said:
        yield "--max-sentence-silence ends no sentence where --semantic-punctuation does", "leave one of them out"
    if said.get(_MULTI) is True:
        yield "--multi-threshold does nothing where --semantic-punctuation ends the sentences", "leave one of them out"
    if model is not None and model.emotions:
        yield (
            f"{model.name} tells no emotions with --semantic-punctuation",
            "it does where silence ends the sentences",
        )


def _without_a_field(options: RecognitionOptions, protocol: str) -> Iterator[Notice]:
    """Of a model that is not known: its options are those of its protocol."""
    named = {**options.parameters, "languages": options.languages, "context": options.context}
    named |= {"hotwords_id": options.hotwords_id, "hotwords": options.hotwords}
    for name, value in named.items():
        row = BY_NAME[name]
        has_a_place = row.session if protocol == "realtime" else row.field or name in _BESIDE
        if value not in (None, "", (), {}) and not has_a_place:
            yield f"{row.flag_for(value)} has no place in the {protocol} protocol", "it is left out"


def _names(options: RecognitionOptions) -> Iterator[Notice]:
    for name, value in options.parameters.items():
        known = kind.known if isinstance(kind := BY_NAME[name].kind, Text) else ()
        if known and value not in known:
            yield f"{BY_NAME[name].flag} {value} is not documented", f"known: {', '.join(known)}"


def _extra(
    options: RecognitionOptions, model: models.Model | None, protocol: str, key: str, value: object
) -> Iterator[Notice]:
    rows = _rows(key, protocol)
    if not rows:
        if protocol == "realtime" and key in _OF_EVERY_SESSION:
            return
        near = difflib.get_close_matches(key, _known(protocol), n=1)
        advice = f"did you mean {near[0]}?" if near else "it is sent as it is"
        yield f"--param {key} is not known to this version", advice
        return
    replaced = [row for row in rows if _is_said(options, row, protocol)]
    if replaced:
        flags = " and ".join(_flag(row, protocol) for row in replaced)
        yield f"--param {key} takes the place of {flags}", "leave one of them out"
    lacking = model is not None and model.protocol == protocol and not any(row.name in model.options for row in rows)
    if lacking and model is not None:
        able = models.with_options(model, [rows[0].name], frozenset(), None)
        yield f"{model.name} is not documented for --param {key}", f"-m {able.name} is" if able else ""
    elif (wrong := (session_problem if protocol == "realtime" else problem)(key, value)) is not None:
        yield f"--param {key}={_short(value)} may be refused", f"{wrong[0]} is {wrong[1]}"


def _rows(key: str, protocol: str) -> list[Parameter]:
    return [row for row in PARAMETERS if _path(row, protocol).partition(".")[0] == key]


def _path(row: Parameter, protocol: str) -> str:
    return row.session if protocol == "realtime" else row.field


def _known(protocol: str) -> Iterable[str]:
    return {_path(row, protocol).partition(".")[0] for row in PARAMETERS} - {""}


def _flag(row: Parameter, protocol: str) -> str:
    return (protocol == "realtime" and row.session_flag) or row.flag


def _is_said(options: RecognitionOptions, row: Parameter, protocol: str) -> bool:
    """Whether the user said by its option what `row` is."""
    own: Mapping[str, object] = {
        "languages": options.languages,
        "hotwords_id": options.hotwords_id,
        "hotwords": options.hotwords,
        "context": options.context if protocol == "realtime" else None,
        "manual": options.manual,
    }
    return row.name in options.parameters or bool(own.get(row.name))


def _short(value: object) -> str:
    return brief(value if isinstance(value, str) else repr(value))[:40]


def of_one_utterance(duration_ms: int | None) -> Notice | None:
    """What is to be said of sound of that length, None where nobody knows it, that is to be one utterance."""
    if duration_ms is not None and duration_ms <= ONE_UTTERANCE_MS:
        return None
    length = "what is longer than" if duration_ms is None else f"it lasts {duration_ms / 1000:.0f} s: what is more than"
    return (
        f"{length} {ONE_UTTERANCE_MS // 1000} s is cut at the next pause",
        "the service takes 60 s in one utterance; --manual cuts at each pause",
    )


def of_the_source(options: RecognitionOptions, rate_hz: int) -> Notice | None:
    """What is to be said of sound of `rate_hz`: that of a telephone, sent as if it were more, is not heard better."""
    sent_hz = options.audio_format.sample_rate_hz
    if rate_hz > _TELEPHONE_HZ or sent_hz <= _TELEPHONE_HZ:
        return None
    model = models.find(options.model)
    if model is None:
        return None
    ways = []
    if not model.rates_hz or _TELEPHONE_HZ in model.rates_hz:
        ways.append(f"--wire-rate {_TELEPHONE_HZ}")
    telephone = models.find(models.TELEPHONE_MODEL)
    if telephone is not None and set(options.languages) <= set(telephone.languages):
        ways.append(f"for Chinese -m {telephone.name}")
    return (
        f"the sound has {rate_hz / 1000:g} kHz and is sent as {sent_hz / 1000:g} kHz, which makes it no clearer",
        " or ".join(ways),
    )
