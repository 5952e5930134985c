"""One client's connection, from its HTTP request to its last byte: whole messages in, text messages out.

The protocol is that of websockets' sans-I/O half; the bytes come and go by a Stream. Everything happens on the loop's
thread. What the messages mean is the business of its guest.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol

from asrcli.service.wire.fair_loop import Share
from asrcli.service.wire.stream import Stream
from asrcli.system.moments import Timer

# How long a client may take to answer a close, and to close its side of the connection after that.
CLOSE_TIMEOUT_S = 2.0

_log = logging.getLogger(__name__)
# Refused handshakes and lost clients are the clients' business; they are told with -v only.
_protocol_log = logging.getLogger("asrcli.service.websockets")


class Guest(Protocol):
    """Who talks over a connection that was admitted."""

    def opened(self) -> None: ...

    def received(self, message: str | bytes) -> None: ...

    def closed(self) -> None:
        """Nothing more will be received, and nothing can be sent. Called once."""
        ...


class WebSocket:
    """Lives as long as its stream."""

    def __init__(
        self,
        stream: Stream,
        loop: Share,
        *,
        largest_message_bytes: int,
        admit: Callable[[Request], Response | None],
        make_guest: Callable[[WebSocket, Request], Guest],
    ) -> None:
        """`admit` gives None, or the refusal; for who is let in, `make_guest` is called."""
        self._stream = stream
        self._loop = loop
        self._admit = admit
        self._make_guest = make_guest
        self._guest: Guest | None = None
        self._protocol = ServerProtocol(max_size=largest_message_bytes, logger=_protocol_log)
        self._fragments: list[bytes] = []
        self._is_text = False
        self._patience: Timer | None = None
        self._closing = False
        self._over = False

    def open(self, handshake_s: float) -> None:
        """Begin; a client that has not been let in after `handshake_s` is dropped."""
        self._wait(handshake_s)
        self._stream.open(self)

    # --- what the guest says ----------------------------------------------------------------------------------------

    def send(self, text: str) -> None:
        """Send a message; one that comes after the end is dropped."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_text(text.encode())
            self._flush()

    def send_fragments(self, fragments: Sequence[bytes]) -> None:
        """Send a message in two fragments or more."""
        if self._protocol.state is State.OPEN:
            first, *rest = fragments
            self._protocol.send_text(first, fin=False)
            for number, fragment in enumerate(rest, start=1):
                self._protocol.send_continuation(fragment, fin=number == len(rest))
            self._flush()

    def close(self, code: int, reason: str) -> None:
        """Close after all that was sent. Messages still come, until the client has answered or time is up."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_close(code, reason)
            self._flush()
        elif self._protocol.state is State.CONNECTING:
            self._drop()

    def reset(self) -> None:
        """End the connection with TCP's RST."""
        self._end()
        self._stream.reset()

    def cut(self) -> None:
        """End the connection now and without a word."""
        self._end()
        self._stream.cut()

    def hold(self) -> None:
        """Receive nothing until `go_on`, except what is under way."""
        self._stream.hold()

    def go_on(self) -> None:
        self._stream.go_on()

    def deafen(self) -> None:
        """Receive nothing any more, until the client goes."""
        self._stream.deafen()

    def read_once(self) -> None:
        """Receive a little, though on hold."""
        self._stream.read_once()

    def show_life(self) -> None:
        """Send a pong that nobody asked for: RFC 6455 has it as a heartbeat, and it is not answered."""
        if self._protocol.state is State.OPEN:
            self._protocol.send_pong(b"")
            self._flush()

    # --- what the stream says ---------------------------------------------------------------------------------------

    def received(self, data: bytes) -> None:
        """Read what the client sent, and hand on each whole message."""
        if self._over:
            return
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if self._over:
                return
            try:
                self._handle(event)
            except UnicodeDecodeError:
                self._protocol.fail(CloseCode.INVALID_DATA, "a text message must be UTF-8")
            except Exception:
                _log.exception("a conversation broke")
                self._protocol.fail(CloseCode.INTERNAL_ERROR)
        self._flush()

    def ended(self) -> None:
        self._drop()

    # --- inside -----------------------------------------------------------------------------------------------------

    def _handle(self, event: object) -> None:
        if isinstance(event, Frame):
            if self._guest is not None:
                self._frame(self._guest, event)
        elif isinstance(event, Request):
            self._shake_hands(event)

    def _shake_hands(self, request: Request) -> None:
        response = self._admit(request) or self._protocol.accept(request)
        self._protocol.send_response(response)
        if self._protocol.state is State.OPEN:
            self._stop_waiting()
            self._guest = self._make_guest(self, request)
            self._flush()
            self._guest.opened()

    def _frame(self, guest: Guest, frame: Frame) -> None:
        match frame.opcode:
            case Opcode.TEXT | Opcode.BINARY:
                self._is_text = frame.opcode is Opcode.TEXT
                self._fragments = []
            case Opcode.CONT:
                pass
            case Opcode.CLOSE:
                self._leave()
                return
            case _:
                return  # The protocol has answered.
        data = bytes(frame.data)
        if self._fragments or not frame.fin:
            self._fragments.append(data)
            if not frame.fin:
                return
            data, self._fragments = b"".join(self._fragments), []
        guest.received(data.decode() if self._is_text else data)

    def _flush(self) -> None:
        """Pass on what the protocol wants to say."""
        finished = False
        for data in self._protocol.data_to_send():
            if data:
                self._stream.write(data)
            else:
                finished = True
                self._stream.finish()
        if finished:
            self._leave()
        if not self._closing and not self._over and self._protocol.close_expected():
            self._closing = True
            self._wait(CLOSE_TIMEOUT_S)

    def _wait(self, seconds: float) -> None:
        """Drop the client if nothing else happens."""
        self._stop_waiting()
        self._patience = self._loop.at(self._loop.now() + seconds, self._drop)

    def _drop(self) -> None:
        self._end()
        self._stream.close()

    def _end(self) -> None:
        self._over = True
        self._stop_waiting()
        self._leave()

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _leave(self) -> None:
        guest, self._guest = self._guest, None
        if guest is not None:
            guest.closed()
