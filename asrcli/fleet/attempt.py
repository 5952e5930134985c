"""One source at a crew: opened in a thread of its own, then transcribed on the loop that all sources of the crew share.

All here happens on that loop's thread, but for the opening.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from asrcli.audio.opening import Files, open_input
from asrcli.audio.source import Source
from asrcli.engine.allowance import SETTLE_S
from asrcli.engine.control import Control
from asrcli.engine.starts import Ticket
from asrcli.engine.transcription import Transcription
from asrcli.engine.wiring import Engine
from asrcli.fleet.journal import Sound
from asrcli.fleet.messages import Finished, Granted, Opened
from asrcli.system.file_state import FileState, change_since, file_sha256
from asrcli.values.addresses import shown
from asrcli.values.errors import AsrcliError, Bug, Interrupted
from asrcli.values.events import (
    AudioFinished,
    AudioSent,
    EncodingChanged,
    Ended,
    Event,
    FinalResult,
    LinkReady,
    Notice,
    PartialResult,
    Reconnecting,
    SessionStarted,
    SpeechStarted,
    SpeechStopped,
)
from asrcli.values.source_name import label

LIVE = (
    LinkReady
    | SessionStarted
    | AudioSent
    | AudioFinished
    | PartialResult
    | Reconnecting
    | EncodingChanged
    | SpeechStarted
    | SpeechStopped
)
"""What is told as it comes: nothing of it is wrong where the same source is heard once more from its beginning."""


class Listener(Protocol):
    """Who is told of an attempt."""

    def begun(self, attempt: Attempt, opened: Opened) -> None: ...
    def told(self, attempt: Attempt, event: Event) -> None: ...
    def wants(self, attempt: Attempt) -> None: ...
    def arrived(self, attempt: Attempt, in_s: float) -> None: ...
    def over(self, attempt: Attempt, finished: Finished) -> None: ...


class Attempt:
    """A try to transcribe what was granted. `hashes`: see Opening."""

    def __init__(
        self,
        granted: Granted,
        how: Files,
        engine: Engine,
        listener: Listener,
        phase_s: float | None,
        *,
        hashes: bool = False,
    ) -> None:
        self.granted = granted
        self._how = how
        self._listener = listener
        self._loop = engine.loop
        self._clock = engine.clock
        self._engine = replace(engine, starts=_Leave(self, listener))
        self._phase_s = phase_s
        self._hashes = hashes
        self._control = Control()
        self._begun_at = engine.clock.now()
        self._run: Transcription | None = None
        self._state: FileState | None = None
        self._opened_as: Opened | None = None
        self._live: list[Event] = []
        self._results: list[Event] = []
        self._has_leave = True
        # The further session that waits for its leave.
        self._go: Callable[[], None] | None = None
        self.is_given_up = False
        self._is_over = False

    @property
    def sound(self) -> Sound | None:
        """What was heard, and where that can be seen again; None where nothing tells it from what comes later."""
        name = self.granted.row.audio
        if self._state is not None:
            return name, self._state
        if self._opened_as is None or self._opened_as.sound is None:
            return None
        # What lets one in at an address stays out of journals, and without it nobody can ask there.
        return (name if shown(name) == name else ""), self._opened_as.sound

    @property
    def is_stopped(self) -> bool:
        """Whether the user has ended it."""
        return self._control.stopped_by is not None

    def begin(self) -> None:
        self._loop.aside("opening", self._open, lambda error: self._end(Bug.of(error)))

    def stop(self, signal_number: int) -> None:
        """End the sound and deliver what was said so far."""
        self._control.stop(signal_number)

    def give_up(self) -> None:
        """End it; that it is over is told nevertheless."""
        self.is_given_up = True
        if self._run is not None:
            self._run.cancel()

    def may_connect(self) -> None:
        """The further session has its leave."""
        go, self._go = self._go, None
        if go is not None:
            go()

    def ask(self, go: Callable[[], None]) -> bool:
        """Call `go` as soon as a session may begin; false where it has to wait, and another is to be told so."""
        if self._has_leave:
            self._has_leave = False
            self._loop.call(go)
            return True
        self._go = go
        return False

    def forget(self) -> None:
        """The session that waits for its leave is given up."""
        self._go = None

    def _open(self) -> Callable[[], None]:
        """In a thread of its own; what is to be done then on the loop's."""
        row = self.granted.row
        self._state = FileState.of(row.audio)
        how = self._how if row.channel is None else replace(self._how, channel=row.channel)
        source = open_input(how, row.audio, self._control.notice, self._control.level, looks=True)
        return functools.partial(self._opened, source, self._sha256())

    def _sha256(self) -> str | None:
        """The hash of the file, where it is wanted; None for what is no file, or not any more the one that was opened.

        It is in the system's cache then. A thread for this later, when it was heard, would cost more than the hash.
        """
        if not self._hashes or self._state is None:
            return None
        name = self.granted.row.audio
        with contextlib.suppress(OSError):
            made = file_sha256(Path(name))
            return made if FileState.of(name) == self._state else None
        return None

    def _opened(self, source: Source, sha256: str | None) -> None:
        signal_number = self._control.stopped_by
        if self.is_given_up or signal_number is not None:
            source.close()
            self._end(None if signal_number is None else Interrupted(signal_number, "interrupted before it had begun"))
            return
        self._opened_as = Opened(
            # What lets one in at an address stays out of journals.
            name=label(self.granted.row.audio),
            rate_hz=source.rate_hz,
            channels=source.channels,
            duration_ms=source.duration_ms,
            captured_at=source.captured_at,
            sound_format=source.sound_format,
            sound=source.sound,
            state=self._state,
            sha256=sha256,
        )
        try:
            self._run = Transcription(source, self._engine, self._control, self._tell, self._phase_s)
        except Exception as error:
            source.close()
            self._end(Bug.of(error))
            return
        self._listener.begun(self, self._opened_as)
        self._run.start()

    def _tell(self, event: Event | Ended) -> None:
        if isinstance(event, Ended):
            self._end(event.error)
            return
        if isinstance(event, PartialResult | FinalResult):
            event = replace(event, received_ms=round((self._clock.now() - self._begun_at) * 1000))
        if isinstance(event, LIVE):
            self._note(event)
            self._listener.told(self, event)
        else:
            self._results.append(event)

    def _note(self, event: Event) -> None:
        """Keep it for whoever was told nothing. Of how far the sound is, the first and the last word are enough."""
        if isinstance(event, PartialResult):
            if any(isinstance(before, PartialResult) for before in self._live):
                return
        elif isinstance(event, AudioSent) and sum(isinstance(before, AudioSent) for before in self._live[-2:]) == 2:
            self._live.pop()
        self._live.append(event)

    def _end(self, error: AsrcliError | None) -> None:
        if self._is_over:
            return
        self._is_over = True
        if self._run is None:
            # What was to be told when it had begun.
            self._results += [item for item in self._control.take() if isinstance(item, Notice)]
        if error is None and not self.is_given_up:
            error = self._change()
        live, results = tuple(self._live), tuple(self._results)
        self._listener.over(self, Finished(self.granted.mark, self._opened_as, live, results, error))

    def _change(self) -> AsrcliError | None:
        """What has happened to a file while it was read that makes its results doubtful."""
        change = change_since(self.granted.row.audio, self._state)
        if isinstance(change, Notice):
            self._results.append(change)
            return None
        return change


class _Leave:
    """Whom the sessions of one attempt ask: the first has the leave that was granted, further ones ask the head."""

    def __init__(self, attempt: Attempt, listener: Listener) -> None:
        self._attempt = attempt
        self._listener = listener

    def ask(self, go: Callable[[], None]) -> Ticket:
        if not self._attempt.ask(go):
            self._listener.wants(self._attempt)
        return _Start(self._attempt, self._listener)


class _Start:
    """One session's, from its leave to begin to its arrival."""

    notice = None

    def __init__(self, attempt: Attempt, listener: Listener) -> None:
        self._attempt = attempt
        self._listener = listener
        self._is_told = False

    def arrived(self) -> None:
        self._tell(0.0)

    def cancel(self) -> None:
        self._attempt.forget()
        self._tell(SETTLE_S)

    def _tell(self, in_s: float) -> None:
        if not self._is_told:
            self._is_told = True
            self._listener.arrived(self._attempt, in_s)
