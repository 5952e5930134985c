"""The way to a service step by step, as a link takes it, for whoever asks where it breaks off.

Nothing is sent but the handshake, and nothing is waited for without a bound. Knows no protocol.

Thread "look-up": one for each look for a name, until the system gives an answer: nothing can end that earlier, and
nobody waits for it longer than he likes.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from asrcli.system.clock import Clock, Deadline, SystemClock
from asrcli.system.threads import Thread
from asrcli.values.errors import AsrcliError, LinkError
from asrcli.values.messages import ConnectRequest
from asrcli.wire.certificates import issuer
from asrcli.wire.dial import Addresses, Network, is_secure, look_up, reach, secure
from asrcli.wire.duplex import Duplex
from asrcli.wire.failures import place_of, proxy_failure
from asrcli.wire.handshake import Upgraded, upgrade
from asrcli.wire.translation import answered_headers, handshake_failure
from asrcli.wire.tunnel import open_tunnel, tunnel_url

Kind = Literal["dns", "tcp", "tls", "upgrade"]


@dataclass(frozen=True, slots=True)
class Step:
    """What one step came to. With an `error` it is the last.

    `found`: the addresses of the name; the one that was reached; the version of TLS; nothing. `issuer` signed the
    certificate. `headers` are those of the service's answer, their names in lower case. `ms` is None where the step was
    part of another one.
    """

    kind: Kind
    ms: float | None
    found: str = ""
    issuer: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    error: AsrcliError | None = None


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each step may take, and all of them: seconds."""

    step_s: float
    all_s: float


class Probe:
    """One try to reach the service of `request`. `find` looks for names, in a thread of its own.

    With a proxy the first two steps lead to that, and the others through it.
    """

    def __init__(
        self,
        request: ConnectRequest,
        network: Network,
        patience: Patience,
        *,
        find: Callable[[str], Addresses] = look_up,
        clock: Clock | None = None,
    ) -> None:
        self._request = request
        self._network = network
        self._patience = patience
        self._find = find
        self._clock = clock or SystemClock()
        self._deadline = Deadline(self._clock, self._patience.all_s)
        self._addresses: Addresses = []
        self._connection: socket.socket | None = None

    def steps(self, *, shakes_hands: bool) -> Iterator[Step]:
        """Each step when it is done; without `shakes_hands` only those before the handshake."""
        try:
            yield from self._ended_by_errors(shakes_hands=shakes_hands)
        finally:
            if self._connection is not None:
                self._connection.close()

    def _ended_by_errors(self, *, shakes_hands: bool) -> Iterator[Step]:
        kinds: list[tuple[Kind, Callable[[], Step]]] = [("dns", self._dns)]
        kinds.append(("tcp", self._tcp))
        if self._network.proxy is None and is_secure(self._request.url):
            kinds.append(("tls", self._tls))
        if shakes_hands:
            kinds.append(("upgrade", self._upgrade))
        for kind, take in kinds:
            began = self._clock.now()
            try:
                step = take()
            except Exception as error:
                yield self._failed(kind, error, (self._clock.now() - began) * 1000)
                return
            if kind == "upgrade" and step.issuer is not None:
                yield Step("tls", None, step.found, step.issuer)
            yield step

    def _failed(self, kind: Kind, error: Exception, ms: float) -> Step:
        proxy, url = self._network.proxy, self._request.url
        if isinstance(error, OSError) and proxy is not None and kind in ("dns", "tcp"):
            failure: AsrcliError = proxy_failure(error, proxy)
        else:
            failure = handshake_failure(error, url, proxy)
        if isinstance(error, TimeoutError) and kind == "dns":
            problem = f"no answer to where {place_of(url, proxy)} is, within {self._patience.step_s:g} s"
            failure = LinkError(problem, hint="check the network, and the name server that this system asks")
        if kind == "upgrade" and isinstance(error, ssl.SSLError):
            kind = "tls"
        return Step(kind, ms, headers=answered_headers(error), error=failure)

    def _left_s(self) -> float:
        left_s = min(self._patience.step_s, self._deadline.remaining_s())
        if not left_s:
            raise TimeoutError("the deadline has passed")
        return left_s

    def _dns(self) -> Step:
        began = self._clock.now()
        first = self._request.url if self._network.proxy is None else tunnel_url(self._network.proxy)
        answers: queue.SimpleQueue[Addresses | BaseException] = queue.SimpleQueue()
        Thread("look-up", lambda: answers.put(self._find(first)), answers.put).start()
        try:
            answer = answers.get(timeout=self._left_s())
        except queue.Empty as error:
            raise TimeoutError("no answer") from error
        if isinstance(answer, BaseException):
            raise answer
        self._addresses = answer
        names = dict.fromkeys(str(address[4][0]) for address in answer)
        return Step("dns", (self._clock.now() - began) * 1000, ", ".join(names))

    def _tcp(self) -> Step:
        began = self._clock.now()
        self._connection = reach(self._addresses, self._left_s())
        host, port = self._connection.getpeername()[:2]
        return Step("tcp", (self._clock.now() - began) * 1000, f"[{host}]:{port}" if ":" in host else f"{host}:{port}")

    def _tls(self) -> Step:
        began = self._clock.now()
        connection, self._connection = self._connection, None
        assert connection is not None
        connection.settimeout(self._left_s())
        secured = secure(connection, self._request.url, self._network)
        self._connection = secured
        return Step("tls", (self._clock.now() - began) * 1000, *_shown(secured))

    def _upgrade(self) -> Step:
        began = self._clock.now()
        upgraded = self._upgraded()
        proxy, connection = self._network.proxy, upgraded.wire.connection
        version, signer = "", None
        # Of a proxy that is spoken to over TLS it is the proxy's.
        if proxy is not None and proxy.scheme != "https" and isinstance(connection, ssl.SSLSocket):
            version, signer = _shown(connection)
        with contextlib.suppress(OSError):
            upgraded.wire.close()
        return Step("upgrade", (self._clock.now() - began) * 1000, version, signer, upgraded.headers)

    def _upgraded(self) -> Upgraded:
        proxy, connection = self._network.proxy, self._connection
        assert connection is not None
        if proxy is None:
            connection.settimeout(self._left_s())
            return upgrade(self._request, self._network, self._left_s(), Duplex(connection))
        # Those who make the way through it begin anew.
        connection.close()
        if proxy.scheme == "https":
            wire, _ = open_tunnel(self._request.url, self._network, self._left_s())
            return upgrade(self._request, self._network, self._left_s(), wire)
        return upgrade(self._request, self._network, self._left_s(), None)


def _shown(connection: ssl.SSLSocket) -> tuple[str, str | None]:
    """The version of TLS, and who signed the certificate."""
    return connection.version() or "TLS", issuer(connection.getpeercert(binary_form=True) or b"")
