"""JSON lines: the exact schema, and text that survives every pipe."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.output.base import Begin
from asrcli.output.formats.jsonl import JsonLines
from asrcli.values.errors import (
    AsrcliError,
    AuthError,
    Interrupted,
    LinkError,
    OutputError,
    ProtocolViolation,
    ServiceError,
)
from asrcli.values.events import (
    AudioSent,
    Event,
    FinalResult,
    LinkReady,
    Notice,
    PartialResult,
    Reconnecting,
    Sentence,
    SessionStarted,
    SpeechStarted,
    SpeechStopped,
    Tick,
    UsageReported,
    Word,
    WorkersChanged,
)
from asrcli.values.summary import Summary

BEGIN = Begin("talk.wav", "fun-asr-realtime", "intl", "run-task", 16000)
ANY_TEXT = st.text(st.characters(exclude_categories=()))


def _begun(partials: bool = True) -> JsonLines:
    lines = JsonLines(partials)
    lines.begin(BEGIN)
    return lines


def test_begin() -> None:
    assert JsonLines().begin(BEGIN) == (
        '{"type":"begin","v":1,"source":"talk.wav","model":"fun-asr-realtime","region":"intl",'
        '"protocol":"run-task","sample_rate_hz":16000}\n'
    )


def test_begin_holds_length_and_date_where_known() -> None:
    line = JsonLines().begin(Begin("a", "m", "cn", "realtime", 8000, 1500, "2026-01-02T03:04:05Z"))
    assert line.endswith('"sample_rate_hz":8000,"duration_ms":1500,"captured_at":"2026-01-02T03:04:05Z"}\n')
    line = JsonLines().begin(Begin("a", "m", "cn", "realtime", 8000, begun_at="2026-01-02T03:04:05.678+01:00"))
    assert line.endswith('"sample_rate_hz":8000,"begun_at":"2026-01-02T03:04:05.678+01:00"}\n')


def test_begin_holds_where_it_can_be_heard_unless_that_is_the_source() -> None:
    assert JsonLines().begin(Begin("-", "m", "cn", "realtime", 8000, audio="a.wav")).endswith(',"audio":"a.wav"}\n')
    assert "audio" not in JsonLines().begin(Begin("a.wav", "m", "cn", "realtime", 8000, audio="a.wav"))


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (
            PartialResult(Sentence(1, "Okay, I", 170, words=(Word("Okay", 170, 295),), emotion="happy")),
            '{"type":"partial","source":"talk.wav","index":1,"begin_ms":170,"end_ms":null,"text":"Okay, I",'
            '"emotion":"happy"}\n',
        ),
        (
            PartialResult(Sentence(1, "好", language="zh", emotion_confidence=0.5), received_ms=1300),
            '{"type":"partial","source":"talk.wav","index":1,"begin_ms":null,"end_ms":null,"text":"好",'
            '"language":"zh","received_ms":1300}\n',
        ),
        (
            FinalResult(Sentence(1, "Okay.", 170, 920), 1450, UsageReported(2, output_tokens=3)),
            '{"type":"final","source":"talk.wav","index":1,"begin_ms":170,"end_ms":920,"text":"Okay.",'
            '"received_ms":1450,"usage":{"billed_s":2,"output_tokens":3}}\n',
        ),
        (SessionStarted("7f3a"), '{"type":"session","source":"talk.wav","task_id":"7f3a"}\n'),
        (SpeechStarted(170), '{"type":"speech","source":"talk.wav","begin_ms":170,"end_ms":null}\n'),
        (SpeechStopped(920), '{"type":"speech","source":"talk.wav","begin_ms":null,"end_ms":920}\n'),
        (
            FinalResult(Sentence(1, "Okay.", 170, 920, (Word("Okay", 170, 295, "."),))),
            '{"type":"final","source":"talk.wav","index":1,"begin_ms":170,"end_ms":920,"text":"Okay.",'
            '"words":[{"text":"Okay","begin_ms":170,"end_ms":295,"punctuation":"."}]}\n',
        ),
        (
            FinalResult(Sentence(2, "好。", language="zh", emotion="sad", emotion_confidence=0.5, speaker="1")),
            '{"type":"final","source":"talk.wav","index":2,"begin_ms":null,"end_ms":null,"text":"好。",'
            '"language":"zh","emotion":"sad","emotion_confidence":0.5,"speaker":"1"}\n',
        ),
        (
            FinalResult(Sentence(3, "a", words=(Word("a", None, None, speaker="2"),), emotion_confidence=float("nan"))),
            '{"type":"final","source":"talk.wav","index":3,"begin_ms":null,"end_ms":null,"text":"a",'
            '"words":[{"text":"a","begin_ms":null,"end_ms":null,"punctuation":"","speaker":"2"}]}\n',
        ),
        (
            Reconnecting(1, 920, "connection lost (1011)"),
            '{"type":"reconnect","source":"talk.wav","attempt":1,"resume_ms":920,"reason":"connection lost (1011)",'
            '"code":null,"wait_ms":0}\n',
        ),
        (
            Notice("the file ends early", "check it"),
            '{"type":"notice","source":"talk.wav","message":"the file ends early","hint":"check it"}\n',
        ),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_events(event: Event, line: str) -> None:
    assert _begun().event(event) == line


@pytest.mark.parametrize(
    "event",
    [
        *(Tick(), LinkReady(1.0), AudioSent(100), UsageReported(1)),
        # The vendor did not say when.
        *(SpeechStarted(None), SpeechStopped(None)),
    ],
)
def test_inner_events_give_no_line(event: Event) -> None:
    assert _begun().event(event) == ""


def test_partials_can_be_left_out() -> None:
    lines = _begun(partials=False)
    assert lines.event(PartialResult(Sentence(1, "Okay"))) == ""
    assert lines.event(FinalResult(Sentence(1, "Okay."))) != ""


def test_a_partial_that_says_nothing_new_is_not_written_again() -> None:
    """Whenever it comes; of sentences that are open at the same time each is compared with itself."""
    lines = _begun()
    one, two = Sentence(1, "Okay", 170), Sentence(2, "Okay", 900)
    written = [
        bool(lines.event(PartialResult(sentence, received_ms)))
        for received_ms, sentence in enumerate((one, two, one, two, replace(one, heard_ms=5), replace(one, text="Oh")))
    ]
    assert written == [True, True, False, False, False, True]
    assert lines.event(PartialResult(replace(one, text="Oh", emotion="sad"))) != ""


def test_the_end_of_speech_tells_its_begin_once() -> None:
    lines = _begun()
    told = [lines.event(event) for event in (SpeechStarted(0), SpeechStopped(900), SpeechStopped(1000))]
    assert [json.loads(line)["begin_ms"] for line in told] == [0, 0, None]


def test_end() -> None:
    """The agreed fields come first; unknown is null."""
    summary = Summary(
        source="talk.wav", complete=True, wall_s=31.90049, sentences=8, task_ids=("t",), audio_ms=31240, billed_s=32,
        sent_bytes=109_000, kbit_s=27.91293, resent_ms=1240
    )  # fmt: skip
    assert _begun().end(summary) == (
        '{"type":"end","source":"talk.wav","audio_ms":31240,"sentences":8,"billed_s":32,"first_partial_ms":null,'
        '"last_final_ms":null,"task_ids":["t"],"reconnects":0,"complete":true,"input_tokens":null,'
        '"output_tokens":null,"connect_ms":null,"ready_ms":null,"wall_s":31.9,"real_time_factor":null,'
        '"truncated":false,"sent_bytes":109000,"kbit_s":27.913,"resent_s":1.24}\n'
    )


@pytest.mark.parametrize(
    ("error", "source", "line"),
    [
        (
            ServiceError("Arrearage", "Access denied", request_id="r1", hint="pay"),
            "talk.wav",
            '{"type":"error","source":"talk.wav","code":"Arrearage","message":"Access denied","hint":"pay",'
            '"retryable":false,"request_id":"r1"}\n',
        ),
        (
            LinkError("cannot reach x"),
            None,
            '{"type":"error","source":null,"code":"LinkError","message":"cannot reach x","hint":"",'
            '"retryable":true,"request_id":null}\n',
        ),
    ],
)
def test_errors(error: AsrcliError, source: str | None, line: str) -> None:
    assert _begun().error(error, source) == line


def _given_up(error: AsrcliError) -> AsrcliError:
    error.tries, error.missing = 3, ((900, 2000), (5000, None))
    return error


@pytest.mark.parametrize(
    ("error", "message", "facts"),
    [
        (_given_up(LinkError("lost")), "lost", {"tries": 3, "missing": [[900, 2000], [5000, None]]}),
        (ServiceError("Noise", "too loud", utterances=2), "too loud", {"utterances": 2}),
        (
            AuthError("Invalid API-key.", refused_by="wss://host/path", http_status=401),
            "Invalid API-key.",
            {"refused_by": "wss://host/path", "http_status": 401},
        ),
        (ProtocolViolation("not JSON", excerpt="'{'"), "not JSON", {"excerpt": "'{'"}),
        (Interrupted(15, "interrupted by SIGTERM", done=0, total=6), "interrupted by SIGTERM", {"done": 0, "total": 6}),
        (
            OutputError("no room", after=_given_up(ServiceError("Busy", "not now"))),
            "no room",
            {
                "after": {
                    "code": "Busy",
                    "message": "not now",
                    "tries": 3,
                    "missing": [[900, 2000], [5000, None]],
                }
            },
        ),
    ],
)
def test_what_is_known_of_an_error_stands_beside_its_message(error, message, facts) -> None:
    line = json.loads(_begun().error(error, "talk.wav"))
    known = ["type", "source", "code", "message", "hint", "retryable", "request_id"]
    assert list(line) == [*known, *facts]
    assert line["message"] == message
    assert {name: line[name] for name in facts} == facts


def test_what_could_drive_a_terminal_or_break_a_line_is_escaped() -> None:
    line = _begun().event(PartialResult(Sentence(1, "好\x1b\x7f\x85\x9b\u2028\u2029\udcff\n")))
    assert line.endswith('"text":"好\\u001b\\u007f\\u0085\\u009b\\u2028\\u2029\\udcff\\n"}\n')


@given(ANY_TEXT, ANY_TEXT)
def test_every_text_comes_back_from_a_utf8_pipe(source: str, text: str) -> None:
    """Any text, lone surrogates too, is one line of UTF-8 that parses to the same text."""
    lines = JsonLines()
    lines.begin(Begin(source, "m", "intl", "run-task", 16000))
    line = lines.event(FinalResult(Sentence(1, text, words=(Word(text, 0, 1),))))
    assert len(line.splitlines()) == 1
    parsed = json.loads(line.encode("utf-8"))
    assert list(parsed)[:2] == ["type", "source"]
    assert _paired(parsed["source"]) == _paired(source)
    assert _paired(parsed["text"]) == _paired(parsed["words"][0]["text"]) == _paired(text)


def _paired(text: str) -> bytes:
    """In JSON, two lone surrogates that stand side by side are one character."""
    return text.encode("utf-16-le", "surrogatepass")


def test_who_works_on_the_sources_of_a_run_concerns_none_of_them() -> None:
    line = JsonLines().event(WorkersChanged(4, 1, 12_000))
    assert line == '{"type":"workers","workers":4,"lost":1,"resent_s":12.0}\n'
