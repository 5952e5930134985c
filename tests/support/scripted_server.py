"""A WebSocket server that does what a test tells it: say, expect, close with a code, reset, flood, stop reading."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.sync.server import ServerConnection, serve


class Conversation:
    """One connection, from the server's side."""

    def __init__(self, connection: ServerConnection, released: threading.Event) -> None:
        self._connection = connection
        self._released = released
        self.request = connection.request
        self.task_id = ""

    def expect(self, action: str) -> dict[str, Any]:
        """Read until the client's `action` message comes and return it; audio on the way is dropped."""
        while True:
            message = self._connection.recv()
            if isinstance(message, str):
                document: dict[str, Any] = json.loads(message)
                assert document["header"]["action"] == action
                self.task_id = document["header"]["task_id"]
                return document

    def expect_audio(self, size: int) -> bytes:
        """Read audio messages until at least `size` bytes have come."""
        audio = b""
        while len(audio) < size:
            message = self._connection.recv()
            assert isinstance(message, bytes), message
            audio += message
        return audio

    def audio_until(self, action: str) -> bytes:
        """Read audio messages until the client's `action` message comes."""
        audio = b""
        while isinstance(message := self._connection.recv(), bytes):
            audio += message
        assert json.loads(message)["header"]["action"] == action
        return audio

    def say(self, event: str, payload: object = None, **header: object) -> None:
        """Send an event of the run-task protocol for the current task."""
        document = {"header": {"task_id": self.task_id, "event": event, **header}, "payload": payload or {}}
        self._connection.send(json.dumps(document))

    def say_sentence(self, index: int, text: str, begin_ms: int, end_ms: int | None) -> None:
        sentence = {
            "sentence_id": index,
            "begin_time": begin_ms,
            "end_time": end_ms,
            "text": text,
            "sentence_end": end_ms is not None,
        }
        self.say("result-generated", {"output": {"sentence": sentence}, "usage": None})

    def expect_type(self, kind: str) -> dict[str, Any]:
        """Read until the client's event of that type comes and return it; what comes before is dropped."""
        while (document := self.next())["type"] != kind:
            pass
        return document

    def next(self) -> dict[str, Any]:
        """The client's next message, which must be a text."""
        document: dict[str, Any] = json.loads(self._connection.recv())
        return document

    def expect_append(self, size: int) -> bytes:
        """Read appended audio until at least `size` bytes have come."""
        audio = b""
        while len(audio) < size:
            audio += base64.b64decode(self.expect_type("input_audio_buffer.append")["audio"])
        return audio

    def say_event(self, kind: str, **fields: object) -> None:
        """Send an event of the session protocol."""
        self._connection.send(json.dumps({"event_id": "event_1", "type": kind, **fields}))

    def begin_session(self) -> dict[str, Any]:
        """Create a session and take the client's settings for it; returns them."""
        self.say_event("session.created", session={"id": "sess_1"})
        session: dict[str, Any] = self.expect_type("session.update")["session"]
        self.say_event("session.updated", session={"id": "sess_1", **session})
        return session

    def send(self, message: str | bytes) -> None:
        """Send one message as it is."""
        self._connection.send(message)

    def raw(self, data: bytes) -> None:
        """Put bytes on the wire that need not be a frame."""
        self._connection.socket.sendall(data)

    def close(self, code: int, reason: str = "") -> None:
        self._connection.close(code, reason)

    def expect_close(self) -> None:
        """Wait until the client closes the connection."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                self._connection.recv()

    def reset(self) -> None:
        """End the TCP connection with a reset."""
        self._connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._connection.socket.shutdown(socket.SHUT_RD)
        self._connection.socket.close()

    def hang(self) -> None:
        """Do nothing more, until the test is over."""
        self._released.wait(60)


Script = Callable[[Conversation], None]


@contextlib.contextmanager
def scripted_server(*scripts: Script, refuse: int | None = None, body: str = "") -> Iterator[str]:
    """Serve on a free port: the n-th connection gets the n-th script, the last one also all that follow.

    `refuse` answers every handshake with that status. What a script raises is raised at the end of the context.
    """
    released = threading.Event()
    failures: list[BaseException] = []
    count = iter(range(1_000_000))

    def handle(connection: ServerConnection) -> None:
        script = scripts[min(next(count), len(scripts) - 1)]
        try:
            script(Conversation(connection, released))
        except ConnectionClosed:
            pass
        except BaseException as error:
            failures.append(error)

    def refuse_all(connection: ServerConnection, request: Request) -> Response | None:
        if refuse is None:
            return None
        return connection.respond(refuse, body)

    # A close is answered at once, or never: the answer may lie behind audio that the script has left unread.
    with serve(
        handle,
        "127.0.0.1",
        0,
        compression=None,
        ping_interval=None,
        close_timeout=1,
        process_request=refuse_all,
    ) as server:
        thread = threading.Thread(target=server.serve_forever, name="scripted server")
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        finally:
            released.set()
            server.shutdown()
            thread.join()
    if failures:
        raise failures[0]


@contextlib.contextmanager
def deaf_server() -> Iterator[str]:
    """A server that shakes hands with one client and then neither reads nor writes: not even a close is answered."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        accepted: list[socket.socket] = []

        def shake_hands() -> None:
            connection, _ = server.accept()
            accepted.append(connection)
            protocol = ServerProtocol()
            while True:
                protocol.receive_data(connection.recv(4096))
                for request in protocol.events_received():
                    assert isinstance(request, Request)
                    protocol.send_response(protocol.accept(request))
                    connection.sendall(b"".join(protocol.data_to_send()))
                    return

        thread = threading.Thread(target=shake_hands, name="deaf server")
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.getsockname()[1]}"
        finally:
            thread.join()
            for connection in accepted:
                connection.close()


@contextlib.contextmanager
def silent_port() -> Iterator[str]:
    """A port that accepts TCP connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"ws://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def dead_port() -> Iterator[int]:
    """A port that nobody listens on, nor begins to: it is taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def free_port() -> int:
    """A port that nobody listens on now, for who will."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
