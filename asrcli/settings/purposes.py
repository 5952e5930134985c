"""Which model for what: the questions that the catalogue answers."""

from __future__ import annotations

from collections.abc import Callable

from asrcli.settings.catalogue import Model

PURPOSES: dict[str, tuple[Callable[[Model], bool], str]] = {
    "hotwords": (
        lambda model: "hotwords_id" in model.options or "phrase_list" in model.options,
        "With `words` they are given on the spot, 2000 at most; `lists` are made beforehand.",
    ),
    "context": (
        lambda model: "context" in model.options,
        "A text in which the names and terms stand as they are to be written: --context, or `asrcli qwen --corpus`.",
    ),
    "emotion": (
        lambda model: model.emotions > 0,
        "Seven with `asrcli qwen`; three with Paraformer, where silence ends the sentences.",
    ),
    "8k": (
        lambda model: model.wire_rate_hz == 8000 or not model.rates_hz or 8000 in model.rates_hz,
        "Telephone sound in Chinese: an 8k model, which gets it as it is. In another language: --wire-rate 8000.",
    ),
    "dialects": (
        lambda model: bool(model.dialects),
        "`asrcli models NAME` names them; --keep-dialect leaves their words as they are, where a model has it.",
    ),
    "languages": (
        lambda model: len(model.languages) > 1,
        "More languages than one in the same talk: where several may be named with -l, or none is.",
    ),
    "filter": (
        lambda model: "service_filter" in model.options,
        "Words to be masked or left out: --mask-words, --drop-words, --service-filter.",
    ),
    "fillers": (
        lambda model: "disfluency_removal" in model.options,
        "--disfluency-removal leaves out um and er; the message model polishes the text too.",
    ),
    "close-microphone": (
        lambda model: "vad_model" in model.options or "close" in model.note,
        "With --vad-model near_meeting_16k, where a model has it.",
    ),
}
"""What a person looks for → which models do it, and what there is to know then."""
