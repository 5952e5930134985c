"""The live view, seen through a terminal emulator."""

from __future__ import annotations

import functools
import termios
from collections.abc import Iterator

import pytest

from asrcli.output.base import Begin
from asrcli.output.views.live import LiveView
from asrcli.output.wording import sentence_line
from asrcli.system.echo import leave_terminals
from asrcli.values.errors import LinkError
from asrcli.values.events import (
    AudioFinished,
    AudioSent,
    FinalResult,
    Notice,
    PartialResult,
    Reconnecting,
    Sentence,
    SessionStarted,
    Tick,
)
from asrcli.values.summary import Summary
from tests.output.views.screen import FakeClock, Session, terminal

SUMMARY = Summary(source="talks/talk.wav", complete=True, wall_s=1.0)


@pytest.fixture(params=[(80, 24), (40, 10)], ids=["80x24", "40x10"])
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    with terminal(*request.param) as screen:
        yield Session(screen)


@pytest.fixture
def narrow() -> Iterator[Session]:
    with terminal(40, 8) as screen:
        yield Session(screen)


def test_something_is_on_screen_before_anything_happens(session: Session) -> None:
    """begin() alone shows the state and the source, with the cursor hidden."""
    assert session.screen.lines[0].startswith("connecting… · talk.wav")
    assert len(session.screen.lines) == 1
    assert session.screen.screen.cursor.hidden


def test_keys_are_not_echoed_until_it_is_closed(session: Session) -> None:
    """What is typed would move the region, and leave rows behind."""

    def echoes() -> bool:
        return bool(termios.tcgetattr(session.screen.fileno())[3] & termios.ECHO)

    assert not echoes()
    session.final("Okay.")
    assert not echoes()
    session.view.close()
    assert echoes()


def test_a_process_that_is_stopped_makes_room_for_the_shell(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(descriptor: int, data: bytes) -> int:
        assert descriptor == session.screen.fileno()
        return session.screen.write(data.decode())

    session.partial("Okay, I")
    with monkeypatch.context() as patch:
        patch.setattr("asrcli.output.views.region.os.write", write)
        leave_terminals()
    assert session.screen.lines == []
    assert not session.screen.screen.cursor.hidden
    session.screen.write("$ fg\n")
    session.partial("Okay, I got")
    assert session.screen.lines[:2] == ["$ fg", "Okay, I got"]
    assert session.screen.screen.cursor.hidden


def test_one_partial_is_replaced_in_place(session: Session) -> None:
    """Partials grow, shrink and change on the same rows."""
    for text in ("Okay", "Okay, I", "Okay, I got it and even more than that, much more", "Oh"):
        session.partial(text)
    assert session.screen.lines[0] == "Oh"
    assert session.screen.lines[1].startswith("connecting…")
    assert len(session.screen.everything) == 2


def test_finals_scroll_up_and_stay(session: Session) -> None:
    """Thirty sentences scroll through, each exactly once, the status below them."""
    expected = [f"sentence number {number}" for number in range(30)]
    for number, text in enumerate(expected):
        session.partial(text[:10], number)
        session.final(text, number)
    *finals, status = session.screen.everything
    assert finals == expected
    assert status.startswith("connecting…")


def test_finals_appear_at_once_whatever_the_rate(session: Session) -> None:
    """The rate limit does not hold back a final, and its partial goes with it."""
    session.partial("Okay, I")
    session.final("Okay, I got it.")
    assert session.screen.lines[0] == "Okay, I got it."
    assert session.screen.lines[1].startswith("connecting…")


def test_final_and_region_do_not_move_the_status_line(narrow: Session) -> None:
    """At the bottom of the screen, a final takes its partial's place and the status stays on the last row."""
    for number in range(12):
        narrow.partial(f"word {number} " * 8, number)
        narrow.final(f"word {number} " * 8, number)
        if number > 5:
            assert narrow.screen.lines[-1].startswith("connecting…")
            assert len(narrow.screen.lines) == 8


def test_finals_show_on_stderr_where_the_results_go_elsewhere() -> None:
    with terminal() as screen:
        session = Session(screen, elsewhere=True)
        session.partial("Okay")
        session.final("Okay, I got it.")
        assert session.file == ["Okay, I got it.\n"]
        assert screen.lines[0] == "Okay, I got it."
        assert screen.lines[1].startswith("connecting…")


@pytest.mark.parametrize("columns", [40, 79, 80])
def test_a_partial_taller_than_the_screen_shows_its_newest_words(columns: int) -> None:
    """A long Chinese partial takes half the window, and nothing of it enters the scrollback."""
    text = "".join(chr(0x4E00 + number) for number in range(700))
    with terminal(columns, 10) as screen:
        session = Session(screen)
        for length in range(10, 700, 23):
            session.partial(text[:length])
        session.partial(text)
        *rows, status = screen.lines
        assert status.startswith("connecting…")
        assert len(rows) == 4
        assert "".join(rows) == text[-len("".join(rows)) :]
        assert all(len(row) == (columns - 1) // 2 for row in rows[:-1])
        assert screen.scrollback == []


def test_a_very_long_partial_keeps_its_folds_while_it_grows() -> None:
    """Rows above the last one do not change when words are added to a text longer than the screen."""
    words = " ".join(f"word{number}" for number in range(800))
    with terminal(40, 10) as screen:
        session = Session(screen)
        session.partial(words)
        before = screen.lines[:-2]
        session.partial(words + " x")
        assert screen.lines[:-2] == before


def test_redraws_at_most_ten_times_a_second(session: Session) -> None:
    """A hundred changes in one second give ten redraws; the newest is drawn at the next tick."""
    session.output.event(SessionStarted("task"))
    session.clock.go(1.0)
    before = session.screen.writes
    for number in range(100):
        session.output.event(PartialResult(Sentence(1, f"partial {number}")))
        session.clock.go(0.01)
    assert session.screen.writes - before <= 10
    session.clock.go(0.1)
    session.output.event(Tick())
    assert session.screen.lines[0] == "partial 99"


def test_writes_nothing_where_nothing_visible_changed(session: Session) -> None:
    session.output.event(SessionStarted("task"))
    session.partial("Okay")
    before = session.screen.writes
    for _ in range(20):
        session.clock.go(0.2)
        session.output.event(Tick())
        session.output.event(PartialResult(Sentence(1, "Okay")))
    assert session.screen.writes == before


def test_service_text_drives_no_terminal_and_is_no_markup(session: Session) -> None:
    """Escape codes and rich markup show literally, in partials and finals."""
    session.partial("[/b] \x1b[31mred\x1b]0;t\x07[bold]")
    assert session.screen.lines[0] == "[/b] \\x1b[31mred\\x1b]0;t\\x07[bold]"
    session.view.notice("[/b] \x1b[2J", "")
    assert session.screen.lines[0] == "asrcli: warning: [/b] \\x1b[2J"


def test_notices_reconnects_and_errors_stand_above_the_region(session: Session) -> None:
    session.output.event(Notice("the file ends early", "check it"))
    session.output.event(Reconnecting(1, 900, "connection lost (1011)"))
    session.output.error(LinkError("cannot reach x", hint="try again"))
    lines = session.screen.lines
    at = lines.index("connection lost (1011); reconnecting")
    assert "".join(lines[:at]) == "asrcli: warning: the file ends early (check it)"
    assert "".join(lines[at + 1 : -1]) == "asrcli: error: cannot reach x (try again)"
    assert lines[-1].startswith("reconnecting… · talk.wav")


def test_what_is_said_stands_above_the_region_safely(session: Session) -> None:
    session.output.say("talk.wav\n  audio   1.0 s\x1b[2J\n")
    assert session.screen.lines[:2] == ["talk.wav", "  audio   1.0 s\\x1b[2J"]
    assert session.screen.lines[2].startswith("connecting…")


def test_status_follows_a_file() -> None:
    """State, names, bar, position, length and time left fit 80 columns."""
    with terminal(80, 5) as screen:
        session = Session(screen)
        session.output.event(SessionStarted("task"))
        for second in range(43):
            session.output.event(AudioSent(second * 1000))
            session.clock.go(1.0)
        session.output.event(Tick())
        assert screen.lines == ["listening · talk.wav · fun-asr-realtime · local · ━━━╸─── 0:42/1:23 · 0:41 left"]
        session.output.event(AudioFinished(43_000))
        session.clock.go(0.2)
        session.output.event(Tick())
        assert screen.lines[0].startswith("finishing… · talk.wav")


def test_a_narrow_status_keeps_what_matters_most(narrow: Session) -> None:
    """40 columns: state, a shortened source and the position."""
    narrow.output.begin(
        Begin("rec/an-extremely-long-file-name.wav", "fun-asr-realtime", "intl", "run-task", 16000, 600_000)
    )
    assert narrow.screen.lines == ["connecting… · an-extremel… · 0:00/10:00"]


@pytest.mark.parametrize("columns", [1, 2, 3, 9, 14, 20])
def test_a_tiny_window_is_survived(columns: int) -> None:
    """Nothing wraps and nothing fails, however few columns there are."""
    with terminal(columns, 3) as screen:
        session = Session(screen)
        session.partial("你好 hello")
        session.partial("你好 hello again")
        session.output.close()
        assert screen.lines == []


def test_the_region_is_gone_at_the_end_and_the_cursor_back(session: Session) -> None:
    """Only results stay on the screen; closing again writes nothing."""
    session.final("Okay.")
    session.partial("and", 2)
    session.output.end(SUMMARY)
    session.output.close()
    writes = session.screen.writes
    session.output.close()
    assert session.screen.lines == ["Okay."]
    assert not session.screen.screen.cursor.hidden
    assert session.screen.screen.cursor.y == 1
    assert session.screen.writes == writes


def test_a_failing_write_leaves_the_region_in_place(session: Session) -> None:
    """above() puts the region back when the results' reader has gone."""

    def fail() -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        session.view.above(fail)
    assert session.screen.lines[0].startswith("connecting…")


def test_a_terminal_that_has_gone_does_not_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Results are still delivered when stderr can no longer be written."""
    with terminal() as screen:
        session = Session(screen, elsewhere=True)

        def gone(text: str) -> int:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(screen, "write", gone)
        session.partial("Okay")
        session.final("Okay.")
        session.output.close()
        assert session.file == ["Okay.\n"]


@pytest.mark.parametrize(
    ("color", "environ", "colored"),
    [("auto", {}, True), ("auto", {"NO_COLOR": "1"}, False), ("always", {"NO_COLOR": "1"}, True), ("never", {}, False)],
)
def test_color_is_the_users_choice(color: str, environ: dict[str, str], colored: bool) -> None:
    with terminal() as screen:
        view = LiveView(screen, shows_finals=False, clock=FakeClock(), color=color, environ=environ)
        view.error(LinkError("no"))
        assert ("\x1b[31m" in screen.written) == colored


def test_live_status_shows_elapsed_time_and_delay() -> None:
    """A microphone shows the time since the begin, and how late words come after their sound."""
    with terminal(80, 5) as screen:
        session = Session(screen)
        session.output.begin(Begin("microphone", "fun-asr-realtime", "intl", "run-task", 16000, live=True))
        session.output.event(SessionStarted("task"))
        for number in range(1, 31):
            session.clock.go(0.1)
            session.output.event(AudioSent(number * 100))
        session.output.event(FinalResult(Sentence(1, "", end_ms=2500)))
        session.clock.go(0.2)
        session.output.event(Tick())
        assert screen.lines == ["listening · microphone · fun-asr-realtime · intl · 0:03 · delay 0.5 s"]


def test_what_is_being_opened_is_shown_until_the_begin() -> None:
    """And nothing of it is left where nothing begins."""
    with terminal(40, 8) as screen:
        view = LiveView(screen, shows_finals=False, clock=FakeClock(), color="never", environ={})
        view.opening("the\x1b microphone")
        assert screen.lines == ["opening the\\x1b microphone …"]
        view.begin(Begin("Yeti", "m", "intl", "run-task", 16000, live=True))
        assert screen.lines == ["connecting… · Yeti · m · intl · 0:00"]
        view.close()
    with terminal(40, 8) as screen:
        view = LiveView(screen, shows_finals=False, clock=FakeClock(), color="never", environ={})
        view.opening("the microphone")
        view.error(LinkError("no"))
        view.close()
        assert screen.everything == ["asrcli: error: no"]


def test_what_is_to_stand_before_a_sentence_does() -> None:
    """Also before the open one, as far as it is known."""
    line_of = functools.partial(sentence_line, timestamps=True, labels=True)
    with terminal(80, 24) as screen:
        session = Session(screen, elsewhere=True, line_of=line_of)
        session.clock.go(0.2)
        session.output.event(PartialResult(Sentence(1, "Okay", 1000)))
        assert screen.lines[0] == "[0:00:01.000] Okay"
        session.output.event(FinalResult(Sentence(1, "Okay.", 1000, 2500, language="en", speaker="1")))
        assert screen.lines[0] == "[0:00:01.000 --> 0:00:02.500] [en, speaker 1] Okay."
