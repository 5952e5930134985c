"""Questions to the vendor's HTTP API: a JSON object goes, a JSON object comes back, or one of our errors.

The way there is that of the WebSocket: the same proxies, certificates and words for what goes wrong. urllib3 speaks
HTTP; the ways through socks proxies are those of python-socks, as for websocket-client.
"""

from __future__ import annotations

import json
import socket
import ssl
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from asrcli.values.errors import AsrcliError, LinkError, ProtocolViolation, brief
from asrcli.wire.dial import Network, tls_context
from asrcli.wire.failures import network_failure, no_way_through_socks, place_of, proxy_failure, refusal, tls_failure

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, HTTPConnectionPool, HTTPSConnectionPool, PoolManager
    from urllib3.exceptions import HTTPError

    from asrcli.wire.proxies import Proxy

# Of each step of the way there, and for the answer.
_TIMEOUT_S = 15.0
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
        self._http = _pools(url, network)

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
            raise self._failure(error) from error
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

    def _failure(self, error: HTTPError | ValueError) -> AsrcliError | Unanswered:
        """Our error for what urllib3 raises: as it is where nothing can have been asked, else as Unanswered."""
        from urllib3.exceptions import ConnectTimeoutError, ProxyError

        cause, proxy = _root(error), self._network.proxy
        if isinstance(cause, AsrcliError):
            return cause
        failed = cause if isinstance(cause, OSError) else OSError(str(cause))
        if isinstance(error, ProxyError) and proxy is not None:
            if str(cause).startswith("Tunnel connection failed"):
                return LinkError(f"the proxy refused the way to {self._where}: {brief(str(cause))}", hint=_PROXY_HINT)
            return proxy_failure(failed, proxy)
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
            return tls_failure(cause, self._url, proxy)
        failure = network_failure(failed, self._url, proxy)
        return failure if isinstance(error, ConnectTimeoutError) else Unanswered(failure)


_PROXY_HINT = "check --proxy and HTTPS_PROXY"


def _root(error: BaseException) -> BaseException:
    """What the library has wrapped."""
    from urllib3.exceptions import HTTPError

    while isinstance(error, HTTPError):
        inner = error.__cause__ or next((each for each in error.args if isinstance(each, Exception)), None)
        if inner is None:
            break
        error = inner
    return error


def _pools(url: str, network: Network) -> PoolManager:
    """Connections of urllib3's, through the proxy where there is one."""
    import urllib3

    settings: dict[str, Any] = {"timeout": urllib3.Timeout(_TIMEOUT_S), "retries": False}
    if urlsplit(url).scheme == "https":
        settings["ssl_context"] = tls_context(network.ca_bundle)
    proxy = network.proxy
    if proxy is None:
        return urllib3.PoolManager(**settings)
    if proxy.scheme.startswith("socks"):
        pools = urllib3.PoolManager(**settings)
        pools.pool_classes_by_scheme = _through_socks(proxy)
        return pools
    credentials = f"{proxy.user}:{proxy.password or ''}" if proxy.user else None
    return urllib3.ProxyManager(
        str(proxy),
        proxy_headers=urllib3.make_headers(proxy_basic_auth=credentials),
        # The proxy's certificate is held to the same authorities as any other.
        proxy_ssl_context=tls_context(network.ca_bundle) if proxy.scheme == "https" else None,
        **settings,
    )


def _through_socks(proxy: Proxy) -> dict[str, type[HTTPConnectionPool | HTTPSConnectionPool]]:
    """Kinds of pools whose connections begin at a socks proxy. Raises UsageError where python-socks is missing.

    urllib3's own way needs PySocks, a second library for the same thing.
    """
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

    try:
        from python_socks import ProxyConnectionError, ProxyError, ProxyTimeoutError, ProxyType
        from python_socks.sync import Proxy as SocksProxy
    except ModuleNotFoundError as error:
        raise no_way_through_socks() from error
    way = SocksProxy(
        ProxyType.SOCKS5 if proxy.scheme.startswith("socks5") else ProxyType.SOCKS4,
        proxy.host,
        proxy.port,
        proxy.user,
        proxy.password,
        rdns=proxy.scheme in ("socks5h", "socks4a"),
    )

    def connected(host: str, port: int | None) -> socket.socket:
        try:
            return way.connect(host, port or 443, timeout=_TIMEOUT_S)
        except ProxyTimeoutError as error:
            raise proxy_failure(TimeoutError(), proxy) from error
        except ProxyConnectionError as error:
            cause = error.__cause__
            raise proxy_failure(cause if isinstance(cause, OSError) else OSError(str(error)), proxy) from error
        except ProxyError as error:
            raise LinkError(f"the proxy {proxy} refused the way: {brief(str(error))}", hint=_PROXY_HINT) from error

    class Plain(HTTPConnection):
        def _new_conn(self) -> socket.socket:
            return connected(self.host, self.port)

    class Secure(HTTPSConnection):
        def _new_conn(self) -> socket.socket:
            return connected(self.host, self.port)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
