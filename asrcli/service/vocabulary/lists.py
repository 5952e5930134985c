"""The lists themselves, by account, with the vendor's rules for them. No HTTP here, and no file.

Sources: the vendor's pages "Vocabulary HTTP API", "Improve recognition accuracy" and its error code page of 2026. What
an update within five minutes is answered with, no page says; ours is a refusal.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeGuard

_MOST_LISTS = 10
_BETWEEN_UPDATES = timedelta(minutes=5)
_PREFIX = re.compile(r"[a-z0-9]{1,10}")
_MOST_CHARACTERS, _MOST_PIECES = 15, 7
_SUPER_WEIGHT, _MOST_SUPER_WORDS = 50, 50
_LARGE, _SMALL = 2000, 500
_STAMP = "%Y-%m-%d %H:%M:%S"

Word = Mapping[str, Any]
"""`text`, `weight`, and perhaps `lang`, as the client sent them."""


class Refused(Exception):  # noqa: N818 - it names what happened
    """What is asked for cannot be. `code` is the vendor's."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class WordList:
    """One list. `updated` is when it was last changed, None before the first time."""

    id: str
    target_model: str
    words: Sequence[Word]
    created: datetime
    modified: datetime
    updated: datetime | None = None

    def stamps(self) -> dict[str, str]:
        """What every answer says about a list."""
        return {
            "gmt_create": self.created.strftime(_STAMP),
            "gmt_modified": self.modified.strftime(_STAMP),
            "status": "OK",
        }


@dataclass(slots=True)
class WordLists:
    """The lists of all accounts. `changed` is called after each change; `now` gives the time of day."""

    accounts: dict[str, dict[str, WordList]] = field(default_factory=dict)
    changed: Callable[[], object] = lambda: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def create(self, account: str, target_model: object, prefix: object, words: object) -> WordList:
        """Make a list. Raises Refused."""
        if not isinstance(target_model, str) or not target_model:
            raise _invalid("target_model is required")
        if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
            raise _invalid("prefix must be 1 to 10 digits and lower-case letters")
        checked = _checked(words, target_model)
        lists = self.accounts.setdefault(account, {})
        if len(lists) >= _MOST_LISTS:
            raise Refused("Throttling.AllocationQuota", "Free allocated quota exceeded.")
        made = WordList(f"vocab-{prefix}-{secrets.token_hex(16)}", target_model, checked, self.now(), self.now())
        lists[made.id] = made
        self.changed()
        return made

    def page(self, account: str, prefix: object, index: object, size: object) -> list[WordList]:
        """The lists on a page, those whose prefix is this where one is given. Raises Refused."""
        if prefix is not None and not isinstance(prefix, str):
            raise _invalid("prefix must be a string")
        if not _is_whole(index, 0) or not _is_whole(size, 1):
            raise _invalid("page_index must be 0 or more, and page_size 1 or more")
        begin = f"vocab-{prefix}-" if prefix else ""
        found = [each for each in self.accounts.get(account, {}).values() if each.id.startswith(begin)]
        return found[index * size : (index + 1) * size]

    def find(self, account: str, list_id: object) -> WordList:
        """Raises Refused."""
        found = self.accounts.get(account, {}).get(list_id) if isinstance(list_id, str) else None
        if found is None:
            raise Refused("BadRequest.ResourceNotExist", "The required resource does not exist.")
        return found

    def words_for(self, account: str, list_id: str, model: str) -> Sequence[Word] | None:
        """The words that a list brings into a task of `model`; None where there is no such list.

        A list that was made for another model has no effect, and nobody is told.
        """
        found = self.accounts.get(account, {}).get(list_id)
        if found is None:
            return None
        return found.words if found.target_model == model else ()

    def update(self, account: str, list_id: object, words: object) -> None:
        """Put `words` in place of those in the list. Raises Refused."""
        found, now = self.find(account, list_id), self.now()
        checked = _checked(words, found.target_model)
        if found.updated is not None and now - found.updated < _BETWEEN_UPDATES:
            raise Refused("Throttling.RateQuota", "A vocabulary can be updated once in 5 minutes.")
        found.words, found.modified, found.updated = checked, now, now
        self.changed()

    def delete(self, account: str, list_id: object) -> None:
        """Raises Refused."""
        found = self.find(account, list_id)
        del self.accounts[account][found.id]
        self.changed()


def _invalid(message: str) -> Refused:
    return Refused("InvalidParameter", message)


def _is_whole(value: object, least: int) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _checked(words: object, model: str) -> list[Word]:
    """Raises Refused for words that a list for `model` cannot hold."""
    if not isinstance(words, list) or not words:
        raise _invalid("vocabulary must be a list of words")
    most = _most_words(model)
    if len(words) > most:
        raise _invalid(f"vocabulary holds {len(words)} words; {most} are allowed for {model}")
    for at, word in enumerate(words):
        if not isinstance(word, dict) or (reason := _reason_against(word, model)) is not None:
            raise _invalid(f"vocabulary[{at}]: {reason if isinstance(word, dict) else 'not an object'}")
    if sum(word["weight"] == _SUPER_WEIGHT for word in words) > _MOST_SUPER_WORDS:
        raise _invalid(f"at most {_MOST_SUPER_WORDS} words may have the weight {_SUPER_WEIGHT}")
    return words


def _reason_against(word: Word, model: str) -> str | None:
    text, weight, language = word.get("text"), word.get("weight"), word.get("lang")
    if not isinstance(text, str) or not text.strip():
        return "text is required"
    if not text.isascii() and len(text) > _MOST_CHARACTERS:
        return f"text has more than {_MOST_CHARACTERS} characters"
    if text.isascii() and len(text.split(" ")) > _MOST_PIECES:
        return f"text has more than {_MOST_PIECES} words"
    is_super = weight == _SUPER_WEIGHT and model.startswith("qwen-audio-3")
    if not is_super and not (_is_whole(weight, 1) and weight <= 5):
        return "weight must be a whole number from 1 to 5"
    known = _languages(model)
    if language is not None and not (isinstance(language, str) and (known is None or language in known)):
        return f"lang {language!r} is not supported"
    return None


def _most_words(model: str) -> int:
    """The main models take 2000; the dated and the telephone ones, and Paraformer, 500."""
    large = model.startswith("qwen-audio-3") or model in ("fun-asr-realtime", "fun-asr-realtime-2025-11-07")
    return _LARGE if large or not model.startswith(("fun-asr", "paraformer")) else _SMALL


def _languages(model: str) -> set[str] | None:
    """None for a model of which no page says it."""
    if model.startswith("fun-asr"):
        return {"zh", "en", "ja"}
    if model.startswith("paraformer"):
        return {"zh", "en", "ja", "yue", "ko", "de", "fr", "ru"}
    return None
