"""`POST /api/v1/services/audio/asr/customization`: one action a request, as the vendor's SDK writes it.

{"model": "speech-biasing", "input": {"action": "create_vocabulary", …}}
{"output": {…}, "usage": {"count": 1}, "request_id": …}      or      {"code", "message", "request_id"}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from asrcli.service.vocabulary.lists import Refused, WordLists

PATH = "/api/v1/services/audio/asr/customization"
_MODEL = "speech-biasing"


def answer(lists: WordLists, account: str, body: bytes) -> tuple[HTTPStatus, dict[str, Any]]:
    """What becomes of the request in `body`."""
    try:
        return HTTPStatus.OK, {"output": _carry_out(lists, account, body), "usage": {"count": 1}}
    except Refused as refused:
        is_throttled = refused.code.startswith("Throttling")
        status = HTTPStatus.TOO_MANY_REQUESTS if is_throttled else HTTPStatus.BAD_REQUEST
        return status, {"code": refused.code, "message": str(refused)}


def _carry_out(lists: WordLists, account: str, body: bytes) -> dict[str, Any]:
    """The `output` of the action. Raises Refused."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused("InvalidParameter", "the body is not valid JSON") from error
    if not isinstance(document, dict) or document.get("model") != _MODEL:
        raise Refused("InvalidParameter", f"model must be '{_MODEL}'")
    given = document.get("input")
    if not isinstance(given, dict):
        raise Refused("InvalidParameter", "input is required")
    return _output(lists, account, given)


def _output(lists: WordLists, account: str, given: Mapping[str, Any]) -> dict[str, Any]:
    list_id = given.get("vocabulary_id")
    match given.get("action"):
        case "create_vocabulary":
            made = lists.create(account, given.get("target_model"), given.get("prefix"), given.get("vocabulary"))
            return {"vocabulary_id": made.id}
        case "list_vocabulary":
            page = lists.page(account, given.get("prefix"), given.get("page_index", 0), given.get("page_size", 10))
            return {"vocabulary_list": [{**each.stamps(), "vocabulary_id": each.id} for each in page]}
        case "query_vocabulary":
            found = lists.find(account, list_id)
            return {**found.stamps(), "target_model": found.target_model, "vocabulary": found.words}
        case "update_vocabulary":
            lists.update(account, list_id, given.get("vocabulary"))
            return {}
        case "delete_vocabulary":
            lists.delete(account, list_id)
            return {}
        case action:
            raise Refused("InvalidParameter", f"unknown action {action!r}"[:200])
