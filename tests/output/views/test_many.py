"""The live view of very many transcriptions, of workers elsewhere, and what a line of its figures costs."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, overload

import pytest

from asrcli.output.base import Begin, Many
from asrcli.output.views.live import LiveView
from asrcli.output.views.plain import QuietView
from asrcli.output.views.table import TableView
from asrcli.values.events import AudioSent, PartialResult, Reconnecting, Sentence, WorkersChanged
from asrcli.values.summary import Summary
from tests.output.views.board import Board
from tests.output.views.screen import FakeClock, terminal

TWO_LOST = WorkersChanged(4, 2, 12_300)


class Counted(Sequence[Any]):
    """`length` times what `value_of` makes of a number, and how often one was asked for."""

    def __init__(self, length: int, value_of: Any) -> None:
        self._length = length
        self._value_of = value_of
        self.asked = 0

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, number: int) -> Any: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Any]: ...
    def __getitem__(self, number: int | slice) -> Any:
        assert isinstance(number, int)
        if not 0 <= number < self._length:
            raise IndexError
        self.asked += 1
        return self._value_of(number)


class Region:
    """Draws each frame of 80 x 24 cells, and keeps the last one."""

    frames = 0

    def draw(self, make_frame: Any, above: Sequence[Any] = ()) -> None:
        self.last = make_frame(80, 24)
        self.frames += 1


def test_neither_an_event_nor_a_drawing_looks_at_those_that_wait() -> None:
    """Of each that begins its name and its length are looked at a few times, and of no other."""
    names, lengths = Counted(5_000, "{:06}.flac".format), Counted(5_000, lambda number: 8000 + number % 5)
    clock, region = FakeClock(), Region()
    view = TableView(region, Many(names, lengths, 40), shows_finals=True, clock=clock)  # type: ignore[arg-type]
    names.asked = lengths.asked = 0
    events = 0
    for number in range(100):
        view.begin(Begin(names._value_of(number), "m", "local", "run-task", 16000, 8000), number)
        for at in range(1, 9):
            clock.go(0.05)
            view.event(AudioSent(at * 1000), number)
            view.event(PartialResult(Sentence(1, "some words")), number)
            events += 2
        if number >= 40:
            view.end(Summary(names._value_of(number - 40), True, 1.0), number - 40)
    assert region.frames > 200
    assert names.asked == 100
    assert lengths.asked <= 2 * 100 + events


@pytest.mark.parametrize(("columns", "sound"), [(80, ""), (110, " 6:40/13:53:20 heard")])
def test_time_left_is_told_of_very_many(columns: int, sound: str) -> None:
    with terminal(columns, 8) as screen:
        board = Board(screen, names=tuple(f"{n}.wav" for n in range(5000)), durations_ms=(10_000,) * 5000, at_once=40)
        for number in range(40):
            board.begin(number)
            board.sent(number, 0)
        board.clock.go(5)
        for number in range(40):
            board.sent(number, 10_000)
        board.tick()
        line = f"0 of 5000 done · 35 more running · 4960 waiting · ───────{sound} · 10:44 left"
        assert screen.lines[-1] == line


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (40, "0 of 4 done · 3 waiting · 2 lost"),
        (60, "0 of 4 done · 3 waiting · 2 lost · 0:00/1:03:00 heard"),
        (80, "0 of 4 done · 3 waiting · 4 workers · 2 lost · ─────── 0:00/1:03:00 heard"),
        (200, "0 of 4 done · 3 waiting · 4 workers · 2 lost · 12 s sent twice · ─────── 0:00/1:03:00 heard"),
    ],
)
def test_who_works_and_what_a_loss_costs_stands_in_the_line_for_all(columns: int, line: str) -> None:
    with terminal(columns, 12) as screen:
        board = Board(screen)
        board.begin(0)
        board.output.whole(WorkersChanged(6))
        board.output.whole(TWO_LOST)
        board.tick()
        assert screen.lines[-1] == line
        assert board.sink.text == "==> talks/one.wav <==\n"


def test_while_nobody_works_no_time_is_left() -> None:
    with terminal(80, 12) as screen:
        board = Board(screen)
        board.begin(0)
        board.sent(0, 0)
        board.clock.go(5)
        board.sent(0, 5000)
        board.output.whole(WorkersChanged(0, 1))
        board.tick()
        assert screen.lines[-1] == "0 of 4 done · 3 waiting · 0 workers · 1 lost · ─────── 0:05/1:03:00 heard"
        board.output.whole(WorkersChanged(1, 1))
        board.tick()
        assert screen.lines[-1].endswith(" left")


def test_the_loss_is_yellow_and_one_worker_is_one() -> None:
    region = Region()
    clock = FakeClock()
    view = TableView(region, Many(("a", "b"), (None, None), 2), shows_finals=True, clock=clock)  # type: ignore[arg-type]
    clock.go(1)
    view.event(WorkersChanged(1, 1, 400), -1)
    assert [piece for piece in region.last[-1] if piece[1] != "dim"] == [
        ("0 of 2 done", "green"), ("1 lost", "yellow"), ("0.4 s sent twice", "yellow"),
    ]  # fmt: skip
    assert ("1 worker", "dim") in region.last[-1]


def test_what_several_lose_with_a_worker_is_told_by_whoever_knows_it_once() -> None:
    """Their rows say no more than that they have none now."""
    event = Reconnecting(1, 0, "tcp://host:1 was lost", is_told=True)
    stream = io.StringIO()
    QuietView(stream).event(event, 0)
    assert stream.getvalue() == ""
    with terminal(80, 12) as screen:
        LiveView(screen, shows_finals=False, clock=FakeClock(), color="never", environ={}).event(event)
        assert screen.everything == []
        board = Board(screen)
        board.begin(0)
        board.output.event(event, 0)
        board.tick()
        assert [line for line in screen.everything if "was lost" in line] == []
        assert screen.lines[-2].endswith("worker lost…")
