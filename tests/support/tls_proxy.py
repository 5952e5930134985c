"""A CONNECT proxy, spoken to over TLS or not: it passes on, or answers as a test says. And a service behind it."""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterator

import trustme
from websockets.sync.server import ServerConnection, serve

PASS_ON = b"HTTP/1.1 200 Connection established\r\n\r\n"


def server_context(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    """TLS of a server that shows a certificate for `names`; for localhost and 127.0.0.1 without any."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*(names or ("localhost", "127.0.0.1"))).configure_cert(context)
    return context


class TlsProxy:
    """Answers each CONNECT with `answer` and hangs up, unless that is PASS_ON; None leaves the client waiting.

    Without a `context` it speaks plain HTTP.
    """

    def __init__(self, context: ssl.SSLContext | None, answer: bytes | None) -> None:
        self._context = context
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._accept, name="TLS proxy")]
        self.port: int = self._listener.getsockname()[1]
        self.requests: list[bytes] = []
        self._threads[0].start()

    def close(self) -> None:
        self._over.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _accept(self) -> None:
        while not self._over.is_set():
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._threads.append(threading.Thread(target=self._serve, args=(plain,), name="TLS proxy connection"))
            self._threads[-1].start()

    def _serve(self, plain: socket.socket) -> None:
        with plain, contextlib.suppress(OSError), self._secured(plain) as client:
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                if not (data := client.recv(4096)):
                    return
                request += data
            self.requests.append(request)
            if self._answer is None:
                self._over.wait(30)
                return
            if self._answer != PASS_ON:
                client.sendall(self._answer)
                return
            host, _, port = request.split()[1].decode().rpartition(":")
            with socket.create_connection((host.strip("[]"), int(port))) as target:
                client.sendall(self._answer)
                self._pump(client, target)

    def _secured(self, plain: socket.socket) -> socket.socket:
        return plain if self._context is None else self._context.wrap_socket(plain, server_side=True)

    def _pump(self, client: socket.socket, target: socket.socket) -> None:
        """Pass on in both directions until one side ends, or all is over."""
        other = {client: target, target: client}
        while not self._over.is_set():
            # A record of TLS is taken whole, so that none of it waits where select cannot see it.
            for end in select.select([client, target], [], [], 0.5)[0]:
                data = end.recv(65536)
                if not data:
                    return
                other[end].sendall(data)


@contextlib.contextmanager
def tls_proxy(context: ssl.SSLContext | None, answer: bytes | None = PASS_ON) -> Iterator[TlsProxy]:
    proxy = TlsProxy(context, answer)
    try:
        yield proxy
    finally:
        proxy.close()


def hello(talk: ServerConnection) -> None:
    """Speak first, and twice; then say back what comes."""
    talk.send("hello")
    talk.send("again")
    for message in talk:
        talk.send(message)


@contextlib.contextmanager
def target(context: ssl.SSLContext | None = None, handle: Callable[[ServerConnection], None] = hello) -> Iterator[str]:
    """A WebSocket service, with TLS where there is a context."""
    with serve(handle, "127.0.0.1", 0, ssl=context, compression=None, ping_interval=None) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"{'wss' if context else 'ws'}://localhost:{server.socket.getsockname()[1]}"
        finally:
            server.shutdown()
            thread.join()
