"""Has the sources of a run transcribed by crews elsewhere, and tells what happens as if it were here.

All happens on the thread that iterates; what others tell comes through a queue. What a source has come to is told when
it is over, and as a whole: an attempt that is lost with its worker leaves nothing behind that would have to be taken
back.
"""

from __future__ import annotations

import queue
from collections import defaultdict
from collections.abc import Sequence

from asrcli.audio.reading.ffmpeg_tool import DecoderMissing
from asrcli.engine.allowance import SETTLE_S
from asrcli.engine.many import Happenings, Job
from asrcli.fleet import messages
from asrcli.fleet.attempts import Attempts, Running
from asrcli.fleet.dispatch import Dispatch, Further, Grant
from asrcli.fleet.line import Broken, Gone, Joined, Line, News, Remark, Said, Unusable
from asrcli.fleet.messages import Opening
from asrcli.fleet.workforce import Workforce
from asrcli.fleet.works import Works
from asrcli.system.clock import Clock, Deadline
from asrcli.values.errors import AsrcliError, LinkError
from asrcli.values.events import Ended, Event, Notice, Reconnecting, Tick

# How long the head looks at nothing, at most.
_LOOK_S = 0.5
# What is over is kept by others within this, or not by this run.
_KEPT_S = 3.0


_What = News | int | None
"""News of the line, the number of a source whose result is durable, or nothing but that somebody is to be stopped."""


class Head:
    """`transcribe` is called once; `kept` may be called by any thread.

    `tick_s`: how long nothing may happen before there is a Tick; None for never.
    """

    def __init__(
        self, line: Line, opening: Opening, works: Works, dispatch: Dispatch, clock: Clock, tick_s: float | None
    ) -> None:
        self._line = line
        self._opening = opening
        self._works = works
        self._dispatch = dispatch
        self._clock = clock
        self._tick_s = tick_s
        self._news: queue.SimpleQueue[_What] = queue.SimpleQueue()
        self._jobs: Sequence[Job] = ()
        speed = opening.variants[0].spec.speed
        self._attempts = Attempts(speed, clock)
        self._workers = Workforce(line, dispatch, self._attempts, works.rows, self._say, clock)
        self._over = bytearray(len(works.rows))
        self._done = 0
        self._left = len(works.rows)
        # Whose journal holds a result that is not durable here.
        self._holders: dict[int, str] = {}
        self._outbox: dict[str, list[messages.FromHead]] = defaultdict(list)
        self._has_told_of_limit = False

    def kept(self, number: int) -> None:
        """The result of a source is durable: its crew may forget it."""
        self._news.put(number)

    def transcribe(self, jobs: Sequence[Job]) -> Happenings:
        """See `transcribe_many`. Raises LinkError where there is no worker, or nothing leads to them any more."""
        self._jobs = jobs
        try:
            self._line.begin(messages.pack(self._opening), self._news.put)
            while self._left:
                yield from self._grant()
                self._post()
                news = self._wait()
                if news is None:
                    yield -1, Tick()
                for each in news or ():
                    yield from self._take(each)
                yield from self._workers.look_around()
                for number, error in self._workers.given_up():
                    yield from self._end(number, error)
            self._wait_until_kept()
        except LinkError as error:
            done = f"{self._done} of {len(self._over)} sources are done"
            raise LinkError(f"{error.message}; {done}", hint=error.hint) from error
        finally:
            self._line.close()

    def _wait(self) -> list[_What] | None:
        """What has come; None where nothing did."""
        bounds = [_LOOK_S] if self._tick_s is None else [_LOOK_S, self._tick_s]
        if (moment := self._dispatch.next_at()) is not None:
            bounds.append(max(0.0, moment - self._clock.now()))
        try:
            found = [self._news.get(timeout=min(bounds))]
        except queue.Empty:
            return None
        while not self._news.empty():
            found.append(self._news.get_nowait())
        return found

    def _say(self, worker: str, said: messages.FromHead) -> None:
        self._outbox[worker].append(said)

    def _post(self) -> None:
        for worker, said in self._outbox.items():
            self._line.send(worker, messages.pack(said))
        self._outbox.clear()

    def _wait_until_kept(self) -> None:
        """Crews may forget what is durable here; what is not, by then, another run would get from them."""
        until = Deadline(self._clock, _KEPT_S)
        self._post()
        while self._holders and not until.passed():
            for each in self._wait() or ():
                for _ in self._take(each) if isinstance(each, int) else ():
                    """Of an acknowledgement nothing is told."""
            self._post()

    # --- what may begin ----------------------------------------------------------------------------------------------

    def _grant(self) -> Happenings:
        if self._workers.is_gathering:
            return
        for grant in self._dispatch.grants():
            if isinstance(grant, Further):
                if (running := self._attempts.of(grant.number)) is not None:
                    self._say(running.worker, messages.MayConnect(running.ticket))
            elif self._over[grant.number]:
                # It was left behind, finished, by a crew that has died; or may not begin any more.
                self._dispatch.passed_over(grant.number)
            else:
                yield from self._begin(grant)

    def _begin(self, grant: Grant) -> Happenings:
        number, job = grant.number, self._jobs[grant.number]
        for look in (job.check, job.before):
            try:
                look()
            except AsrcliError as error:
                self._dispatch.passed_over(number)
                yield from self._end(number, error)
                if look is job.check:
                    yield from self._see_whether_more_may_begin()
                return
        resent_ms = self._attempts.resent_ms
        running = self._attempts.begin(number, grant.worker)
        job.control.listen(self._rouse)
        self._say(grant.worker, self._works.granted(number, running.ticket))
        if self._attempts.resent_ms != resent_ms:
            yield -1, self._workers.changed()

    def _rouse(self) -> None:
        self._news.put(None)

    def _see_to_stop(self) -> Happenings:
        """The user wants to come to an end: what runs does, and what waits does not begin."""
        for running in self._attempts:
            signal_number = self._jobs[running.number].control.stopped_by
            if signal_number is not None and not running.is_told_to_stop:
                running.is_told_to_stop = True
                self._say(running.worker, messages.Stop((running.ticket,), signal_number))
        yield from self._see_whether_more_may_begin()

    def _see_whether_more_may_begin(self) -> Happenings:
        """End all that wait, if there is a reason why none of them may begin."""
        number = self._over.find(False)
        while number >= 0:
            if self._attempts.of(number) is None:
                try:
                    self._jobs[number].check()
                except AsrcliError as error:
                    yield from self._end(number, error)
                else:
                    return
            number = self._over.find(False, number + 1)

    def _end(self, number: int, error: AsrcliError | None, worker: str = "") -> Happenings:
        self._over[number] = True
        self._attempts.over(number)
        self._left -= 1
        self._done += error is None
        yield number, Ended(error, worker)

    # --- what others tell --------------------------------------------------------------------------------------------

    def _take(self, news: _What) -> Happenings:
        match news:
            case Said(worker, data):
                if worker in self._workers:
                    self._dispatch.alive(worker)
                    for said in messages.from_crew(data) if data else ():
                        yield from self._hear(worker, said)
            case Joined(worker):
                self._workers.comes(worker)
            case Gone(worker, reason):
                yield from self._workers.goes(worker, reason)
            case Unusable(worker, problem):
                yield from self._workers.refuse(worker, problem)
            case Remark(message, hint):
                yield -1, Notice(message, hint)
            case Broken(error):
                raise error
            case int(number):
                if (holder := self._holders.pop(number, None)) is not None:
                    self._say(holder, messages.Kept((self._works.mark(number),)))
            case None:
                yield from self._see_to_stop()

    def _hear(self, worker: str, said: messages.FromCrew) -> Happenings:
        match said:
            case messages.Hello():
                yield from self._workers.hello(worker, said)
            case messages.HandedOver():
                yield from self._workers.handed_over(worker)
            case messages.LeftBehind(data):
                yield from self._left_behind(worker, messages.finished_of(data))
            case messages.Trouble(message, hint):
                yield -1, Notice(f"{worker}: {message}", hint)
            case _:
                # What an attempt still has to say that was given up is of no interest.
                if (running := self._attempts.get(said.ticket)) is not None:
                    yield from self._happened(running, said)

    def _happened(
        self, running: Running, said: messages.Begun | messages.Told | messages.Wants | messages.Arrived | messages.Over
    ) -> Happenings:
        number = running.number
        match said:
            case messages.Wants():
                self._dispatch.further(number)
            case messages.Arrived(_, in_s):
                self._dispatch.arrived(number, -in_s)
            case messages.Begun(_, opened):
                if self._attempts.show(number, opened):
                    yield number, opened
            case messages.Told(_, events):
                for event in events:
                    yield number, self._attempts.note(running, event)
                    if isinstance(event, Reconnecting) and event.throttled:
                        yield from self._give_way(running, event)
            case messages.Over(_, finished):
                yield from self._finish(running, finished)

    def _give_way(self, running: Running, event: Reconnecting) -> Happenings:
        """A service that is full is asked for less; what had not started there waits for its turn again."""
        number = running.number
        if running.has_started or len(self._attempts) == 1:
            self._dispatch.throttled(number, event.wait_s)
        else:
            self._dispatch.returned(number, event.wait_s)
            self._say(running.worker, messages.GiveUp(running.ticket))
            self._attempts.forget(running)
        if not self._has_told_of_limit:
            self._has_told_of_limit = True
            yield number, Notice("the service takes no more at once for now", "the others wait their turn")

    def _finish(self, running: Running, finished: messages.Finished) -> Happenings:
        number, worker = running.number, running.worker
        self._attempts.forget(running)
        if finished.opened is None:
            self._dispatch.unused(number)
        if isinstance(finished.error, DecoderMissing) and self._dispatch.returned(number, avoid=worker):
            yield from self._workers.without_ffmpeg(worker)
            return
        self._dispatch.over(number, 0.0 if finished.error is None else SETTLE_S)
        yield from self._deliver(number, worker, finished, finished.results)

    def _left_behind(self, worker: str, finished: messages.Finished) -> Happenings:
        """A crew that has died had finished it, from what may be another file by now."""
        number = self._works.number(finished.mark)
        if number is None or self._over[number] or not self._works.is_still(number, finished.opened):
            if number is None or number not in self._holders:
                self._say(worker, messages.Kept((finished.mark,)))
            return
        if (running := self._attempts.of(number)) is not None:
            self._say(running.worker, messages.GiveUp(running.ticket))
            self._attempts.forget(running)
        self._dispatch.over(number)
        yield from self._deliver(number, worker, finished, (*finished.live, *finished.results))

    def _deliver(self, number: int, worker: str, finished: messages.Finished, events: Sequence[Event]) -> Happenings:
        """Tell of it all that was not told yet."""
        if finished.opened is not None and self._attempts.show(number, finished.opened):
            yield number, finished.opened
        if self._attempts.is_shown(number):
            for event in events:
                yield number, event
        if finished.error is None:
            self._holders[number] = worker
        yield from self._end(number, finished.error, worker)
        if finished.error is not None:
            # All others may fail in the same way.
            yield from self._see_whether_more_may_begin()
