"""The way to an HTTP server: that of the WebSocket, with the same proxies, certificates and words for what goes wrong.

urllib3 speaks HTTP; the ways through socks proxies are those of python-socks, as for websocket-client.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from asrcli.values.errors import AsrcliError, LinkError, brief
from asrcli.wire.dial import Network, tls_context
from asrcli.wire.failures import network_failure, no_way_through_socks, place_of, proxy_failure, tls_failure

if TYPE_CHECKING:
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager

    from asrcli.wire.proxies import Proxy

CONNECT_S = 15.0
"""Bounds each step of the way there."""

Connected = Callable[[socket.socket], None]
"""Is told of each connection when it stands."""
_Pools = dict[str, "type[HTTPConnectionPool | HTTPSConnectionPool]"]
_PROXY_HINT = "check --proxy and HTTPS_PROXY"


def pools(url: str, network: Network, answer_s: float = CONNECT_S, connected: Connected | None = None) -> PoolManager:
    """Connections to the host of `url`, through the proxy where there is one; `answer_s` bounds each wait for bytes.

    Nothing is tried again, and no redirect followed, but by whoever asks. Raises UsageError for a certificate file that
    cannot be used, and where python-socks is missing for a socks proxy.
    """
    import urllib3

    settings: dict[str, Any] = {"timeout": urllib3.Timeout(connect=CONNECT_S, read=answer_s), "retries": False}
    if urlsplit(url).scheme == "https":
        settings["ssl_context"] = tls_context(network.ca_bundle)
    proxy = network.proxy
    through_socks = proxy is not None and proxy.scheme.startswith("socks")
    if proxy is None or through_socks:
        manager = urllib3.PoolManager(**settings)
    else:
        credentials = f"{proxy.user}:{proxy.password or ''}" if proxy.user else None
        manager = urllib3.ProxyManager(
            str(proxy),
            proxy_headers=urllib3.make_headers(proxy_basic_auth=credentials),
            # The proxy's certificate is held to the same authorities as any other.
            proxy_ssl_context=tls_context(network.ca_bundle) if proxy.scheme == "https" else None,
            **settings,
        )
    manager.pool_classes_by_scheme = _kinds(_socks(proxy) if proxy and through_socks else None, connected)
    return manager


def failure(error: Exception, url: str, network: Network) -> tuple[AsrcliError, bool]:
    """Our error for what urllib3, or a socket, raises on the way to `url`, and whether surely nothing was asked."""
    from urllib3.exceptions import ConnectTimeoutError, ProxyError

    cause, proxy = _root(error), network.proxy
    if isinstance(cause, AsrcliError):
        return cause, True
    failed = cause if isinstance(cause, OSError) else OSError(str(cause))
    if isinstance(error, ProxyError) and proxy is not None:
        if str(cause).startswith("Tunnel connection failed"):
            where = place_of(url, proxy)
            return LinkError(f"the proxy refused the way to {where}: {brief(str(cause))}", hint=_PROXY_HINT), True
        return proxy_failure(failed, proxy), True
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
        return tls_failure(cause, url, proxy), True
    return network_failure(failed, url, proxy), isinstance(error, ConnectTimeoutError)


def _root(error: BaseException) -> BaseException:
    """What the library has wrapped."""
    from urllib3.exceptions import HTTPError

    while isinstance(error, HTTPError):
        inner = error.__cause__ or next((each for each in error.args if isinstance(each, Exception)), None)
        if inner is None:
            break
        error = inner
    return error


def _socks(proxy: Proxy) -> Callable[[str, int | None], socket.socket]:
    """What connects through a socks proxy. Raises UsageError where python-socks is missing.

    urllib3's own way needs PySocks, a second library for the same thing.
    """
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

    def reach(host: str, port: int | None) -> socket.socket:
        try:
            return way.connect(host, port or 443, timeout=CONNECT_S)
        except ProxyTimeoutError as error:
            raise proxy_failure(TimeoutError(), proxy) from error
        except ProxyConnectionError as error:
            cause = error.__cause__
            raise proxy_failure(cause if isinstance(cause, OSError) else OSError(str(error)), proxy) from error
        except ProxyError as error:
            raise LinkError(f"the proxy {proxy} refused the way: {brief(str(error))}", hint=_PROXY_HINT) from error

    return reach


def _kinds(reach: Callable[[str, int | None], socket.socket] | None, connected: Connected | None) -> _Pools:
    """Kinds of pools whose connections begin where `reach` brings them, and of which `connected` is told."""
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

    from asrcli.wire.http_answer import Answer

    class Plain(HTTPConnection):
        response_class = Answer

        def _new_conn(self) -> socket.socket:
            return super()._new_conn() if reach is None else reach(self.host, self.port)

        def connect(self) -> None:
            super().connect()
            if connected is not None and self.sock is not None:
                connected(self.sock)

    class Secure(HTTPSConnection):
        response_class = Answer

        def _new_conn(self) -> socket.socket:
            return super()._new_conn() if reach is None else reach(self.host, self.port)

        def connect(self) -> None:
            super().connect()
            secured: Any = self.sock
            if secured is not None:
                # Who cuts the connection cannot make what came seem to be all (RFC 9112, 9.8).
                secured.suppress_ragged_eofs = False
            if connected is not None and self.sock is not None:
                connected(self.sock)

    class PlainPool(HTTPConnectionPool):
        ConnectionCls = Plain

    class SecurePool(HTTPSConnectionPool):
        ConnectionCls = Secure

    return {"http": PlainPool, "https": SecurePool}
