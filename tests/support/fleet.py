"""Head and crews in one process, without Dask: joined by a line that hands bytes from thread to thread."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from asrcli.audio.opening import Files
from asrcli.engine.allowance import Allowance, Rate
from asrcli.engine.control import Control
from asrcli.engine.many import Job, What
from asrcli.engine.spec import Spec
from asrcli.fleet.crew import Crew, Place
from asrcli.fleet.dispatch import Dispatch
from asrcli.fleet.head import Head
from asrcli.fleet.line import Gone, Joined, News, Said
from asrcli.fleet.manifest import Row
from asrcli.fleet.messages import End, Opening, opening_of, pack
from asrcli.fleet.portable import portable
from asrcli.fleet.works import Works, recipe
from asrcli.system.clock import SystemClock
from asrcli.values.events import Ended, FinalResult
from asrcli.values.recognition import Endpoint, RecognitionOptions

JOIN_S = 20.0


class Threads:
    """A Line to crews in threads of this process, which `places` says the machines of. Keeps all that crosses."""

    nobody = "there is no worker here"
    how_to_join = "add one"

    def __init__(self, *places: Place) -> None:
        self.places = [*places]
        self.crossed: list[bytes] = []
        self.crews: dict[str, Crew] = {}
        self.threads: list[threading.Thread] = []
        self.on_news: Callable[[News], None] = lambda news: None
        self.cut: set[str] = set()
        self._opening = b""
        self._post: Callable[[News], None] = lambda news: None
        self.is_closed = False

    def begin(self, opening: bytes, post: Callable[[News], None]) -> None:
        self._opening, self._post = opening, post
        self.crossed.append(opening)
        for place in self.places:
            self.add(place)

    def add(self, place: Place) -> str:
        """A further worker; its name."""
        name = f"w{len(self.crews) + 1}"

        def told(data: bytes) -> None:
            if name not in self.cut:
                self.crossed.append(data)
                self._tell(Said(name, data))

        def live() -> None:
            crew.run(lambda: not crew.is_heard_of())
            if name not in self.cut:
                self._tell(Gone(name, "its crew has ended"))

        crew = self.crews[name] = Crew(opening_of(self._opening), told, place)
        self._tell(Joined(name))
        thread = threading.Thread(target=live, name=name, daemon=True)
        self.threads.append(thread)
        thread.start()
        return name

    def kill(self, name: str) -> None:
        """It is gone, with all that it was about to tell."""
        self.cut.add(name)
        self.crews[name].end()
        self._tell(Gone(name, "killed"))

    def send(self, worker: str, data: bytes) -> None:
        self.crossed.append(data)
        if worker not in self.cut:
            self.crews[worker].take(data)

    def drop(self, worker: str) -> None:
        self.cut.add(worker)

    def close(self) -> None:
        self.is_closed = True
        for crew in self.crews.values():
            crew.take(pack([End()]))
        for thread in self.threads:
            thread.join(JOIN_S)
            assert not thread.is_alive()

    def _tell(self, news: News) -> None:
        self._post(news)
        self.on_news(news)


def spec_of(url: str, key: str = "", **fields: Any) -> Spec:
    options = RecognitionOptions(model="m")
    return Spec(**{"protocol": "run-task", "options": options, "endpoint": Endpoint(url, key), "speed": None, **fields})


def place(home: Path, machine: str = "here", **fields: Any) -> Place:
    return Place(**{"machine": machine, "environ": {}, "home": home, "ffmpeg": lambda: None, **fields})


def head_of(
    line: Any,
    spec: Spec,
    rows: Sequence[Row],
    *,
    slots: int = 20,
    rate: Rate | None = None,
    run: str = "run",
    is_kept: bool = False,
) -> Head:
    """A head for `rows`, all alike."""
    variant = portable(spec, Files(), None)
    opening = Opening(run, "j", is_kept, (variant,), tick_s=0.1)
    works = Works(rows, [0] * len(rows), [recipe(variant)])
    clock = SystemClock()
    dispatch = Dispatch(range(len(rows)), Allowance(clock, slots, rate), 1000, clock)
    return Head(line, opening, works, dispatch, clock, None)


def nobody(control: Control) -> Any:
    raise AssertionError("it is opened elsewhere")


@contextlib.contextmanager
def happenings(head: Head, rows: int) -> Iterator[Iterator[tuple[int, What]]]:
    with contextlib.closing(head.transcribe([Job(nobody) for _ in range(rows)])) as told:
        yield told


def run(head: Head, rows: int) -> list[tuple[int, What]]:
    """All that happens, of which each result is kept as it comes."""
    found = []
    with happenings(head, rows) as told:
        for number, what in told:
            found.append((number, what))
            if isinstance(what, Ended):
                head.kept(number)
    return found


def texts_of(found: Sequence[tuple[int, What]]) -> dict[int, str]:
    """What was heard in each source that is complete."""
    texts: dict[int, str] = {}
    for number, what in found:
        if isinstance(what, FinalResult):
            texts[number] = f"{texts.get(number, '')} {what.sentence.text}".strip()
    complete = {number for number, what in found if isinstance(what, Ended) and what.error is None}
    return {number: text for number, text in sorted(texts.items()) if number in complete}
