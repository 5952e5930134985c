"""What a line of a manifest says of how its source is recognised: model, language, hotwords."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from asrcli.settings.phrases import Hotwords, is_list_id, read_each, read_items

OPTIONS = ("model", "language", "hotwords")
_SHOWN_CHARACTERS = 60


class Unusable(Exception):  # noqa: N818 - it names what was found
    """A value of a line cannot be meant: `reason` follows its place, `hint` says what may be."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


class RowOptions:
    """Makes the fields of a request from what lines say. What is said alike becomes one and the same mapping."""

    def __init__(self) -> None:
        self._known: dict[object, Mapping[str, object]] = {}

    def fields_of(self, said: Mapping[str, Any]) -> Mapping[str, object]:
        """The fields for `said`, which holds some of OPTIONS. Raises Unusable."""
        key: object = tuple(map(said.get, OPTIONS))
        try:
            known = self._known.get(key)
        except TypeError:  # A list in it.
            key = json.dumps(key)
            known = self._known.get(key)
        if known is None:
            known = self._known[key] = _fields(said)
        return known


def _fields(said: Mapping[str, Any]) -> dict[str, object]:
    fields: dict[str, object] = {}
    if (model := said.get("model")) is not None:
        fields["model"] = _text("model", model)
    if (language := said.get("language")) is not None:
        codes = language if isinstance(language, list) else [language]
        fields["languages"] = tuple(_text("language", code) for code in codes)
    if (hotwords := said.get("hotwords")) is not None:
        fields["hotwords"] = _hotwords(hotwords)
    return fields


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise Unusable(f"{name} is {shown(value)}, and no text")
    if not value.strip():
        raise Unusable(f"{name} is empty", "leave it out")
    return value


def _hotwords(value: object) -> Hotwords:
    if isinstance(value, list):
        given = json.dumps(value, ensure_ascii=False)
        found = Hotwords(given, phrases=read_each([_text("hotwords", each) for each in value], "hotwords"))
    else:
        given = _text("hotwords", value)
        if is_list_id(given):
            return Hotwords(given, list_id=given)
        if not any(character.isspace() or character in ",:" for character in given):
            raise Unusable(
                f"hotwords is {shown(given)}, which may be a phrase, a file or an id",
                f"a phrase is {json.dumps([given], ensure_ascii=False)}; the id of a list begins with vocab-;"
                " a file is for --hotwords",
            )
        found = Hotwords(given, phrases=read_items(given, "hotwords"))
    if found.phrases.problems:
        raise Unusable(found.phrases.problems[0][1])
    if not found.phrases.found:
        raise Unusable("hotwords holds no phrase", "leave it out")
    return replace(found, given=_brief(given))


def shown(value: object) -> str:
    """What stands there, as JSON and in short."""
    return _brief(json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace").decode())


def _brief(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}…"
