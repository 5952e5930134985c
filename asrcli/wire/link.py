"""One WebSocket connection. Its handshake is websocket-client's (`wire.handshake`), its frames are ours.

A link says what happens on it by posting LinkOpened, MessageReceived … and exactly one LinkClosed, on the loop's
thread. It knows nothing of protocols; a further session can follow on the same link because the reading belongs to it.

Thread "connect": from `open` until the handshake is done or has failed. Names, TCP, TLS and proxies are waited for
there; afterwards the loop's thread reads and writes, and nothing waits.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import time
from collections.abc import Callable

import websocket

from asrcli.system.clock import SystemClock, next_multiple
from asrcli.system.loop import READABLE, WRITABLE, Loop
from asrcli.system.moments import Timer
from asrcli.values.errors import Bug, LinkError, ProtocolViolation
from asrcli.values.events import ConnectPhases
from asrcli.values.messages import ConnectRequest, Message
from asrcli.wire.dial import Network, Steps, dial
from asrcli.wire.duplex import Duplex
from asrcli.wire.failures import place
from asrcli.wire.framing import Framer, Opcode, Reading
from asrcli.wire.handshake import upgrade
from asrcli.wire.link_events import InboxItem, LinkClosed, LinkDrained, LinkOpened, MessageReceived
from asrcli.wire.liveness import Advice, Liveness
from asrcli.wire.translation import handshake_failure, translate
from asrcli.wire.tunnel import open_tunnel

# Bounds each step of the handshake; afterwards, how long nothing may happen: see Liveness.
_TIMEOUT_S = 15.0
# A service that got our close frame answers it at once; a dead one must not hold up the end of the program.
_CLOSE_TIMEOUT_S = 1.0
# What a close frame says when nothing is wrong (RFC 6455, 7.4.1): 1000.
_REGULAR = b"\x03\xe8"


class Link:
    """A connection from `open` to LinkClosed. For the loop's thread, which must be held until then.

    `post` may be set anew between two sessions.
    """

    def __init__(
        self,
        request: ConnectRequest,
        post: Callable[[InboxItem], None],
        loop: Loop,
        network: Network | None = None,
    ) -> None:
        self._request = request
        self.post = post
        self._loop = loop
        self._network = network or Network()
        self._clock = SystemClock()
        self._framer, self._reading = Framer(), Reading()
        # Known as soon as there is a connection, so that it can be cut in the middle of the handshake.
        self._wire: Duplex | None = None
        self.congested = False
        """Whether something waits for room in the network; LinkDrained follows when it has gone."""
        self._is_open = False
        self._over = False
        self._closing = False
        self._watchdog: Timer | None = None
        self._liveness = Liveness(_TIMEOUT_S, self._clock.now())

    @property
    def undelivered_bytes(self) -> int:
        """What of all that was sent has not reached the other end, as far as the system knows."""
        return 0 if self._wire is None or self._over else self._wire.undelivered_bytes

    def open(self) -> None:
        """Connect in the background; LinkOpened or LinkClosed will follow."""
        self._loop.aside("connect", self._connect, lambda bug: self._end(LinkClosed(error=Bug.of(bug))))

    def send(self, message: Message, *, more: bool = False) -> None:
        """Hand one message to the network; never waits. Raises LinkError; nothing can follow it then.

        With `more` it may lie until `flush`: one system call for several messages.
        """
        if self._wire is None or self._over or self._closing:
            raise LinkError(f"the connection to {place(self._request.url)} is closed")
        self._wire.hold(self._framer.message(message))
        if not more:
            self.flush()

    def flush(self) -> None:
        """Let go of what lies here. Raises LinkError."""
        if self._wire is None or self.congested:
            return
        try:
            all_left = self._wire.flush()
        except OSError as error:
            raise translate(error, self._request.url, self._network.proxy) from error
        if not all_left:
            self._watch()

    def release(self) -> None:
        """The session has ended as it should."""
        self.close()

    def close(self) -> None:
        """Say goodbye; LinkClosed follows when it was answered, or soon. Idempotent; never raises."""
        if self._closing or self._over:
            return
        self._closing = True
        if not self._is_open:
            self.abort()
            return
        if self.congested and self._wire is not None:
            # Goodbye would come behind sound that nobody waits for, and take the room of the link that follows.
            self._wire.drop()
            self._loop.call(lambda: self._end(LinkClosed()))
            return
        self._control(Opcode.CLOSE, _REGULAR)
        self._loop.at(self._clock.now() + _CLOSE_TIMEOUT_S, lambda: self._end(LinkClosed()))

    def abort(self) -> None:
        """Cut the connection without a word; LinkClosed follows."""
        self._closing = True
        if self._wire is not None:
            self._wire.shutdown(socket.SHUT_RDWR)

    # --- the handshake, in the thread "connect" ---------------------------------------------------------------------

    def _connect(self) -> Callable[[], None]:
        """Shake hands; returns what is to be done then."""
        try:
            began = time.perf_counter()
            steps = self._shake_hands()
            took_ms = (time.perf_counter() - began) * 1000
        except Exception as error:
            self._shut()
            closed = LinkClosed(error=handshake_failure(error, self._request.url, self._network.proxy))
            return lambda: self._end(closed)
        upgrade_ms = took_ms - steps.dns_ms - steps.tcp_ms - (steps.tls_ms or 0.0)
        phases = ConnectPhases(steps.dns_ms, steps.tcp_ms, steps.tls_ms, upgrade_ms)
        return lambda: self._opened(LinkOpened(took_ms, phases))

    def _shake_hands(self) -> Steps:
        request, network, steps = self._request, self._network, Steps()
        if network.proxy is None:
            connection, steps = dial(request.url, network, _TIMEOUT_S)
            self._wire = Duplex(connection)
        elif network.proxy.scheme == "https":
            self._wire, steps = open_tunnel(request.url, network, _TIMEOUT_S)
        if self._closing:
            raise LinkError("given up")
        self._wire = upgrade(request, network, _TIMEOUT_S, self._wire).wire
        return steps

    # --- from here on, on the loop's thread --------------------------------------------------------------------------

    def _opened(self, opened: LinkOpened) -> None:
        assert self._wire is not None
        if self._closing:
            self._end(LinkClosed())
            return
        self._is_open = True
        self._wire.stop_waiting()
        self._liveness.heard(self._clock.now())
        self._watch()
        self._watch_over()
        self.post(opened)
        # The service may have spoken first, in the same packet as the handshake.
        self._take_in()

    def _watch(self) -> None:
        """Look out for what comes in, and for room where something waits for it."""
        if self._is_open and not self._over and self._wire is not None:
            self.congested = self._wire.unsent_bytes > 0
            events = READABLE | WRITABLE if self.congested else READABLE
            try:
                self._loop.watch(self._wire.connection, self._ready, events)
            except OSError as error:
                # Not from within: whoever writes is in the middle of something.
                self._loop.call(functools.partial(self._failed, error))

    def _ready(self, events: int) -> None:
        assert self._wire is not None
        try:
            if events & WRITABLE and self._wire.flush():
                self._watch()
                self.post(LinkDrained())
            if events & READABLE and not self._over:
                self._wire.fill()
                self._liveness.heard(self._clock.now())
        except Exception as error:
            self._failed(error)
        self._take_in()

    def _take_in(self) -> None:
        """Post what has come."""
        while not self._over and self._wire is not None and self._wire.has_input:
            try:
                read = self._reading.next(self._wire)
            except ProtocolViolation as error:
                self._failed(error)
                return
            if read is None:
                if self._wire.has_ended:
                    self._failed(websocket.WebSocketConnectionClosedException())
                return  # Or the rest of it will come.
            opcode, data = read
            if opcode is Opcode.CLOSE:
                self._control(Opcode.CLOSE, _REGULAR)
                code = int.from_bytes(data[:2], "big") if len(data) >= 2 else None
                self._end(LinkClosed(code, data[2:].decode(errors="replace")))
            elif opcode is Opcode.PING:
                self._control(Opcode.PONG, data)
            elif opcode is not Opcode.PONG and not self._closing:
                self._post_message(opcode, data)

    def _control(self, opcode: Opcode, data: bytes = b"") -> None:
        """Where it does not get through, what is read will tell."""
        assert self._wire is not None
        with contextlib.suppress(OSError):
            self._wire.send(self._framer.frame(opcode, data))
            self._watch()

    def _post_message(self, opcode: Opcode, data: bytes) -> None:
        try:
            message = data if opcode is Opcode.BINARY else data.decode()
        except UnicodeDecodeError as error:
            problem = f"{len(data)} bytes, {error.reason}"
            self._failed(ProtocolViolation("the service sent text that is not UTF-8", excerpt=problem))
            return
        self.post(MessageReceived(message))

    def _watch_over(self) -> None:
        """See to it that the connection is alive, every now and then."""
        if self._over or self._closing or self._wire is None:
            return
        now, wire = self._clock.now(), self._wire
        advice = self._liveness.look(now, wire.accepted_bytes, wire.undelivered_bytes, is_held_up=self.congested)
        if advice is Advice.GIVE_UP:
            self._failed(TimeoutError())
            return
        if advice is Advice.ASK:
            self._control(Opcode.PING)
            self._liveness.asked(wire.accepted_bytes)
        # Any time about then will do, so of many links it is one and the same.
        moment = next_multiple(now + _TIMEOUT_S / 3, _TIMEOUT_S / 60)
        self._watchdog = self._loop.at(moment, self._watch_over)

    def _failed(self, error: BaseException) -> None:
        # Losing what we are about to leave is no failure.
        translated = None if self._closing else translate(error, self._request.url, self._network.proxy)
        self._end(LinkClosed(error=translated))

    def _end(self, closed: LinkClosed) -> None:
        if self._over:
            return
        self._over = True
        if self._watchdog is not None:
            self._watchdog.cancel()
        if self._is_open and self._wire is not None:
            with contextlib.suppress(Exception):
                # Our answer to a close frame.
                self._wire.flush()
            self._loop.unwatch(self._wire.connection)
        self._shut()
        self.post(closed)

    def _shut(self) -> None:
        if self._wire is not None:
            with contextlib.suppress(Exception):
                self._wire.close()
