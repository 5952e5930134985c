"""The live view of several transcriptions, seen through a terminal emulator."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from asrcli.output.base import Begin, Failure, Many
from asrcli.output.views.plain import QuietView
from asrcli.output.wording import sentence_line
from asrcli.values.errors import LinkError
from asrcli.values.events import AudioFinished, FinalResult, Notice, Reconnecting, Sentence, SessionStarted, Tick
from tests.output.views.board import DURATIONS, NAMES, Board
from tests.output.views.screen import MODERN, XTERM, terminal


@pytest.fixture
def board() -> Iterator[Board]:
    with terminal(80, 24) as screen:
        yield Board(screen)


def test_before_anything_runs_there_is_the_line_for_all(board: Board) -> None:
    assert board.screen.lines == ["0 of 4 done · 4 waiting · ─────── 0:00/1:03:00 heard"]
    assert board.screen.screen.cursor.hidden


def test_a_row_for_each_that_runs_and_a_line_for_all(board: Board) -> None:
    """Name, bar, position and length, and what is being said, or the state where nothing is. One of two has sent."""
    for number in (0, 1):
        board.begin(number)
    board.sent(0, 0)
    board.clock.go(30)
    board.sent(0, 30_000)
    board.partial(0, "the weather")
    assert board.screen.lines[1:] == [
        "talks/one.wav  ━━━╸─── 0:30/1:00  the weather",
        "two.wav        ─────── 0:00/1:30  listening",
        "0 of 4 done · 2 waiting · ─────── 0:30/1:03:00 heard · 1:02:55 left",
    ]


def test_the_newest_words_of_a_long_partial_are_shown_and_go_with_its_final(board: Board) -> None:
    board.begin(0)
    board.partial(0, " ".join(f"word{number}" for number in range(40)))
    assert re.fullmatch(r"talks/one\.wav  ─{7} 0:00/1:00  …[ord]*\d* .* word38 word39", board.screen.lines[1])
    assert len(board.screen.lines[1]) <= 79
    board.final(0, "All of it.")
    assert board.screen.lines[:2] == ["==> talks/one.wav <==", "All of it."]
    assert board.screen.lines[2].endswith("listening")


def test_states_follow_the_session(board: Board) -> None:
    states = []
    board.output.begin(Begin(NAMES[0], "m", "local", "run-task", 16000, DURATIONS[0]), 0)
    for event in (Tick(), SessionStarted("a"), Reconnecting(1, 0, "lost"), SessionStarted("b"), AudioFinished(0)):
        board.clock.go(0.2)
        board.output.event(event, 0)
        states.append(board.screen.lines[-2].split("  ")[-1])
    assert states == ["connecting…", "listening", "reconnecting…", "listening", "finishing…"]
    assert "talks/one.wav: lost; reconnecting" in board.screen.everything


def test_what_is_over_leaves_the_table_and_is_counted(board: Board) -> None:
    for number in range(3):
        board.begin(number)
    board.end(1)
    board.end(2, Failure(LinkError("connection lost"), NAMES[2]))
    board.tick()
    assert board.screen.lines[-3:] == [
        "asrcli: error: three.mp3: connection lost",
        "talks/one.wav  ─────── 0:00/1:00  listening",
        "1 of 4 done · 1 failed · 1 waiting · ─────── 0:00/1:03:00 heard",
    ]


def test_results_of_all_scroll_up_in_order_above_the_table(board: Board) -> None:
    for number in range(3):
        board.begin(number)
    board.final(1, "Second.")
    board.final(0, "First.")
    board.end(1)
    board.end(0)
    assert board.screen.lines[:5] == ["==> talks/one.wav <==", "First.", "", "==> two.wav <==", "Second."]
    assert board.screen.lines[-2].startswith("three.mp3")


def test_finals_that_go_elsewhere_are_shown_with_their_source() -> None:
    with terminal(60, 12) as screen:
        board = Board(screen, here=False)
        for number in (0, 1):
            board.begin(number)
        board.final(1, "Second.")
        board.final(0, "First.")
        board.final(0, "", 2)
        board.tick()
        assert screen.lines[:2] == ["two.wav  Second.", "talks/one.wav  First."]
        assert board.sink.text == "==> talks/one.wav <==\nFirst.\n"


@pytest.mark.parametrize("columns", [1, 2, 9, 20, 33, 50, 80, 200])
def test_no_row_is_wider_than_the_window(columns: int) -> None:
    """Names are cut from the left by cells, the bar goes before the words do, and nothing wraps."""
    names = ("tief/in/einem/Ordner/" * 4 + "ende.wav", "今日は天気がいいですね.wav", "\x1b[31mrot.wav")
    with terminal(columns, 12) as screen:
        board = Board(screen, names=names, durations_ms=(60_000, None, 7_200_000), at_once=3, here=False)
        for number in range(3):
            board.begin(number)
            board.partial(number, "今日は天気がいいですね。 and some more words in English")
        rows = screen.lines
        # There is no room for the last one in a window of hardly any columns.
        assert len(rows) == (4 if columns > 2 else 3)
        assert not screen.scrollback
        if columns >= 50:
            assert rows[0].startswith("…")
            assert rows[0].split("  ")[0].endswith("ende.wav")
            assert "\\x1b[31mrot.wav" in rows[2]
            assert rows[2].endswith("English")


def test_a_bar_needs_a_length(board: Board) -> None:
    with terminal(80, 12) as screen:
        board = Board(screen, names=("-", "b.wav"), durations_ms=(None, 10_000))
        for number in (0, 1):
            board.begin(number)
        board.sent(0, 5000)
        board.tick()
        assert screen.lines[1:] == [
            "-                   0:05  listening",
            "b.wav  ─────── 0:00/0:10  listening",
            "0 of 2 done · 0:05 heard",
        ]


@pytest.mark.parametrize(
    ("columns", "lines", "at_once", "rows"),
    [(80, 12, 50, 8), (80, 24, 50, 17), (110, 50, 50, 36), (80, 24, 11, 11), (40, 12, 50, 5), (80, 2, 50, 0)],
)
def test_the_table_takes_the_height_that_there_is(columns: int, lines: int, at_once: int, rows: int) -> None:
    """Those that began first stay; how many more there are is said. Half, where more would stay behind."""
    names = tuple(f"{number}.wav" for number in range(50))
    with terminal(columns, lines) as screen:
        board = Board(screen, names=names, durations_ms=(10_000,) * 50, at_once=at_once, here=False)
        for number in range(at_once):
            board.begin(number)
        board.tick()
        assert [line.split(".wav")[0] for line in screen.lines[:-1]] == [str(number) for number in range(rows)]
        assert screen.lines[-1].startswith("0 of 50 done · ")
        assert (f"{at_once - rows} more" in screen.lines[-1]) == (at_once > rows)
        assert not screen.scrollback


def test_of_a_high_table_nothing_stays_behind_in_a_narrower_window() -> None:
    names = tuple(f"talks/interview-{number}.wav" for number in range(50))
    with terminal(110, 24, reflow=True) as screen:
        board = Board(screen, names=names, durations_ms=(10_000,) * 50, at_once=50, here=False, environ=MODERN)
        for number in range(50):
            board.begin(number)
            board.partial(number, "some words that go on and on " * 4)
        assert max(map(len, screen.lines[:17])) == 72
        assert min(map(len, screen.lines[:17])) == 72
        screen.resize(74, 24)
        board.tick()
        assert len(screen.everything) == 18


def test_redraws_at_most_ten_times_a_second(board: Board) -> None:
    """Also with hundreds of finals that go elsewhere, none of which is left out."""
    with terminal(60, 12) as screen:
        board = Board(screen, here=False)
        board.begin(0)
        board.clock.go(1.0)
        before = screen.writes
        for number in range(100):
            board.sent(0, number * 10)
            board.final(0, f"sentence {number}", number)
            board.clock.go(0.01)
        assert screen.writes - before <= 10
        board.tick()
        shown = [line.split("  ")[1] for line in screen.everything if "sentence" in line]
        assert shown == [f"sentence {number}" for number in range(100)]


def test_writes_nothing_where_nothing_visible_changed(board: Board) -> None:
    board.begin(0)
    board.partial(0, "Okay")
    before = board.screen.writes
    for _ in range(20):
        board.tick()
        board.partial(0, "Okay")
    assert board.screen.writes == before


def test_what_concerns_one_source_says_which(board: Board) -> None:
    """A message that names it already is not made longer; what concerns all names none."""
    board.begin(1)
    board.output.event(Notice("the file ends early", "check it"), 1)
    board.output.event(Notice("two.wav ends early"), 1)
    board.output.notice("careful")
    board.output.say("1 of 4 sources failed\x1b[2J")
    board.tick()
    assert board.screen.lines[:4] == [
        "asrcli: warning: two.wav: the file ends early (check it)",
        "asrcli: warning: two.wav ends early",
        "asrcli: warning: careful",
        "1 of 4 sources failed\\x1b[2J",
    ]


def test_nothing_of_the_table_is_left_at_the_end(board: Board) -> None:
    """What was still to be printed is; the cursor is back."""
    board.begin(0)
    board.final(0, "Okay.")
    board.end(0)
    board.output.error(LinkError("no"))
    board.output.close()
    board.output.close()
    assert board.screen.lines == ["==> talks/one.wav <==", "Okay.", "asrcli: error: no"]
    assert not board.screen.screen.cursor.hidden


def test_service_text_drives_no_terminal(board: Board) -> None:
    board.begin(0)
    board.partial(0, "[/b] \x1b[31mred\x1b]0;t\x07[bold]")
    assert board.screen.lines[1].endswith("[/b] \\x1b[31mred\\x1b]0;t\\x07[bold]")


@pytest.mark.parametrize("quiet", [False, True])
def test_without_a_live_view_lines_say_which_source_they_are_about(quiet: bool) -> None:
    stream = io.StringIO()
    view = QuietView(stream, quiet).for_many(Many(NAMES, DURATIONS, 2))
    view.event(Reconnecting(1, 0, "connection lost."), 1)
    view.event(Notice("two.wav ends early"), 1)
    view.error(LinkError("no"), 2)
    view.error(LinkError("at all"))
    warnings = "asrcli: warning: two.wav: connection lost; reconnecting\nasrcli: warning: two.wav ends early\n" * (
        not quiet
    )
    assert stream.getvalue() == f"{warnings}asrcli: error: three.mp3: no\nasrcli: error: at all\n"


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("partial"), st.integers(0, 3), st.text("你好 ab", min_size=1, max_size=120)),
        st.tuples(st.just("final"), st.integers(0, 3), st.just("")),
        st.tuples(st.just("resize"), st.integers(20, 100), st.integers(2, 30)),
    ),
    max_size=25,
)


@pytest.mark.parametrize("reflow", [True, False])
@settings(max_examples=40)
@given(steps=STEPS)
@example(steps=[("final", 0, ""), ("resize", 34, 2), ("final", 0, ""), ("resize", 41, 2)])
@example(steps=[*[("final", 0, "")] * 5, *[("partial", 0, "a"), ("resize", 25, 17)] * 2, ("resize", 22, 8)])
def test_no_result_is_ever_erased(reflow: bool, steps: list[tuple[str, int, Any]]) -> None:
    """Every final is there once and in order, whatever partials, finals and window sizes follow each other."""
    with terminal(60, 12, reflow=reflow) as screen:
        board = Board(screen, environ=MODERN if reflow else XTERM)
        for number in range(4):
            board.begin(number)
        written: dict[int, list[str]] = {number: [] for number in range(4)}
        for kind, first, second in steps:
            if kind == "partial":
                board.partial(first, second)
            elif kind == "final":
                # No space, which would be none at the end of a row.
                written[first].append(f"<final-{first}-{len(written[first])}>")
                board.final(first, written[first][-1], len(written[first]))
            elif reflow:
                screen.resize(first, second)
            else:
                # A terminal that cuts also forgets the rows above a lower window.
                screen.resize(first, 12)
        for number in range(4):
            board.end(number)
        board.output.close()
        # Joined: in a window of two rows a final may come to stand behind a wrapped rest of the region.
        shown = re.findall("<final-[0-9]+-[0-9]+>", "".join(screen.everything))
        assert shown == [text for number in range(4) for text in written[number]]


def test_what_is_to_stand_before_a_sentence_follows_its_source() -> None:
    with terminal(100, 24) as screen:
        board = Board(screen, here=False, line_of=functools.partial(sentence_line, timestamps=True, labels=True))
        board.begin(1)
        board.output.event(FinalResult(Sentence(1, "Okay.", 1000, 2500, emotion="happy")), 1)
        board.tick()
        assert screen.lines[0] == f"{board.names[1]}  [0:00:01.000 --> 0:00:02.500] [happy] Okay."
