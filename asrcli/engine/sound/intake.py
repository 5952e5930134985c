"""The sound of one source on its way to the tape, chunk by chunk, when each is due.

A source that never waits is read on the loop's thread, one that may in a thread of its own, a little ahead of what is
due. Knows nothing of sessions.

Thread "intake": from `start` to the end of the source; closes the source.
"""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Callable, Iterator

from asrcli.audio.chunks.pacing import Schedule
from asrcli.audio.chunks.pipeline import chunks_of
from asrcli.audio.source import EncodedSource, Source
from asrcli.engine.sound.tape import Tape
from asrcli.engine.wiring import Engine
from asrcli.system.loop import Loop
from asrcli.values.errors import AsrcliError
from asrcli.values.pcm import PcmFormat
from asrcli.values.sound import LIVE_CHUNK_MS, STORED_CHUNK_MS, Chunk

# How far a thread reads ahead of what is due.
_AHEAD_CHUNKS = 20


class Intake:
    """Fills a tape from `source`. `ready` is called on the loop when there is news after `take_in` found nothing.

    `died` is called there when the thread that reads was ended by a bug. `phase_s`: see Schedule.
    """

    def __init__(
        self,
        source: Source,
        engine: Engine,
        pcm: PcmFormat,
        ready: Callable[[], None],
        died: Callable[[BaseException], None],
        phase_s: float | None = None,
    ) -> None:
        self._source = source
        self._record = engine.record
        self._is_paced = engine.speed is not None
        self._schedule = Schedule(pcm.sample_rate_hz, engine.speed, phase_s)
        encoded = source if isinstance(source, EncodedSource) else None
        # Where utterances end is looked for chunk by chunk, so that they must be short.
        is_short = source.live or engine.cut is not None or (engine.is_compressed and encoded is None)
        chunks = chunks_of(source, pcm, LIVE_CHUNK_MS if is_short else STORED_CHUNK_MS)
        if engine.cut is not None:
            chunks = engine.cut(chunks)
        self._reader: _OnTheSpot | _Thread = _OnTheSpot(source, chunks)
        if source.waits:
            self._reader = _Thread(source, chunks, engine.loop, ready, died)
        self.tape = Tape(
            pcm,
            keep_s=engine.keep_s,
            sound=None if encoded is None else encoded.sound_format,
            filler=None if encoded is None else encoded.filler,
        )
        self.idle_s = math.inf if engine.idle_s is None or self.tape.filler is None else engine.idle_s
        """How long the source may pause before that is bridged with silence."""
        # Up to there a chunk can wait to be read until it is due. A source that is alone has it ready by then; of many
        # each would hold one in memory.
        self._unhurried_samples = 0
        if phase_s is not None and not source.live and source.duration_ms is not None:
            self._unhurried_samples = pcm.samples(source.duration_ms)
        self._held: Chunk | None = None
        self.due_s: float | None = None
        """When there will be something to take in; None where `ready` will tell, or nothing comes any more."""
        self.is_stopped = False
        """Whether no more sound is wanted."""

    def start(self) -> None:
        """Begin to read, so that the first chunk is there when it is wanted."""
        self._reader.start()

    @property
    def is_wanted(self) -> bool:
        """Whether the tape has room.

        A file is read as it is sent. What is live is taken in as it comes: a pipe as far as there is room, so that its
        writer waits then; a microphone in any case.
        """
        if self.tape.ended:
            return False
        if self._source.live:
            return not (self._source.can_wait and self.tape.is_full)
        return not self.tape.is_far_ahead

    def take_in(self, now: float, most: int) -> list[float]:
        """Put what is due on the tape, or its end; returns when each chunk was due.

        No more than `most` chunks, and after the first one no more than is wanted.
        """
        dues_s: list[float] = []
        while len(dues_s) < most and (not dues_s or self.is_wanted):
            if self.due_s is not None and self.due_s > now:
                break
            if self._held is None:
                self._held = self._reader.take()
                if self._held is None:
                    self.due_s = None
                    if self._reader.ended:
                        self.tape.end(self._reader.cause)
                    break
                if self.due_s is None:
                    self.due_s = self._schedule.due_s(self._held, now)
                continue
            assert self.due_s is not None
            dues_s.append(self.due_s)
            chunk, self._held = self._held, None
            self.due_s = self._schedule.next_due_s(chunk) if self._leaves_next_unread(chunk) else None
            self.tape.append(chunk)
            if self._record is not None:
                self._record(chunk)
        return dues_s

    def _leaves_next_unread(self, chunk: Chunk) -> bool:
        """Whether the chunk after `chunk` is not read until it is due.

        The last ones are read before that: it is to be known with the last one that the sound has ended.
        """
        return chunk.end_sample + 2 * chunk.samples < self._unhurried_samples

    def stop(self) -> None:
        """No more sound, from this moment on. What a live source that nothing paces has already heard still comes."""
        if not self.is_stopped:
            self.is_stopped = True
            self._source.stop()
            if self._is_paced or not self._source.live:
                self._held = self.due_s = None
                self._reader.give_up()

    def close(self, closed: Callable[[], None]) -> None:
        """Free the source; `closed` is called when that is done, at once or soon."""
        self.stop()
        self._reader.give_up()
        self._reader.close(closed)


class _OnTheSpot:
    """Reads when asked."""

    def __init__(self, source: Source, chunks: Iterator[Chunk]) -> None:
        self._source = source
        self._chunks = chunks
        self._first: Chunk | None = None
        self.ended = False
        self.cause: BaseException | None = None

    def start(self) -> None:
        """Load what decoding needs and read the first chunk, while the connection is being made."""
        self._first = self.take()

    def take(self) -> Chunk | None:
        """The next chunk; None at the end, which `ended` and `cause` tell of."""
        if self._first is not None:
            first, self._first = self._first, None
            return first
        if self.ended:
            return None
        try:
            return next(self._chunks)
        except StopIteration:
            pass
        except BaseException as error:
            self.cause = error
        self.ended = True
        return None

    def give_up(self) -> None:
        self._first = None
        self.ended = True

    def close(self, closed: Callable[[], None]) -> None:
        self._source.close()
        closed()


class _Thread:
    """Reads in a thread of its own, some chunks ahead of what is taken; what cannot wait is never kept waiting."""

    def __init__(
        self,
        source: Source,
        chunks: Iterator[Chunk],
        loop: Loop,
        ready: Callable[[], None],
        died: Callable[[BaseException], None],
    ) -> None:
        self._source = source
        self._chunks = chunks
        self._loop = loop
        self._ready = ready
        self._died = died
        self._room = threading.Semaphore(_AHEAD_CHUNKS) if source.can_wait else None
        self._read: queue.SimpleQueue[Chunk | None] = queue.SimpleQueue()
        self._given_up = False
        # Set while the loop waits for news.
        self._waited_for = False
        self.ended = False
        self.cause: BaseException | None = None
        self._error: AsrcliError | None = None
        self._closed: Callable[[], None] | None = None
        self._runs = False

    def start(self) -> None:
        self._runs = True
        self._loop.aside("intake", self._run, self._broke)

    def take(self) -> Chunk | None:
        """The next chunk; None at the end, and where there is none yet: `ready` is called when there is."""
        if self.ended:
            return None
        chunk, empty = self._read_now()
        if empty:
            # In this order: what is put in from now on is told.
            self._waited_for = True
            chunk, empty = self._read_now()
        if empty:
            return None
        if chunk is None:
            self.ended, self.cause = True, self._error
        elif self._room is not None:
            self._room.release()
        return chunk

    def _read_now(self) -> tuple[Chunk | None, bool]:
        """The next item, and whether there was none."""
        try:
            return self._read.get_nowait(), False
        except queue.Empty:
            return None, True

    def give_up(self) -> None:
        """Nobody takes any more."""
        self._given_up = self.ended = True
        if self._room is not None:
            self._room.release()

    def close(self, closed: Callable[[], None]) -> None:
        if self._runs:
            self._closed = closed
        else:
            self._source.close()
            closed()

    def _run(self) -> Callable[[], None]:
        """In the thread; what is returned is done on the loop's when it has ended."""
        try:
            try:
                for chunk in self._chunks:
                    if self._room is not None:
                        self._room.acquire()
                    if self._given_up:
                        break
                    self._put(chunk)
            except AsrcliError as error:
                self._error = error
            self._put(None)
        finally:
            self._source.close()
        return self._end

    def _broke(self, bug: BaseException) -> None:
        """On the loop's thread: a bug has ended the other, and what it had read before is of no use."""
        self._runs = False
        self._died(bug)
        if self._closed is not None:
            self.close(self._closed)

    def _end(self) -> None:
        self._runs = False
        if self._closed is not None:
            self._closed()

    def _put(self, chunk: Chunk | None) -> None:
        self._read.put(chunk)
        if self._waited_for:
            self._waited_for = False
            self._loop.call(self._ready)
