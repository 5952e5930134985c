"""Plain text and the views without a live region."""

from __future__ import annotations

import io

import pytest

from asrcli.output.base import Begin
from asrcli.output.formats.text import PlainText, title
from asrcli.output.views.plain import QuietView, StatusView
from asrcli.values.errors import LinkError, ServiceError
from asrcli.values.events import Event, FinalResult, Notice, PartialResult, Reconnecting, Sentence, Tick
from asrcli.values.summary import Summary

BEGIN = Begin("talk.wav", "fun-asr-realtime", "local", "run-task", 16000)
SUMMARY = Summary(source="talk.wav", complete=True, wall_s=1.0)


def test_only_finals_become_lines() -> None:
    text = PlainText()
    final = text.event(FinalResult(Sentence(1, " Okay,\nI got it.\x1b[2J ", 170, 920)))
    others = [text.event(event) for event in (PartialResult(Sentence(2, "and")), Notice("careful"), Tick())]
    assert final == "Okay, I got it.\\x1b[2J\n"
    assert others == ["", "", ""]
    assert text.begin(BEGIN) + text.end(SUMMARY) + text.error(LinkError("no"), None) == ""


@pytest.mark.parametrize(("seen", "shown"), [(True, "a\\u200bb"), (False, "a\u200bb")])
def test_what_shows_as_nothing_is_escaped_for_a_terminal_only(seen: bool, shown: str) -> None:
    assert PlainText(seen=seen).event(FinalResult(Sentence(1, "a\u200bb"))) == f"{shown}\n"


def test_a_title_does_not_tell_a_key() -> None:
    assert title("sk-0123456789abcdef0123.wav") == "==> sk-….wav <==\n"


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_a_sentence_without_text_gives_no_line(text: str) -> None:
    assert PlainText(timestamps=True).event(FinalResult(Sentence(1, text, 0, 10))) == ""


@pytest.mark.parametrize(
    ("begin_ms", "end_ms", "line"),
    [
        (170, 3_723_004, "[0:00:00.170 --> 1:02:03.004] Okay.\n"),
        (0, None, "[0:00:00.000] Okay.\n"),
        (None, None, "Okay.\n"),
    ],
)
def test_timestamps_stand_in_front_where_known(begin_ms: int | None, end_ms: int | None, line: str) -> None:
    assert PlainText(timestamps=True).event(FinalResult(Sentence(1, "Okay.", begin_ms, end_ms))) == line


EVENTS: list[Event] = [
    PartialResult(Sentence(1, "Okay")),
    FinalResult(Sentence(1, "Okay.")),
    Reconnecting(1, 0, "lost"),
    Tick(),
    Notice("the file\nends early", "check it"),
]


@pytest.mark.parametrize(
    ("view", "quiet", "expected"),
    [
        (QuietView, False, "asrcli: warning: lost; reconnecting\nasrcli: warning: the file ends early (check it)\n"),
        (QuietView, True, ""),
        (StatusView, True, ""),
        (
            StatusView,
            False,
            "talk.wav · fun-asr-realtime · local\nasrcli: warning: lost; reconnecting\n"
            "asrcli: warning: the file ends early (check it)\n",
        ),
    ],
)
def test_views_say_no_more_than_asked(view: type[QuietView], quiet: bool, expected: str) -> None:
    """Errors are always said; warnings not under quiet; a status line only by StatusView."""
    stream = io.StringIO()
    shown = view(stream, quiet)
    shown.begin(BEGIN)
    for event in EVENTS:
        shown.event(event)
    shown.above(lambda: None)
    shown.error(ServiceError("Throttling", "too\x1b fast", request_id="r", hint="wait"))
    shown.end(SUMMARY)
    shown.close()
    error = "asrcli: error: the service answered Throttling, task ID r: too\\x1b fast (wait)\n"
    assert stream.getvalue() == expected + error


def test_a_view_whose_stream_has_gone_stays_silent() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    QuietView(Gone()).error(LinkError("no"))


def test_what_is_said_is_shown_line_by_line_and_safely() -> None:
    stream = io.StringIO()
    QuietView(stream).say("talk.wav\n  audio  1 s\x1b[2J\n")
    assert stream.getvalue() == "talk.wav\n  audio  1 s\\x1b[2J\n"


def test_a_microphone_is_opened_and_then_listened_to() -> None:
    """Two lines on the terminal; none for a stderr that is no terminal."""
    begin = Begin("Yeti", "m", "intl", "run-task", 16000, live=True, source_rate_hz=44100)
    for view, expected in (
        (StatusView, "opening the mic …\nlistening · Yeti · 44.1 kHz · m · intl\n"),
        (QuietView, ""),
    ):
        stream = io.StringIO()
        shown = view(stream)
        shown.opening("the mic")
        shown.begin(begin)
        assert stream.getvalue() == expected
