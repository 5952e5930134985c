"""Hotword lists at the service: make, list, show, change and delete them.

Sources: the vendor's page "Vocabulary HTTP API" of 2026 and its SDK.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from asrcli.api.client import Client, Unanswered
from asrcli.values.errors import AsrcliError, LinkError, ProtocolViolation, ServiceError, brief
from asrcli.values.hotwords import Hotword, HotwordList

PATH = "/services/audio/asr/customization"
MOST_LISTS = 10
_PAGE = 10
_MOST_PAGES = 100
_ID = re.compile("[!-~]+")
_NO_SUCH_LIST = "BadRequest.ResourceNotExist"
_TOO_MANY_LISTS = "Throttling.AllocationQuota"

# Beginning of the service's code → what it means here, and whether another try helps.
_MEANINGS: dict[str, tuple[str, bool]] = {
    _TOO_MANY_LISTS: (
        f"an account may have {MOST_LISTS} lists, for all models together: `asrcli vocab list` shows them,"
        " `asrcli vocab delete ID` makes room",
        False,
    ),
    _NO_SUCH_LIST: (
        "there is no such list here; it may be another account's or another region's: check the id, the key and"
        " --region",
        False,
    ),
    "InvalidParameter": ("`asrcli vocab check FILE` tells what a list may hold", False),
}
_UPDATED_TOO_SOON = "a list can be changed once in five minutes: wait, then try again"


@dataclass(frozen=True, slots=True)
class Made:
    """A list that was made. `seen` is set where the answer was lost and the list was found afterwards."""

    id: str
    seen: AsrcliError | None = None


class HotwordLists:
    """The lists of one account in one region. Raises AuthError, ServiceError, LinkError, ProtocolViolation."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def create(self, model: str, prefix: str, words: Sequence[Hotword]) -> Made:
        """Make a list for `model`. It is asked for once: where the answer is lost, we look whether it is there."""
        question = {"target_model": model, "prefix": prefix, "vocabulary": _vocabulary(words)}
        try:
            return Made(_id(self._ask("create_vocabulary", question, repeatable=False)))
        except Unanswered as unanswered:
            return self._look_for(model, prefix, tuple(words), unanswered.error)

    def all(self, prefix: str | None = None) -> list[HotwordList]:
        """All lists, or those whose prefix is this; without their words."""
        found: dict[str, HotwordList] = {}
        for page in range(_MOST_PAGES):
            asked = {"page_index": page, "page_size": _PAGE, **({"prefix": prefix} if prefix else {})}
            rows = _rows(self._ask("list_vocabulary", asked), "vocabulary_list")
            new = [row for row in map(_list_of, rows) if row.id not in found]
            found.update((row.id, row) for row in new)
            if len(rows) < _PAGE or not new:
                break
        return list(found.values())

    def show(self, list_id: str) -> HotwordList:
        """The list, with its words and its model."""
        output = self._ask("query_vocabulary", {"vocabulary_id": list_id})
        words = tuple(_hotword(row) for row in _rows(output, "vocabulary"))
        return _list_of({"vocabulary_id": list_id, **output}, _text(output, "target_model"), words)

    def update(self, list_id: str, words: Sequence[Hotword]) -> None:
        """Put `words` in place of all that are in the list."""
        question = {"vocabulary_id": list_id, "vocabulary": _vocabulary(words)}
        try:
            self._ask("update_vocabulary", question, repeatable=False, settled_by="Throttling")
        except Unanswered as unanswered:
            with _or_unknown(unanswered.error, "whether the list was changed is not known"):
                shown = self.show(list_id)
            if not _same(shown.words or (), words):
                raise _with_outcome(unanswered.error, "the list has not been changed") from unanswered
        except ServiceError as error:
            if error.throttled or error.service_code.startswith("Throttling"):
                error.hint, error.retryable = _UPDATED_TOO_SOON, True
            raise

    def delete(self, list_id: str) -> None:
        """Delete the list."""
        try:
            self._ask("delete_vocabulary", {"vocabulary_id": list_id}, repeatable=False)
        except Unanswered as unanswered:
            with _or_unknown(unanswered.error, "whether the list is gone is not known"):
                try:
                    self.show(list_id)
                except ServiceError as error:
                    if error.service_code == _NO_SUCH_LIST:
                        return
                    raise
            raise _with_outcome(unanswered.error, "the list is still there") from unanswered

    def _look_for(self, model: str, prefix: str, words: tuple[Hotword, ...], lost: AsrcliError) -> Made:
        """The newest list with these words, after a request to make it was lost."""
        with _or_unknown(lost, f"whether the list was made is not known: see `asrcli vocab list --prefix {prefix}`"):
            rows = sorted(self.all(prefix), key=lambda row: row.created, reverse=True)
            for row in rows:
                shown = self.show(row.id)
                if shown.model == model and _same(shown.words or (), words):
                    return Made(row.id, seen=lost)
        raise _with_outcome(lost, "the list was not made")

    def _ask(
        self, action: str, question: Mapping[str, object], *, repeatable: bool = True, settled_by: str = _TOO_MANY_LISTS
    ) -> dict[str, Any]:
        """The `output` of the answer."""
        # The SDK sends empty parameters.
        whole = {"model": "speech-biasing", "parameters": {}, "input": {"action": action, **question}}
        try:
            answer = self._client.ask(whole, repeatable=repeatable, settled_by=settled_by)
        except ServiceError as error:
            _explain(error)
            raise
        output = answer.get("output")
        if not isinstance(output, dict):
            raise _unexpected("no output", answer)
        return output


@contextmanager
def _or_unknown(lost: AsrcliError, unknown: str) -> Iterator[None]:
    """What fails in here leaves open what became of the request that was lost before."""
    try:
        yield
    except AsrcliError as error:
        raise _with_outcome(lost, unknown) from error


def _with_outcome(lost: AsrcliError, outcome: str) -> AsrcliError:
    """`lost`, and what became of what was asked."""
    told = LinkError(f"{lost.reason}; {outcome}", hint=lost.hint)
    told.retryable = lost.retryable
    return told


def _explain(error: ServiceError) -> None:
    for beginning, (meaning, retryable) in _MEANINGS.items():
        if error.service_code.startswith(beginning):
            error.hint, error.retryable = meaning, retryable


def _same(one: Iterable[Hotword], other: Iterable[Hotword]) -> bool:
    return {*one} == {*other}


def _vocabulary(words: Iterable[Hotword]) -> list[dict[str, object]]:
    return [
        {"text": word.text, "weight": word.weight, **({"lang": word.language} if word.language else {})}
        for word in words
    ]


def _rows(output: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    rows = output.get(key)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _unexpected(f"no {key}", output)
    return rows


def _text(output: Mapping[str, Any], key: str) -> str:
    text = output.get(key)
    if not isinstance(text, str) or not text:
        raise _unexpected(f"no {key}", output)
    return text


def _id(output: Mapping[str, Any]) -> str:
    """The id of a list, which goes to commands, requests and terminals as it is."""
    text = _text(output, "vocabulary_id")
    if not _ID.fullmatch(text):
        raise _unexpected("a vocabulary_id that is none", output)
    return text


def _list_of(row: Mapping[str, Any], model: str | None = None, words: tuple[Hotword, ...] | None = None) -> HotwordList:
    status, created, modified = (str(row.get(key) or "") for key in ("status", "gmt_create", "gmt_modified"))
    return HotwordList(_id(row), status, created, modified, model, words)


def _hotword(row: Mapping[str, Any]) -> Hotword:
    weight, language = row.get("weight"), row.get("lang")
    if type(weight) is not int:
        raise _unexpected("a word without a weight", row)
    return Hotword(_text(row, "text"), weight, language if isinstance(language, str) and language else None)


def _unexpected(what: str, document: Mapping[str, Any]) -> ProtocolViolation:
    return ProtocolViolation(f"the service's answer has {what}", excerpt=brief(str(dict(document))))
