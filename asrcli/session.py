"""One recognition on one link, from the first message to the last: its stages, its deadlines, and whose error counts.

A session is driven from outside: `handle` takes what arrived in the inbox, `expire` is called when `deadline` has
passed; both yield events or raise. It knows no particular protocol and no particular source of sound.

Thread "uplink": from the moment the service is ready to the end of the audio; it pulls chunks, sends them, and posts
one AudioEnded. It is joined by `close`.
"""

from __future__ import annotations

import contextlib
import enum
import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol as TypingProtocol

from asrcli.errors import AsrcliError, LinkError, ProtocolViolation, ServiceTimeout
from asrcli.events import (
    AudioEnded,
    AudioFinished,
    AudioSent,
    Event,
    InboxItem,
    LinkClosed,
    LinkOpened,
    LinkReady,
    MessageReceived,
    SessionFinished,
    SessionStarted,
    UplinkProgress,
)
from asrcli.pcm import Chunk
from asrcli.protocols.base import Message, Protocol, Send, Step
from asrcli.timing import Clock, Deadline

# Only the main thread logs: what shows the lines is not made for several.
logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long each kind of waiting may last, in seconds.

    `finish_s` bounds the silence after the last audio, anew after each message: the tail of a sentence takes a
    while, and users report that ten seconds are needed. `grace_s` is what a failed send waits for the service's own
    reason, which arrives a moment later.
    """

    connect_s: float = 10.0
    start_s: float = 10.0
    finish_s: float = 10.0
    grace_s: float = 1.0


# The uplink ends with its chunks; only one that waits in a full network needs the link to be cut first.
_CLOSE_PATIENCE_S = 1.0


class Chunks(TypingProtocol):
    """The sound of one session. `close` ends the iteration from another thread."""

    start_sample: int

    def __iter__(self) -> Iterator[Chunk]: ...
    def close(self) -> None: ...


class LinkLike(TypingProtocol):
    """What a session needs of a link."""

    def open(self) -> None: ...
    def send(self, message: Message) -> None: ...
    def abort(self) -> None: ...
    def close(self) -> None: ...


class Stage(enum.Enum):
    CONNECTING = "connect"
    STARTING = "start"
    STREAMING = "stream"
    FINISHING = "finish"
    BROKEN = "broken"
    DONE = "done"


_WAITED_FOR = {
    Stage.CONNECTING: ("connect", "no connection to {where} within {waited:g} s", "check the network and --endpoint"),
    Stage.STARTING: ("start", "{where} did not start the recognition within {waited:g} s", "safe to try again"),
    Stage.FINISHING: (
        "finish",
        "{where} sent nothing for {waited:g} s after the end of the audio",
        "what was final is kept; safe to try again",
    ),
}


class Session:
    """`post` puts an item into the inbox that feeds `handle`; `chunks` is iterated over by the uplink thread alone."""

    def __init__(
        self,
        protocol: Protocol,
        link: LinkLike,
        chunks: Chunks,
        *,
        where: str,
        post: Callable[[InboxItem], None],
        limits: Limits,
        clock: Clock,
    ) -> None:
        self._protocol = protocol
        self._link = link
        self._where = where
        self._post = post
        self._limits = limits
        self._clock = clock
        self._stage = Stage.CONNECTING
        self.deadline: Deadline | None = None
        self._send_error: AsrcliError | None = None
        self.audio_error: AsrcliError | None = None
        """Why the sound broke off, if it did; what came before is recognised to its end all the same."""
        self._uplink = _Uplink(protocol, link, chunks, post)

    @property
    def done(self) -> bool:
        return self._stage is Stage.DONE

    @property
    def streaming(self) -> bool:
        """True once the service takes audio, until all results are in."""
        return self._stage in (Stage.STREAMING, Stage.FINISHING, Stage.BROKEN)

    @property
    def sent_ms(self) -> int:
        """How far the audio has left, in milliseconds of the transcription."""
        return self._protocol.audio_format.ms(self._uplink.sent_sample)

    def open(self) -> None:
        self._enter(Stage.CONNECTING, self._limits.connect_s)
        self._link.open()

    def handle(self, item: InboxItem) -> Iterator[Event]:
        """What `item` leads to. Raises the error that ended the session; call `close` then."""
        if self.done:
            return
        match item:
            case MessageReceived(message):
                logger.debug("< %s", message)
                if self._stage is Stage.FINISHING:
                    self._enter(Stage.FINISHING, self._limits.finish_s)
                yield from self._take(self._protocol.receive(message))
            case UplinkProgress():
                self._uplink.progress_taken()
                yield AudioSent(self.sent_ms)
            case LinkOpened(connect_ms):
                logger.info("connected to %s in %.0f ms", self._where, connect_ms)
                self._enter(Stage.STARTING, self._limits.start_s)
                yield LinkReady(connect_ms)
                yield from self._take(self._protocol.start())
            case AudioEnded(cause):
                yield from self._audio_ended(cause)
            case LinkClosed():
                yield from self._link_closed(item)

    def expire(self) -> Iterator[Event]:
        """The deadline has passed."""
        if self._stage is Stage.BROKEN and self._send_error:
            raise self._send_error
        stage, message, hint = _WAITED_FOR[self._stage]
        waited_s = self.deadline.length_s if self.deadline else 0.0
        raise ServiceTimeout(stage, waited_s, message=message.format(where=self._where, waited=waited_s), hint=hint)
        yield  # An iterator like `handle`, though nothing can follow an expired deadline.

    def close(self) -> None:
        """End the uplink and the link, in whatever stage they are."""
        self._uplink.stop()
        if not self._uplink.join(_CLOSE_PATIENCE_S):
            # It is stuck in sending, and our goodbye would have to wait for it.
            self._link.abort()
        elif self._stage is Stage.STREAMING:
            # A task that is left alone goes on counting against the account's limit until the service gives it up.
            with contextlib.suppress(AsrcliError):
                for step in self._protocol.finish():
                    if isinstance(step, Send):
                        self._link.send(step.message)
        self._stage = Stage.DONE
        self._link.close()
        self._uplink.join(_CLOSE_PATIENCE_S)

    def _enter(self, stage: Stage, bound_s: float | None) -> None:
        self._stage = stage
        self.deadline = None if bound_s is None else Deadline(self._clock, bound_s)

    def _take(self, steps: Iterable[Step]) -> Iterator[Event]:
        for step in steps:
            if isinstance(step, Send):
                self._send(step.message)
                continue
            if isinstance(step, SessionStarted):
                if self._stage is not Stage.STARTING:
                    continue  # Told before: some gateways deliver a message twice.
                logger.info("session %s takes audio", step.session_id)
                self._enter(Stage.STREAMING, None)
                self._uplink.start()
            elif isinstance(step, SessionFinished):
                if self._stage is not Stage.FINISHING:
                    raise ProtocolViolation("the service finished before the audio had ended")
                self._enter(Stage.DONE, None)
            yield step

    def _send(self, message: Message) -> None:
        logger.debug("> %s", message)
        try:
            self._link.send(message)
        except AsrcliError as error:
            self._broken(error)

    def _broken(self, error: AsrcliError) -> None:
        """Hold our own error for a moment: the service's reason for hanging up is better, and still on its way."""
        self._send_error = error
        self._enter(Stage.BROKEN, self._limits.grace_s)

    def _audio_ended(self, cause: BaseException | None) -> Iterator[Event]:
        if isinstance(cause, LinkError):
            self._broken(cause)
            return
        if cause is not None and not isinstance(cause, AsrcliError):
            raise cause
        if self._stage is not Stage.STREAMING:
            return
        self.audio_error = cause
        self._enter(Stage.FINISHING, self._limits.finish_s)
        yield AudioFinished(self.sent_ms)
        yield from self._take(self._protocol.finish())

    def _link_closed(self, item: LinkClosed) -> Iterator[Event]:
        if item.error is not None and item.code is None:
            raise self._send_error if self._stage is Stage.BROKEN and self._send_error else item.error
        yield from self._take(self._protocol.closed(item.code, item.reason))
        if not self.done:
            raise LinkError(f"{self._where} closed the connection too early", hint="safe to try again")


class _Uplink:
    """The thread that sends audio, and what it tells the session."""

    def __init__(self, protocol: Protocol, link: LinkLike, chunks: Chunks, post: Callable[[InboxItem], None]) -> None:
        self._protocol = protocol
        self._link = link
        self._chunks = chunks
        self._post = post
        self._announced = False
        self.sent_sample = chunks.start_sample
        self._thread = threading.Thread(target=self._run, name="uplink", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, patience_s: float) -> bool:
        """Wait for the thread; True if it has ended or never ran."""
        if self._thread.ident is None:
            return True
        self._thread.join(patience_s)
        return not self._thread.is_alive()

    def stop(self) -> None:
        self._chunks.close()

    def progress_taken(self) -> None:
        self._announced = False

    def _run(self) -> None:
        cause: BaseException | None = None
        try:
            for chunk in self._chunks:
                for message in self._protocol.audio(chunk):
                    self._link.send(message)
                self.sent_sample = chunk.end_sample
                # One announcement at a time: at full speed the inbox would fill with thousands of them.
                if not self._announced:
                    self._announced = True
                    self._post(UplinkProgress())
        except BaseException as error:
            cause = error
        finally:
            self._post(AudioEnded(cause))
