"""A crew with transcriptions that do only what the test says."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

import pytest

from asrcli.engine import many as crew
from asrcli.engine.control import Control
from asrcli.engine.many import Ended, Job, transcribe_many
from asrcli.engine.wiring import Engine
from asrcli.protocols.realtime import Realtime
from asrcli.system.loop import Loop
from asrcli.values.events import Event, Tick
from asrcli.values.messages import ConnectRequest
from asrcli.values.recognition import Endpoint, RecognitionOptions
from tests.support.fakes import FakeClock, ToneSource


class Run:
    """A transcription of job `number`, as far as a crew knows it."""

    def __init__(self, number: int, tell: Callable[[Event | Ended], None], phase_s: float | None) -> None:
        self.number = number
        self.tell = tell
        self.phase_s = phase_s
        self.started = False
        self.cancelled = False
        self.over = False

    def start(self) -> None:
        self.started = True

    def cancel(self) -> None:
        self.cancelled = True
        self.tell(Ended())

    def wait(self) -> None:
        assert self.cancelled


class Bench:
    """A crew whose runs the test holds in its hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.runs: list[Run] = []
        self.ahead: list[ConnectRequest] = []
        self.clock = FakeClock()
        self.loop = Loop(self.clock)
        monkeypatch.setattr(crew, "Transcription", self._make)

    def _make(self, source: Any, engine: Engine, control: Control, tell: Any, phase_s: float | None) -> Run:
        self.runs.append(Run(source.number, tell, phase_s))
        return self.runs[-1]

    def crew(self, count: int, at_once: int) -> Generator[tuple[int, Any], None, None]:
        def job(number: int) -> Job:
            def open_source(control: Control) -> ToneSource:
                source = ToneSource(0.1)
                source.number = number  # type: ignore[attr-defined]
                return source

            return Job(open_source)

        options = RecognitionOptions(model="m")
        there = Endpoint("ws://127.0.0.1", "k")
        engine = Engine(
            lambda _: Realtime(options, there),
            tick_s=0.001,
            clock=self.clock,
            loop=self.loop,
            connect_ahead=lambda request, loop: self.ahead.append(request),
        )
        self.jobs = [job(number) for number in range(count)]
        return transcribe_many(self.jobs, engine, at_once)

    @property
    def begun(self) -> list[int]:
        assert all(run.started for run in self.runs)
        return [run.number for run in self.runs]


def until_quiet(happening: Generator[tuple[int, Any], None, None]) -> list[tuple[int, Any]]:
    """What is told until nothing happens; sources are left out."""
    seen = []
    for number, what in happening:
        if isinstance(what, Tick):
            break
        if not isinstance(what, ToneSource):
            seen.append((number, what))
    return seen
