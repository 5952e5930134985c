"""One source after another through the engine, with everything that happens told to the output."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field

from asrcli.audio.source import Source
from asrcli.cli.run import exit_code
from asrcli.cli.signals import Signals, interrupted
from asrcli.control import Control
from asrcli.engine import Engine
from asrcli.errors import AsrcliError, AudioError, AuthError, Interrupted, OutputError, UsageError
from asrcli.metrics import Metrics, stats_lines
from asrcli.output.base import Begin, ClosedPipe, Output
from asrcli.protocols.base import RecognitionOptions
from asrcli.timing import SystemClock
from asrcli.transcribe import transcribe

Opener = Callable[[str, Control], Source]
"""Opens the source of that name, which tells what it has to tell through the control."""


@dataclass
class Prepared:
    """A source that has passed the checks; opened already where it is the only one."""

    name: str
    control: Control = field(default_factory=Control)
    source: Source | None = None


@dataclass(frozen=True)
class Batch:
    """What all sources of one command have in common.

    `open_ended`: the sources have no end of their own, so that the user's Ctrl-C is the regular one.
    """

    output: Output
    signals: Signals
    open_source: Opener
    options: RecognitionOptions
    region: str
    protocol: str
    stats: bool
    open_ended: bool = False

    def check(self, names: list[str]) -> list[Prepared]:
        """Open every source once, before anything is sent. Tells of each bad one, then raises UsageError."""
        prepared = [Prepared(name) for name in names]
        if len(prepared) == 1:
            prepared[0].source = self.open_source(names[0], prepared[0].control)
            return prepared
        bad = 0
        for item in prepared:
            try:
                self.open_source(item.name, Control()).close()
            except AsrcliError as error:
                bad += 1
                self.output.error(error, item.name)
        if bad:
            raise UsageError(f"{bad} of {len(names)} sources cannot be read; nothing was sent")
        return prepared

    def run(self, sources: list[Prepared], engine: Engine) -> int:
        """Transcribe `sources` in order and return the exit code of the whole."""
        failures: list[AsrcliError] = []
        for item in sources:
            error = self._transcribe(item, engine)
            if error is None:
                continue
            self.output.error(error, item.name)
            failures.append(error)
            # What would fail in the same way for all that follow ends the run.
            if isinstance(error, Interrupted | AuthError | OutputError):
                return exit_code(error)
        if len(failures) and len(sources) > 1:
            self.output.say(f"{len(failures)} of {len(sources)} sources failed")
            return 1
        return exit_code(failures[0]) if failures else 0

    def _transcribe(self, item: Prepared, engine: Engine) -> AsrcliError | None:
        """Run one source to its end, whatever that is; the error it ended with, if any."""
        clock = SystemClock()
        metrics = Metrics(item.name, clock)
        failure: AsrcliError | None = None
        begun = False
        try:
            source = item.source or self.open_source(item.name, item.control)
            self.signals.control = item.control
            self.output.begin(self._begin(item.name, source))
            begun = True
            with contextlib.closing(transcribe(source, engine, item.control)) as events:
                for event in events:
                    metrics.observe(event)
                    self.output.event(event)
                    if self.output.closed_downstream():
                        raise ClosedPipe
            if item.control.stopped_by is not None and not self.open_ended:
                failure = interrupted(item.control.stopped_by)
        except AsrcliError as error:
            failure = error
        finally:
            self.signals.control = None
        if begun:
            if self.open_ended and engine.record is None and not isinstance(failure, AudioError | Interrupted | None):
                self.output.notice("what was heard and not recognised is lost", "--save-audio FILE keeps it next time")
            summary = metrics.summary(complete=failure is None)
            self.output.end(summary)
            if self.stats:
                self.output.say(stats_lines(summary))
        return failure

    def _begin(self, name: str, source: Source) -> Begin:
        return Begin(
            source=name,
            model=self.options.model,
            region=self.region,
            protocol=self.protocol,
            sample_rate_hz=self.options.audio_format.sample_rate_hz,
            duration_ms=source.duration_ms,
            captured_at=source.captured_at,
            live=source.live,
            source_rate_hz=source.rate_hz if source.live and source.captured_at is not None else None,
        )
