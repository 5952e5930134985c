"""One source, from its first sample to its last, over as many sessions as it takes: a machine that the loop drives.

Sound goes from the source onto a tape, and from the tape to the session that runs. When a link is lost, a new session
starts at the end of the last final result and is sent what the tape holds, as fast as the link takes it; times and
numbers of sentences go on as if nothing had happened. Nothing here knows a particular protocol or how results look.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator

from asrcli.audio.source import EncodedSource, Source
from asrcli.engine.control import Control, StopRequested
from asrcli.engine.delivery import NOTHING, Sent
from asrcli.engine.ending import OVER, Ending
from asrcli.engine.joining.missing import Verdict, was_refused_as_silent
from asrcli.engine.joining.sessions import Joining
from asrcli.engine.retry import Attempts
from asrcli.engine.send_progress import SendProgress
from asrcli.engine.sound.intake import Intake
from asrcli.engine.stages import RUNNING, TRANSCRIPTION, WAITING, Change, Machine, Turn, Wake
from asrcli.engine.uplink import Uplink
from asrcli.engine.wiring import Engine
from asrcli.protocols.base import Protocol
from asrcli.system.clock import Deadline
from asrcli.system.moments import Alarm
from asrcli.values.errors import AsrcliError, Bug, Interrupted
from asrcli.values.events import AudioFinished, EncodingChanged, Ended, Event, LinkReady, Reconnecting, SessionStarted
from asrcli.wire.link_events import InboxItem

# How many chunks one source may send before others have their turn.
_TURN_CHUNKS = 16


class Transcription:
    """One run of the engine. `start` and `cancel` are for any thread; all else happens on the engine's loop.

    `tell` is called there with each event and, last and once, with an Ended. `phase_s`: see Schedule.
    """

    def __init__(
        self,
        source: Source,
        engine: Engine,
        control: Control,
        tell: Callable[[Event | Ended], None],
        phase_s: float | None = None,
    ) -> None:
        self._source, self._engine = source, engine
        self._loop, self._clock = engine.loop, engine.clock
        self._control, self._tell = control, tell
        self._sound = source.sound_format if isinstance(source, EncodedSource) else None
        # Of a pipe as fast as it goes, whatever the network takes is no measure.
        economy = None if engine.speed is None and source.can_wait else engine.economy
        self._uplink = Uplink(None if source.can_wait else engine.keep_s, economy, control.notice)
        protocol = engine.new_protocol(self._sound)
        self._pcm = protocol.audio_format  # As of all sessions: they have the same options.
        self._course = Machine(TRANSCRIPTION)
        self._look = functools.partial(self._handle, Wake.SOUND)
        self._intake = Intake(source, engine, self._pcm, self._look, self._broke, phase_s)
        self._tape = self._intake.tape
        self._joining = Joining(self._pcm)
        self._attempts = Attempts(engine.retry, engine.clock)
        # When the next try is due, while one is waited for.
        self._again_at = Deadline(engine.clock, 0.0)
        self._alarm = Alarm(self._loop, functools.partial(self._handle, Wake.MOMENT))
        self._sessions = 0
        self._progress = SendProgress(engine.tick_s, tell)
        self._verdict = Verdict(source, engine, self._pcm, self._tape, self._joining)
        self._ending = Ending(self._course, self._loop, self._clock, self._last_words, tell)
        self._open(protocol)

    def start(self) -> None:
        self._ending.watch(self._broke)
        self._loop.call(functools.partial(self._handle, Wake.BEGINNING))

    def cancel(self) -> None:
        """End it, if it has not ended."""
        self._loop.call(lambda: self._end(None))

    def wait(self) -> None:
        """Until Ended was told."""
        self._ending.wait()

    def _handle(self, what: InboxItem | Turn | Wake) -> None:
        """See to what has happened, send what there is to send, and see to what follows. No error gets out of here."""
        if self._course.at in OVER:
            return
        try:
            for event in self._answer(what):
                self._tell(event)
            for event in self._send():
                self._tell(event)
            if self._finished():
                self._end(self._verdict.at_the_end())
        except AsrcliError as error:
            self._failed(error)
        except BaseException as bug:
            self._broke(bug)
        self._arm()

    def _answer(self, what: InboxItem | Turn | Wake) -> Iterable[Event]:
        if not isinstance(what, Wake):
            return self._heard(self._session.handle(what))
        if what is Wake.MOMENT:
            return self._due()
        if what is Wake.OUTSIDE:
            return self._from_outside()
        if what is Wake.BEGINNING:
            self._begin()
            self._intake.start()  # While the connection is made.
            self._control.listen(lambda: self._loop.call(functools.partial(self._handle, Wake.OUTSIDE)))
            if (encoding := self._uplink.begun_with) is not None:
                return [EncodingChanged(encoding, 0)]
        return ()

    def _open(self, protocol: Protocol, before: Sent = NOTHING) -> None:
        """Make the session that begins where final results end."""
        most = None if protocol.max_session_ms is None else self._pcm.samples(protocol.max_session_ms)
        self._reader = self._tape.reader(self._joining.covered_sample, most)
        if self._reader.start_sample > self._joining.covered_sample:
            self._control.notice(*self._verdict.give_up_sound(self._joining.covered_sample, self._reader.start_sample))
        self._joining.begin(self._reader.start_sample)
        self._sessions += 1
        posted = functools.partial(self._posted, self._sessions)
        self._session = self._engine.new_session(protocol, self._reader, posted, before)

    def _begin(self) -> None:
        self._course.move(Change.OPENED)
        if (notice := self._session.open()) is not None:
            self._control.notice(*notice)

    def _reopen(self) -> None:
        self._session.close()
        encoding = self._uplink.begin()
        self._open(self._engine.new_protocol(self._sound), self._session.delivery.so_far)
        if encoding is not None:
            self._tell(EncodingChanged(encoding, self._pcm.ms(self._reader.start_sample)))
        self._begin()

    def _posted(self, session: int, item: InboxItem | Turn) -> None:
        # What a session that was given up still has to say is of no interest.
        if session == self._sessions:
            self._handle(item)

    def _from_outside(self) -> Iterator[Event]:
        for item in self._control.take():
            if not isinstance(item, StopRequested):
                yield item
            elif self._intake.is_stopped or not self._attempts.was_ready:
                raise Interrupted(item.signal_number, "interrupted before all results were in")
            else:
                self._intake.stop()

    def _arm(self) -> None:
        """Be woken at the next moment that matters."""
        deadline = self._again_at if self._course.at is WAITING else self._session.deadline
        moment = math.inf if deadline is None else deadline.at
        due_s = self._intake.due_s
        if due_s is not None and (not self._tape.has_unread or self._takes_in()):
            moment = min(moment, due_s)
        else:
            moment = min(moment, self._bridges_at())
        if moment < math.inf and self._course.at not in OVER:
            self._alarm.set(moment)

    def _due(self) -> Iterable[Event]:
        """See to what else has its moment but the next chunk."""
        if self._course.at is WAITING:
            if self._again_at.passed():
                self._reopen()
        elif self._session.deadline is not None and self._session.deadline.passed():
            return self._heard(self._session.handle(Turn.EXPIRED))
        elif self._intake.due_s is None and self._clock.now() >= self._bridges_at():
            self._session.send_audio(self._reader.filler())
        return ()

    def _bridges_at(self) -> float:
        """When silence is to be sent, where the service waits for sound that the source does not give."""
        waits = self._session.takes_audio and not (self._tape.has_unread or self._tape.ended)
        return self._session.sent_at + self._intake.idle_s if waits else math.inf

    def _takes_in(self) -> bool:
        """Whether sound is wanted from the source. A file's pace counts from when the service is ready for it."""
        return self._intake.is_wanted and (self._source.live or self._attempts.was_ready)

    def _send(self) -> Iterable[Event]:
        """Take in what is due and send what there is, as much of it as is one source's turn."""
        now, due_s = self._clock.now(), self._intake.due_s
        if due_s is not None and due_s > now and not self._tape.has_unread and not self._tape.ended:
            return ()  # As after most messages.
        dues_s = self._intake.take_in(now, _TURN_CHUNKS) if self._takes_in() else []
        was_full = not self._intake.is_wanted
        sent = 0
        if self._session.takes_audio and (self._tape.has_unread or self._tape.ended):
            sent = self._session.pump(_TURN_CHUNKS)
            if sent:
                self._note_sent(dues_s)
            if self._uplink.observe(now, self._session, self._tape):
                self._reopen()
                return ()
            if self._reader.over and self._session.takes_audio:
                return self._heard(self._session.handle(Turn.AUDIO_ENDED))
        if _TURN_CHUNKS in (len(dues_s), sent) or (sent and was_full):
            self._loop.call(self._look)
        return ()

    def _note_sent(self, dues_s: list[float]) -> None:
        now = self._session.sent_at
        if self._engine.lateness is not None and not self._tape.has_unread:
            for due_s in dues_s:
                self._engine.lateness(now - due_s)
        if self._progress.is_due(now):
            self._tell_progress()

    def _tell_progress(self, sent_ms: int | None = None) -> None:
        sent_ms = self._session.sent_ms if sent_ms is None else sent_ms
        self._progress.tell(self._session.delivery.report(sent_ms), self._clock.now())

    def _heard(self, events: Iterator[Event]) -> Iterator[Event]:
        """Put what a session says into the terms of the whole transcription."""
        for event in events:
            if isinstance(event, SessionStarted):
                self._attempts.ready()
            elif isinstance(event, AudioFinished):
                if not self._reader.exhausted:
                    self._engine.prepare_session()
                    continue
                self._progress.told(event)
            elif isinstance(event, LinkReady):
                self._attempts.reached()
            covered_sample = self._joining.covered_sample
            told = self._joining.take(event, self._tape.read_sample)
            if self._joining.covered_sample > covered_sample:
                self._attempts.progressed()
                self._tape.forget(self._joining.covered_sample)
            if told is not None:
                yield told

    def _finished(self) -> bool:
        """Whether all is done; a session that ended before the sound did is followed by another."""
        if not self._session.done or self._course.at is not RUNNING:
            return False
        if self._reader.exhausted:
            return True
        self._joining.skip(self._reader.next_sample)
        self._reopen()
        return False

    def _failed(self, error: AsrcliError) -> None:
        """Arrange another try after `error`, or end with it.

        Where all sound has its results already, one more try is made to hear so from the service; then that is the end.
        """
        tries, had_settled = self._attempts.count, self._verdict.is_settled
        if was_refused_as_silent(error, self._reader, self._sessions):
            self._end(self._verdict.at_the_end())
            return
        is_settled = self._verdict.settle(self._reader)
        again_at = None if had_settled else self._attempts.failed(error)
        if again_at is not None:
            self._course.move(Change.LOST)
            self._again_at = again_at
            self._session.close()
            self._tell_progress()
            count, resume_ms = self._attempts.count, self._pcm.ms(self._joining.covered_sample)
            self._tell(Reconnecting(count, resume_ms, error.reason, error.code, again_at.length_s, error.throttled))
        elif is_settled and not isinstance(error, Interrupted):
            self._control.notice(f"all sound has its results, but the service did not say so: {error.reason}")
            self._end(self._verdict.at_the_end())
        else:
            self._verdict.give_up(error, tries)
            self._end(error)

    def _broke(self, bug: BaseException) -> None:
        """End with what was raised where nothing should be."""
        if self._course.at not in OVER:
            error = Bug.of(bug)
            self._verdict.give_up(error, 0)
            self._end(error)

    def _end(self, error: AsrcliError | None) -> None:
        """End everything that runs; Ended follows when the source is free."""
        if self._course.at in OVER:
            return
        self._alarm.cancel()
        self._ending.begin(error, self._session.close, self._intake.close)

    def _last_words(self, ended: Ended) -> None:
        self._tape.close()
        for item in self._control.take():
            if not isinstance(item, StopRequested):
                self._tell(item)
        told_ms = self._progress.told_ms
        if told_ms is not None:
            # Where all went well, how far the sound is was told, but not what the end of its stream came to.
            self._tell_progress(told_ms if ended == Ended() else None)
