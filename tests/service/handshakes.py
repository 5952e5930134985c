"""How WebSocket libraries of other languages shake hands, header by header, and a client that does so too."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from typing import Any

from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, Protocol

from tests.service.client import Client
from tests.service.session_client import SessionClient

_TIMEOUT_S = 20.0
_KEY = "x3JJHMbDL1EzLkh9GBhXDw=="

# In the spelling in which they go out. HOST is the address, HOST_ALONE is it without its port.
DOTNET = ("Host: HOST", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
PAWL = (
    *("Host: HOST", "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"),
    *("User-Agent: Ratchet-Pawl/0.4.1", "Origin: http://HOST_ALONE"),
)
OKHTTP = (
    *("user-agent: dashscope/2.22.0; java/17.0.9; platform/Linux; processor/amd64", "x-dashscope-sdk-client: java-sdk"),
    *("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"),
    *("Sec-WebSocket-Extensions: permessage-deflate", "Host: HOST", "Accept-Encoding: gzip"),
)
JAVA_WEBSOCKET = (
    *("Connection: Upgrade", "Host: HOST", "OpenAI-Beta: realtime=v1"),
    *("Sec-WebSocket-Version: 13", "Upgrade: websocket"),
)


class ForeignClient(Client):
    """One connection, shaken hands for with `headers` and what else the request needs."""

    def __init__(self, url: str, path: str, headers: tuple[str, ...], authorization: str) -> None:
        address = url.removeprefix("ws://")
        lines = [f"GET {path} HTTP/1.1", *headers, f"Authorization: {authorization}", f"Sec-WebSocket-Key: {_KEY}"]
        host, port = address.split(":")
        request = "\r\n".join(lines).replace("HOST_ALONE", host).replace("HOST", address)
        self._socket = socket.create_connection((host, int(port)), _TIMEOUT_S)
        self._socket.sendall(f"{request}\r\n\r\n".encode())
        self._protocol = Protocol(CLIENT)
        self.seen: list[dict[str, Any]] = []
        self.close_code: int | None = None
        self.close_reason = ""
        self.response, rest = self._response()
        self._frames: list[Frame] = []
        self._take(rest)

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def say(self, message: Mapping[str, object] | str) -> None:
        self._protocol.send_text((message if isinstance(message, str) else json.dumps(message)).encode())
        self._flush()

    def audio(self, data: bytes) -> None:
        self._protocol.send_binary(data)
        self._flush()

    def pong(self) -> None:
        """Unasked: what .NET sends to keep a connection alive."""
        self._protocol.send_pong(b"")
        self._flush()

    def leave(self, code: int, reason: str) -> None:
        """Close, and wait for the answer."""
        self._protocol.send_close(code, reason)
        self._flush()
        while self.hear() is not None:
            pass

    def hear(self) -> dict[str, Any] | None:
        while not self._frames:
            self._take(self._received())
        frame = self._frames.pop(0)
        if frame.opcode is Opcode.CLOSE:
            self.close_code, self.close_reason = int.from_bytes(frame.data[:2], "big"), bytes(frame.data[2:]).decode()
            return None
        assert (frame.opcode, frame.fin) == (Opcode.TEXT, True)
        document: dict[str, Any] = json.loads(bytes(frame.data))
        self.seen.append(document)
        return document

    def _response(self) -> tuple[str, bytes]:
        """The head of the response, and what came after it."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._received()
        head, _, rest = data.partition(b"\r\n\r\n")
        return head.decode(), rest

    def _received(self) -> bytes:
        data = self._socket.recv(1 << 16)
        assert data, "the service has cut the connection"
        return data

    def _take(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        self._frames += [event for event in self._protocol.events_received() if isinstance(event, Frame)]

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            self._socket.sendall(data)


class ForeignSession(ForeignClient, SessionClient):
    """The same for the session protocol."""
