"""A connection that misbehaves as its faults say: the one place where `asrcli serve --fault` acts.

It stands between a connection and the conversation over it and knows no protocol, except where a client names its
sample rate, where audio stands in a message, and which results are partial.
"""

from __future__ import annotations

import contextlib
import json
import queue
import select
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar

from websockets.exceptions import ConnectionClosed, ConnectionClosedError
from websockets.sync.server import ServerConnection

from asrcli.service.faults import (
    Close,
    Deaf,
    Deed,
    Delay,
    Drop,
    Duplicate,
    Fail,
    Fault,
    Garbage,
    Reorder,
    Reset,
    Split,
    Stall,
)
from asrcli.service.recognizer import RecognitionError
from asrcli.timing import Clock

GARBAGE = "<html><body>upstream connect error</body></html>"
# RST instead of FIN when the socket is closed.
_LINGER = struct.pack("ii", 1, 0)
_Lasting = TypeVar("_Lasting", Delay, Duplicate, Reorder, Split)


class FaultyConnection:
    """A ServerConnection as a conversation sees it. `recv` is called by one thread, the other methods by any.

    `recv` raises RecognitionError where the recognition is to fail.
    """

    def __init__(self, connection: ServerConnection, faults: Sequence[Fault], chance: Random, clock: Clock) -> None:
        self._connection = connection
        self._chance = chance
        self._clock = clock
        self._lock = threading.RLock()
        self._meter = _AudioMeter()
        self._sent = 0
        self._silent = False
        self._deaf = False
        self._failure: RecognitionError | None = None
        self._held: str | None = None
        self._to_come = [fault for fault in faults if not isinstance(fault.deed, Delay | Duplicate | Reorder | Split)]
        self._duplicate = _lasting(faults, Duplicate)
        self._reorder = _lasting(faults, Reorder)
        self._split = _lasting(faults, Split) is not None
        delay = _lasting(faults, Delay)
        self._delayed = None if delay is None else _Delayed(self._receive, self._put, delay.seconds, clock)

    @property
    def socket(self) -> socket.socket:
        return self._connection.socket

    def recv(self, timeout: float | None = None) -> str | bytes:
        """The next message. Raises TimeoutError, ConnectionClosed, or RecognitionError when it is time for one."""
        self._act()
        message = self._receive(timeout) if self._delayed is None else self._delayed.receive(timeout)
        self._meter.add(message)
        self._act()
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        return message

    def send(self, text: str) -> None:
        """Send `text`, or do to it what the faults say. Raises ConnectionClosed."""
        with self._lock:
            self._act()
            for each in self._order(text):
                if self._silent:
                    return
                self._deliver(each)
                self._sent += 1
                self._act()

    def close(self, code: int, reason: str) -> None:
        """Close after all that was sent; waits for the client's answer."""
        with self._lock:
            self._silent = True
        if self._delayed is not None:
            self._delayed.finish()
        self._connection.close(code, reason)

    # --- what is received and sent ---------------------------------------------------------------------------------

    def _receive(self, timeout: float | None) -> str | bytes:
        if self._deaf:
            self._wait_for_the_end()
            raise ConnectionClosedError(None, None)
        return self._connection.recv(timeout)

    def _wait_for_the_end(self) -> None:
        """Wait until the link is cut, without reading from it: the client's patience has an end, ours has none."""
        with contextlib.suppress(OSError, ValueError):
            end = select.poll()
            end.register(self._connection.socket, select.POLLRDHUP)
            end.poll()
        self._connection.close_socket()

    def _order(self, text: str) -> Sequence[str]:
        """What is to be sent now in place of `text`: it may be held back, sent twice, or bring along another."""
        if self._reorder is not None and self._held is None and is_partial(text) and self._hits(self._reorder):
            self._held = text
            return ()
        once = [text, text] if self._duplicate is not None and self._hits(self._duplicate) else [text]
        held, self._held = self._held, None
        return once if held is None else [*once, held]

    def _hits(self, fault: Duplicate | Reorder) -> bool:
        return self._chance.random() < fault.probability

    def _deliver(self, text: str) -> None:
        if self._delayed is None:
            self._put(text)
        else:
            self._delayed.send(text)

    def _put(self, text: str) -> None:
        data = text.encode()
        if self._split and len(data) >= 3:
            third = len(data) // 3
            self._connection.send([data[:third], data[third : 2 * third], data[2 * third :]], text=True)
        else:
            self._connection.send(text)

    # --- what happens at a moment ----------------------------------------------------------------------------------

    def _act(self) -> None:
        """Do what is due."""
        with self._lock:
            due = [fault for fault in self._to_come if self._is_due(fault)]
            for fault in due:
                self._to_come.remove(fault)
                self._do(fault.deed)

    def _is_due(self, fault: Fault) -> bool:
        return self._meter.seconds >= fault.at.audio_s and self._sent >= fault.at.messages

    def _do(self, deed: Deed) -> None:
        match deed:
            case Close(code, reason):
                self._silent = True
                # In a thread of its own, because closing waits for the client's answer and this one may hold a lock.
                threading.Thread(target=self.close, args=(code, reason), name="closing", daemon=True).start()
            case Reset() | Drop():
                self._silent = True
                with contextlib.suppress(OSError):
                    self._connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
                self._connection.close_socket()
            case Stall():
                self._silent = True
            case Deaf():
                self._deaf = True
            case Garbage():
                if not self._silent:
                    self._deliver(GARBAGE)
            case Fail(code, message):
                self._failure = RecognitionError(code, message)


class _Delayed:
    """Both directions, each message so much later. Two threads, which end when the connection is closed.

    "delayed in" takes what comes, "delayed out" sends what goes. What lies between is bounded by the delay.
    """

    def __init__(
        self,
        receive: Callable[[float | None], str | bytes],
        send: Callable[[str], None],
        seconds: float,
        clock: Clock,
    ) -> None:
        self._receive_now = receive
        self._send_now = send
        self._seconds = seconds
        self._clock = clock
        self._never = threading.Event()
        self._in: queue.SimpleQueue[tuple[float, str | bytes | ConnectionClosed]] = queue.SimpleQueue()
        self._out: queue.SimpleQueue[tuple[float, str] | None] = queue.SimpleQueue()
        threading.Thread(target=self._take_in, name="delayed in", daemon=True).start()
        self._sender = threading.Thread(target=self._send_out, name="delayed out", daemon=True)
        self._sender.start()

    def receive(self, timeout: float | None) -> str | bytes:
        try:
            due, message = self._in.get(timeout=timeout)
        except queue.Empty:
            raise TimeoutError from None
        self._clock.wait_until(due, self._never)
        if isinstance(message, ConnectionClosed):
            raise message
        return message

    def send(self, text: str) -> None:
        self._out.put((self._clock.now() + self._seconds, text))

    def finish(self) -> None:
        """Wait until all has been sent."""
        self._out.put(None)
        self._sender.join()

    def _take_in(self) -> None:
        while True:
            message: str | bytes | ConnectionClosed
            try:
                message = self._receive_now(None)
            except ConnectionClosed as closed:
                message = closed
            self._in.put((self._clock.now() + self._seconds, message))
            if isinstance(message, ConnectionClosed):
                self._out.put(None)
                return

    def _send_out(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            while (item := self._out.get()) is not None:
                due, text = item
                self._clock.wait_until(due, self._never)
                self._send_now(text)


class _AudioMeter:
    """Counts the seconds of audio in a client's messages: 16-bit samples at the rate that the client names."""

    def __init__(self) -> None:
        self._bytes = 0
        self._rate_hz = 16_000

    @property
    def seconds(self) -> float:
        return self._bytes / 2 / self._rate_hz

    def add(self, message: str | bytes) -> None:
        if isinstance(message, bytes):
            self._bytes += len(message)
            return
        document = _object(message)
        audio = document.get("audio")
        if isinstance(audio, str):
            # base64: three bytes in four characters.
            self._bytes += len(audio) * 3 // 4 - audio.count("=", -2)
        parameters = _within(document, "payload", "parameters") or _within(document, "session")
        rate_hz = parameters.get("sample_rate")
        if isinstance(rate_hz, int) and rate_hz > 0:
            self._rate_hz = rate_hz


def is_partial(text: str) -> bool:
    """Whether a message of ours is a result that may still change: only such may be overtaken."""
    document = _object(text)
    sentence = _within(document, "payload", "output", "sentence")
    kind = document.get("type")
    return sentence.get("sentence_end") is False or (isinstance(kind, str) and kind.endswith("transcription.text"))


def _object(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _within(document: dict[str, Any], *keys: str) -> dict[str, Any]:
    for key in keys:
        inner = document.get(key)
        document = inner if isinstance(inner, dict) else {}
    return document


def _lasting(faults: Sequence[Fault], kind: type[_Lasting]) -> _Lasting | None:
    """What acts on every message and not at a moment; the first of its kind counts."""
    return next((fault.deed for fault in faults if isinstance(fault.deed, kind)), None)
