"""A connected socket of which neither direction waits: what cannot leave yet is kept, what has come in is buffered.

websocket-client takes it for its socket while it shakes hands. From then on one system call brings all that came, and
none of the callers has to wait. TLS or not makes no difference. Knows no WebSocket.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import sys
from typing import Protocol

if sys.platform == "linux":
    import fcntl
    import termios

# No less than a record of TLS holds. Each read is given so much memory first, and what is large costs page faults.
_READ_BYTES = 1 << 14
# More than so much that the system has not sent yet is of no use to anybody: two seconds of sound, which a session that
# comes after this one could send as well. Without it the system takes in minutes of it on a slow link.
_NOT_SENT_BYTES = 1 << 16
# How much the system holds of what it took: not sent yet, or not acknowledged. Python has no name for it on macOS.
_MACOS_SO_NWRITE = 0x1024


class ByteStream(Protocol):
    """What is read and written: a connection, or a further layer on one, which then waits if the connection does."""

    def recv(self, most_bytes: int, /) -> bytes: ...

    def send(self, data: bytes | bytearray, /) -> int: ...


class Duplex:
    """Waits like a socket with a timeout until `stop_waiting`, for the handshake; from then on it never does."""

    def __init__(self, connection: socket.socket, layer: ByteStream | None = None) -> None:
        self.connection = connection
        self._stream: ByteStream = connection if layer is None else layer
        # A layer may hold more than the socket shows; of anything else, the socket will tell again: OpenSSL takes no
        # more from it than the record that it hands out, and that is smaller than what is asked for.
        self._hides = layer is not None
        self._waits = True
        self._input = b""
        self._taken = 0
        self._at_end = False
        self._output = bytearray()
        self._left_bytes = 0

    def stop_waiting(self) -> None:
        """From now on `recv` raises TimeoutError where there is nothing, and `send` keeps what does not go."""
        self.connection.settimeout(0)
        self._waits = False
        if sys.platform != "win32":
            with contextlib.suppress(AttributeError, OSError):
                self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _NOT_SENT_BYTES)

    @property
    def unsent_bytes(self) -> int:
        """What waits for room in the network."""
        return len(self._output)

    @property
    def accepted_bytes(self) -> int:
        """What was given to this in all, since it does not wait."""
        return self._left_bytes + len(self._output)

    @property
    def undelivered_bytes(self) -> int:
        """What of it has not reached the other end, as far as the system knows: beneath TLS a little more.

        Where the system does not say, what it took counts as delivered.
        """
        return len(self._output) + _held_by_system(self.connection)

    @property
    def has_input(self) -> bool:
        """Whether `recv` would return something: bytes, or their end."""
        return self._taken < len(self._input) or self._at_end

    @property
    def has_ended(self) -> bool:
        """Whether no more will come than what is here."""
        return self._at_end

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

    def drop(self) -> None:
        """Have `close` forget what has not left; the other end is told that the connection is broken."""
        self._output.clear()
        with contextlib.suppress(OSError):
            linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

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
            sent = self._stream.send(data)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0
        self._left_bytes += sent
        return sent


def _held_by_system(connection: socket.socket) -> int:
    try:
        if sys.platform == "linux":
            # For a socket this is SIOCOUTQ.
            (held,) = struct.unpack("i", fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)))
            return int(held)
        if sys.platform == "darwin":
            return connection.getsockopt(socket.SOL_SOCKET, _MACOS_SO_NWRITE)
    except (OSError, ValueError):
        # Closed in this moment.
        return 0
    return 0
