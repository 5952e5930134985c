"""One source, from its first sample to its last, over as many sessions as it takes: the engine of every command.

Sound goes from the source onto a tape, and from the tape to the session that runs. When a link is lost, a new session
starts at the end of the last final result and is sent what the tape holds, as fast as the link takes it; times and
numbers of sentences go on as if nothing had happened. Nothing here knows a particular protocol or how results look.

Thread "intake": from the first session's start (live sound: from the beginning) to the end of the source; it paces the
sound and fills the tape. It is joined by `_Run.close`.
"""

from __future__ import annotations

import functools
import queue
import threading
from collections.abc import Generator, Iterator

from asrcli.audio.pipeline import paced_chunks
from asrcli.audio.source import Source
from asrcli.control import OUTSIDE, Control
from asrcli.engine import Engine
from asrcli.errors import AsrcliError, AudioError, Interrupted, ServiceError
from asrcli.events import (
    AudioFinished,
    Event,
    InboxItem,
    LinkReady,
    Notice,
    Reconnecting,
    SessionStarted,
    SoundLevel,
    StopRequested,
    Tick,
    UtteranceFailed,
)
from asrcli.joining import Joining
from asrcli.link import place
from asrcli.pcm import Chunk
from asrcli.protocols.base import Protocol
from asrcli.retry import Attempts
from asrcli.session import Session
from asrcli.tape import AHEAD_S, Tape
from asrcli.timing import Deadline

CHUNK_MS = 100
_JOIN_S = 2.0
# What the service calls audio without speech.
_NO_SPEECH = frozenset({"EmptyAudio", "NO_VALID_AUDIO_ERROR", "NO_INPUT_AUDIO_ERROR"})


def transcribe(source: Source, engine: Engine, control: Control) -> Generator[Event, None, None]:
    """Yield the events of the whole transcription; raise what ended it early, after everything that was recognised.

    A source that breaks off raises its AudioError after the last result of what could be read. Closing the generator
    ends the session, the link and the source.
    """
    run = _Run(source, engine, control)
    try:
        yield from run.events()
    finally:
        run.close()


class _Run:
    """The state of one transcription; owned by the thread that iterates."""

    def __init__(self, source: Source, engine: Engine, control: Control) -> None:
        self._source = source
        self._engine = engine
        self._control = control
        self._stop = threading.Event()
        self._intake = threading.Thread(target=self._fill_tape, name="intake", daemon=True)
        protocol = engine.new_protocol()
        # All sessions have the same options, so the first one's protocol tells the format.
        self._pcm = protocol.audio_format
        ahead_s = None if source.live else AHEAD_S
        self._tape = Tape(self._pcm, ahead_s=ahead_s, keep_s=engine.keep_s, idle_s=engine.idle_s)
        self._joining = Joining(self._pcm)
        self._failures: list[UtteranceFailed] = []
        self._attempts = Attempts(engine.retry, engine.clock)
        self._again_at: Deadline | None = None
        self._number = OUTSIDE
        self._open(protocol)

    def events(self) -> Iterator[Event]:
        """Everything until the last result is in."""
        self._session.open()
        if self._source.live:
            self._intake.start()
        while not self._finished():
            try:
                yield from self._step()
            except AsrcliError as error:
                if self._rest_was_silent(error):
                    break
                yield self._recover(error)
        if self._failures:
            first = self._failures[0]
            many = f" (and {len(self._failures) - 1} more)" if len(self._failures) > 1 else ""
            raise ServiceError(first.code, f"an utterance was not recognised{many}: {first.message}")
        if isinstance(self._tape.cause, AudioError):
            raise self._tape.cause

    def close(self) -> None:
        """End everything that runs."""
        self._end_sound()
        self._tape.close()
        self._session.close()
        if self._intake.ident is not None:
            self._intake.join(_JOIN_S)
        self._source.close()

    def _open(self, protocol: Protocol) -> None:
        """Make the session that begins where final results end."""
        request = protocol.connect_request()
        self._number += 1
        post = functools.partial(self._post, self._number)
        most = None if protocol.max_session_ms is None else self._pcm.samples(protocol.max_session_ms)
        self._reader = self._tape.reader(self._joining.covered_sample, most)
        self._tell_what_is_lost(self._joining.covered_sample, self._reader.start_sample)
        self._joining.begin(self._reader.start_sample)
        self._session = Session(
            protocol,
            self._engine.new_link(request, post),
            self._reader,
            where=place(request.url),
            post=post,
            limits=self._engine.limits,
            clock=self._engine.clock,
        )

    def _tell_what_is_lost(self, from_sample: int, to_sample: int) -> None:
        if to_sample > from_sample:
            begin, end = (_clock_time(self._pcm.ms(sample)) for sample in (from_sample, to_sample))
            self._control.notice(
                f"nothing was recognised from {begin} to {end}, and that sound is no longer there to be sent again",
                f"no more than {self._engine.keep_s:g} s are kept; --save-audio FILE keeps all",
            )

    def _post(self, number: int, item: InboxItem) -> None:
        self._control.inbox.put((number, item))

    def _finished(self) -> bool:
        """True when all sound was recognised; where there is more of it, the next session is opened."""
        if not self._session.done or self._again_at is not None:
            return False
        if self._reader.exhausted:
            return True
        self._joining.skip(self._reader.next_sample)
        self._reopen()
        return False

    def _reopen(self) -> None:
        self._session.close()
        self._open(self._engine.new_protocol())
        self._session.open()

    def _step(self) -> Iterator[Event]:
        """Wait for what comes next, and take it."""
        number, item = self._next()
        if isinstance(item, StopRequested):
            self._stop_requested(item)
        elif isinstance(item, Notice | SoundLevel):
            yield item
        elif item is not None:
            # What a session that was given up still has to say is of no interest.
            if number == self._number and self._again_at is None:
                yield from self._heard(self._session.handle(item))
        elif self._again_at is not None:
            if self._again_at.passed():
                self._again_at = None
                self._reopen()
            yield Tick()
        elif self._session.deadline is not None and self._session.deadline.passed():
            yield from self._heard(self._session.expire())
        else:
            yield Tick()

    def _next(self) -> tuple[int, InboxItem | None]:
        """The next item, or None when a deadline or the time for a tick has come."""
        deadline = self._again_at or self._session.deadline
        bounds = [self._engine.tick_s] if self._engine.tick_s is not None else []
        if deadline is not None:
            bounds.append(deadline.remaining_s())
        try:
            return self._control.inbox.get(timeout=min(bounds)) if bounds else self._control.inbox.get()
        except queue.Empty:
            return OUTSIDE, None

    def _stop_requested(self, item: StopRequested) -> None:
        if self._stop.is_set() or not self._attempts.was_ready:
            raise Interrupted(item.signal_number, "interrupted before all results were in")
        self._end_sound()

    def _end_sound(self) -> None:
        self._stop.set()
        self._source.stop()

    def _heard(self, events: Iterator[Event]) -> Iterator[Event]:
        """Put what a session says into the terms of the whole transcription."""
        for event in events:
            if isinstance(event, SessionStarted):
                self._started()
            elif isinstance(event, AudioFinished) and not self._reader.exhausted:
                continue
            elif isinstance(event, LinkReady):
                self._attempts.reached()
            covered_sample = self._joining.covered_sample
            told = self._joining.take(event, self._tape.read_sample)
            if self._joining.covered_sample > covered_sample:
                self._attempts.progressed()
                self._tape.forget(self._joining.covered_sample)
            if isinstance(told, UtteranceFailed):
                self._failures.append(told)
            if told is not None:
                yield told

    def _started(self) -> None:
        self._attempts.ready()
        if self._intake.ident is None:
            # A file is read only now, so that its pace counts from the moment at which the service takes it.
            self._intake.start()

    def _rest_was_silent(self, error: AsrcliError) -> bool:
        """Whether a further session got nothing but the silence after the last word, which the service refuses."""
        return (
            isinstance(error, ServiceError)
            and error.service_code in _NO_SPEECH
            and self._number > OUTSIDE + 1
            and self._reader.exhausted
        )

    def _recover(self, error: AsrcliError) -> Event:
        """Arrange another try after `error`; raises it where that is no use."""
        tries = self._attempts.count
        self._again_at = self._attempts.failed(error)
        resume_ms = self._pcm.ms(self._joining.covered_sample)
        if self._again_at is None:
            if tries:
                error.message += f"; gave up after {tries} {'try' if tries == 1 else 'tries'}"
            raise self._told_what_is_missing(error, resume_ms)
        self._session.close()
        return Reconnecting(self._attempts.count, resume_ms, error.message)

    def _told_what_is_missing(self, error: AsrcliError, resume_ms: int) -> AsrcliError:
        """`error` with from when to when nothing was recognised, and where that sound lies, if anywhere."""
        end_ms = self._pcm.ms(self._tape.end_sample)
        if end_ms <= resume_ms or isinstance(error, Interrupted):
            return error
        if not self._source.live:
            error.message += f"; nothing was recognised after {_clock_time(resume_ms)}"
            return error
        error.message += f"; nothing was recognised from {_clock_time(resume_ms)} to {_clock_time(end_ms)}"
        if self._engine.rescue is not None:
            error.hint = self._engine.rescue(self._tape.rest(self._joining.covered_sample)) or error.hint
        return error

    def _chunks(self) -> Iterator[Chunk]:
        engine = self._engine
        # Live sound that nothing paces ends by itself soon after a stop, and its last chunks hold the last word.
        stop = threading.Event() if self._source.live and engine.speed is None else self._stop
        chunks = paced_chunks(
            self._source, self._pcm, chunk_ms=CHUNK_MS, speed=engine.speed, clock=engine.clock, stop=stop
        )
        return engine.cut(chunks) if engine.cut is not None else chunks

    def _fill_tape(self) -> None:
        """The intake thread."""
        cause: BaseException | None = None
        try:
            for chunk in self._chunks():
                if not self._tape.append(chunk):
                    break
                if self._engine.record is not None:
                    self._engine.record(chunk)
        except BaseException as error:
            # Told to whoever reads the tape to its end.
            cause = error
        self._tape.end(cause)


def _clock_time(ms: int) -> str:
    return f"{ms // 60000}:{ms // 1000 % 60:02d}"
