"""What a hotword list may hold, by the model that it is made for. All of it is checked before anything is sent.

Sources: the vendor's pages "Vocabulary HTTP API" and "Improve recognition accuracy" of 2026.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import itemgetter

from asrcli.settings import catalogue
from asrcli.settings.catalogue import Model
from asrcli.settings.languages import refuse_names
from asrcli.settings.phrases import SUPER_WEIGHT, Hotwords, Phrase, Phrases, weights
from asrcli.values.errors import UsageError
from asrcli.values.hotwords import Hotword

DEFAULT_PREFIX = "asrcli"
_PREFIX = re.compile(r"[a-z0-9]{1,10}")
_MOST_CHARACTERS = 15
_MOST_PIECES = 7


def model_for_lists(name: str) -> tuple[Model, list[str]]:
    """The model to make a list for, and warnings. One that the catalogue does not know may take what any model takes.

    Raises UsageError for one that is known to take no lists.
    """
    model = catalogue.find(name)
    if model is None:
        any_model = max(catalogue.CATALOGUE, key=lambda each: each.list_words)
        generous = replace(any_model, name=name, regions=(), word_languages=())
        return generous, ["; ".join(filter(None, catalogue.not_in_it(name)))]
    if not model.list_words:
        dated = {each.same_as for each in catalogue.CATALOGUE}
        taking = ", ".join(each.name for each in catalogue.CATALOGUE if each.list_words and each.name not in dated)
        raise UsageError(f"{name} takes no hotword lists", hint=f"these do: {taking}")
    return model, []


def placed(hotwords: Hotwords, model_name: str) -> tuple[dict[str, object], tuple[Hotword, ...]]:
    """Fields of RecognitionOptions for `hotwords`, and the words of the list without which this model takes none.

    Raises UsageError for words that the model does not take; that it takes none at all shows in the fields.
    """
    if hotwords.list_id is not None:
        return {"hotwords_id": hotwords.list_id}, ()
    model = catalogue.find(model_name)
    if model is None or not model.list_words:
        return {"hotwords": weights(hotwords.phrases, hotwords.given)}, ()
    words = checked(hotwords.phrases, model, hotwords.given)
    if "hotwords" not in model.options:
        return {}, words
    return {"hotwords": {word.text: word.weight for word in words}}, ()


def check_prefix(prefix: str) -> None:
    """Raise UsageError for what the name of a list cannot begin with."""
    if not _PREFIX.fullmatch(prefix):
        raise UsageError(f"--prefix {prefix!r} is no prefix", hint="lower-case letters a-z and digits, at most 10")


def check_language(language: str, model: Model) -> None:
    """Raise UsageError for a language in which `model` knows no hotwords."""
    refuse_names([language])
    if (problem := _language_problem(language, model)) is not None:
        raise UsageError(f"--language: {problem}", hint=_languages_hint(model))


def checked(phrases: Phrases, model: Model, name: str) -> tuple[Hotword, ...]:
    """The words of a list for `model`, read from what is called `name`. Raises UsageError, with the first problem."""
    problems = all_problems(phrases, model, name)
    if not problems:
        return phrases.words()
    more = f", and {len(problems) - 1} more" if len(problems) > 1 else ""
    raise UsageError(f"{problems[0]}{more}", hint=f"`asrcli vocab check {shlex.quote(name)}` tells all" if more else "")


def all_problems(phrases: Phrases, model: Model, name: str) -> list[str]:
    """Everything for which a list for `model` would be refused, one line each, in the order of what was read."""
    if not phrases.found and not phrases.problems:
        return [f"{name}: there are no phrases in it"]
    numbered = [*phrases.problems, *_problems(phrases.found, model)]
    return [line for _, line in sorted(numbered, key=itemgetter(0))]


def _problems(found: Sequence[Phrase], model: Model) -> Iterator[tuple[int, str]]:
    if len(found) > model.list_words:
        first = found[model.list_words]
        line = f"{first.place} there are {len(found)} phrases; a list for {model.name} holds {model.list_words}"
        yield first.number, line
    supers = 0
    for phrase in found:
        word = phrase.word
        supers += word.weight == SUPER_WEIGHT
        for problem in (_text_problem(word.text), _weight_problem(word, model, supers)):
            if problem is not None:
                yield phrase.number, f"{phrase.place} {word.text!r} {problem}"
        if word.language is not None and (problem := _language_problem(word.language, model)) is not None:
            yield phrase.number, f"{phrase.place} {word.text!r}: {problem}"


def _text_problem(text: str) -> str | None:
    """Why a list cannot hold `text`, in the words that follow it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return "is not valid UTF-8"
    if not text.isascii():
        length = len(text)
        return None if length <= _MOST_CHARACTERS else f"has {length} characters; {_MOST_CHARACTERS} may be"
    pieces = len(text.split(" "))
    return None if pieces <= _MOST_PIECES else f"has {pieces} words; {_MOST_PIECES} may be"


def _weight_problem(word: Hotword, model: Model, supers: int) -> str | None:
    if word.weight != SUPER_WEIGHT:
        return None
    if not model.super_words:
        return f"has the weight {SUPER_WEIGHT}; {model.name} takes 1 to 5"
    if supers > model.super_words:
        return f"is number {supers} of weight {SUPER_WEIGHT}; {model.super_words} may be"
    return None


def _language_problem(language: str, model: Model) -> str | None:
    if not model.word_languages or language in model.word_languages:
        return None
    return f"{model.name} knows no hotwords in {language!r}"


def _languages_hint(model: Model) -> str:
    return f"it knows {' '.join(model.word_languages)}"
