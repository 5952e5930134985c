"""One connection of the local service: carries messages and results to the protocol half and its actions out.

Two threads meet here: the connection's own, which waits for the client and drives the recognition, and the one that
brings results. A lock guards the protocol half and keeps its replies in order; the recognition is driven outside of
it, because feeding may wait for the decoder, and the decoder's results must get through meanwhile.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Iterable
from functools import partial

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection

from asrcli.service.base import (
    Action,
    EndUtterance,
    Feed,
    FinishRecognition,
    Hangup,
    OpenRecognition,
    Reply,
    ServerHalf,
)
from asrcli.service.decoding import AudioDecoder, open_decoder
from asrcli.service.faulty import FaultyConnection
from asrcli.service.recognizer import (
    Ended,
    Failed,
    Recognition,
    RecognitionError,
    RecognitionSettings,
    Recognizer,
    Result,
)
from asrcli.timing import Clock

_log = logging.getLogger(__name__)


class Places:
    """How many recognitions may run at once, counted over all connections."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._free = threading.BoundedSemaphore(count)

    def take(self) -> Place:
        """A place, to be released once or more. Raises RecognitionError when all are taken."""
        if not self._free.acquire(blocking=False):
            message = f"Requests rate limit exceeded: this service runs {self.count} tasks at once (--max-tasks)"
            raise RecognitionError("Throttling.RateQuota", message)
        return Place(self._free)


class Place:
    """The right to run one recognition."""

    def __init__(self, free: threading.BoundedSemaphore) -> None:
        self._free: threading.BoundedSemaphore | None = free
        self._lock = threading.Lock()

    def release(self) -> None:
        with self._lock:
            free, self._free = self._free, None
        if free is not None:
            free.release()


class Conversation:
    """Lives as long as its connection. `run` is called by the connection's thread, the other methods by any."""

    def __init__(
        self,
        connection: ServerConnection | FaultyConnection,
        half: ServerHalf,
        recognizer: Recognizer,
        places: Places,
        clock: Clock,
    ) -> None:
        self._connection = connection
        self._half = half
        self._recognizer = recognizer
        self._places = places
        self._clock = clock
        self._lock = threading.Lock()
        self._over = False
        self._place: Place | None = None
        self._recognition: Recognition | None = None
        self._settings = RecognitionSettings()
        self._decoder: AudioDecoder | None = None

    def run(self) -> None:
        """Serve the connection until it is closed, by whomever."""
        try:
            self._handle(self._half.connected)
            while True:
                try:
                    message = self._connection.recv(self._patience_s())
                except TimeoutError:
                    self._handle(self._half.idle)
                except RecognitionError as error:
                    self._failed(error)
                else:
                    fits = len(message) <= self._half.largest_message_bytes
                    self._handle(partial(self._half.receive, message) if fits else _too_big)
        except ConnectionClosed:
            pass
        finally:
            self._over = True
            self._drop_recognition()

    def silence(self) -> None:
        """Say nothing any more, whatever the client and the recogniser still bring."""
        self._over = True

    def hang_up(self, code: int, reason: str) -> None:
        """Close the connection from outside, and wait until the client has answered or the close has timed out."""
        self._connection.close(code, reason)

    def cut(self) -> None:
        """End the connection without a further word, also under a thread that is stuck in sending."""
        with contextlib.suppress(OSError):
            self._connection.socket.shutdown(socket.SHUT_RDWR)

    def _patience_s(self) -> float | None:
        with self._lock:
            deadline = None if self._over else self._half.deadline()
        return None if deadline is None else max(0.0, deadline - self._clock.now())

    def _handle(self, steps: Callable[[], Iterable[Action]]) -> None:
        """Carry out what the half answers: its words at once and in order, then the recogniser's part."""
        driving: list[Action] = []
        with self._lock:
            # After the last word the client's messages are still read, and dropped: a socket that is closed with
            # unread data is reset, and the reset would overtake that word.
            for action in () if self._over else steps():
                match action:
                    case Reply(text):
                        self._connection.send(text)
                    case Hangup(code, reason):
                        self._over = True
                        # A thread of its own, because this one goes on reading until the client has answered.
                        threading.Thread(
                            target=self._connection.close, args=(code, reason), name="closing", daemon=True
                        ).start()
                    case _:
                        driving.append(action)
        try:
            for action in driving:
                self._drive(action)
        except RecognitionError as error:
            self._failed(error)

    def _drive(self, action: Action) -> None:
        match action:
            case OpenRecognition(settings):
                self._open_recognition(settings)
            case Feed(audio):
                self._feed(audio)
            case EndUtterance():
                assert self._recognition is not None
                self._finish_decoding()
                self._recognition.end_utterance()
            case FinishRecognition():
                assert self._recognition is not None
                self._finish_decoding()
                self._recognition.finish()

    def _open_recognition(self, settings: RecognitionSettings) -> None:
        self._drop_recognition()
        self._place = self._places.take()
        self._settings = settings
        self._recognition = self._recognizer.open(settings, partial(self._result, self._place))

    def _feed(self, audio: bytes) -> None:
        assert self._recognition is not None
        if self._decoder is None:
            self._decoder = open_decoder(self._settings, self._recognition.feed)
        self._decoder.feed(audio)

    def _finish_decoding(self) -> None:
        """All that was fed reaches the recognition; what follows is a stream of its own."""
        decoder, self._decoder = self._decoder, None
        if decoder is not None:
            try:
                decoder.finish()
            finally:
                decoder.close()

    def _result(self, place: Place, result: Result) -> None:
        if isinstance(result, Ended | Failed):
            # Before the client hears of it, and asks for the next one.
            place.release()
        try:
            self._handle(partial(self._half.result, result))
        except ConnectionClosed:
            pass  # The connection's own thread finds out by itself.
        except Exception:
            _log.exception("a result could not be handled")
            self.cut()

    def _failed(self, error: RecognitionError) -> None:
        # Before the client hears of it: its place is free for the next one.
        self._drop_recognition()
        self._handle(partial(self._half.result, Failed(error.code, str(error))))

    def _drop_recognition(self) -> None:
        # The recognition first: a decoder's thread may be waiting for it to take audio.
        if self._recognition is not None:
            self._recognition.close()
        if self._decoder is not None:
            self._decoder.close()
        if self._place is not None:
            self._place.release()
        self._recognition = self._decoder = self._place = None


def _too_big() -> Iterable[Action]:
    yield Hangup(1009, "message too big")
