"""Bytes to and from one client: the socket, and what a layer above it looks like. Nothing here knows what they mean.

Everything happens on the loop's thread, and nothing waits: what the client does not take yet is kept, and nothing is
read from it meanwhile.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import sys
from collections.abc import Callable
from selectors import EVENT_READ, EVENT_WRITE
from typing import Any, Protocol

from asrcli.service.wire.fair_loop import Share

_READ_BYTES = 64 * 1024
# Results are small: a client that leaves this much unread is not reading.
_UNSENT_LIMIT_BYTES = 256 * 1024
# RST instead of FIN when the socket is closed.
_LINGER = struct.pack("ii", 1, 0)


class Listener(Protocol):
    """Whom a stream tells."""

    def received(self, data: bytes) -> None: ...

    def ended(self) -> None:
        """The client will send nothing more, or is gone."""
        ...


class Stream(Protocol):
    """What is done to a stream takes effect in its order; only `cut` and `deafen` do so at once."""

    def open(self, listener: Listener) -> None:
        """Begin to read. Called once."""
        ...

    def write(self, data: bytes) -> None: ...

    def finish(self) -> None:
        """Nothing more is written; the client may go on."""
        ...

    def close(self) -> None:
        """Let go of the client; what it has not taken yet is lost. Nothing is heard of it any more."""
        ...

    def reset(self) -> None:
        """Close with TCP's RST."""
        ...

    def cut(self) -> None:
        """Close now, whatever is under way. Harmless after any end."""
        ...

    def hold(self) -> None:
        """Read nothing until `go_on`. May be said several times, and must then be taken back as often."""
        ...

    def go_on(self) -> None: ...

    def read_once(self) -> None:
        """Read what is there, one piece of it, though on hold; nothing where the stream is deaf."""
        ...

    def deafen(self) -> None:
        """Read nothing any more; `ended` is said when the client goes, or off Linux when it does not take a write."""
        ...


class TcpStream:
    """The socket itself. `gone` is called when it has been closed."""

    def __init__(self, loop: Share, connection: socket.socket, gone: Callable[[], object]) -> None:
        self._loop = loop
        self._socket = connection
        self._gone = gone
        self._listener: Listener | None = None
        self._unsent = bytearray()
        self._held = 0
        # An epoll, because selectors cannot ask for the end alone. Only Linux has it.
        self._end_watch: Any = None
        self._closed = self._ended = self._finishing = self._deaf = False
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def open(self, listener: Listener) -> None:
        self._listener = listener
        self._watch()

    def write(self, data: bytes) -> None:
        if self._closed or self._finishing:
            return
        if self._unsent:
            self._unsent += data
            return
        sent = self._send(data)
        if sent < len(data):
            self._unsent += data[sent:]
            self._watch()

    def finish(self) -> None:
        self._finishing = True
        if not self._unsent and not self._closed:
            self._shut_down()

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._stop_watching_for_the_end()
        self._loop.unwatch(self._socket)
        # It is gone, whatever the system says to that.
        with contextlib.suppress(OSError):
            self._socket.close()
        self._gone()

    cut = close

    def reset(self) -> None:
        if not self._closed:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
            self.close()

    def hold(self) -> None:
        self._held += 1
        self._watch()

    def go_on(self) -> None:
        self._held -= 1
        self._watch()

    def read_once(self) -> None:
        if not (self._closed or self._ended or self._deaf or len(self._unsent) > _UNSENT_LIMIT_BYTES):
            self._read()

    def deafen(self) -> None:
        if self._closed or self._deaf:
            return
        self._deaf = True
        self.hold()
        if sys.platform == "linux":
            self._end_watch = select.epoll()
            self._end_watch.register(self._socket, select.EPOLLRDHUP)
            self._loop.watch(self._end_watch, lambda _: self._end())

    def _watch(self) -> None:
        if self._closed:
            return
        reads = not (self._held or self._ended or len(self._unsent) > _UNSENT_LIMIT_BYTES)
        events = EVENT_READ * reads | EVENT_WRITE * bool(self._unsent)
        if events:
            self._loop.watch(self._socket, self._ready, events)
        else:
            self._loop.unwatch(self._socket)

    def _ready(self, events: int) -> None:
        if events & EVENT_WRITE and self._unsent:
            del self._unsent[: self._send(self._unsent)]
            if not self._unsent and self._finishing:
                self._shut_down()
            self._watch()
        if events & EVENT_READ:
            self._read()

    def _read(self) -> None:
        try:
            data = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            assert self._listener is not None
            self._listener.received(data)
        else:
            self._end()

    def _send(self, data: bytes | bytearray) -> int:
        """How many bytes the system has taken; all of them where the client is gone, which is told later."""
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            # Not from within: whoever writes is in the middle of something.
            self._loop.call(self._end)
            return len(data)

    def _shut_down(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            self._loop.call(self._end)

    def _stop_watching_for_the_end(self) -> None:
        watch, self._end_watch = self._end_watch, None
        if watch is not None:
            self._loop.unwatch(watch)
            with contextlib.suppress(OSError):
                watch.close()

    def _end(self) -> None:
        self._stop_watching_for_the_end()
        if not self._ended and not self._closed:
            self._ended = True
            self._watch()
            assert self._listener is not None
            self._listener.ended()


class Layer:
    """A stream on top of another one; by itself it changes nothing."""

    def __init__(self, below: Stream) -> None:
        self._below = below
        self._listener: Listener

    def open(self, listener: Listener) -> None:
        self._listener = listener
        self._below.open(self)

    def received(self, data: bytes) -> None:
        self._listener.received(data)

    def ended(self) -> None:
        self._listener.ended()

    def write(self, data: bytes) -> None:
        self._below.write(data)

    def finish(self) -> None:
        self._below.finish()

    def close(self) -> None:
        self._below.close()

    def reset(self) -> None:
        self._below.reset()

    def cut(self) -> None:
        self._below.cut()

    def hold(self) -> None:
        self._below.hold()

    def go_on(self) -> None:
        self._below.go_on()

    def read_once(self) -> None:
        self._below.read_once()

    def deafen(self) -> None:
        self._below.deafen()
