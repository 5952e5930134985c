"""What may lie between the socket and the WebSocket: encryption, and a network that is further away than loopback."""

from __future__ import annotations

import contextlib
import logging
import ssl

from asrcli.service.wire.fair_loop import Share
from asrcli.service.wire.stream import Layer, Stream
from asrcli.system.moments import Work

_READ_BYTES = 64 * 1024
# What may be under way from a client: a sender faster than this is held back, as a window of TCP would.
_WINDOW_BYTES = 4 * 1024 * 1024

_log = logging.getLogger(__name__)


class TlsStream(Layer):
    """The service's end of TLS. A client that breaks off, or does not trust us, has ended."""

    def __init__(self, below: Stream, context: ssl.SSLContext) -> None:
        super().__init__(below)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._agreed = False
        self._over = False

    def received(self, data: bytes) -> None:
        """Decrypt what the client sent, and hand it up; shakes hands first."""
        if self._over:
            return
        self._incoming.write(data)
        try:
            if not self._agreed:
                self._tls.do_handshake()
                self._agreed = True
            self._read()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError as error:
            self._over = True
            _log.info("a client broke off TLS: %s", error.reason)
            self._flush()
            self._listener.ended()
            return
        self._flush()

    def write(self, data: bytes) -> None:
        # Nothing is said before the client's request, so that the handshake is always over here.
        if not self._over:
            self._tls.write(data)
            self._flush()

    def finish(self) -> None:
        if self._agreed and not self._over:
            # The client's last records need not be understood any more.
            self._over = True
            with contextlib.suppress(ssl.SSLWantReadError):  # The client's answer, for which nobody waits.
                self._tls.unwrap()
            self._flush()
        self._below.finish()

    def _read(self) -> None:
        # Asking for more than there is costs an exception, for each message.
        while not self._over and (self._incoming.pending or self._tls.pending()):
            data = self._tls.read(_READ_BYTES)
            if not data:
                self._over = True
                self._listener.ended()
                return
            self._listener.received(data)

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._below.write(self._outgoing.read())


class FarStream(Layer):
    """Whatever goes in or out arrives `delay_s` later, in its order: bytes, the end, and a reset.

    The connection itself stands at once, because the system makes it; so the client's first bytes make up for the
    round trip that this would have taken.
    """

    def __init__(self, below: Stream, loop: Share, delay_s: float) -> None:
        super().__init__(below)
        self._loop = loop
        self._delay_s = delay_s
        self._stands_at: float | None = None
        self._coming_bytes = 0
        self._full = False

    def received(self, data: bytes) -> None:
        self._coming_bytes += len(data)
        if self._coming_bytes > _WINDOW_BYTES and not self._full:
            self._full = True
            self._below.hold()
        self._loop.at(self._arrival(), lambda: self._arrived(data))

    def ended(self) -> None:
        self._loop.at(self._arrival(), self._listener.ended)

    def write(self, data: bytes) -> None:
        self._later(lambda: self._below.write(data))

    def finish(self) -> None:
        self._later(self._below.finish)

    def close(self) -> None:
        self._later(self._below.close)

    def reset(self) -> None:
        self._later(self._below.reset)

    def _arrival(self) -> float:
        now = self._loop.now()
        if self._stands_at is None:
            self._stands_at = now + 2 * self._delay_s
        return max(now, self._stands_at) + self._delay_s

    def _arrived(self, data: bytes) -> None:
        self._coming_bytes -= len(data)
        if self._full and self._coming_bytes <= _WINDOW_BYTES:
            self._full = False
            self._below.go_on()
        self._listener.received(data)

    def _later(self, work: Work) -> None:
        self._loop.at(self._loop.now() + self._delay_s, work)
