"""Links on a loop of their own, which keep what they post, and a server of raw bytes for the other end."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from websockets.http11 import Request
from websockets.server import ServerProtocol

from asrcli.system.loop import Loop
from asrcli.values.messages import ConnectRequest
from asrcli.wire.dial import Network
from asrcli.wire.link import Link
from asrcli.wire.link_events import InboxItem, LinkClosed
from tests.support.looping import PATIENCE_S, held_loop, on_loop


class PostingLink(Link):
    """A link with the inbox that it posts to. Its methods are to be called on its loop's thread."""

    def __init__(self, url: str, headers: dict[str, str], loop: Loop, network: Network | None = None) -> None:
        self.inbox: queue.SimpleQueue[InboxItem] = queue.SimpleQueue()
        self.posted_by: set[str] = set()
        self.loop = loop
        super().__init__(ConnectRequest(url, headers), self._keep, loop, network)

    def say(self, *messages: str | bytes) -> None:
        """Send, from the test's thread."""
        on_loop(self.loop, lambda: [self.send(message) for message in messages])

    def _keep(self, item: InboxItem) -> None:
        self.posted_by.add(threading.current_thread().name)
        self.inbox.put(item)


@contextmanager
def posting_links(network: Network | None = None) -> Iterator[Callable[..., PostingLink]]:
    """Makes links from a URL and headers, opened; closes them at the end, after which no thread is left."""
    made: list[PostingLink] = []
    with held_loop() as loop:

        def make(url: str, **headers: str) -> PostingLink:
            made.append(PostingLink(url, headers, loop, network))
            loop.call(made[-1].open)
            return made[-1]

        yield make
        for link in made:
            loop.call(link.close)
    assert all(link.posted_by <= {"engine"} for link in made)


def take(link: PostingLink) -> InboxItem:
    return link.inbox.get(timeout=PATIENCE_S)


def closed_with(link: PostingLink) -> LinkClosed:
    """What the link says at its end."""
    while not isinstance(item := take(link), LinkClosed):
        pass
    return item


class RawServer:
    """Accepts connections and leaves every byte of them to the test."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._accepted: list[socket.socket] = []
        self.url = f"ws://127.0.0.1:{listener.getsockname()[1]}"

    def accept(self) -> tuple[socket.socket, bytes]:
        """The next connection, whose client waits for the answer to its handshake, and that answer."""
        connection, _ = self._listener.accept()
        self._accepted.append(connection)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        protocol = ServerProtocol()
        while not (requests := protocol.events_received()):
            protocol.receive_data(connection.recv(4096))
        assert isinstance(requests[0], Request)
        protocol.send_response(protocol.accept(requests[0]))
        return connection, b"".join(protocol.data_to_send())

    def close(self) -> None:
        for connection in self._accepted:
            connection.close()


@contextmanager
def raw_server() -> Iterator[RawServer]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE_S)
        server = RawServer(listener)
        try:
            yield server
        finally:
            server.close()


def frame(first: int, payload: bytes) -> bytes:
    """A WebSocket frame as servers send it; `first` is its first byte: the opcode, plus 0x80 in the last fragment."""
    if len(payload) < 126:
        return bytes([first, len(payload)]) + payload
    return bytes([first, 126]) + len(payload).to_bytes(2, "big") + payload
