"""What the service's error codes mean for the user: one cause, one action, and whether trying again can help.

The service's own code and message are always passed on unchanged; no page gives a closed list of codes, so a code
that is not here is simply shown. Sources: the vendor's error-code page and the event pages, 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from asrcli.protocols.reading import string
from asrcli.values.errors import AsrcliError, AuthError, LinkError, ServiceError, brief

_KEYS_AND_REGIONS = "keys belong to one region and sometimes one workspace: check --region and --workspace"

# Prefix of the code → hint, retryable. The longest prefix that fits counts.
_HINTS: dict[str, tuple[str, bool]] = {
    "AccessDenied": (f"this key may not use the model; {_KEYS_AND_REGIONS}", False),
    "Model.AccessDenied": (f"this key may not use the model; {_KEYS_AND_REGIONS}", False),
    "Workspace.AccessDenied": ("this key does not belong to the workspace: check --workspace", False),
    "Endpoint.AccessDenied": ("the model is not offered at this endpoint: check --region and --endpoint", False),
    "Arrearage": ("the account is overdue: pay the bill in the console; trying again will not help", False),
    "AllocationQuota.FreeTierOnly": ("the free quota is used up: allow paid use in the console", False),
    "ModelNotFound": ("the model does not exist in this region: see `asrcli models`", False),
    "NotFound": ("the hotword list does not exist: check --hotwords", False),
    "BadRequest.ResourceNotExist": ("the hotword list does not exist: check --hotwords", False),
    "InvalidParameter": ("a parameter was refused: check the options and --param against the model", False),
    "NO_VALID_AUDIO_ERROR": ("the service found no speech in the audio: is the recording silent?", False),
    "NO_INPUT_AUDIO_ERROR": ("the service found no speech in the audio: is the recording silent?", False),
    "EmptyAudio": ("there was too little audio: the service wants at least 0.2 seconds", False),
    "DataInspectionFailed": ("the service's content inspection refused the text or the audio", False),
    "ResponseTimeout": ("a long silence ended the task: --heartbeat keeps it alive", True),
    "RequestTimeOut": ("a long silence ended the task: --heartbeat keeps it alive", True),
    "Throttling": ("too many requests at once: wait a little, or raise the quota in the console", True),
    "InternalError": ("a fault of the service: try again", True),
    "ModelServingError": ("the service is overloaded: try again", True),
    "ModelUnavailable": ("the service is overloaded: try again", True),
}
_REFUSED_KEY = ("InvalidApiKey", "invalid_api_key")
_NO_SPEECH = frozenset({"EmptyAudio", "NO_VALID_AUDIO_ERROR", "NO_INPUT_AUDIO_ERROR"})
_CLIENT_ERROR_HINT = "a parameter was refused: check the options and --param against the model"


def service_error(code: str, message: str, request_id: str | None, *, id_of: str = "task") -> AsrcliError:
    """The error for a failure that the service reported itself; `id_of` says what `request_id` names."""
    code, message = brief(code or "unknown"), brief(message or "no message")
    request_id = request_id and brief(request_id)
    if code.startswith(_REFUSED_KEY):
        # As in the handshake, where most gateways look at the key.
        return AuthError(
            message, hint=_KEYS_AND_REGIONS, service_code=code, request_id=request_id, refused_by="the service"
        )
    hint, retryable = explain(code, message)
    error = ServiceError(code, message, request_id=request_id, id_of=id_of, hint=hint, retryable=retryable)
    error.no_speech = code in _NO_SPEECH
    error.throttled = code.startswith("Throttling")
    return error


def reported(*places: Mapping[str, Any]) -> tuple[str, str]:
    """Code and message of a failure, each from the first of `places` that has it; "" where none has.

    The vendor's own name for a field outranks the short one, which gateways use.
    """

    def first(*keys: str) -> str:
        found = (string(place.get(key)) for place in places for key in keys)
        return next(filter(None, found), "")

    return first("error_code", "code", "type"), first("error_message", "message")


def explain(code: str, message: str) -> tuple[str, bool]:
    """The hint for a code and whether a new try may succeed; ("", False) for one that is not known."""
    if code == "CLIENT_ERROR":
        # One code for two things: the cut after 23 s without audio, and refused parameters.
        if "timeout" in message.lower():
            return "no audio reached the service for a while: is the source stalled?", True
        return _CLIENT_ERROR_HINT, False
    fitting = [prefix for prefix in _HINTS if code.startswith(prefix)]
    return _HINTS[max(fitting, key=len)] if fitting else ("", False)


def closed_early(
    code: int | None, reason: str, *, started: bool, request_id: str | None, id_of: str = "task"
) -> AsrcliError:
    """The error for a connection that the service closed before it had said everything.

    1007 and 1008 are how the service refuses a model or an account, with the reason as the only explanation; any other
    code is a connection that may come back.
    """
    reason = brief(reason)
    if code in (1007, 1008):
        hint = "check the model, the account and --region"
        said = reason or "no reason given"
        return ServiceError(f"close {code}", said, request_id=request_id, id_of=id_of, hint=hint)
    said = (f"code {code}" if code is not None else "no close code") + (f", {reason!r}" if reason else "")
    stage = "before everything was recognised" if started else "before it was ready"
    return LinkError(f"the service closed the connection {stage} ({said})", hint="safe to try again")
