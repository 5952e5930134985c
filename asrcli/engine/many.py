"""Many transcriptions at once in one process, on one loop.

Knows when each may start and how many the service bears; what becomes of their events is for others.
"""

from __future__ import annotations

import functools
import queue
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field, replace

from asrcli.audio.source import Heard, Source
from asrcli.engine.allowance import SETTLE_S, Allowance
from asrcli.engine.control import Control
from asrcli.engine.starts import AllowedStarts
from asrcli.engine.transcription import Transcription
from asrcli.engine.wiring import Engine
from asrcli.system import crowd
from asrcli.values.errors import Bug
from asrcli.values.events import AudioFinished, Ended, Event, Notice, Reconnecting, SessionStarted, Tick
from asrcli.values.sound import STORED_CHUNK_MS

__all__ = ["Ended", "Happenings", "Job", "Transcribe", "What", "transcribe_many"]


def nothing() -> None:
    """What is to be done before most jobs."""


@dataclass(frozen=True, slots=True)
class Job:
    """One transcription to be made. `open_source` is called when its turn comes; it may raise AsrcliError.

    `engine`: its own, on the loop and with the clock of the one that all others have. `check` raises why it may not
    begin any more, if it may not; to open it does so too. `before` is called at its turn before it is opened, wherever
    that is, perhaps more than once; an AsrcliError of it ends the job.
    """

    open_source: Callable[[Control], Source]
    control: Control = field(default_factory=Control)
    engine: Engine | None = None
    check: Callable[[], None] = nothing
    before: Callable[[], None] = nothing


What = Heard | Event | Ended
Happenings = Generator[tuple[int, What], None, None]
Transcribe = Callable[[Sequence[Job]], Happenings]
"""Makes of jobs what happens in them; see `transcribe_many`. Those that are heard elsewhere have no real source."""


def transcribe_many(jobs: Sequence[Job], engine: Engine, at_once: int) -> Happenings:
    """Run `jobs`, no more than `at_once` together, in order; yield (number of the job from 0, what happened).

    No more than the engine's allowance lets begin, either.

    For each job: its opened Source first (missing where opening failed), then its events as they come, then exactly one
    Ended. Ticks bear the number of no job, -1. A job whose control was stopped before its turn ends with Interrupted.
    Closing the generator ends all that run.
    """
    crew = _Crew(jobs, engine, at_once)
    engine.loop.hold()
    try:
        yield from crew.events()
    finally:
        crew.close()
        engine.loop.release()


class _Crew:
    """Who waits and who runs. Belongs to the thread that iterates."""

    def __init__(self, jobs: Sequence[Job], engine: Engine, at_once: int) -> None:
        self._jobs = jobs
        self._engine = engine
        self._at_once = at_once
        self._allowance = engine.allowance or Allowance(engine.clock, at_once)
        self._starts = AllowedStarts(self._allowance, engine.loop) if self._allowance.rate is not None else None
        self._waiting = deque(range(len(jobs)))
        self._running: dict[int, Transcription] = {}
        self._connecting: set[int] = set()
        # Jobs that a full service has sent away while they were starting.
        self._sent_away: set[int] = set()
        self._shown: set[int] = set()
        self._ended = 0
        # Links made ahead for those that wait.
        self._prepared = 0
        # What cannot be had again is not sent away.
        self._live: set[int] = set()
        self._has_told_of_limit = False
        # What the loop has told and nobody has taken yet, and a word that there is something.
        self._told: deque[tuple[int, Event | Ended]] = deque()
        self._news: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._is_told_of_news = False

    def events(self) -> Happenings:
        """What `transcribe_many` yields."""
        while self._waiting or self._running:
            while (number := self._next_to_start()) is not None:
                yield from self._begin(number)
            if not self._told:
                if not self._wait_for_news():
                    yield -1, Tick()
                continue
            number, event = self._told.popleft()
            if number in self._sent_away and not isinstance(event, Ended):
                continue  # It will be told anew.
            if isinstance(event, SessionStarted | Ended):
                self._connecting.discard(number)
            if isinstance(event, Ended):
                del self._running[number]
                if number in self._sent_away:
                    self._sent_away.discard(number)
                    self._waiting.appendleft(number)
                    continue
                self._free(number, event)
                self._ended += 1
                crowd.clear_up(self._ended)
            elif isinstance(event, Reconnecting) and self._give_way(number, event):
                if not self._has_told_of_limit:
                    self._has_told_of_limit = True
                    yield number, Notice("the service takes no more at once for now", "the others wait their turn")
                continue
            elif isinstance(event, AudioFinished):
                self._prepare_next()
            yield number, event

    def _tell(self, number: int, event: Event | Ended) -> None:
        """On the loop's thread. One word for all that a round of the loop or a few bring: a wake-up is dear."""
        self._told.append((number, event))
        if isinstance(event, Ended):
            # At once: it may be the loop's last.
            self._tell_of_news()
        elif not self._is_told_of_news:
            self._engine.loop.call(self._tell_of_news)
            self._is_told_of_news = True

    def _tell_of_news(self) -> None:
        self._news.put(None)

    def _wait_for_news(self) -> bool:
        """False if nothing came for as long as a tick."""
        try:
            self._news.get(timeout=self._patience_s())
        except queue.Empty:
            return False
        # In this order: what is told from now on is news again.
        self._is_told_of_news = False
        return True

    def close(self) -> None:
        for run in self._running.values():
            run.cancel()
        for run in self._running.values():
            run.wait()

    def _prepare_next(self) -> None:
        """While the results of one are awaited, the next one's connection is made."""
        if self._prepared >= len(self._waiting) or len(self._running) > self._allowance.limit:
            return
        job = self._jobs[self._waiting[0]]
        if job.control.stopped_by is None:
            self._prepared += 1
            self._engine.loop.call((job.engine or self._engine).prepare_session)

    def _next_to_start(self) -> int | None:
        if not self._waiting or len(self._running) >= self._at_once or len(self._connecting) >= crowd.CONNECTING:
            return None
        return self._waiting.popleft() if self._allowance.take(self._waiting[0]) else None

    def _patience_s(self) -> float | None:
        bounds = [] if self._engine.tick_s is None else [self._engine.tick_s]
        if self._waiting and (moment := self._allowance.next_at()) is not None:
            bounds.append(max(0.0, moment - self._engine.clock.now()))
        return min(bounds, default=None)

    def _begin(self, number: int) -> Happenings:
        job = self._jobs[number]
        self._prepared = max(0, self._prepared - 1)
        phase_s = crowd.phase_s(number, self._at_once, STORED_CHUNK_MS / 1000)
        source: Source | None = None
        if (bug := self._engine.loop.dependants.bug) is not None:
            self._put_back(number)
            yield number, Ended(Bug(bug, ends_all=True))
            return
        try:
            job.before()
            source = job.open_source(job.control)
            told = functools.partial(self._tell, number)
            run = Transcription(source, self._engine_of(number), job.control, told, phase_s)
        except Exception as error:
            if source is not None:
                source.close()
            self._put_back(number)
            yield number, Ended(Bug.of(error))
            return
        self._running[number] = run
        self._connecting.add(number)
        if source.live:
            self._live.add(number)
        if number not in self._shown:
            self._shown.add(number)
            yield number, source
        run.start()

    def _give_way(self, number: int, event: Reconnecting) -> bool:
        """A service that is full is asked for less: true if the job that learnt it goes back and waits for its turn."""
        if not event.throttled:
            return False
        self._allowance.throttled(number, event.wait_s)
        others = len(self._running) - 1 - len(self._sent_away)
        if number not in self._connecting or number in self._live or others < 1:
            return False
        self._sent_away.add(number)
        self._allowance.returned(number)
        self._running[number].cancel()
        return True

    def _engine_of(self, number: int) -> Engine:
        engine = self._jobs[number].engine or self._engine
        return engine if self._starts is None else replace(engine, starts=self._starts.of(number))

    def _put_back(self, number: int) -> None:
        """It has not begun, and will not."""
        self._allowance.unused(number)
        self._allowance.returned(number)
        self._look_again()

    def _free(self, number: int, ended: Ended) -> None:
        # What has failed may still run over there.
        is_unsure = ended.error is not None and self._engine.allowance is not None
        self._allowance.over(number, self._engine.clock.now() + SETTLE_S if is_unsure else None)
        self._look_again()

    def _look_again(self) -> None:
        """Those who wait for a further start may have it now."""
        if self._starts is not None:
            self._engine.loop.call(self._starts.look)
