"""What libraries of object stores raise, as one line of ours.

There is one library a store, and most are not installed; what they raise is known by its name, by the number of HTTP
and by the store's own code.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import urlsplit

from asrcli.remote.base import NothingThere, RemoteError
from asrcli.system.extras import how_to_add, how_to_add_package
from asrcli.system.file_state import changed
from asrcli.values.addresses import scheme, shown
from asrcli.values.errors import AsrcliError, brief

_NO_CREDENTIALS = {
    "NoCredentialsError",
    "PartialCredentialsError",
    "DefaultCredentialsError",
    "CredentialRetrievalError",
}
_NO_BUCKET = {"NoSuchBucket"}
_CHANGED = {"FileExpired"}
_UNREACHED = {"EndpointConnectionError", "ConnectTimeoutError", "ConnectionRefusedError", "gaierror"}
# There was no answer, or a part of one.
_BROKEN_OFF = {
    *("ConnectionError", "TimeoutError", "FSTimeoutError", "HTTPClientError", "ResponseStreamingError"),
    *("IncompleteReadError", "IncompleteRead", "ClientPayloadError", "ServerDisconnectedError", "ContentLengthError"),
}
_TLS = {"SSLError", "ClientConnectorSSLError", "ClientConnectorCertificateError"}
_BUSY = {"SlowDown", "RequestTimeout", "InternalError", "ServiceUnavailable", "Throttling", "TooManyRequests"}
# Kind of store → where its library finds credentials, and where the store.
_S3 = ("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE", "AWS_ENDPOINT_URL")
_SETTINGS = {
    "s3": _S3,
    "s3a": _S3,
    "oss": ("OSS_ACCESS_KEY_ID and OSS_ACCESS_KEY_SECRET", "OSS_ENDPOINT, as https://oss-cn-beijing.aliyuncs.com"),
    "gs": ("GOOGLE_APPLICATION_CREDENTIALS", ""),
}
_OF_THE_EXTRA = {"fsspec", "s3fs"}


def translated(error: BaseException, address: str, doing: str) -> AsrcliError:
    """Our error for what was raised while `address` was to be read, written or listed, as `doing` says."""
    chain = list(_chain(error))
    names = {kind.__name__ for each in chain for kind in type(each).__mro__}
    codes = {code for each in chain if (code := _code(each))}
    statuses = {status for each in chain if (status := _status(each))}
    what = shown(address)
    credentials, endpoint = _SETTINGS.get(scheme(address), ("", ""))
    if names & _NO_CREDENTIALS:
        hint = f"set {credentials}" if credentials else ""
        return RemoteError(f"there are no credentials for {what}: {_text(error)}", hint=hint)
    if codes & _NO_BUCKET or names & _NO_BUCKET:
        hint = f"check its name and {endpoint}" if endpoint else "check its name"
        return RemoteError(f"there is no bucket of that name: {what}", hint=hint)
    if names & _CHANGED or 412 in statuses:
        return changed(address)
    if "FileNotFoundError" in names or 404 in statuses:
        return NothingThere(f"there is nothing at {what}")
    if "PermissionError" in names or statuses & {401, 403}:
        hint = "the credentials that were found need the right to do that" + (f": {credentials}" if credentials else "")
        return RemoteError(f"{what} may not be {_DONE[doing]}: {_text(error)}", hint=hint)
    if "IsADirectoryError" in names:
        return RemoteError(f"{what} is a folder", hint="a folder of sources ends in /")
    if codes & _BUSY or any(status >= 500 or status == 429 for status in statuses):
        return RemoteError(f"the store of {what} is too busy: {_text(error)}", retryable=True)
    if names & _TLS:
        return RemoteError(f"TLS fails on the way to {what}{_where(chain)}: {_text(chain[-1])}")
    if names & _UNREACHED:
        message = f"the store of {what} cannot be reached{_where(chain)}: {_reason(chain)}"
        return RemoteError(message, retryable=True, unreached=True)
    if names & _BROKEN_OFF:
        return RemoteError(f"the connection to the store of {what} broke: {_reason(chain)}", retryable=True)
    hint = f"set {endpoint}" if "endpoint" in str(error).lower() and endpoint else ""
    return RemoteError(f"{what} cannot be {_DONE[doing]}: {_text(error)}", hint=hint)


_DONE = {"read": "read", "write": "written", "list": "listed", "remove": "removed"}


def unavailable(error: Exception, address: str) -> RemoteError:
    """Our error for an address for which there is no library, or which no library knows."""
    kind = f"{scheme(address)}://"
    if not isinstance(error, ImportError):
        return RemoteError(f"addresses that begin with {kind} are not known: {shown(address)}")
    missing = next((each.name for each in _chain(error) if isinstance(each, ImportError) and each.name), None)
    if missing is None:
        return RemoteError(f"what reads {kind} cannot be loaded: {_text(error)}")
    package = missing.partition(".")[0].replace("_", "-")
    hint = how_to_add("remote") if package in _OF_THE_EXTRA else how_to_add_package(package)
    return RemoteError(f"{kind} takes {package}, which is not installed", hint=hint)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _code(error: BaseException) -> str:
    """The store's own code, as botocore and oss2 tell it; "" where there is none."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        return str(response.get("Error", {}).get("Code", ""))
    code = getattr(error, "code", None)
    return code if isinstance(code, str) else ""


def _status(error: BaseException) -> int | None:
    """The number of HTTP, as botocore, oss2 and gcsfs tell it."""
    response = getattr(error, "response", None)
    if isinstance(response, dict):
        found = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    else:
        found = getattr(error, "status", None) or getattr(error, "code", None)
    return found if isinstance(found, int) and 400 <= found <= 599 else None


def _where(chain: list[BaseException]) -> str:
    """Of botocore's errors, which keep what they were made of."""
    for each in chain:
        said = getattr(each, "kwargs", None)
        url = said.get("endpoint_url") if isinstance(said, dict) else None
        if url and (host := urlsplit(str(url)).netloc.rpartition("@")[2]):
            return f" at {host}"
    return ""


def _reason(chain: list[BaseException]) -> str:
    """What the system says, which is the last in the chain; else the words of the library."""
    for each in reversed(chain):
        number = getattr(each, "errno", None)
        if isinstance(each, OSError) and number:
            return os.strerror(number) if number > 0 else str(each.strerror)
    return _text(chain[0])


def _text(error: BaseException) -> str:
    """Its words on one line, without what lets one in at an address."""
    words = " ".join(shown(str(error)).split())
    return brief(words) if words else type(error).__name__
