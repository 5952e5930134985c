"""TLS's other end in memory, in place of a connection to a proxy: each send and each piece is as a test says."""

from __future__ import annotations

import contextlib
import itertools
import ssl
from collections.abc import Iterator


class FarEnd:
    """Does not wait. `rooms` are the bytes that each send takes once it is narrow; 0 is no room for now.

    What the far end says comes in one piece, up to 16 KiB, where a record of the outer TLS would end.
    """

    def __init__(self, context: ssl.SSLContext, rooms: Iterator[int]) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._rooms: Iterator[int] = itertools.repeat(1 << 20)
        self._later = rooms
        self._agreed = False
        self.heard = b""

    def become_narrow(self) -> None:
        self._rooms = self._later

    def settimeout(self, seconds: float | None) -> None:
        pass

    def send(self, data: bytearray) -> int:
        room = next(self._rooms)
        if not room:
            raise ssl.SSLWantWriteError
        self._incoming.write(data[:room])
        with contextlib.suppress(ssl.SSLWantReadError):
            if not self._agreed:
                self._tls.do_handshake()
                self._agreed = True
            while True:
                self.heard += self._tls.read(65536)
        return min(room, len(data))

    def recv(self, most_bytes: int) -> bytes:
        if not self._outgoing.pending:
            raise ssl.SSLWantReadError
        return self._outgoing.read(min(most_bytes, 16384))

    def say(self, message: bytes) -> None:
        self._tls.write(message)

    def say_goodbye(self) -> None:
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.unwrap()
