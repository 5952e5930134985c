"""Who is let in: a client's HTTP request, and the refusals that the vendor's gateway would answer it with."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Collection, Container, Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from asrcli.service.faults.kinds import Refuse
from asrcli.service.notes import note
from asrcli.service.protocols.base import Handshake, WordsFor
from asrcli.service.wire.web_origins import Origin, reason_against


def handshake_of(request: Request, words_for: WordsFor | None = None) -> Handshake:
    parts = urlsplit(request.path)
    return Handshake(parts.path.rstrip("/"), dict(parse_qsl(parts.query)), words_for)


def refusal_of(
    request: Request, paths: Container[str], required_key: str | None, allowed: Collection[Origin]
) -> Response | None:
    """None for a client that asks for one of `paths` with a key: with that one, where one is required.

    Web pages are let in where their origin is `allowed`.
    """
    reason = reason_against(request.headers, allowed)
    if reason is not None:
        return _refusal(HTTPStatus.FORBIDDEN, "AccessDenied", reason)
    if handshake_of(request).path not in paths:
        return _refusal(HTTPStatus.NOT_FOUND, "NotFound", f"There is nothing at {urlsplit(request.path).path}.")
    key = _presented_key(request.headers)
    if not key:
        return _refusal(HTTPStatus.UNAUTHORIZED, "InvalidApiKey", "No API-key provided.")
    if required_key is not None and not hmac.compare_digest(key.encode(), required_key.encode()):
        return _refusal(HTTPStatus.UNAUTHORIZED, "InvalidApiKey", "Invalid API-key provided.")
    return None


# The vendor's names for what a status means.
_CODES = {
    HTTPStatus.UNAUTHORIZED: "InvalidApiKey",
    HTTPStatus.FORBIDDEN: "AccessDenied",
    HTTPStatus.NOT_FOUND: "NotFound",
    HTTPStatus.TOO_MANY_REQUESTS: "Throttling.RateQuota",
}


def account_of(request: Request) -> str:
    """Whose hotword lists these are."""
    return account(_presented_key(request.headers))


def account(key: str) -> str:
    """Always the same for a key, which cannot be told from it."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def noted(number: int, request: Request, refusal: Response | None) -> Response | None:
    """`refusal`, after note was taken of what connection `number` asks for, and of why it does not get that."""
    handshake = handshake_of(request)
    model = handshake.query.get("model")
    note(number, f"asks for {handshake.path}" + (f" with model={model}" if model else ""))
    if refusal is not None:
        said = json.loads(refusal.body)
        note(number, f"is refused: {refusal.status_code} {said['code']}: {said['message']}")
    return refusal


def refusal_at_the_end() -> Response:
    """For those who come while the service is ending."""
    return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "ModelUnavailable", "The service is ending.")


def refusal_on_demand(refuse: Refuse) -> Response:
    response = _refusal(refuse.status, _CODES.get(refuse.status, "ModelUnavailable"), "A fault on demand.")
    if refuse.retry_after_s is not None:
        response.headers["Retry-After"] = str(refuse.retry_after_s)
    return response


def _presented_key(headers: Headers) -> str:
    """The key in Authorization: after any spelling of "Bearer", or bare; empty where there is none."""
    values = headers.get_all("Authorization")
    scheme, _, rest = (values[0] if values else "").strip().partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else scheme


def _refusal(status: HTTPStatus, code: str, message: str) -> Response:
    return response(status, {"code": code, "message": message})


def response(status: HTTPStatus, document: Mapping[str, Any]) -> Response:
    """What the vendor's HTTP side answers: `document` and a request id, in JSON."""
    body = json.dumps({**document, "request_id": str(uuid.uuid4())}, ensure_ascii=False).encode()
    headers = Headers(
        {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"},
    )
    return Response(status.value, status.phrase, headers, body)
