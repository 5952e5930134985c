"""The local service as a whole: the listening socket, the handshake, one conversation per connection, and the end.

    service = Service(ServiceOptions(port=0, recognizer="script:talk.jsonl"))
    service.start()
    … service.url …
    service.close()

Plain `ws://` on loopback only: there is no TLS here, and a key must not travel in clear.
"""

from __future__ import annotations

import hmac
import ipaddress
import json
import logging
import socket
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit
from weakref import WeakKeyDictionary

from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.sync.server import Server, ServerConnection, serve

from asrcli.errors import UsageError
from asrcli.service.base import Handshake, Limits, ServerHalf
from asrcli.service.conversation import Conversation, Places
from asrcli.service.faults import Fault, FaultPlan, Refuse
from asrcli.service.faulty import FaultyConnection
from asrcli.service.realtime import Realtime
from asrcli.service.recognizer import Recognizer
from asrcli.service.run_task import RunTask
from asrcli.service.timeline import open_script
from asrcli.timing import Clock, SystemClock

PROTOCOLS: dict[str, type[ServerHalf]] = {half.path: half for half in (RunTask, Realtime)}

# A thousand clients may connect at the same moment.
_BACKLOG = 1024
_CLOSE_TIMEOUT_S = 2.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """What a service is made from.

    `port` 0 takes a free one. `recognizer` is `sphinx` or `script:FILE`. Without `required_key` any key is let in,
    with it only that one. `max_tasks` None leaves it to the recogniser. `stall_s` is how long a recogniser may take no
    audio before its task fails. `faults` are done to the connections.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    recognizer: str = "sphinx"
    required_key: str | None = field(default=None, repr=False)
    max_tasks: int | None = None
    limits: Limits = field(default_factory=Limits)
    stall_s: float = 20.0
    faults: tuple[Fault, ...] = ()


class Service:
    """A service from `start` to `close`. Everything in between happens in threads of its own."""

    def __init__(self, options: ServiceOptions, clock: Clock | None = None) -> None:
        self._options = options
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._conversations: set[Conversation] = set()
        self._closing = False
        self._socket: socket.socket | None = None
        self._server: Server | None = None
        self._listener: threading.Thread | None = None
        self._recognizer: Recognizer | None = None
        self._plan = FaultPlan(options.faults)
        # Connections whose handshake is under way or done, by number.
        self._numbers: WeakKeyDictionary[ServerConnection, int] = WeakKeyDictionary()

    @property
    def url(self) -> str:
        """`ws://HOST:PORT`, known once the service has started."""
        assert self._socket is not None
        host, port = self._socket.getsockname()[:2]
        return f"ws://[{host}]:{port}" if ":" in host else f"ws://{host}:{port}"

    def start(self) -> None:
        """Bind, and serve in background threads. Raises UsageError where the address or the recogniser is no good."""
        self._socket = _listen(self._options.host, self._options.port)
        try:
            self._recognizer = open_recognizer(self._options.recognizer, self._options.stall_s)
        except BaseException:
            self._socket.close()
            raise
        self._places = Places(self._options.max_tasks or self._recognizer.capacity)
        self._server = serve(
            self._converse,
            sock=self._socket,
            process_request=self._admit,
            compression=None,
            # The vendor's SDK answers no pings while it has no audio to send.
            ping_interval=None,
            close_timeout=_CLOSE_TIMEOUT_S,
            # The path, and with it the protocol's own bound, is not known yet.
            max_size=max(half.largest_message_bytes for half in PROTOCOLS.values()),
            # Refused handshakes and lost clients are the clients' business; they are told with -v only.
            logger=logging.getLogger("asrcli.service.websockets"),
        )
        self._listener = threading.Thread(target=self._server.serve_forever, name="service listener", daemon=True)
        self._listener.start()

    def close(self) -> None:
        """End every recognition and its process, and close every connection with 1001. Harmless a second time."""
        with self._lock:
            self._closing = True
            conversations = set(self._conversations)
        for conversation in conversations:
            conversation.silence()
        if self._recognizer is not None:
            self._recognizer.close()
        if conversations:
            with ThreadPoolExecutor(len(conversations), thread_name_prefix="closing") as pool:
                closing = [pool.submit(each.hang_up, 1001, "the service is ending") for each in conversations]
                wait(closing, timeout=_CLOSE_TIMEOUT_S * 2)
                with self._lock:
                    stuck = set(self._conversations)
                for conversation in stuck:
                    conversation.cut()
        if self._server is not None and self._listener is not None:
            self._server.shutdown()
            self._listener.join()

    def _converse(self, connection: ServerConnection) -> None:
        assert self._recognizer is not None
        assert connection.request is not None
        handshake = _handshake(connection.request)
        half = PROTOCOLS[handshake.path](handshake, self._options.limits, self._clock)
        conversation = Conversation(self._faulty(connection), half, self._recognizer, self._places, self._clock)
        with self._lock:
            if self._closing:
                return
            self._conversations.add(conversation)
        try:
            conversation.run()
        except Exception:
            _log.exception("a conversation broke")
            raise
        finally:
            with self._lock:
                self._conversations.discard(conversation)

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Let the client in, or refuse it in the handshake as the vendor's gateway does."""
        if self._closing:
            return _refusal(HTTPStatus.SERVICE_UNAVAILABLE, "ModelUnavailable", "The service is ending.")
        if _handshake(request).path not in PROTOCOLS:
            return _refusal(HTTPStatus.NOT_FOUND, "NotFound", f"There is nothing at {urlsplit(request.path).path}.")
        key = _presented_key(request.headers)
        required = self._options.required_key
        if not key:
            return _refusal(HTTPStatus.UNAUTHORIZED, "InvalidApiKey", "No API-key provided.")
        if required is not None and not hmac.compare_digest(key.encode(), required.encode()):
            return _refusal(HTTPStatus.UNAUTHORIZED, "InvalidApiKey", "Invalid API-key provided.")
        number, refuse = self._plan.next_connection()
        self._numbers[connection] = number
        return None if refuse is None else _refusal_on_demand(refuse)

    def _faulty(self, connection: ServerConnection) -> ServerConnection | FaultyConnection:
        """The connection with the faults that concern it."""
        faults, chance = self._plan.share(self._numbers[connection])
        return FaultyConnection(connection, faults, chance, self._clock) if faults else connection


def open_recognizer(name: str, stall_s: float) -> Recognizer:
    """The recogniser called `sphinx` or `script:FILE`."""
    kind, _, argument = name.partition(":")
    if kind == "script" and argument:
        return open_script(Path(argument))
    if name == "sphinx":
        # Not at the top: it needs numpy, and a script does not.
        from asrcli.service.sphinx import SphinxRecognizer

        return SphinxRecognizer(stall_s)
    raise UsageError(f"there is no recogniser {name!r}", hint="use sphinx or script:FILE")


def _listen(host: str, port: int) -> socket.socket:
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError as error:
        raise UsageError(f"{host!r} is not an address", hint="use 127.0.0.1 or ::1") from error
    if not address.is_loopback:
        raise UsageError(
            f"the service does not listen on {host}: without TLS, keys and speech would travel in clear",
            hint="use 127.0.0.1, or a TLS proxy in front of it",
        )
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    try:
        return socket.create_server((str(address), port), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no such port"
        raise UsageError(f"cannot listen on {host}:{port}: {reason}", hint="use another --port, or 0") from error


def _handshake(request: Request) -> Handshake:
    parts = urlsplit(request.path)
    return Handshake(parts.path.rstrip("/"), dict(parse_qsl(parts.query)))


def _presented_key(headers: Headers) -> str:
    """The key in Authorization: after any spelling of "Bearer", or bare; empty where there is none."""
    values = headers.get_all("Authorization")
    scheme, _, rest = (values[0] if values else "").strip().partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else scheme


def _refusal_on_demand(refuse: Refuse) -> Response:
    code = "Throttling.RateQuota" if refuse.status is HTTPStatus.TOO_MANY_REQUESTS else "ModelUnavailable"
    response = _refusal(refuse.status, code, "A fault on demand.")
    if refuse.retry_after_s is not None:
        response.headers["Retry-After"] = str(refuse.retry_after_s)
    return response


def _refusal(status: HTTPStatus, code: str, message: str) -> Response:
    document = {"code": code, "message": message, "request_id": str(uuid.uuid4())}
    body = json.dumps(document).encode()
    headers = Headers(
        {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"},
    )
    return Response(status.value, status.phrase, headers, body)
