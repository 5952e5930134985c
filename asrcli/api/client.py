"""Questions to the vendor's HTTP API: a JSON object goes, a JSON object comes back, or one of our errors.

The way there is that of the WebSocket: the same proxies, certificates and words for what goes wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from asrcli.values.errors import AsrcliError, ProtocolViolation, brief
from asrcli.wire.dial import Network
from asrcli.wire.failures import place_of, refusal
from asrcli.wire.http import failure, pools

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

# Far more than a list of 2000 words.
_LARGEST_ANSWER_BYTES = 4 << 20

Patience = Callable[[int, AsrcliError], bool]
"""Waits before try number N after an error, counted from 1; False where no more is to be made."""


class Unanswered(Exception):  # noqa: N818 - it names what happened
    """The request may have been carried out or not. `error` is what a person is told."""

    def __init__(self, error: AsrcliError) -> None:
        super().__init__(error.message)
        self.error = error


class Client:
    """Asks one address, over one connection as long as that lasts. For one thread."""

    def __init__(self, url: str, headers: Mapping[str, str], network: Network, patience: Patience) -> None:
        """`headers` let us in. Raises UsageError for a certificate file that cannot be used."""
        self._url = url
        self._headers = {"Content-Type": "application/json", "Accept": "application/json", **headers}
        self._network = network
        self._patience = patience
        self._where = place_of(url, network.proxy)
        self._http = pools(url, network)

    def ask(self, question: Mapping[str, object], *, repeatable: bool, settled_by: str = "") -> dict[str, Any]:
        """What the service answers to `question`.

        Another try is made as long as it is worth it: after what a service too busy refused, unless its code begins
        with `settled_by`; and, where the question is `repeatable`, also after what it may have carried out, while
        else that raises Unanswered. Raises AuthError, ServiceError, LinkError and ProtocolViolation.
        """
        body = json.dumps(question, ensure_ascii=False).encode()
        tries = 0
        while True:
            try:
                return self._once(body)
            except Unanswered as unanswered:
                if not repeatable:
                    raise
                error, asked_again = unanswered.error, True
            except AsrcliError as refused:
                is_settled = bool(settled_by) and refused.code.startswith(settled_by)
                error, asked_again = refused, refused.throttled and not is_settled
            if not (asked_again and error.retryable and self._patience(tries + 1, error)):
                error.tries = tries
                raise error
            tries += 1

    def close(self) -> None:
        # Forgotten alone, a connection stays open as long as an error remembers it.
        self._http.connection_from_url(self._url).close()
        self._http.clear()

    def _once(self, body: bytes) -> dict[str, Any]:
        from urllib3.exceptions import HTTPError, ProxySchemeUnsupported

        try:
            answer = self._http.request(
                "POST", self._url, body=body, headers=self._headers, preload_content=False, redirect=False
            )
            with answer:
                content = answer.read(_LARGEST_ANSWER_BYTES + 1)
        except (HTTPError, ProxySchemeUnsupported) as error:
            failed, is_unasked = failure(error, self._url, self._network)
            raise (failed if is_unasked else Unanswered(failed)) from error
        return self._answer(answer, content)

    def _answer(self, answer: BaseHTTPResponse, content: bytes) -> dict[str, Any]:
        if answer.status >= 500:
            # A gateway says so too when the service behind it has taken too long.
            raise Unanswered(self._refusal(answer, content))
        if not 200 <= answer.status <= 299:
            raise self._refusal(answer, content)
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            document = None
        if len(content) > _LARGEST_ANSWER_BYTES or not isinstance(document, dict):
            excerpt = brief(content[:400].decode(errors="replace"))
            raise Unanswered(ProtocolViolation(f"{self._where} answers, but not with a JSON object", excerpt=excerpt))
        return document

    def _refusal(self, answer: BaseHTTPResponse, content: bytes) -> AsrcliError:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return refusal(answer.status, headers, content, self._where)
