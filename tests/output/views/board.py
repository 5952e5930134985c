"""A run on several sources under the live view of many, for tests."""

from __future__ import annotations

from typing import Any

from asrcli.output.base import Begin, Failure, Many
from asrcli.output.destination import Destination
from asrcli.output.formats.text import PlainText, title
from asrcli.output.output import Output
from asrcli.output.places.lanes import InOrder
from asrcli.output.views.live import LiveView
from asrcli.values.errors import AsrcliError
from asrcli.values.events import AudioSent, FinalResult, PartialResult, Sentence, SessionStarted, Tick
from asrcli.values.summary import Summary
from tests.output.views.screen import XTERM, FakeClock, Terminal

NAMES = ("talks/one.wav", "two.wav", "three.mp3", "four.wav")
DURATIONS = (60_000, 90_000, 30_000, 3_600_000)


class Sink:
    def __init__(self, screen: Terminal, *, here: bool) -> None:
        self._screen = screen if here else None
        self.text = ""

    def check(self) -> None: ...

    def write(self, text: str) -> None:
        self.text += text
        if self._screen is not None and text:
            self._screen.write(text)

    def closed_downstream(self) -> bool:
        return False

    def give_up(self, error: AsrcliError) -> None: ...

    def close(self) -> None: ...


class Board:
    """A run on several sources, with its results on this terminal or elsewhere, and short words for what happens."""

    def __init__(
        self,
        screen: Terminal,
        *,
        names: tuple[str, ...] = NAMES,
        durations_ms: tuple[int | None, ...] = DURATIONS,
        at_once: int = 3,
        here: bool = True,
        environ: dict[str, str] = XTERM,
        **more: Any,
    ) -> None:
        self.screen = screen
        self.clock = FakeClock()
        self.names = names
        self.durations_ms = durations_ms
        view = LiveView(screen, shows_finals=not here, clock=self.clock, color="never", environ=environ, **more)
        self.sink = Sink(screen, here=here)
        destination = Destination(PlainText, self.sink)
        self.output = Output([destination], view)
        self.output.opening("4 sources")
        destination.through(InOrder(destination.deliver, lambda number: title(names[number])))
        self.output.for_many(Many(names, durations_ms, at_once))

    def begin(self, number: int) -> None:
        info = Begin(self.names[number], "m", "local", "run-task", 16000, self.durations_ms[number])
        self.output.begin(info, number)
        self.output.event(SessionStarted(f"task {number}"), number)

    def partial(self, number: int, text: str, index: int = 1) -> None:
        """A partial that the rate limit lets through."""
        self.clock.go(0.2)
        self.output.event(PartialResult(Sentence(index, text)), number)

    def final(self, number: int, text: str, index: int = 1) -> None:
        self.output.event(FinalResult(Sentence(index, text)), number)

    def sent(self, number: int, end_ms: int) -> None:
        self.output.event(AudioSent(end_ms), number)

    def end(self, number: int, failure: Failure | None = None) -> None:
        self.output.end(Summary(self.names[number], failure is None, 1.0), number, failure)

    def tick(self) -> None:
        self.clock.go(0.2)
        self.output.event(Tick(), 0)
