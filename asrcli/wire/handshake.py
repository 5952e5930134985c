"""The handshake of a WebSocket, which is websocket-client's: over a connection of ours, or through a proxy of its own.

Waits; knows nothing of what follows on the connection.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import websocket

from asrcli.values.messages import ConnectRequest
from asrcli.wire.dial import Network, is_secure, tls_context
from asrcli.wire.duplex import Duplex


@dataclass(frozen=True, slots=True)
class Upgraded:
    """A connection that speaks WebSocket now, and the headers of the answer, their names in lower case."""

    wire: Duplex
    headers: Mapping[str, str]


def upgrade(request: ConnectRequest, network: Network, timeout_s: float, wire: Duplex | None) -> Upgraded:
    """Shake hands over `wire`; where that is None, the library makes a connection through the proxy of `network`.

    `timeout_s` bounds each step. Raises what the library does, see `wire.translation`.
    """
    client = websocket.WebSocket(enable_multithread=False)
    way = _through_proxy(client, request, network, timeout_s) if wire is None else {"socket": wire}
    client.connect(
        request.url,
        header=dict(request.headers),
        timeout=timeout_s,
        suppress_origin=True,
        # A redirect would carry the key to another host.
        redirect_limit=0,
        **way,
    )
    if wire is None:
        made = client.sock
        assert made is not None
        wire = Duplex(made)
    return Upgraded(wire, client.headers or {})


def _through_proxy(
    client: websocket.WebSocket, request: ConnectRequest, network: Network, timeout_s: float
) -> dict[str, object]:
    proxy = network.proxy
    assert proxy is not None
    if is_secure(request.url):
        client.sock_opt.sslopt["context"] = tls_context(network.ca_bundle)
    return {
        "proxy_type": proxy.scheme,
        "http_proxy_host": proxy.host,
        "http_proxy_port": proxy.port,
        "http_proxy_auth": (proxy.user, proxy.password or "") if proxy.user else None,
        "http_proxy_timeout": timeout_s,
        # Not empty, or the library would look into NO_PROXY itself.
        "http_no_proxy": [".invalid"],
    }
