"""A connected socket of which neither direction waits: what cannot leave yet is kept, what has come in is buffered.

websocket-client takes it for its socket. It reads by way of small pieces, and writes as if the network always had
room; here that costs one system call for all that came, and none of the callers has to wait. TLS or not makes no
difference. Knows no WebSocket.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import Protocol

# No less than a record of TLS holds. Each read is given so much memory first, and what is large costs page faults.
_READ_BYTES = 1 << 14


class Stream(Protocol):
    """What is read and written: a connection, or a further layer on one, which then waits if the connection does."""

    def recv(self, most_bytes: int, /) -> bytes: ...

    def send(self, data: bytes | bytearray, /) -> int: ...


class Duplex:
    """Waits like a socket with a timeout until `stop_waiting`, for the handshake; from then on it never does."""

    def __init__(self, connection: socket.socket, layer: Stream | None = None) -> None:
        self.connection = connection
        self._stream: Stream = connection if layer is None else layer
        # A layer may hold more than the socket shows; of anything else, the socket will tell again: OpenSSL takes no
        # more from it than the record that it hands out, and that is smaller than what is asked for.
        self._hides = layer is not None
        self._waits = True
        self._input = b""
        self._taken = 0
        self._at_end = False
        self._output = bytearray()

    def stop_waiting(self) -> None:
        """From now on `recv` raises TimeoutError where there is nothing, and `send` keeps what does not go."""
        self.connection.settimeout(0)
        self._waits = False

    @property
    def unsent_bytes(self) -> int:
        """What waits for room in the network."""
        return len(self._output)

    @property
    def has_input(self) -> bool:
        """Whether `recv` would return something: bytes, or their end."""
        return self._taken < len(self._input) or self._at_end

    def fill(self) -> None:
        """Take in what has come. Raises OSError where the connection is lost."""
        received = self._received()
        while received:
            self._input = self._input[self._taken :] + received
            self._taken = 0
            received = self._received() if self._hides else b""

    def hold(self, data: bytes) -> None:
        """Keep `data` for the next `flush`."""
        self._output += data

    def flush(self) -> bool:
        """Send what is kept, as far as it goes; True if nothing is left. Raises OSError if the connection is lost."""
        while self._output:
            sent = self._sent(self._output)
            if not sent:
                return False
            del self._output[:sent]
        return True

    def recv(self, most_bytes: int) -> bytes:
        """Like a socket's."""
        if self._taken >= len(self._input):
            if self._at_end:
                return b""
            if not self._waits:
                raise TimeoutError("nothing has come yet")
            self._input, self._taken = self._stream.recv(_READ_BYTES), 0
        begin = self._taken
        self._taken = min(len(self._input), begin + most_bytes)
        return self._input[begin : self._taken]

    def peek(self, most_bytes: int) -> bytes:
        """What `take` will begin with; it stays here."""
        return self._input[self._taken : self._taken + most_bytes]

    def take(self, size: int) -> bytes | None:
        """Exactly `size` bytes of what has come; None where there are not so many yet."""
        begin, end = self._taken, self._taken + size
        if end > len(self._input):
            return None
        self._taken = end
        return self._input[begin:end]

    def send(self, data: bytes) -> int:
        """Like a socket's, but it takes everything once it does not wait."""
        if self._waits:
            return self._stream.send(data)
        sent = 0 if self._output else self._sent(data)
        if sent < len(data):
            self._output += data[sent:]
        return len(data)

    def gettimeout(self) -> float | None:
        return self.connection.gettimeout() if self._waits else 0

    def settimeout(self, seconds: float | None) -> None:
        if self._waits:
            self.connection.settimeout(seconds)

    def fileno(self) -> int:
        return self.connection.fileno()

    def shutdown(self, how: int) -> None:
        # Not the TLS socket's own, which forgets its TLS and would let plain bytes out.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.connection, how)

    def close(self) -> None:
        self.connection.close()

    def _received(self) -> bytes:
        """What one call brings; empty where nothing is there, or at the end, which is noted."""
        try:
            received = self._stream.recv(_READ_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return b""
        self._at_end = not received
        return received

    def _sent(self, data: bytes | bytearray) -> int:
        try:
            return self._stream.send(data)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0
