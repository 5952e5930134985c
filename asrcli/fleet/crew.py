"""What works for a head in one worker: it runs the sources that it is granted, and tells what becomes of them.

How words get from one to the other is not known here. All happens on the thread of the loop that the sources share, but
for what says otherwise.
"""

from __future__ import annotations

import functools
import platform
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from asrcli.audio.reading.ffmpeg_tool import find_ffmpeg
from asrcli.engine.build import Surroundings, all_built
from asrcli.engine.wiring import Engine
from asrcli.fleet import journal, messages
from asrcli.fleet.attempt import Attempt
from asrcli.fleet.dispatch import LEASE_S
from asrcli.fleet.mail import Mail
from asrcli.fleet.portable import whole
from asrcli.fleet.turns import LOOK_S, Turn
from asrcli.settings.environment import variables
from asrcli.system import crowd
from asrcli.system.folders import state_folder
from asrcli.system.loop import Loop
from asrcli.system.moments import Alarm
from asrcli.values.errors import AsrcliError, Bug
from asrcli.values.events import Event, SessionStarted
from asrcli.values.sound import STORED_CHUNK_MS

# A crew whose head is silent for longer is about to end, and another one waits for that.
_SILENT_S = 2.0
# How many are opened and begin at the same time.
_BEGINNING = 4 * crowd.CONNECTING
# Sources send at moments of their own, spread as if so many were there.
_SPREAD = 100


@dataclass(frozen=True, slots=True)
class Place:
    """Where a crew is: what this process adds to what the head says."""

    machine: str = field(default_factory=platform.node)
    environ: Mapping[str, str] = field(default_factory=variables)
    home: Path = field(default_factory=Path.home)
    ffmpeg: Callable[[], str | None] = find_ffmpeg

    @property
    def journals(self) -> Path:
        """The folder of the journals."""
        return state_folder(self.environ, self.home) / "journals"


class Crew:
    """`run` is for a thread that waits, `take`, `is_heard_of` and `end` are for any; `post` gets bytes for the head."""

    def __init__(self, opening: messages.Opening, post: Callable[[bytes], None], place: Place | None = None) -> None:
        self.opening = opening
        self._place = place or Place()
        self._loop = Loop()
        self._post = post
        self._mail = Mail(self._loop, post)
        self._engines: list[Engine] = []
        self._attempts: dict[int, Attempt] = {}
        self._waiting: deque[Attempt] = deque()
        self._beginning: set[int] = set()
        self._heard_at = self._loop.now()
        self._lease = Alarm(self._loop, self._check_lease)
        self._is_ending = False
        self._is_over = threading.Event()
        name = f"{opening.journal}-{self._place.machine}"
        self._journal: journal.Journal | None = None
        self._left = journal.LeftBehind(self._place.journals, name, opening.variants[0].input.way)
        self._left_marks: set[str] = set()
        self._is_looking = self._looks_again = False
        self._name = name

    @property
    def is_forlorn(self) -> bool:
        """Whether its head has not been heard of for a while."""
        return self._loop.now() - self._heard_at > _SILENT_S

    def run(self, is_wanted: Callable[[], bool] = lambda: True) -> None:
        """Work until the head needs it no more, is silent for LEASE_S, or `is_wanted`, asked often, says no."""
        with Turn(self, is_wanted) as may_begin:
            if may_begin:
                self._work(is_wanted)

    def take(self, data: bytes) -> None:
        """What the head says."""
        said = messages.from_head(data)
        self._loop.call(functools.partial(self._take, said))

    def is_heard_of(self, at: float | None = None) -> None:
        """The head is there; it knew at the moment `at` [now] of this clock that the crew is."""
        self._heard_at = self._loop.now() if at is None else at

    def end(self) -> None:
        """Cancel what runs; `run` returns soon."""
        self._loop.call(self._end)

    def _work(self, is_wanted: Callable[[], bool]) -> None:
        opening, place = self.opening, self._place
        with ExitStack() as stack:
            try:
                specs = [whole(each, opening.key_file, place.environ, place.home) for each in opening.variants]
                self._journal = journal.Journal(place.journals, self._name)
                stack.callback(self._journal.close, is_kept=opening.is_kept)
                stack.callback(self._left.close)
                around = [Surroundings(tick_s=opening.tick_s)] * len(specs)
                # The way to the service is the same for all. Links are not made ahead: that would be a start.
                self._engines = [
                    replace(engine, loop=self._loop, connect_ahead=None)
                    for engine in stack.enter_context(all_built(specs, around))
                ]
                # From now on what the head says is heard.
                self._loop.hold()
                stack.callback(self._loop.release)
                hello = messages.Hello(place.machine, crowd.room(), place.ffmpeg() is not None)
            except (AsrcliError, OSError) as error:
                self._post(messages.pack([messages.Hello(place.machine, problem=Bug.of(error))]))
                return
            self._loop.dependants.add(self._broke)
            self._loop.call(functools.partial(self._begin, hello))
            while not self._is_over.wait(LOOK_S):
                if not is_wanted():
                    self.end()

    def _begin(self, hello: messages.Hello) -> None:
        self._mail.tell(hello)
        # It has nothing to give up yet, and may have taken its time to come.
        self.is_heard_of()
        self._check_lease()
        self._hand_over()

    def _take(self, said: Sequence[messages.FromHead]) -> None:
        for each in said:
            match each:
                case messages.Granted():
                    self._grant(each)
                case messages.MayConnect(ticket):
                    if ticket in self._attempts:
                        self._attempts[ticket].may_connect()
                case messages.Stop(tickets, signal_number):
                    for ticket in tickets:
                        if ticket in self._attempts:
                            self._attempts[ticket].stop(signal_number)
                case messages.GiveUp(ticket):
                    self._mail.forget(ticket)
                    if ticket in self._attempts:
                        self._attempts[ticket].give_up()
                case messages.Kept(marks):
                    self._forget(marks)
                case messages.HandOver():
                    self._hand_over()
                case messages.End():
                    self._end()

    def _grant(self, granted: messages.Granted) -> None:
        if self._is_ending:
            return
        phase_s = crowd.phase_s(granted.ticket, _SPREAD, STORED_CHUNK_MS / 1000)
        engine = self._engines[granted.variant]
        how = self.opening.variants[granted.variant].input
        attempt = Attempt(granted, how, engine, self, phase_s, hashes=self.opening.hashes)
        self._attempts[granted.ticket] = attempt
        self._waiting.append(attempt)
        self._begin_next()

    def _begin_next(self) -> None:
        while self._waiting and len(self._beginning) < _BEGINNING:
            attempt = self._waiting.popleft()
            self._beginning.add(attempt.granted.ticket)
            attempt.begin()

    def _has_begun(self, ticket: int) -> None:
        if ticket in self._beginning:
            self._beginning.discard(ticket)
            self._begin_next()

    # --- what attempts tell ------------------------------------------------------------------------------------------

    def begun(self, attempt: Attempt, opened: messages.Opened) -> None:
        if not attempt.is_given_up:
            self._mail.tell(messages.Begun(attempt.granted.ticket, opened))

    def told(self, attempt: Attempt, event: Event) -> None:
        if isinstance(event, SessionStarted):
            self._has_begun(attempt.granted.ticket)
        if not attempt.is_given_up:
            self._mail.happened(attempt.granted.ticket, event)

    def wants(self, attempt: Attempt) -> None:
        self._mail.tell(messages.Wants(attempt.granted.ticket))

    def arrived(self, attempt: Attempt, in_s: float) -> None:
        self._mail.tell(messages.Arrived(attempt.granted.ticket, in_s))

    def over(self, attempt: Attempt, finished: messages.Finished) -> None:
        ticket = attempt.granted.ticket
        del self._attempts[ticket]
        self._has_begun(ticket)
        if not attempt.is_given_up:
            told = messages.Over(ticket, replace(finished, live=()))
            if finished.error is None and not attempt.is_stopped:
                self._keep(attempt, finished, told)
            else:
                self._mail.tell(told)
        if self._is_ending and not self._attempts:
            self._finish()

    def _keep(self, attempt: Attempt, finished: messages.Finished, told: messages.Over) -> None:
        """Tell of a complete result once it is on the disk."""
        assert self._journal is not None
        then = functools.partial(self._loop.call, functools.partial(self._mail.tell, told))
        try:
            self._journal.append(finished.mark, messages.pack(finished), attempt.sound, then)
        except AsrcliError as error:
            self._mail.tell(
                messages.Trouble(error.message, "should it die, what it has finished by then is sent once more")
            )
            self._mail.tell(told)

    # --- what others have left behind --------------------------------------------------------------------------------

    def _hand_over(self) -> None:
        # Whoever has died while it looks may have been looked for in vain.
        self._looks_again = self._is_looking
        if not self._is_looking:
            self._is_looking = True
            self._loop.aside("left behind", self._look_for_what_is_left, self._broke)

    def _look_for_what_is_left(self) -> Callable[[], None]:
        """In a thread of its own."""
        found = [*self._left.results()]
        journal.sweep(self._place.journals, datetime.now(UTC))
        return functools.partial(self._tell_what_is_left, found)

    def _tell_what_is_left(self, found: list[bytes]) -> None:
        self._is_looking = False
        for each in found:
            self._left_marks.add(messages.finished_of(each).mark)
            self._mail.tell(messages.LeftBehind(each))
        if self._looks_again:
            self._hand_over()
            return
        if not self._left_marks:
            self._left.remove()
        self._mail.tell(messages.HandedOver())

    def _forget(self, marks: tuple[str, ...]) -> None:
        assert self._journal is not None
        for mark in marks:
            self._journal.forget(mark)
            if mark in self._left_marks:
                self._left_marks.discard(mark)
                # What is found just now has not been told yet.
                if not self._left_marks and not self._is_looking:
                    self._left.remove()

    # --- its end -----------------------------------------------------------------------------------------------------

    def _check_lease(self) -> None:
        ends_at = self._heard_at + LEASE_S
        if self._loop.now() >= ends_at:
            self._end()
        elif not self._is_ending:
            self._lease.set(ends_at)

    def _end(self) -> None:
        if self._is_ending:
            return
        self._is_ending = True
        self._lease.cancel()
        for attempt in self._waiting:
            del self._attempts[attempt.granted.ticket]
        self._waiting.clear()
        for attempt in [*self._attempts.values()]:
            attempt.give_up()
        if not self._attempts:
            self._finish()

    def _finish(self) -> None:
        self._mail.send()
        self._is_over.set()

    def _broke(self, bug: BaseException) -> None:
        self._post(messages.pack([messages.Hello(self._place.machine, problem=Bug.of(bug, ends_all=True))]))
        self._is_over.set()
