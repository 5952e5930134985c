"""The live view of several transcriptions: a row for each one that runs, a line for all of them together.

Those that began first come first; how many there is no room for is counted. Whatever comes from outside is sanitised.

A window that is made narrower pushes what it wraps off its top, where it is out of reach, and stays behind. So rows
that may be as wide as the window take half of it at most. Where more may run than that, and names, times and some words
fit into two thirds of its width, rows are no wider, and take three quarters.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import islice

from rich.cells import cell_len, set_cell_size

from asrcli.output.base import Begin, Many, View
from asrcli.output.sanitize import name, sanitize, sentence_text
from asrcli.output.views.batch_progress import BatchProgress
from asrcli.output.views.layout import Line, ending, fit, padded, shrunk
from asrcli.output.views.reconnects import ReconnectNews
from asrcli.output.views.region import MIN_REDRAW_S, Region
from asrcli.output.views.status import BAR_CELLS, StatusItem, bar, why_it_stands_still
from asrcli.output.wording import about, error_line, in_seconds, reconnecting, sentence_line, warning_line
from asrcli.system.clock import Clock
from asrcli.values.clock_time import clock_time
from asrcli.values.errors import AsrcliError
from asrcli.values.events import (
    AudioFinished,
    AudioSent,
    Event,
    FinalResult,
    Notice,
    PartialResult,
    Reconnecting,
    Sentence,
    SessionStarted,
    WorkersChanged,
)
from asrcli.values.summary import Summary

# Fewer cells of a transcript say nothing; the bar goes first, then the words.
_LEAST_WORDS_CELLS = 12
_GAP = "  "
# So many names are looked at before they run, so that the columns do not move; of more the first ones are like them.
_MEASURED_NAMES = 1000


@dataclass(slots=True)
class _Row:
    """One transcription that runs. `words`: what is being said; "" where `state` says more."""

    name: str
    state: str = "connecting…"
    style: str = "yellow"
    words: str = ""

    def observe(self, event: Event) -> None:
        """Show what `event` means for this source."""
        match event:
            case PartialResult(sentence):
                # The newest words are wanted; no window is wider.
                self.words = sentence.text[-1000:]
            case FinalResult():
                self.words = ""
            case SessionStarted():
                self.state, self.style = "listening", "green"
            case AudioFinished():
                self.state, self.style = "finishing…", "yellow"
            case Reconnecting():
                self.state, self.style, self.words = why_it_stands_still(event), "yellow", ""


@dataclass(slots=True)
class _Count:
    done: int = 0
    failed: int = 0
    running: dict[int, _Row] = field(default_factory=dict)
    workers: WorkersChanged | None = None


@dataclass(frozen=True, slots=True)
class _Columns:
    """Widths in cells: of the whole row, and of its parts."""

    all: int
    name: int
    times: int
    words: int
    has_bar: bool


class TableView:
    """A View of `many` transcriptions in `region`. Not for several threads.

    `shows_finals`: the results do not go to this terminal, so finals are printed here too, each with its source
    and otherwise as `line_of` says.
    """

    tick_s: float | None = MIN_REDRAW_S

    def __init__(
        self,
        region: Region,
        many: Many,
        *,
        shows_finals: bool,
        clock: Clock,
        line_of: Callable[[Sentence], str] = sentence_line,
    ) -> None:
        self._region = region
        self._many = many
        self._shows_finals = shows_finals
        self._clock = clock
        self._line_of = line_of
        # Of the widest name so far.
        self._name_cells = max((cell_len(name(each)) for each in islice(many.names, _MEASURED_NAMES)), default=0)
        self._progress = BatchProgress(many.durations_ms, many.at_once)
        self._count = _Count()
        self._reconnects = ReconnectNews()
        self._lines: list[Line] = []
        self._open = True
        self._redraw()

    def opening(self, what: str) -> None:
        """What is being opened shows in its row."""

    def for_many(self, many: Many) -> View:
        return self

    def begin(self, info: Begin, number: int = 0) -> None:
        row = self._count.running[number] = _Row(name(self._many.names[number]))
        self._name_cells = max(self._name_cells, cell_len(row.name))
        self._progress.begin(number, info.duration_ms)
        self._redraw_in_time()

    def event(self, event: Event, number: int = 0) -> None:
        row = self._count.running.get(number)
        if isinstance(event, AudioSent | AudioFinished):
            self._progress.sent(number, event.end_ms, self._clock.now())
        if isinstance(event, WorkersChanged):
            self._count.workers = event
        elif isinstance(event, Notice):
            self._print(warning_line(about(event.message, self._many.names[number]), event.hint), "yellow")
        elif row is not None:
            row.observe(event)
            self._tell(event, row)
        self._redraw_in_time()

    def end(self, summary: Summary | None, number: int = 0) -> None:
        self._count.running.pop(number, None)
        self._progress.over(number)
        if summary is not None and summary.complete:
            self._count.done += 1
        else:
            self._count.failed += 1
        self._redraw_in_time()

    def notice(self, message: str, hint: str) -> None:
        self._print(warning_line(message, hint), "yellow")

    def error(self, error: AsrcliError, number: int | None = None) -> None:
        self._print(error_line(error, None if number is None else self._many.names[number]), "red")

    def say(self, text: str) -> None:
        for line in text.splitlines():
            self._print(sanitize(line), "dim")

    def above(self, write: Callable[[], None]) -> None:
        if self._shows_finals:
            # It goes elsewhere.
            write()
            return
        self._region.clear()
        try:
            write()
        finally:
            self._redraw()

    def close(self) -> None:
        self._open = False
        self._redraw()
        self._region.close()

    def _tell(self, event: Event, row: _Row) -> None:
        """Print what is to stay on the screen of `event`."""
        if (news := self._reconnects.of(event)) is not None:
            self._lines.append(((sentence_text(about(reconnecting(news), row.name)), "yellow"),))
        elif isinstance(event, FinalResult) and self._shows_finals:
            text = self._line_of(event.sentence)
            self._lines += [((row.name + _GAP, "dim"), (text, ""))] if text else []

    def _print(self, text: str, style: str) -> None:
        """A permanent line above the table, with the next redraw: of very many sources there may be very many."""
        self._lines.append(((text, style),))
        self._redraw_in_time()

    def _redraw_in_time(self) -> None:
        if not self._open or self._clock.now() - self._drawn_at >= MIN_REDRAW_S:
            self._redraw()

    def _redraw(self) -> None:
        self._drawn_at = self._clock.now()
        lines, self._lines = self._lines, []
        self._region.draw(self._frame, above=lines)

    def _frame(self, width: int, height: int) -> list[Line]:
        """The table for a window of `width` x `height` cells, in lines of width - 1 cells at most.

        A line in the last column makes some terminals wrap.
        """
        if not self._open:
            return []
        width = max(1, width - 1)
        rows = self._rows(width, height)
        return [*rows, fit(self._total(hidden=len(self._count.running) - len(rows)), width)]

    def _rows(self, width: int, height: int) -> list[Line]:
        half, most = max(0, height // 2 - 1), max(0, height * 3 // 4 - 1)
        numbers = heapq.nsmallest(most, self._count.running)
        times = {number: self._times(number) for number in numbers}
        times_cells = max(map(len, times.values()), default=0)
        # How many may run counts, and not how many do, so that the columns stay where they are.
        columns = _columns(width * 2 // 3, self._name_cells, times_cells, names_first=True)
        if min(self._many.at_once, len(self._many.names)) <= half or columns.words < _LEAST_WORDS_CELLS:
            columns = _columns(width, self._name_cells, times_cells)
            del numbers[half:]
        return [self._row(number, times[number], columns) for number in numbers]

    def _row(self, number: int, times: str, columns: _Columns) -> Line:
        row = self._count.running[number]
        share = self._progress.share(number)
        words = sentence_text(row.words).strip()
        pieces = [
            (padded(ending(row.name, columns.name), columns.name) + _GAP, ""),
            *([((" " * BAR_CELLS if share is None else bar(share)) + " ", "dim")] if columns.has_bar else []),
            (f"{times:>{columns.times}}{_GAP}", "bold"),
            (ending(words, columns.words), "") if words else (shrunk(row.state, columns.words), row.style),
        ]
        return _cut(pieces, columns.all)

    def _times(self, number: int) -> str:
        position = clock_time(self._progress.position_ms(number) / 1000)
        duration_ms = self._progress.duration_ms(number)
        return position if duration_ms is None else f"{position}/{clock_time(duration_ms / 1000)}"

    def _total(self, *, hidden: int) -> tuple[StatusItem, ...]:
        count, progress = self._count, self._progress
        total = len(self._many.names)
        waiting = total - count.done - count.failed - len(count.running)
        parts = [StatusItem(f"{count.done} of {total} done", 0, "green", short=f"{count.done}/{total}")]
        parts += [StatusItem(f"{count.failed} failed", 1, "red")] if count.failed else []
        parts += [StatusItem(f"{hidden} more running", 5, short=f"{hidden} more")] if hidden else []
        parts += [StatusItem(f"{waiting} waiting", 3)] if waiting else []
        parts += _workers(count.workers) if count.workers is not None else []
        if progress.total_ms:
            parts.append(StatusItem(bar(progress.done_ms / progress.total_ms), 9, joins=True))
        times = clock_time(progress.done_ms / 1000)
        whole = "" if progress.total_ms is None else f"/{clock_time(progress.total_ms / 1000)}"
        parts.append(StatusItem(f"{times}{whole} heard", 6))
        is_at_work = count.workers is None or count.workers.workers > 0
        left_s = progress.left_s(self._clock.now()) if is_at_work else None
        return (*parts, *([StatusItem(f"{clock_time(left_s)} left", 4)] if left_s is not None else []))


def _workers(now: WorkersChanged) -> list[StatusItem]:
    """Who works on all of it, who has gone, and what goes over twice because of that."""
    parts = [StatusItem(f"{now.workers} {'worker' if now.workers == 1 else 'workers'}", 7)]
    parts += [StatusItem(f"{now.lost} lost", 2, "yellow")] if now.lost else []
    return parts + ([StatusItem(f"{in_seconds(now.resent_ms)} sent twice", 8, "yellow")] if now.resent_ms else [])


def _columns(width: int, name_cells: int, times_cells: int, *, names_first: bool = False) -> _Columns:
    """How a row of `width` cells is shared out: no more than a third for the name, the bar only where there is room.

    `names_first`: the name has all that a few words leave.
    """
    least_cells = times_cells + 2 * len(_GAP) + _LEAST_WORDS_CELLS
    name_cells = min(name_cells, max(1, width // 3, width - least_cells if names_first else 0))
    words_cells = width - name_cells - times_cells - 2 * len(_GAP)
    has_bar = words_cells - BAR_CELLS - 1 >= _LEAST_WORDS_CELLS
    return _Columns(width, name_cells, times_cells, words_cells - (BAR_CELLS + 1) * has_bar, has_bar)


def _cut(pieces: list[tuple[str, str]], cells: int) -> Line:
    """The pieces that `cells` have room for, the last one cut."""
    line: list[tuple[str, str]] = []
    for text, style in pieces:
        shown = text if cell_len(text) <= cells else set_cell_size(text, cells)
        cells -= cell_len(shown)
        line += [(shown, style)] if shown else []
    return tuple(line)
