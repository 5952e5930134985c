"""One recognition on one link, from the first message to the last: its stages, its deadlines, and whose error counts.

A session is driven from outside: `handle` takes what has happened and gives the events that it leads to, or raises;
`pump` sends what sound there is. Which stage follows which stands in a table. It knows no particular protocol and no
particular source of sound, has no thread and never waits.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator

from asrcli.engine.delivery import NOTHING, Delivery, Sent
from asrcli.engine.neighbours import Chunks, LinkLike
from asrcli.engine.session_log import SessionLog
from asrcli.engine.stages import CLOSED, DONE, FINISHING, SESSION, STREAMING, Machine, Timeouts, Turn, timed_out
from asrcli.engine.starts import Ticket
from asrcli.protocols.base import Protocol, Send, Step
from asrcli.system.clock import Clock, Deadline
from asrcli.values.context import Context
from asrcli.values.errors import AsrcliError, LinkError
from asrcli.values.events import (
    AudioFinished,
    Event,
    LinkReady,
    PartialResult,
    SessionFinished,
    SessionStarted,
    SpeechStopped,
)
from asrcli.values.messages import Message
from asrcli.values.sound import Chunk
from asrcli.wire.link_events import InboxItem, LinkClosed, LinkOpened, MessageReceived

logger = logging.getLogger(__name__)

_OVER = (DONE, CLOSED)


class Session:
    """One recognition of `chunks` over `link`."""

    def __init__(
        self,
        protocol: Protocol,
        link: LinkLike,
        chunks: Chunks,
        *,
        where: str,
        timeouts: Timeouts,
        clock: Clock,
        context: Callable[[], Context] | None = None,
        ask: Callable[[], Ticket] | None = None,
        before: Sent = NOTHING,
    ) -> None:
        """`context`: see Engine. `ask` asks for a start; ALLOWED follows. `before`: see Delivery."""
        self._log = SessionLog()
        self._protocol, self._link, self._chunks = protocol, link, chunks
        self._where = where
        self._timeouts, self._clock = timeouts, clock
        self._context = context
        self._ask = ask
        self._ticket: Ticket | None = None
        self._stage = Machine(SESSION)
        self.deadline: Deadline | None = None
        """When what is waited for should have come; `handle` is to be told that it has passed."""
        self._send_error: AsrcliError | None = None
        self.delivery = Delivery(link, protocol.audio_format, chunks.start_sample, before)
        self.sent_at = clock.now()
        """When audio last left."""
        # Whether the service has words to come: its last message was about a sentence that is open.
        self._owes_words = False
        # How far the audio was when the service last said anything.
        self._heard_sample = chunks.start_sample
        # What was on its way when the end of the audio was last asked about.
        self._undelivered_bytes = 0

    @property
    def done(self) -> bool:
        """Whether nothing more is heard or sent."""
        return self._stage.at in _OVER

    @property
    def takes_audio(self) -> bool:
        return self._stage.at is STREAMING

    @property
    def sent_ms(self) -> int:
        """How far the audio has left, in milliseconds of the transcription."""
        return self._protocol.audio_format.ms(self.delivery.sample)

    @property
    def is_held_up(self) -> bool:
        """Whether the network takes no more for now."""
        return self._link.congested

    @property
    def carried_ms(self) -> int:
        """How far the audio has got to the other end, in milliseconds of the transcription; rather less than more."""
        return self._protocol.audio_format.ms(self.delivery.carried_sample)

    def open(self) -> tuple[str, str] | None:
        """Connect, at once or at its turn; message and hint where that is far away and nobody was told so yet."""
        if self._ask is None:
            self._connect()
            return None
        self._ticket = self._ask()
        return self._ticket.notice

    def _connect(self) -> None:
        self._set_deadline()
        self._link.open()

    def handle(self, what: InboxItem | Turn) -> Iterator[Event]:
        """The events that `what` leads to: word of the link, ALLOWED, AUDIO_ENDED or EXPIRED.

        Raises the error that ended the session; call `close` then.
        """
        if self.done:
            return
        match what:
            case MessageReceived(message):
                self._log.received(message)
                self._heard_sample = self.delivery.sample
                # Unless this message says so.
                self._owes_words = False
                yield from self._take(self._protocol.receive(message))
                self._wait_on()
            case LinkOpened(connect_ms, phases):
                logger.info("connected to %s in %.0f ms", self._where, connect_ms)
                self._log.became(f"{'kept connection' if phases is None else 'connected'} to {self._where}")
                self._move(Turn.CONNECTED)
                yield LinkReady(connect_ms, phases)
                yield from self._take(self._protocol.start())
            case LinkClosed(code, reason, error):
                why = error.reason if error is not None else f"closed {code or ''} {reason}".rstrip()
                self._log.became(why)
                yield from self._link_closed(what)
            case Turn.ALLOWED:
                self._move(what)
                self._connect()
            case Turn.AUDIO_ENDED:
                yield from self._audio_ended()
            case Turn.EXPIRED:
                self._expired()

    def pump(self, most: int) -> int:
        """Send what sound there is, `most` chunks of it, as long as the network has room; returns how many."""
        sent = 0
        while sent < most and self._stage.at is STREAMING and not self._link.congested:
            chunk = self._chunks.next()
            if chunk is None:
                break
            self._send_chunk(chunk)
            sent += 1
        if sent:
            self._flush()
        return sent

    def send_audio(self, chunk: Chunk) -> None:
        """Send `chunk`, whatever waits already."""
        self._send_chunk(chunk)
        self._flush()

    def close(self) -> None:
        """End it in whatever stage it is; the link follows in its own time. Idempotent."""
        before = self._stage.at
        if before is CLOSED:
            return
        self._move(Turn.CLOSED)
        if self._ticket is not None:
            self._ticket.cancel()
        self._chunks.close()
        if before is STREAMING and not self._link.congested:
            # A task that is left alone goes on counting against the account's limit until the service gives it up.
            with contextlib.suppress(AsrcliError):
                for step in self._protocol.finish():
                    if isinstance(step, Send):
                        self._link.send(step.message)
        if before is DONE and self._protocol.keeps_link:
            self._link.release()
        else:
            self._link.close()

    def _move(self, turn: Turn) -> bool:
        """Go where `turn` leads, with the deadline that counts there; False where that is no further."""
        moves = self._stage.move(turn)
        if moves:
            self._set_deadline()
        return moves

    def _set_deadline(self) -> None:
        bound_s = self._timeouts.of(self._stage.at)
        self.deadline = None if bound_s is None else Deadline(self._clock, bound_s)

    def _take(self, steps: Iterable[Step]) -> Iterator[Event]:
        for step in steps:
            if isinstance(step, Send):
                self._send(step.message)
                if step.has_sound:
                    self.delivery.left(len(step.message), self.delivery.sample)
                continue
            if isinstance(step, SessionStarted):
                if not self._move(Turn.STARTED):
                    continue
                if self._ticket is not None:
                    self._ticket.arrived()
                logger.info("session %s takes audio", step.session_id)
            elif isinstance(step, SessionFinished):
                self._move(Turn.FINISHED)
            elif isinstance(step, PartialResult | SpeechStopped):
                self._owes_words = True
            yield step

    def _send_chunk(self, chunk: Chunk) -> None:
        """As far as to the link, where it lies until `_flush`."""
        try:
            if self._context is not None and (context := self._context()) is not self._protocol.context:
                # Ahead of the sound that it is for.
                for step in self._protocol.update_context(context):
                    if isinstance(step, Send):
                        self._log.sent(step.message)
                        self._link.send(step.message, more=True)
            length_bytes = 0
            for message in self._protocol.audio(chunk):
                if self._log.takes_sound or chunk.ends_utterance:
                    self._log.sent_with_chunk(message)
                self._link.send(message, more=True)
                length_bytes += len(message)
        except AsrcliError as error:
            self._broken(error)
        else:
            self.delivery.left(length_bytes, chunk.end_sample)

    def _flush(self) -> None:
        if self._stage.at is STREAMING:
            try:
                self._link.flush()
            except AsrcliError as error:
                self._broken(error)
            self.sent_at = self._clock.now()

    def _send(self, message: Message) -> None:
        self._log.sent(message)
        try:
            self._link.send(message)
        except AsrcliError as error:
            self._broken(error)

    def _broken(self, error: AsrcliError) -> None:
        """Hold our own error for a moment: the service's reason for hanging up is better, and still on its way."""
        self._send_error = error
        self._move(Turn.SEND_FAILED)

    def _audio_ended(self) -> Iterator[Event]:
        """Have what was sent recognised to its end."""
        cause = self._chunks.cause
        if cause is not None and not isinstance(cause, AsrcliError):
            raise cause
        self._move(Turn.AUDIO_ENDED)
        yield AudioFinished(self.sent_ms, self.delivery.bytes, self.delivery.again_ms)
        yield from self._take(self._protocol.finish())
        self._undelivered_bytes = self._link.undelivered_bytes

    def _expired(self) -> None:
        if self._send_error is not None:
            raise self._send_error
        if not (self._is_heard() or self._is_still_sending()):
            raise timed_out(self._stage.at, self._where, self.deadline.length_s if self.deadline else 0.0)
        self._move(Turn.EXPIRED)
        self._wait_on()

    def _wait_on(self) -> None:
        """The service is there: what is waited for now is its next message, if one must come."""
        if self._stage.at is STREAMING:
            self.deadline = Deadline(self._clock, self._timeouts.stall_s) if self._owes_words else None
        elif self._stage.at is FINISHING:
            self._set_deadline()

    def _is_heard(self) -> bool:
        """Whether little sound has left without an answer; a source that pauses is none of the service's faults."""
        if self._stage.at is not STREAMING:
            return False
        unanswered = self.delivery.carried_sample - self._heard_sample
        return unanswered < self._protocol.audio_format.samples(round(self._timeouts.stall_s * 900))

    def _is_still_sending(self) -> bool:
        """Whether the end of the audio is on its way, and the network brings it nearer."""
        if self._stage.at is not FINISHING:
            return False
        before, self._undelivered_bytes = self._undelivered_bytes, self._link.undelivered_bytes
        return self._undelivered_bytes < before

    def _link_closed(self, item: LinkClosed) -> Iterator[Event]:
        if item.error is not None and item.code is None:
            raise self._send_error or item.error
        yield from self._take(self._protocol.closed(item.code, item.reason))
        if not self.done:
            raise LinkError(f"{self._where} closed the connection too early", hint="safe to try again")
