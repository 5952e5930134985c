"""The API of hotword lists with faults: what it does, and whether it says so, is decided request by request."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from asrcli.service.vocabulary.api import answer
from asrcli.service.vocabulary.lists import WordLists

Fault = Callable[["Handler", Callable[[], tuple[int, dict[str, Any]]]], None]
"""Gets the connection, and what carries the request out."""


def gone_after(handler: Handler, carry_out: Callable[[], object]) -> None:
    """Carry it out, and hang up."""
    carry_out()


def gone_before(handler: Handler, carry_out: Callable[[], object]) -> None:
    """Hang up."""


def says(status: int, body: str, **headers: str) -> Fault:
    """Answer with this, and do nothing."""
    return lambda handler, _: handler.say(status, body, headers)


class WordService:
    """`faults` are taken in turn, by the requests for their action; after them all goes well."""

    def __init__(self) -> None:
        self.lists = WordLists()
        self.faults: dict[str, list[Fault]] = {}
        self.actions: list[str] = []
        self.headers: list[dict[str, str]] = []
        self.port = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5
    service: WordService

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        action = json.loads(body)["input"]["action"].removesuffix("_vocabulary")
        self.service.actions.append(action)
        self.service.headers.append({name.lower(): value for name, value in self.headers.items()})
        faults = self.service.faults.get(action, [])
        if faults:
            self.close_connection = True
            faults.pop(0)(self, lambda: answer(self.service.lists, "account", body))
            return
        status, document = answer(self.service.lists, "account", body)
        self.say(status, json.dumps({**document, "request_id": "r-1"}), {})

    def say(self, status: int, body: str, headers: dict[str, str]) -> None:
        self.send_response(status)
        if self.close_connection:
            self.send_header("Connection", "close")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body.encode())))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextlib.contextmanager
def word_service() -> Iterator[WordService]:
    service = WordService()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"service": service}))
    server.daemon_threads = False
    service.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="word service")
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
