"""A client of the run-task protocol for tests: messages as plain dictionaries, over websocket-client."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import websocket

PATH = "/api-ws/v1/inference"
_TIMEOUT_S = 20.0


def run_task(task_id: str = "t1", *, model: str = "fun-asr-realtime", **parameters: object) -> dict[str, Any]:
    """A run-task message; `parameters` are added to format and sample rate."""
    payload = {
        "task_group": "audio",
        "task": "asr",
        "function": "recognition",
        "model": model,
        "parameters": {"format": "pcm", "sample_rate": 16000, **parameters},
        "input": {},
    }
    return {"header": {"action": "run-task", "task_id": task_id, "streaming": "duplex"}, "payload": payload}


def finish_task(task_id: str = "t1") -> dict[str, Any]:
    header = {"action": "finish-task", "task_id": task_id, "streaming": "duplex"}
    return {"header": header, "payload": {"input": {}}}


class Client:
    """One connection. `seen` holds everything that was received, `close_code` what the service closed with."""

    def __init__(
        self, url: str, *, key: str | None = "Bearer k", path: str = PATH, ca_file: Path | None = None
    ) -> None:
        headers = [] if key is None else [f"Authorization: {key}"]
        self.socket = websocket.create_connection(
            url + path,
            header=headers,
            timeout=_TIMEOUT_S,
            http_proxy_host=None,
            http_no_proxy=["*"],
            sslopt=None if ca_file is None else {"ca_certs": str(ca_file)},
        )
        self.seen: list[dict[str, Any]] = []
        self.close_code: int | None = None
        self.close_reason = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.socket.shutdown()

    def say(self, message: Mapping[str, object] | str) -> None:
        self.socket.send(message if isinstance(message, str) else json.dumps(message))

    def audio(self, data: bytes) -> None:
        self.socket.send_binary(data)

    def hear(self) -> dict[str, Any] | None:
        """The next message; None when the service has closed the connection."""
        opcode, data = self.socket.recv_data(control_frame=True)
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            self.close_code = int.from_bytes(data[:2], "big") if data else None
            self.close_reason = data[2:].decode()
            return None
        assert opcode == websocket.ABNF.OPCODE_TEXT
        document: dict[str, Any] = json.loads(data)
        self.seen.append(document)
        return document

    def hear_until(self, event: str) -> dict[str, Any]:
        """Read on until this event comes."""
        while (message := self.hear()) is not None:
            if message["header"]["event"] == event:
                return message
        raise AssertionError(f"closed with {self.close_code} {self.close_reason!r} before {event}; heard {self.seen}")

    def hear_out(self) -> None:
        """Read on until the service has closed the connection."""
        while self.hear() is not None:
            pass

    def transcribe(self, pcm: bytes, task_id: str = "t1", chunk: int = 3200, **parameters: Any) -> list[str]:
        """A whole task; the texts of its final results."""
        self.say(run_task(task_id, **parameters))
        self.hear_until("task-started")
        for start in range(0, len(pcm), chunk):
            self.audio(pcm[start : start + chunk])
        self.say(finish_task(task_id))
        self.hear_until("task-finished")
        return [sentence["text"] for sentence in self.sentences(task_id) if sentence["sentence_end"]]

    def sentences(self, task_id: str = "t1") -> list[dict[str, Any]]:
        """The sentences of all results of the task so far."""
        return [
            message["payload"]["output"]["sentence"]
            for message in self.seen
            if message["header"]["event"] == "result-generated" and message["header"]["task_id"] == task_id
        ]


def page_status(url: str, origin: str | None, host: str | None = None) -> int:
    """The HTTP status that a handshake with this Origin, and perhaps another Host, is answered with."""
    address = url.removeprefix("ws://")
    connection = http.client.HTTPConnection(address)
    headers = {
        **{"Host": host or address, "Upgrade": "websocket", "Connection": "Upgrade", "Authorization": "Bearer k"},
        **{"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="},
        **({} if origin is None else {"Origin": origin}),
    }
    try:
        connection.request("GET", PATH, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()
