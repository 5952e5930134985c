"""What stands after --param and --hotwords."""

from __future__ import annotations

import json
from collections.abc import Iterable

from asrcli.values.errors import UsageError


def parse_parameters(pairs: Iterable[str]) -> dict[str, object]:
    """`--param KEY=VALUE`, the value read as JSON where it is JSON, else as text."""
    parameters: dict[str, object] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--param {pair!r} is not KEY=VALUE", hint="for example --param keep_dialect=true")
        try:
            parameters[key.strip()] = json.loads(value, parse_constant=str)
        except ValueError:
            parameters[key.strip()] = value
    return parameters


def parse_hotwords(text: str) -> dict[str, object]:
    """`--hotwords`: the id of a list, or "word:weight,word". Fields of RecognitionOptions."""
    if text.startswith("vocab-") or not any(mark in text for mark in ",: "):
        return {"hotwords_id": text}
    return parse_phrases(text.split(","))


def parse_phrases(items: Iterable[str]) -> dict[str, object]:
    """Hotwords, each "word:weight" or "word" (weight 4), as fields of RecognitionOptions. Raises UsageError."""
    words: dict[str, int] = {}
    for item in filter(None, map(str.strip, items)):
        word, colon, weight = (part.strip() for part in item.rpartition(":"))
        word, weight = (word, weight) if colon else (item, "4")
        if not word or weight not in ("1", "2", "3", "4", "5", "50"):
            raise UsageError(f"--hotwords {item!r} is not WORD:WEIGHT", hint="weights are 1 to 5, usually 4, or 50")
        words[word] = int(weight)
    return {"hotwords": words}
