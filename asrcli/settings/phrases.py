"""Phrases that the user gives: after --param, after --hotwords, and in a file of hotwords.

In a file each line is a phrase, `phrase:weight`, or with tabs `phrase`, `weight`, `language`. Blank lines and those
that begin with # do not count; a phrase that does so has a blank before it. Whether a service's list may hold them is
the business of `hotword_rules`.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from asrcli.values.errors import UsageError
from asrcli.values.hotwords import USUAL_WEIGHT, Hotword

SUPER_WEIGHT = 50
WEIGHTS = (1, 2, 3, 4, 5, SUPER_WEIGHT)
_WEIGHTS_HINT = "for example Ada Lovelace:5; 4 is usual, and 50 is for Qwen-Audio"
_OPTION = "--hotwords"
_LIST_ID = re.compile(r"vocab-[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A hotword, and where it stands: `names.txt:3:`, or the option. `number` counts what was read."""

    word: Hotword
    place: str
    number: int


@dataclass(slots=True)
class Phrases:
    """What was read, in its order and each word once, and in `problems` all that cannot be meant: number and line."""

    found: list[Phrase] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)
    repeated: int = 0
    """How often a phrase came once more, the same in all."""

    def words(self) -> tuple[Hotword, ...]:
        return tuple(phrase.word for phrase in self.found)


@dataclass(frozen=True, slots=True)
class Hotwords:
    """What --hotwords names: the list of the service called `list_id`, or else `phrases`, from `file` if there is one.

    `given` is how the user said it. `make_list`: where the model takes them as a list only, one is made unasked.
    """

    given: str
    list_id: str | None = None
    phrases: Phrases = field(default_factory=Phrases)
    file: Path | None = None
    make_list: bool = False


def parse_parameters(pairs: Iterable[str]) -> dict[str, object]:
    """`--param KEY=VALUE`, the value read as JSON where it is JSON, else as text."""
    parameters: dict[str, object] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--param {pair!r} is not KEY=VALUE", hint="for example --param keep_dialect=true")
        try:
            parameters[key.strip()] = json.loads(value, parse_constant=str)
        except (ValueError, RecursionError):
            parameters[key.strip()] = value
    return parameters


def parse_hotwords(text: str) -> Hotwords:
    """`--hotwords` where it names no file: the id of a list, or "word:weight,word".

    Raises UsageError for one word alone, which could be meant as an id, as a file, or as a phrase.
    """
    if is_list_id(text):
        return Hotwords(text, list_id=text)
    if not any(character.isspace() or character in ",:" for character in text):
        shown = shlex.quote(text)
        raise UsageError(
            f"{_OPTION} {shown} is neither a file nor the id of a list",
            hint=f'a phrase is "{text}:{USUAL_WEIGHT}", a file ./{text} or @{text}, and an id begins with vocab-',
        )
    return Hotwords(text, phrases=read_items(text, _OPTION))


def is_list_id(text: str) -> bool:
    """Whether `text` is what the service calls a list."""
    return _LIST_ID.fullmatch(text) is not None


def weights(phrases: Phrases, given: str) -> dict[str, int]:
    """Words for a session, each with its weight. Raises UsageError for the first problem, and where there is none."""
    if phrases.problems:
        raise UsageError(phrases.problems[0][1], hint=_WEIGHTS_HINT)
    if not phrases.found:
        raise UsageError(f"{_OPTION} {given}: there are no phrases in it")
    return {word.text: word.weight for word in phrases.words()}


def read_items(text: str, place: str) -> Phrases:
    """The phrases of "word:weight,word"; `place` is the option after which they stand."""
    return _read((place, item.strip()) for item in text.split(","))


def read_each(items: Iterable[str], place: str) -> Phrases:
    """The phrases of a list, which may have commas within."""
    return _read((place, item.strip()) for item in items)


def read_lines(text: str, name: str, option: str = "") -> Phrases:
    """The phrases of a file called `name`, which may be what `option` was given."""
    lines = enumerate(text.splitlines(), start=1)
    after = f": {option}" if option else ":"
    return _read((f"{name}:{number}{after}", line) for number, line in lines if not line.startswith("#"))


def _read(items: Iterable[tuple[str, str]]) -> Phrases:
    phrases = Phrases()
    known: dict[str, Phrase] = {}
    for number, (place, item) in enumerate(items):
        if not item.strip():
            continue
        try:
            phrase = Phrase(_hotword(item), place, number)
        except ValueError as error:
            phrases.problems.append((number, f"{place} {item.strip()!r} {error}"))
            continue
        before = known.setdefault(phrase.word.text, phrase)
        if before is phrase:
            phrases.found.append(phrase)
        elif before.word == phrase.word:
            phrases.repeated += 1
        else:
            phrases.problems.append((number, _contradiction(before, phrase)))
    return phrases


def _hotword(item: str) -> Hotword:
    """Raises ValueError with the words that follow the item in a message."""
    if "\t" in item:
        return _from_columns([part.strip() for part in item.rstrip().split("\t")])
    text, colon, weight = (part.strip() for part in item.rpartition(":"))
    if not colon:
        return _checked(item.strip(), None, None)
    return _checked(text, weight, None)


def _from_columns(columns: list[str]) -> Hotword:
    if len(columns) > 3:
        raise ValueError("has more columns than phrase, weight, language")
    text, weight, language = (*columns, "", "")[:3]
    return _checked(text, weight or None, language or None)


def _checked(text: str, weight: str | None, language: str | None) -> Hotword:
    weights = {str(each): each for each in WEIGHTS}
    if not text:
        raise ValueError("is not WORD:WEIGHT")
    if weight is not None and weight not in weights:
        raise ValueError(f"has the weight {weight[:20]}, and weights are 1 to 5, or 50")
    return Hotword(text, USUAL_WEIGHT if weight is None else weights[weight], language)


def _contradiction(before: Phrase, phrase: Phrase) -> str:
    differs = [
        f"{name} {old or 'unsaid'} before and {new or 'unsaid'} here"
        for name, old, new in (
            ("weight", before.word.weight, phrase.word.weight),
            ("language", before.word.language, phrase.word.language),
        )
        if old != new
    ]
    at = "" if before.place == phrase.place else f" ({before.place.rstrip(': ')})"
    return f"{phrase.place} {phrase.word.text!r} has {' and '.join(differs)}{at}"


def in_languages(words: Iterable[Hotword], language: str | None) -> Iterator[Hotword]:
    """`words`, with `language` for those that name none."""
    for word in words:
        yield Hotword(word.text, word.weight, word.language or language)
