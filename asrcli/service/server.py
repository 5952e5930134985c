"""The local service as a whole: the listening socket, what each connection is made of, and the end.

    service = Service(ServerOptions(port=0, recognizer="script:talk.jsonl"))
    service.start()
    … service.url …
    service.close()

    client ⇄ TcpStream ⇄ (FarStream) ⇄ (TlsStream) ⇄ WebSocket ⇄ (FaultyConnection) ⇄ Conversation ⇄ Hearing

One thread carries all of that for everyone; only recognisers that may wait have threads of their own. On loopback
only, where plain `ws://` gives no key away; `wss://` has a certificate made for this run.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from websockets.http11 import Request, Response

from asrcli.service.admission import (
    account_of,
    handshake_of,
    noted,
    refusal_at_the_end,
    refusal_of,
    refusal_on_demand,
    response,
)
from asrcli.service.faults.connection import FaultyConnection
from asrcli.service.faults.kinds import Fault, FaultPlan
from asrcli.service.hearing.recognition import Hearings
from asrcli.service.notes import note
from asrcli.service.protocols.base import Limits, ServerHalf
from asrcli.service.protocols.conversation import Conversation
from asrcli.service.protocols.realtime import Realtime
from asrcli.service.protocols.run_task import RunTask
from asrcli.service.recognizers import open_recognizer
from asrcli.service.vocabulary import api
from asrcli.service.vocabulary.file import kept_in
from asrcli.service.wire.fair_loop import ServiceLoop, Share
from asrcli.service.wire.layers import FarStream, TlsStream
from asrcli.service.wire.listener import listen
from asrcli.service.wire.posts import Posts
from asrcli.service.wire.stream import Stream, TcpStream
from asrcli.service.wire.web_origins import Origin
from asrcli.service.wire.websocket import CLOSE_TIMEOUT_S, Guest, WebSocket
from asrcli.system.clock import Clock, SystemClock
from asrcli.system.extras import how_to_add
from asrcli.values.errors import Shortage, UsageError

PROTOCOLS: dict[str, type[ServerHalf]] = {half.path: half for half in (RunTask, Realtime)}
# The path, and with it the protocol's own bound, is not known before the handshake.
_LARGEST_MESSAGE_BYTES = max(half.largest_message_bytes for half in PROTOCOLS.values())

# Those who are connected must not wait for all who connect at the same moment.
_ACCEPTED_AT_ONCE = 16
# Without free descriptors, accepting fails until somebody leaves.
_ACCEPT_AGAIN_S = 0.1
_HANDSHAKE_S = 10.0
# TCP's set-up and TLS are two round trips each, the request comes half of one later.
_HANDSHAKE_DELAYS = 6

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What a service is made from.

    `port` 0 takes a free one. `recognizer` is `sphinx` or `script:FILE`. Without `required_key` any key is let in,
    with it only that one. Web pages are let in from `allowed_origins` only. `max_tasks` None leaves it to the
    recogniser. `stall_s` is how long a recogniser may take no audio before its task fails. Hotword lists live as long
    as the service does, or in `vocab_file`. `faults` are done to the connections. With `tls` the connections are
    encrypted, and the authority to trust is written to `tls_ca`, or where that is None to a temporary file that is gone
    at the end.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    recognizer: str = "sphinx"
    required_key: str | None = field(default=None, repr=False)
    allowed_origins: frozenset[Origin] = frozenset()
    max_tasks: int | None = None
    limits: Limits = field(default_factory=Limits)
    stall_s: float = 60.0
    vocab_file: Path | None = None
    faults: tuple[Fault, ...] = ()
    tls: bool = False
    tls_ca: Path | None = None


class Service:
    """A service from `start` to `close`, which are called by one thread. All in between happens on the loop's.

    `died` is called there when a bug has ended that one: nobody is served any more, and `bug` is what was raised.
    """

    def __init__(
        self, options: ServerOptions, clock: Clock | None = None, *, died: Callable[[], object] = lambda: None
    ) -> None:
        self.lists = kept_in(options.vocab_file)
        """The hotword lists of all accounts."""
        self.ca_file: Path | None = None
        """With TLS, and once the service has started: the authority that a client must trust, in PEM."""
        self._options = options
        self._clock = clock or SystemClock()
        self._plan = FaultPlan(options.faults)
        self._websockets: dict[int, WebSocket] = {}
        self._conversations: dict[int, Conversation] = {}
        self._closing = False
        self._died = died
        self.bug: BaseException | None = None
        self._silent = threading.Event()
        self._empty = threading.Event()
        self._loop = ServiceLoop(self._clock)
        self._serving = False

    @property
    def url(self) -> str:
        """`ws://HOST:PORT` or `wss://HOST:PORT`, known once the service has started."""
        host, port = self._address
        scheme = "wss" if self._options.tls else "ws"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    def start(self) -> None:
        """Bind, and serve in the background. Raises UsageError where an option is no good, and Shortage."""
        options = self._options
        self._socket = listen(options.host, options.port)
        self._address = self._socket.getsockname()[:2]
        try:
            self._tls = self._make_tls() if options.tls else None
            recognizer = open_recognizer(options.recognizer, options.stall_s)
        except BaseException:
            self._socket.close()
            self._forget_authority()
            raise
        self._hearings = Hearings(recognizer, options.max_tasks or recognizer.capacity, self._loop)
        self._loop.dependants.add(self._broke)
        try:
            self._loop.hold()
        except Shortage:
            self._hearings.close()
            self._socket.close()
            self._forget_authority()
            raise
        self._serving = True
        self._loop.call(self._accept_again)

    def close(self) -> None:
        """End every recognition and its process, and close every connection with 1001. Harmless a second time."""
        if not self._serving:
            return
        self._serving = False
        self._loop.call(self._silence)
        self._silent.wait()
        self._hearings.close()
        self._loop.call(self._hang_up)
        self._empty.wait(2 * CLOSE_TIMEOUT_S)
        self._loop.call(self._cut)
        self._loop.release()
        self._hearings.join()
        with contextlib.suppress(OSError):
            self._socket.close()
        self._forget_authority()

    # --- the end, on the loop's thread ------------------------------------------------------------------------------

    def _silence(self) -> None:
        self._closing = True
        for conversation in self._conversations.values():
            conversation.silence()
        self._silent.set()

    def _hang_up(self) -> None:
        for websocket in list(self._websockets.values()):
            websocket.close(1001, "the service is ending")
        if not self._websockets:
            self._empty.set()

    def _cut(self) -> None:
        self._loop.unwatch(self._socket)
        for websocket in list(self._websockets.values()):
            websocket.cut()

    def _broke(self, bug: BaseException) -> None:
        """A bug has ended the thread, this one: its clients are left as if the service were gone."""
        self.bug = bug
        try:
            with contextlib.suppress(Exception):
                self._socket.close()
                self._silence()
                self._cut()
        finally:
            self._silent.set()
            self._empty.set()
            self._died()

    def _client_broke(self, number: int, bug: Exception) -> None:
        _log.error("connection %d: cut, because of a bug in asrcli", number, exc_info=bug)
        if (websocket := self._websockets.get(number)) is not None:
            websocket.cut()

    # --- connections, on the loop's thread --------------------------------------------------------------------------

    def _accept_again(self) -> None:
        self._loop.watch(self._socket, self._accept)

    def _accept(self, _: int) -> None:
        for _ in range(_ACCEPTED_AT_ONCE):
            try:
                connection, address = self._socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                _log.warning("a connection could not be accepted: %s", error.strerror)
                self._loop.unwatch(self._socket)
                self._loop.at(self._loop.now() + _ACCEPT_AGAIN_S, self._accept_again)
                return
            self._take_in(connection, address[1])

    def _take_in(self, connection: socket.socket, from_port: int) -> None:
        number = self._plan.next_connection()
        note(number, f"from port {from_port}")
        delay_s = self._plan.delay_s(number)
        loop = Share(self._loop, partial(self._client_broke, number))
        stream: Stream = TcpStream(loop, connection, partial(self._gone, number))
        if delay_s:
            stream = FarStream(stream, loop, delay_s)
        if self._tls is not None:
            stream = TlsStream(stream, self._tls)
        self._websockets[number] = websocket = WebSocket(
            Posts(stream, partial(self._answer, number)),
            loop,
            largest_message_bytes=_LARGEST_MESSAGE_BYTES,
            admit=partial(self._admit, number, PROTOCOLS),
            make_guest=partial(self._make_guest, number, loop),
        )
        websocket.open(_HANDSHAKE_S + _HANDSHAKE_DELAYS * delay_s)

    def _gone(self, number: int) -> None:
        note(number, "over")
        del self._websockets[number]
        self._conversations.pop(number, None)
        if self._closing and not self._websockets:
            self._empty.set()

    def _admit(self, number: int, paths: Container[str], request: Request) -> Response | None:
        if self._closing:
            return refusal_at_the_end()
        refusal = refusal_of(request, paths, self._options.required_key, self._options.allowed_origins)
        if refusal is None and (refuse := self._plan.refusal(number)) is not None:
            refusal = refusal_on_demand(refuse)
        return noted(number, request, refusal)

    def _answer(self, number: int, request: Request, body: bytes) -> Response:
        refusal = self._admit(number, (api.PATH,), request)
        return refusal or response(*api.answer(self.lists, account_of(request), body))

    def _make_guest(self, number: int, loop: Share, websocket: WebSocket, request: Request) -> Guest:
        handshake = handshake_of(request, partial(self.lists.words_for, account_of(request)))
        half = PROTOCOLS[handshake.path](handshake, self._options.limits, self._clock)
        faults, chance = self._plan.share(number)
        faulty = FaultyConnection(websocket, faults, chance, loop) if faults else None
        alive_s = self._options.limits.alive_s
        conversation = Conversation(
            faulty or websocket, half, self._hearings, loop, partial(note, number), alive_s=alive_s
        )
        self._conversations[number] = conversation
        if faulty is None:
            return conversation
        faulty.conversation = conversation
        return faulty

    # --- what it is made from ---------------------------------------------------------------------------------------

    def _make_tls(self) -> ssl.SSLContext:
        try:
            # Not at the top: only TLS needs the library.
            from asrcli.service.wire.certificate import Authority
        except ModuleNotFoundError as error:
            if error.name != "cryptography":
                raise
            raise UsageError(
                "cannot make a certificate: cryptography is not installed", hint=how_to_add("serve")
            ) from error
        authority = Authority()
        self.ca_file = authority.write(self._options.tls_ca)
        return authority.server_context

    def _forget_authority(self) -> None:
        if self.ca_file is not None and self._options.tls_ca is None:
            self.ca_file.unlink(missing_ok=True)
