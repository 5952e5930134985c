"""special_word_filter: words that are shown as asterisks, and words that are left out.

The service's own list (`system_reserved_filter`) is not known, and is empty here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from asrcli.service.recognizers.base import HeardWord, Hypothesis

Filter = Callable[[Hypothesis], Hypothesis]


def filter_of(parameters: Mapping[str, Any]) -> Filter | None:
    """What the parameter, which is right by now, makes of a sentence; None where it names no word."""
    given = parameters.get("special_word_filter") or {}
    given = json.loads(given) if isinstance(given, str) else given
    masked, dropped = (_pattern(given.get(name)) for name in ("filter_with_signed", "filter_with_empty"))
    if masked is None and dropped is None:
        return None

    def shown(text: str) -> str:
        if masked is not None:
            text = masked.sub(lambda word: "*" * len(word[0]), text)
        return text if dropped is None else dropped.sub("", text)

    def filtered(heard: Hypothesis) -> Hypothesis:
        text = shown(heard.text)
        # What was between blanks leaves two of them.
        text = text if text == heard.text else " ".join(text.split())
        words = (_shown_word(word, shown(word.text)) for word in heard.words)
        return replace(heard, text=text, words=tuple(filter(None, words)))

    return filtered


def _pattern(part: Mapping[str, Any] | None) -> re.Pattern[str] | None:
    """The words of a list, the longest first; those of letters with blanks between them only as whole words."""
    words = sorted(filter(None, (part or {}).get("word_list") or []), key=len, reverse=True)
    ends = (rf"\b{re.escape(word)}\b" if word.isascii() else re.escape(word) for word in words)
    return re.compile("|".join(ends), re.IGNORECASE) if words else None


def _shown_word(word: HeardWord, text: str) -> HeardWord | None:
    return word if text == word.text else replace(word, text=text) if text.strip() else None
