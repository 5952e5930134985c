"""HTTP requests with a body, on the port of the WebSocket: what begins with POST is answered here, once, and ends.

websockets reads requests without a body only, and all that are no POST are left to it.
"""

from __future__ import annotations

import http.client
import io
import logging
from collections.abc import Callable
from http import HTTPStatus

from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from asrcli.service.wire.stream import Layer, Stream

Answer = Callable[[Request, bytes], Response]
"""What a request with this body is answered with."""

_METHOD = b"POST "
_LARGEST_HEAD_BYTES = 64 * 1024
# 2000 words of a list take a third of it.
_LARGEST_BODY_BYTES = 1024 * 1024
_log = logging.getLogger(__name__)


class _Refused(Exception):  # noqa: N818 - it names what happened
    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class Posts(Layer):
    """Below a WebSocket: keeps a POST from it. How long that may take is the WebSocket's patience for a handshake."""

    def __init__(self, below: Stream, answer: Answer) -> None:
        super().__init__(below)
        self._answer = answer
        self._data: bytes | None = b""
        self._request: Request | None = None
        self._body_bytes = 0
        self._answered = False

    def received(self, data: bytes) -> None:
        """Hand up what is no POST; else gather it, and answer it when it is whole."""
        if self._data is None:
            self._listener.received(data)
            return
        if self._answered:
            return
        self._data += data
        begin = _METHOD if self._request is not None else self._data[: len(_METHOD)]
        if begin != _METHOD[: len(begin)]:
            data, self._data = self._data, None
            self._listener.received(data)
        elif begin == _METHOD:
            try:
                self._gather()
            except _Refused as refused:
                self._say(_plain(refused.status))

    def _gather(self) -> None:
        assert self._data is not None
        if self._request is None:
            head, end, rest = self._data.partition(b"\r\n\r\n")
            if len(head) > _LARGEST_HEAD_BYTES:
                raise _Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            if not end:
                return
            self._request, self._data = _read_head(head + end), rest
            self._body_bytes = _length(self._request.headers)
            if self._request.headers.get("Expect", "").lower() == "100-continue" and len(rest) < self._body_bytes:
                self._below.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if len(self._data) >= self._body_bytes:
            self._say(self._answered_by_guest(self._request, self._data[: self._body_bytes]))

    def _answered_by_guest(self, request: Request, body: bytes) -> Response:
        try:
            return self._answer(request, body)
        except Exception:
            _log.exception("a request broke")
            return _plain(HTTPStatus.INTERNAL_SERVER_ERROR)

    def _say(self, response: Response) -> None:
        self._answered = True
        self._below.write(response.serialize())
        self._below.finish()


def _read_head(head: bytes) -> Request:
    line, _, rest = head.partition(b"\r\n")
    parts = line.split(b" ")
    if len(parts) != 3 or parts[2] not in (b"HTTP/1.1", b"HTTP/1.0") or not parts[1].isascii():
        raise _Refused(HTTPStatus.BAD_REQUEST)
    try:
        headers = http.client.parse_headers(io.BytesIO(rest))
    except http.client.HTTPException as error:
        raise _Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE) from error
    return Request(parts[1].decode(), Headers(headers.items()))


def _length(headers: Headers) -> int:
    if "Transfer-Encoding" in headers:
        raise _Refused(HTTPStatus.LENGTH_REQUIRED)
    lengths = {*headers.get_all("Content-Length")}
    if len(lengths) != 1:
        raise _Refused(HTTPStatus.BAD_REQUEST if lengths else HTTPStatus.LENGTH_REQUIRED)
    (length,) = lengths
    if not (length.isascii() and length.isdigit()):
        raise _Refused(HTTPStatus.BAD_REQUEST)
    if len(length) > 9 or int(length) > _LARGEST_BODY_BYTES:
        raise _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    return int(length)


def _plain(status: HTTPStatus) -> Response:
    return Response(status.value, status.phrase, Headers({"Content-Length": "0", "Connection": "close"}))
