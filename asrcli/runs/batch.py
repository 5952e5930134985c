"""The sources of one command, checked and then sent through the engine; the output is told of all that happens.

One source or many, files or a microphone: all go the same way.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from typing import cast

from asrcli.audio.source import Heard, Source
from asrcli.engine.control import Control
from asrcli.engine.many import Ended, Transcribe, What
from asrcli.output.base import Begin, Failure
from asrcli.output.output import Output
from asrcli.output.places.streams import ClosedPipe
from asrcli.output.views.stats import stats_lines
from asrcli.runs.jobs import Jobs
from asrcli.runs.metrics import Metrics
from asrcli.runs.notes import Notes
from asrcli.runs.recording import heard_in
from asrcli.runs.remarks import Remarks, tell_asides
from asrcli.runs.sources import AlreadyDone, Opener, Prepared, change_of
from asrcli.runs.tally import Tally
from asrcli.runs.variants import Variant
from asrcli.system.clock import SystemClock, date_and_time
from asrcli.system.signals import Signals, interrupted
from asrcli.values.errors import AsrcliError, AudioError, AuthError, Bug, Interrupted
from asrcli.values.events import EncodingChanged, Event, FinalResult, Notice, PartialResult, Tick, WorkersChanged
from asrcli.values.source_name import public


@dataclass(frozen=True)
class Batch:
    """What all sources of one command have in common.

    `open_ended`: the sources have no end of their own, so that the user's Ctrl-C is the regular one. `parts`: into how
    many each is split. `fail_empty`: a source without speech has failed. `save_audio`: where the sound is kept.
    `one_utterance`: each is to be one, as far as one may go. `is_corpus`: one that is alone is one of many.
    `is_elsewhere`: others open them. `skipped`: so many more were done before. `asides`: what other threads have to
    tell. `went_over` is called when sound is to go over in fewer bytes, `before` at the turn of a source, where it may
    raise AlreadyDone, `over` when it is over, and `kept` with the number of a source of which the result is durable.
    """

    output: Output
    signals: Signals
    opener: Opener
    variants: Sequence[Variant]
    stats: bool
    open_ended: bool = False
    parts: int = 1
    fail_empty: bool = False
    save_audio: Path | None = None
    one_utterance: bool = False
    is_corpus: bool = False
    is_elsewhere: bool = False
    skipped: int = 0
    asides: SimpleQueue[Notice] = field(default_factory=SimpleQueue)
    went_over: Callable[[], None] = lambda: None
    before: Callable[[int, Prepared], None] = lambda number, item: None
    over: Callable[[int], None] = lambda number: None
    notes: Notes = field(default_factory=Notes)
    kept: Callable[[int], None] = lambda number: None

    def run(self, sources: list[Prepared], transcribe: Transcribe) -> int:
        """Have `sources` transcribed, here or elsewhere, and return the exit code of the whole."""
        return _Run(self, sources).code(transcribe)


class _Run:
    """The state of a batch that runs. Sources are known by their places in the list."""

    def __init__(self, batch: Batch, sources: list[Prepared]) -> None:
        self._batch = batch
        self._output = batch.output
        self._sources = sources
        self._clock = SystemClock()
        self._running: dict[int, Metrics] = {}
        self._over = bytearray(len(sources))  # There may be very many.
        many = batch.is_corpus or len(sources) > 1
        self._tally = Tally(len(sources), self._clock, is_many=many, skipped=batch.skipped)
        self._stopped_by: int | None = None
        self._remarks = Remarks(batch.output, one_utterance=batch.one_utterance, parts=batch.parts)
        self._no_more: AsrcliError | None = None
        """Why no further source is begun."""

    def code(self, transcribe: Transcribe) -> int:
        """Run all to their ends, whatever those are; the exit code."""
        loses_sound = self._batch.open_ended and self._batch.save_audio is None
        self._batch.signals.stop = self._stop
        tell_asides(self._batch.asides, self._output)
        try:
            jobs = Jobs(self._sources, self._batch.variants, self._open, self._check, self._before)
            with contextlib.closing(transcribe(jobs)) as happenings:
                for number, what in happenings:
                    self._batch.notes.check()
                    with self._batch.signals.put_off:
                        self._take(number, what, loses_sound=loses_sound)
                        tell_asides(self._batch.asides, self._output)
        except Interrupted as error:
            # A second signal: what has come so far is delivered, and that is all.
            self._end_all(error)
        except ClosedPipe:
            raise
        except AsrcliError:
            self._break_off()
            raise
        except Exception as raised:
            bug, failed = Bug.of(raised), self._tally.failed
            self._end_all(bug)
            if self._tally.failed == failed:
                # It came when the last one was ending: nobody else has told of it.
                raise bug from raised
        finally:
            self._batch.signals.no_more_to_stop()
        self._batch.notes.close()
        return self._tally.code(self._no_more, self._output, stats=self._batch.stats)

    def _take(self, number: int, what: What, *, loses_sound: bool) -> None:
        if number >= 0 and self._over[number]:
            # It turned out to be over when it began.
            return
        if isinstance(what, Ended):
            self._end(number, what.error, what.worker, loses_sound=loses_sound)
        elif isinstance(what, Tick | WorkersChanged):
            self._tell_of_all(what)
        elif number < 0:
            of_all = cast(Notice, what)
            self._output.notice(of_all.message, of_all.hint)
        elif number not in self._running:
            try:
                # What had been left behind elsewhere has no turn.
                self._batch.before(number, self._sources[number])
            except AsrcliError as error:
                self._end(number, error, loses_sound=False)
            else:
                self._begin(number, cast(Heard, what))
        else:
            self._event(number, cast(Event, what))

    def _end_all(self, error: AsrcliError) -> None:
        self._no_more = error
        for number in range(len(self._sources)):
            if not self._over[number]:
                self._end(number, error, loses_sound=False)

    def _break_off(self) -> None:
        """The run cannot go on: what has begun ends here, and says that it is not complete."""
        for number in range(len(self._sources)):
            if not self._over[number]:
                with contextlib.suppress(AsrcliError, ClosedPipe):
                    metrics = self._running.get(number)
                    self._output.end(None if metrics is None else metrics.summary(complete=False), number)
        with contextlib.suppress(AsrcliError, ClosedPipe):
            self._tally.tell_of_resent(self._output)

    def _check(self) -> None:
        if self._no_more is not None:
            raise self._no_more

    def _before(self, number: int) -> None:
        self._check()
        self._batch.before(number, self._sources[number])
        if self._batch.is_elsewhere:
            self._sources[number].goes_elsewhere()

    def _open(self, number: int, control: Control) -> Source:
        self._check()
        item = self._sources[number]
        if self._batch.parts > 1 and number in self._running:
            # For a part of it: where to cut was seen in what was opened first.
            return self._batch.opener.open_again(item, control)
        # Handed over, and closed by whom it is handed to: another try opens it anew.
        return self._batch.opener.open(item, control)

    def _stop(self, signal_number: int) -> None:
        """The first signal: ends the sound of all that run, and begins no more. Called by the signal's handler."""
        self._stopped_by = signal_number
        if not self._batch.open_ended:
            self._no_more = interrupted(signal_number)
        for number, item in enumerate(self._sources):
            if not self._over[number]:
                item.control.stop(signal_number)
        self._output.give_up(interrupted(signal_number))

    def _begin(self, number: int, source: Heard) -> None:
        item = self._sources[number]
        choice = self._batch.variants[item.variant].choice
        name, options = public(item.row.id), choice.options
        sound, item.sound = source.sound_format, source.sound or item.sound
        self._batch.notes.begun(number, item)
        self._running[number] = Metrics(name, self._clock)
        info = Begin(
            source=name,
            stem=item.row.stem,
            model=options.model,
            region=choice.region,
            protocol=choice.protocol,
            sample_rate_hz=options.audio_format.sample_rate_hz if sound is None else sound.sample_rate_hz,
            duration_ms=source.duration_ms,
            captured_at=source.captured_at,
            begun_at=date_and_time(),
            live=source.live,
            parts=self._batch.parts,
            send=options.encoding if sound is None else sound.name,
            audio=heard_in(item.name, item.state, self._batch.save_audio),
            source_rate_hz=source.rate_hz if source.live and source.captured_at is not None else None,
        )
        self._output.begin(info, number)
        self._remarks.begun(number, source, options)

    def _event(self, number: int, event: Event) -> None:
        metrics = self._running[number]
        metrics.observe(event)
        if isinstance(event, EncodingChanged):
            self._batch.went_over()
        if isinstance(event, PartialResult | FinalResult):
            if event.received_ms is None:
                # Where it was heard elsewhere, it came earlier.
                event = replace(event, received_ms=metrics.elapsed_ms())
            self._remarks.heard(number)
            self._batch.notes.heard(number, event)
        self._tell(event, number)

    def _tell_of_all(self, event: Tick | WorkersChanged) -> None:
        if isinstance(event, WorkersChanged):
            self._tally.workers = event
        self._output.whole(event)
        self._check_readers()

    def _tell(self, event: Event, number: int) -> None:
        self._output.event(event, number)
        self._check_readers()

    def _check_readers(self) -> None:
        if self._output.closed_downstream():
            raise ClosedPipe

    def _end(self, number: int, error: AsrcliError | None, worker: str = "", *, loses_sound: bool) -> None:
        """One is over: tell its end and what it failed with, if it did."""
        self._over[number] = True
        if isinstance(error, AlreadyDone):
            self._tally.skip(self._sources[number].row.id)
            self._output.done_before(self._sources[number].row.id, number)
            self._batch.kept(number)
            return
        metrics = self._running.pop(number, None)
        if error is None and self._stopped_by is not None and not self._batch.open_ended:
            error = interrupted(self._stopped_by)
        self._remarks.identify(number, self._sources[number])
        if error is None and metrics is not None:
            error = self._change(number)
        if loses_sound and metrics is not None and not isinstance(error, AudioError | Interrupted | None):
            lost = Notice("what was heard and not recognised is lost", "--save-audio FILE keeps it next time")
            self._output.event(lost, number)
        if error is not None:
            self._batch.variants[self._sources[number].variant].explain(error)
        summary = None if metrics is None else metrics.summary(complete=error is None)
        if error is None and metrics is not None and not metrics.has_words:
            error = self._remarks.nothing_heard(number, fails=self._batch.fail_empty)
        failure = self._failure(number, error, has_begun=metrics is not None)
        self._output.end(summary, number, failure)
        if metrics is not None or failure is not None:
            self._batch.notes.over(number, self._sources[number], summary, failure, self._batch.kept)
        self._tally.ended(self._sources[number].row.id, summary, failure, worker)
        if summary is not None and self._batch.stats and self._tally.names_all:
            self._output.say(stats_lines(summary))
        self._remarks.over(number)
        self._batch.over(number)
        self._sources[number].over()

    def _change(self, number: int) -> AsrcliError | None:
        """What has happened to a file while it was read that makes its results doubtful."""
        change = change_of(self._sources[number])
        if isinstance(change, Notice):
            self._output.event(change, number)
            return None
        return change

    def _failure(self, number: int, error: AsrcliError | None, *, has_begun: bool) -> Failure | None:
        """Take note of what one failed with; what would fail in the same way for all that follow ends the batch."""
        tally, item = self._tally, self._sources[number]
        if error is None:
            tally.done()
            return None
        is_many = tally.is_many
        if is_many and self._no_more is not None and not has_begun:
            tally.not_begun += 1
            return None
        told_before = is_many and isinstance(error, AuthError) and isinstance(self._no_more, AuthError)
        if isinstance(error, AuthError) or (isinstance(error, Bug) and error.ends_all):
            self._no_more = self._no_more or error
        tally.fail(error, item.name)
        # An interruption of many is told once, at the end.
        silent = told_before or (is_many and isinstance(error, Interrupted))
        return Failure(error, public(item.row.id), silent or not tally.is_to_name(self._output))
