"""A web server for tests: it serves what it is given, and breaks, stalls, changes, redirects and lies as it is told."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

STALL = -1
"""In `Thing.breaks`: nothing comes any more after the header."""


@dataclass
class Thing:
    """What is served under one path.

    `first` are whole answers that are given before any other, each once. `breaks`: after how many bytes of a body the
    connection is cut, one for each answer, then none. `says_bytes`: what Content-Length says, if not the truth; None
    leaves it out, and the end of the connection is the end. `chunked`: the body comes in chunks. `endless`: the body
    never ends. `next`: what is there from the second answer on.
    """

    data: bytes
    etag: str | None = '"one"'
    modified: str | None = None
    content_type: str = "audio/wav"
    has_ranges: bool = True
    says_bytes: int | None = -1
    chunked: bool = False
    endless: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    first: list[bytes] = field(default_factory=list)
    breaks: list[int] = field(default_factory=list)
    following: Thing | None = None


@dataclass
class Asked:
    """One request."""

    path: str
    headers: dict[str, str]


class WebServer:
    """Serves `things`, by their paths with the query; `requests` are kept."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.things: dict[str, Thing] = {}
        self.requests: list[Asked] = []
        self.over = threading.Event()
        self._connections: set[socket.socket] = set()
        outer = self

        class Server(ThreadingHTTPServer):
            daemon_threads = False

            def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
                plain, address = super().get_request()
                outer._connections.add(plain)
                return plain, address

            def finish_request(self, request, client_address) -> None:
                with contextlib.suppress(OSError):
                    if tls is not None:
                        outer._connections.discard(request)
                        request.settimeout(10)
                        request = tls.wrap_socket(request, server_side=True)
                        outer._connections.add(request)
                    super().finish_request(request, client_address)
                with contextlib.suppress(OSError):
                    request.shutdown(socket.SHUT_RDWR)
                request.close()

            def handle_error(self, request, client_address) -> None:
                """The client hung up."""

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer._answer(self)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        self.address = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), name="web server")
        self._thread.start()

    def put(self, path: str, thing: Thing | bytes) -> str:
        """Serve it there; the address."""
        self.things[path] = thing if isinstance(thing, Thing) else Thing(thing)
        return self.address + path

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        for each in list(self._connections):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self._server.server_close()
        self._thread.join(10)
        assert not self._thread.is_alive()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        self.requests.append(Asked(request.path, {name.lower(): value for name, value in request.headers.items()}))
        thing = self.things.get(request.path)
        if thing is None:
            request.send_error(404)
            return
        if thing.first:
            request.wfile.write(thing.first.pop(0))
            request.close_connection = True
            return
        if thing.following is not None:
            self.things[request.path] = thing.following
        begin, end = self._begin(request, thing)
        if begin < 0:
            return
        self._body(request, thing, thing.data[begin:end])

    def _begin(self, request: BaseHTTPRequestHandler, thing: Thing) -> tuple[int, int]:
        """Send the header; from where to where the body goes."""
        size, begin, end, status = len(thing.data), 0, len(thing.data), 200
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("Range", ""))
        condition = request.headers.get("If-Range")
        if asked and thing.has_ranges and condition in (None, thing.etag, thing.modified):
            begin, status = int(asked[1]), 206
            end = min(size, int(asked[2]) + 1) if asked[2] else size
            if begin >= size:
                request.send_response(416)
                request.send_header("Content-Range", f"bytes */{size}")
                request.send_header("Content-Length", "0")
                request.end_headers()
                return -1, 0
        request.send_response(status)
        if status == 206:
            request.send_header("Content-Range", f"bytes {begin}-{end - 1}/{size}")
        for name, value in (("ETag", thing.etag), ("Last-Modified", thing.modified)):
            if value:
                request.send_header(name, value)
        request.send_header("Content-Type", thing.content_type)
        if thing.chunked:
            request.send_header("Transfer-Encoding", "chunked")
        elif thing.says_bytes is None:
            request.close_connection = True
            request.send_header("Connection", "close")
        else:
            request.send_header("Content-Length", str(end - begin if thing.says_bytes < 0 else thing.says_bytes))
        for name, value in thing.headers.items():
            request.send_header(name, value)
        request.end_headers()
        return begin, end

    def _body(self, request: BaseHTTPRequestHandler, thing: Thing, data: bytes) -> None:
        cut = thing.breaks.pop(0) if thing.breaks else None
        request.close_connection |= cut is not None or (thing.says_bytes or -1) > len(data)
        if cut == STALL:
            self.over.wait()
            return
        sent = data if cut is None else data[:cut]
        while True:
            if thing.chunked:
                request.wfile.write(b"%x\r\n%s\r\n" % (len(sent), sent))
            else:
                request.wfile.write(sent)
            if not thing.endless or self.over.wait(0.01):
                break
        if thing.chunked and cut is None:
            request.wfile.write(b"0\r\n\r\n")


@contextlib.contextmanager
def web_server(tls: ssl.SSLContext | None = None) -> Iterator[WebServer]:
    """A server that is gone afterwards, with all its threads."""
    server = WebServer(tls)
    try:
        yield server
    finally:
        server.close()
