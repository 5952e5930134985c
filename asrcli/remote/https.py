"""Objects at http:// and https:// addresses. The only place that knows HTTP's ranges and what tells one file from
another.

Looking asks for the first bytes alone. A server that knows no ranges sends all of it instead: that answer is kept, and
what was meant as a look is the beginning of reading it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import socket
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urljoin, urlsplit

from asrcli.remote.answers import identity_of, problem, validator, whole_bytes
from asrcli.remote.base import Halt, RemoteError, Way
from asrcli.system.file_state import changed
from asrcli.values.addresses import scheme, shown
from asrcli.values.errors import AsrcliError, LinkError, UsageError
from asrcli.wire.dial import Network
from asrcli.wire.http import failure, pools
from asrcli.wire.proxies import find_proxy

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

# Enough to tell what it is, and all of many a short file.
_LOOK_BYTES = 1 << 14
_PIECE_BYTES = 1 << 16
# As long as a server may keep silent.
_STALL_S = 30.0
# Of the reasons why not.
_MOST_SAID_BYTES = 4096
_MOST_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)
_PORTS = {"http": 80, "https": 443}
_NO_FOLLOWING = "that is not followed"
_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19}|\*)")


def open_remote(address: str, way: Way, halt: Halt) -> HttpObject:
    """What is at `address`. Raises RemoteError, and UsageError for what is no address."""
    found = HttpObject(address, way, halt)
    try:
        found.look()
    except BaseException:
        found.close()
        raise
    return found


class HttpObject:
    """A Remote; see there. `look` comes first."""

    def __init__(self, address: str, way: Way, halt: Halt) -> None:
        self.address = address
        self.size_bytes: int | None = None
        self.identity: str | None = None
        self.has_ranges = False
        self._way = way
        self._parts = _parts(address)
        self._validator: str | None = None
        self._head = b""
        # The answer to the first question, where that is all of it.
        self._answer: BaseHTTPResponse | None = None
        self._pools: dict[str, PoolManager] = {}
        self._sockets: list[socket.socket] = []
        self._halt = halt

    def look(self) -> None:
        """Ask for its beginning, and find out what it is. Raises RemoteError."""
        answer = self._ask(f"bytes=0-{_LOOK_BYTES - 1}")
        if answer.status == 416 or self._is_of_unknown_length(answer):
            answer.close()
            answer = self._ask(None)
            if answer.status != 200:
                answer.close()
                raise RemoteError(f"{shown(self.address)} was asked for all of it, and answers HTTP {answer.status}")
        headers = answer.headers
        self.size_bytes = self._total(answer, 0)
        self.identity = identity_of(headers, self.size_bytes)
        self._validator = validator(headers)
        self.has_ranges = answer.status == 206
        if not self.has_ranges:
            self._answer = answer
            return
        for data in self._body(answer, whole_bytes(headers)):
            self._head += data
            if len(self._head) > _LOOK_BYTES:
                raise RemoteError(f"{shown(self.address)} sends more of it than was asked for")
        if self.size_bytes is not None and len(self._head) < min(_LOOK_BYTES, self.size_bytes):
            raise RemoteError(f"{shown(self.address)} broke off after {len(self._head)} bytes", retryable=True)

    def read_from(self, offset: int) -> Iterator[bytes]:
        """See Remote."""
        if offset < len(self._head) and (self.identity is not None or self.size_bytes == len(self._head)):
            # Only then it is certain that what follows belongs to it.
            yield self._head[offset:]
            offset = len(self._head)
        if offset == self.size_bytes:
            return
        answer, self._answer = self._answer, None
        if answer is None or offset:
            if answer is not None:
                answer.close()
            answer = self._ask(f"bytes={offset}-" if offset and self.has_ranges else None)
            surplus = self._surplus(answer, offset)
        else:
            surplus = 0
        for data in self._body(answer, whole_bytes(answer.headers)):
            if surplus >= len(data):
                surplus -= len(data)
                continue
            yield data[surplus:]
            surplus = 0

    def close(self) -> None:
        """See Remote."""
        answer, self._answer = self._answer, None
        if answer is not None:
            answer.close()
        for each in self._pools.values():
            each.clear()

    def _surplus(self, answer: BaseHTTPResponse, offset: int) -> int:
        """How many bytes of `answer` come before `offset`. Raises DecodeError where it is of something else."""
        try:
            if answer.status == 416:
                # It has become shorter.
                raise changed(self.address)
            size_bytes = self._total(answer, offset)
            now = identity_of(answer.headers, size_bytes)
            # What has kept to If-Range need not say it again.
            is_same = now == self.identity or (now is None and answer.status == 206 and self._validator is not None)
            if offset and self.identity is None:
                is_same = False
            if size_bytes != self.size_bytes or not is_same:
                raise changed(self.address)
        except BaseException:
            answer.close()
            raise
        return 0 if answer.status == 206 else offset

    def _is_of_unknown_length(self, answer: BaseHTTPResponse) -> bool:
        """Whether nobody could tell its last part from one that is shorter than what was asked for."""
        return answer.status == 206 and self._total(answer, 0) is None

    def _total(self, answer: BaseHTTPResponse, offset: int) -> int | None:
        """How long all of it is. Raises RemoteError for a part that was not asked for."""
        if answer.status != 206:
            return whole_bytes(answer.headers)
        said = answer.headers.get("Content-Range", "")
        found = _RANGE.fullmatch(said)
        if found is None or int(found[1]) != offset:
            answer.close()
            raise RemoteError(f"{shown(self.address)} was asked for what begins at {offset}, and sent {said!r}")
        return None if found[3] == "*" else int(found[3])

    def _ask(self, ranged: str | None) -> BaseHTTPResponse:
        """The answer to one GET, wherever redirects lead. Raises RemoteError."""
        headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "asrcli"}
        if ranged is not None:
            headers["Range"] = ranged
            if self._validator is not None:
                headers["If-Range"] = self._validator
        url = self.address
        for _ in range(_MOST_REDIRECTS + 1):
            answer = self._once(url, headers)
            if answer.status not in _REDIRECTS:
                wrong = self._problem(answer)
                if wrong is None:
                    return answer
                answer.close()
                raise wrong
            answer.close()
            url = self._redirected(url, answer.headers.get("Location", ""))
        raise RemoteError(f"{shown(self.address)} redirects more than {_MOST_REDIRECTS} times")

    def _once(self, url: str, headers: dict[str, str]) -> BaseHTTPResponse:
        import urllib3
        from urllib3.exceptions import HTTPError, ProxySchemeUnsupported

        parts = _parts(url)
        if parts.username is not None and _origin(parts) == _origin(self._parts):
            credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            headers = headers | urllib3.make_headers(basic_auth=credentials)
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
        network = Network(find_proxy(self._way.proxy, os.environ, bare)[0], self._way.ca_bundle)
        place = f"{parts.scheme} {network.proxy}"
        if place not in self._pools:
            self._pools[place] = pools(bare, network, _STALL_S, self._sockets.append)
        try:
            request = functools.partial(self._pools[place].request, "GET", bare, headers=headers)
            answer = self._halt.awaited(functools.partial(self._asked, request), self.address, self._hang_up)
            self._halt.ends(self._hang_up)
            return answer
        except (HTTPError, ProxySchemeUnsupported) as error:
            raise self._failure(error, bare, network) from error

    def _asked(self, request: Callable[..., BaseHTTPResponse]) -> BaseHTTPResponse:
        """In a thread of its own."""
        answer = request(preload_content=False, redirect=False)
        if self._halt.is_set:
            # Nobody waits for it any more.
            answer.close()
        return answer

    def _problem(self, answer: BaseHTTPResponse) -> RemoteError | None:
        from urllib3.exceptions import HTTPError

        beginning = b""
        if answer.status >= 400 and answer.status != 416:
            with contextlib.suppress(HTTPError, OSError):
                beginning = answer.read(_MOST_SAID_BYTES)
        return problem(self.address, answer.status, answer.reason, answer.headers, beginning)

    def _body(self, answer: BaseHTTPResponse, expected_bytes: int | None) -> Iterator[bytes]:
        """The body as it comes. Raises RemoteError where it breaks off."""
        from urllib3.exceptions import HTTPError

        came_bytes = 0
        try:
            while data := answer.read1(_PIECE_BYTES):
                came_bytes += len(data)
                yield data
            if expected_bytes is not None and came_bytes < expected_bytes:
                raise RemoteError(f"{shown(self.address)} broke off", retryable=True)
        except (HTTPError, OSError) as error:
            answer.close()
            raise self._failure(error, self.address) from error
        except BaseException:
            answer.close()
            raise
        # The connection is kept for the next question.
        answer.release_conn()

    def _failure(self, error: Exception, url: str, network: Network | None = None) -> AsrcliError:
        """As a RemoteError; or what keeps the user from going there at all."""
        failed, _ = failure(error, url, network or Network())
        if isinstance(failed, UsageError):
            return failed
        is_link = isinstance(failed, LinkError)
        hint = failed.hint.replace("--endpoint", "the address").replace("the service", "the server")
        return RemoteError(
            shown(failed.message),
            hint=hint.replace("ws://", "http://"),
            retryable=failed.retryable,
            unreached=is_link and not self._sockets,
        )

    def _redirected(self, url: str, location: str) -> str:
        # As servers write them: the library takes every byte for a character.
        with contextlib.suppress(UnicodeError):
            location = location.encode("latin-1").decode()
        try:
            to = urljoin(url, location)
        except ValueError as error:
            raise RemoteError(f"{shown(self.address)} redirects to {shown(location)}: {error}") from error
        if not location or scheme(to) not in _PORTS:
            where = shown(to) if location else "nowhere"
            raise RemoteError(
                f"{shown(self.address)} redirects to {where}, which is no web address", hint=_NO_FOLLOWING
            )
        if (scheme(url), scheme(to)) == ("https", "http"):
            raise RemoteError(f"{shown(self.address)} redirects from https to {shown(to)}", hint=_NO_FOLLOWING)
        return to

    def _hang_up(self) -> None:
        """End a read that waits in another thread: closing a socket would not."""
        for each in list(self._sockets):
            with contextlib.suppress(OSError, TypeError):
                # Not that of SSLSocket, which takes from the other thread what it uses.
                socket.socket.shutdown(each, socket.SHUT_RDWR)


def _parts(address: str) -> SplitResult:
    """Raises UsageError for what is no address."""
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError as error:
        raise UsageError(f"{shown(address)} is no address: {error}") from error
    if not parts.hostname:
        raise UsageError(f"{shown(address)} names no host")
    return parts


def _origin(parts: SplitResult) -> tuple[str, str | None, int | None]:
    return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme)
