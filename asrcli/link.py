"""One WebSocket connection and the thread that reads it. The only file that knows websocket-client.

A link says what happens on it by posting LinkOpened, MessageReceived … and exactly one LinkClosed. It knows nothing of
protocols; a further session can follow on the same link because the reader belongs to the link.

Thread "downlink": from `open()` to the LinkClosed it posts; it connects, receives, and answers pings, which
websocket-client does inside `recv`. What it posts to is unbounded: results are few, and a reader that waits stops the
pongs.
"""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

import websocket
from websocket import ABNF

from asrcli.certificates import seen_issuer
from asrcli.dial import Network, Proxy, dial, tls_context
from asrcli.errors import AsrcliError, AuthError, LinkError, ProtocolViolation, ServiceError, UsageError
from asrcli.events import InboxItem, LinkClosed, LinkOpened, MessageReceived
from asrcli.protocols.base import ConnectRequest, Message

# websocket-client has one timeout for both directions. It bounds a send: what cannot be handed to the network for this
# long is lost. For the reader it means "nothing yet": the first one asks the service for a sign of life, the second
# gives the link up, because a half-open connection looks like a quiet service.
_SOCKET_TIMEOUT_S = 15.0
# Results are a few kilobytes; the longest sentence with all its words stays far below this.
MAX_MESSAGE_BYTES = 1 << 20
# A service that got our close frame answers it at once; a dead one must not hold up the end of the program.
_CLOSE_TIMEOUT_S = 1.0


class Link:
    """A connection from `open()` to `close()`. `send` may be called by one other thread than the owner's."""

    def __init__(
        self, request: ConnectRequest, post: Callable[[InboxItem], None], network: Network | None = None
    ) -> None:
        self._request = request
        self._post = post
        self._network = network or Network()
        self._closing = False
        self._websocket = websocket.WebSocket(skip_utf8_validation=True)
        self._bound = _MessageBound(self._websocket)
        self._reader = threading.Thread(target=self._read, name="downlink", daemon=True)

    def open(self) -> None:
        """Connect in the background; LinkOpened or LinkClosed will follow."""
        self._reader.start()

    def send(self, message: Message) -> None:
        """Hand one message to the network, waiting where it is full. Raises LinkError; the link is dead then."""
        try:
            if isinstance(message, bytes):
                self._websocket.send_binary(message)
            else:
                self._websocket.send(message)
        except Exception as error:
            # A send that broke off may have left half a message on the wire, so nothing can follow it.
            self.abort()
            raise translate(error, self._request.url, self._network.proxy) from error

    def close(self) -> None:
        """Say goodbye and wait a moment for the answer. Idempotent; never raises."""
        self._closing = True
        if self._reader.is_alive():
            with contextlib.suppress(Exception):
                self._websocket.send_close()
            self._reader.join(_CLOSE_TIMEOUT_S)
        self.abort()
        if self._reader.is_alive():
            self._reader.join(_CLOSE_TIMEOUT_S)

    def abort(self) -> None:
        """Cut the connection without a word; wakes a reader or a sender that waits on it."""
        self._closing = True
        # WebSocket.abort() does nothing any more once a close frame was sent, which is when it is needed most.
        if (connected := self._websocket.sock) is not None:
            with contextlib.suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)

    def _read(self) -> None:
        closed = LinkClosed()
        try:
            began = time.perf_counter()
            self._connect()
            self._post(LinkOpened((time.perf_counter() - began) * 1000))
            closed = self._receive_all()
        except Exception as error:
            closed = LinkClosed(error=translate(error, self._request.url, self._network.proxy))
        finally:
            with contextlib.suppress(Exception):
                self._websocket.shutdown()
            self._post(closed)

    def _connect(self) -> None:
        way = self._through_proxy() if self._network.proxy else self._directly()
        self._websocket.connect(
            self._request.url,
            header=dict(self._request.headers),
            timeout=_SOCKET_TIMEOUT_S,
            suppress_origin=True,
            # A redirect would carry the key to another host.
            redirect_limit=0,
            **way,
        )

    def _directly(self) -> dict[str, object]:
        return {"socket": dial(self._request.url, self._network, _SOCKET_TIMEOUT_S)}

    def _through_proxy(self) -> dict[str, object]:
        proxy = self._network.proxy
        assert proxy is not None
        if self._request.url.startswith("wss:"):
            self._websocket.sock_opt.sslopt["context"] = tls_context(self._network.ca_bundle)
        return {
            "proxy_type": proxy.scheme,
            "http_proxy_host": proxy.host,
            "http_proxy_port": proxy.port,
            "http_proxy_auth": (proxy.user, proxy.password or "") if proxy.user else None,
            "http_proxy_timeout": _SOCKET_TIMEOUT_S,
            # Not empty, or the library would look into NO_PROXY itself.
            "http_no_proxy": [".invalid"],
        }

    def _receive_all(self) -> LinkClosed:
        asked = False
        while True:
            try:
                opcode, data = self._websocket.recv_data(control_frame=True)
            except websocket.WebSocketTimeoutException:
                if self._closing:
                    return LinkClosed()
                if asked:
                    raise
                self._websocket.ping()
                asked = True
                continue
            asked = False
            self._bound.restart()
            if opcode == ABNF.OPCODE_CLOSE:
                code = int.from_bytes(data[:2], "big") if len(data) >= 2 else None
                return LinkClosed(code, data[2:].decode(errors="replace"))
            if opcode in (ABNF.OPCODE_TEXT, ABNF.OPCODE_BINARY):
                self._post(MessageReceived(self._text(data) if opcode == ABNF.OPCODE_TEXT else bytes(data)))

    @staticmethod
    def _text(data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise ProtocolViolation(
                "the service sent text that is not UTF-8", excerpt=f"{len(data)} bytes, {error.reason}"
            ) from error


class _MessageBound:
    """Refuse a message of more than MAX_MESSAGE_BYTES before it is read into memory.

    websocket-client trusts the length in the frame header, up to 2^63 bytes, and joins fragments without a limit;
    all its reading goes through `recv_strict`.
    """

    def __init__(self, connection: websocket.WebSocket) -> None:
        self._read_bytes = 0
        buffer = connection.frame_buffer
        self._recv_strict = buffer.recv_strict
        buffer.recv_strict = self._bounded  # type: ignore[method-assign, assignment]

    def restart(self) -> None:
        """A message is complete; count anew."""
        self._read_bytes = 0

    def _bounded(self, size: int) -> bytes:
        if self._read_bytes + size > MAX_MESSAGE_BYTES:
            raise ProtocolViolation(f"the service sent a message of more than {MAX_MESSAGE_BYTES >> 20} MiB")
        data: bytes = self._recv_strict(size)
        self._read_bytes += size
        return data


def translate(error: BaseException, url: str, proxy: Proxy | None = None) -> AsrcliError:
    """Our error for anything that websocket-client or the socket beneath it raises."""
    where = f"{place(url)} through the proxy {proxy}" if proxy else place(url)
    if isinstance(error, AsrcliError):
        return error
    if isinstance(error, websocket.WebSocketBadStatusException):
        return _refusal(error, where)
    if isinstance(error, websocket.WebSocketTimeoutException | TimeoutError):
        return LinkError(f"{where} gave no sign of life for too long", hint="check the network; safe to try again")
    if isinstance(error, websocket.WebSocketProtocolException | websocket.WebSocketPayloadException):
        return ProtocolViolation(f"{where} broke the WebSocket protocol ({error})")
    if isinstance(error, websocket.WebSocketProxyException):
        return LinkError(f"the proxy refused the way to {where}: {error}", hint="check --proxy and HTTPS_PROXY")
    if "Python Socks" in str(error):
        return UsageError("a socks proxy needs a package that is not installed", hint="pip install 'asrcli[socks]'")
    if isinstance(error, websocket.WebSocketAddressException | socket.gaierror):
        return LinkError(f"cannot find the address of {where}: {error}", hint="check the name and the network")
    if isinstance(error, ssl.SSLCertVerificationError):
        return _untrusted(error, url, where)
    if isinstance(error, ConnectionRefusedError):
        return LinkError(f"cannot connect to {where}: nothing answers there", hint="check --endpoint and the network")
    if isinstance(error, websocket.WebSocketException | OSError):
        return LinkError(f"the connection to {where} was lost: {error}", hint="safe to try again")
    return LinkError(f"the connection to {where} failed: {error!r}")


def _untrusted(error: ssl.SSLCertVerificationError, url: str, where: str) -> LinkError:
    parts = urlsplit(url)
    signed_by = seen_issuer(parts.hostname or "", parts.port or 443)
    by = f", signed by {signed_by!r}" if signed_by else ""
    hint = "check the clock; a company's own authority is given with --ca-bundle FILE or SSL_CERT_FILE"
    failure = LinkError(f"the certificate of {where}{by} is not trusted: {error.verify_message}", hint=hint)
    failure.retryable = False
    return failure


def place(url: str) -> str:
    """The URL as it may be shown: without a query, which may hold a key, and without user and password."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _refusal(error: websocket.WebSocketBadStatusException, where: str) -> AsrcliError:
    status = error.status_code
    code, message, request_id = _refusal_body(error.resp_body)
    said = f"HTTP {status}" + (f", {code}" if code else "") + (f": {message}" if message else "")
    if status in (401, 403):
        hint = "check the key; keys belong to one region and sometimes one workspace: check --region and --workspace"
        refused = "the key" if status == 401 else "access"
        return AuthError(f"{where} refused {refused}: {said}", hint=hint, service_code=code, request_id=request_id)
    if status >= 500:
        refusal: AsrcliError = LinkError(
            f"{where} is not available ({said})", hint="a fault of the service; safe to try again", refused=True
        )
    else:
        hint = "wait a little, or use fewer at once" if status == 429 else "check --endpoint"
        refusal = ServiceError(
            code or f"HTTP {status}", message or said, request_id=request_id, hint=hint, retryable=status == 429
        )
    refusal.retry_after_s = _retry_after_s(error.resp_headers)
    return refusal


def _retry_after_s(headers: dict[str, str] | None) -> float | None:
    """`Retry-After` in seconds; its form as a date is not worth the code, our own backoff does then."""
    asked = (headers or {}).get("retry-after", "")
    return float(asked) if asked.isascii() and asked.isdigit() else None


def _refusal_body(body: bytes | str | None) -> tuple[str, str, str | None]:
    """code, message and request id of a refused handshake, as far as its body has them."""
    try:
        document = json.loads(body or b"")
    except ValueError:
        return "", "", None
    if not isinstance(document, dict):
        return "", "", None
    code, message, request_id = (document.get(key) for key in ("code", "message", "request_id"))
    return str(code or ""), str(message or "")[:300], str(request_id) if request_id else None
