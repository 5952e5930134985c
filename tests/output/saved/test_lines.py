"""Saved lines: what was written comes back, and whatever else is in a file gives a reason and no traceback."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.output.base import Begin
from asrcli.output.formats.jsonl import JsonLines
from asrcli.output.saved.lines import MOST_BYTES, Line, read_lines
from asrcli.values.errors import AuthError
from asrcli.values.events import (
    Event,
    FinalResult,
    Notice,
    Reconnecting,
    Sentence,
    SessionStarted,
    SpeechStarted,
    SpeechStopped,
    UsageReported,
    Word,
)
from asrcli.values.summary import Summary

BEGIN = Begin(
    "talk.wav",
    "m",
    "intl",
    "run-task",
    16000,
    1500,
    "2026-01-02T03:04:05Z",
    begun_at="2026-01-02T03:04:06Z",
    audio="kept.wav",
    send="opus",
)
EVENTS: list[Event] = [
    SessionStarted("7f3a"),
    SpeechStarted(100),
    SpeechStopped(900),
    FinalResult(
        Sentence(
            1,
            "Hé, 好。",
            100,
            900,
            (Word("Hé", 100, 200, ","), Word("好", None, None, "。", "2")),
            "zh",
            "sad",
            0.5,
            "1",
        ),
        1300,
        UsageReported(2, None, 7),
    ),
    Reconnecting(2, 900, "lost (1011)", "Busy", 0.412),
    Notice("the file ends early", "check it"),
    FinalResult(Sentence(2, "")),
]
SUMMARY = Summary("talk.wav", True, 1.5, 2, 1, ("7f3a", "b"), 1500, 2, None, 7, 0.25, 3, 4, 5, 1.0, True, 6000, 32.0)
FINAL = {"type": "final", "source": "a", "index": 1, "begin_ms": 0, "end_ms": 900, "text": "Hello."}


def read(data: bytes, *, with_words: bool = True) -> list[Line]:
    return list(read_lines(io.BytesIO(data), with_words=with_words))


def values(data: bytes) -> list[object]:
    return [line.saved.value for line in read(data) if line.saved is not None]


def problems(data: bytes) -> list[tuple[int, str]]:
    return [(line.number, line.problem) for line in read(data) if line.saved is None]


def line_of(**fields: object) -> bytes:
    return json.dumps(FINAL | fields).encode() + b"\n"


def written() -> str:
    form = JsonLines()
    return form.begin(BEGIN) + "".join(map(form.event, EVENTS)) + form.end(SUMMARY)


def test_what_was_written_comes_back() -> None:
    assert values(written().encode()) == [BEGIN, *EVENTS, SUMMARY]
    assert {line.saved.source for line in read(written().encode()) if line.saved} == {"talk.wav"}


def test_an_error_comes_back_as_it_was_told() -> None:
    error = AuthError("Invalid API-key.", hint="see", service_code="InvalidApiKey", refused_by="x", http_status=401)
    error.tries, error.missing = 3, ((900, 2000), (5000, None))
    line = JsonLines().error(error, "talk.wav")
    [found] = values(line.encode())
    assert JsonLines().error(found, "talk.wav") == line  # type: ignore[arg-type]


def test_partials_and_what_later_versions_add_is_skipped() -> None:
    later = written().replace('"type":"final"', '"new":{"type":"x"},"type":"final"').encode()
    assert values(later + b'{"type":"cheer","source":"talk.wav"}\n') == [BEGIN, *EVENTS, SUMMARY]
    assert values(b'{"type":"partial","source":"a","text":"Hel"}\n') == [None]


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + line_of(),
        line_of().replace(b"\n", b"\r\n"),
        b"\n \n" + line_of().rstrip(),
        line_of(new=[[{}]]),
    ],
)
def test_what_other_programs_make_of_lines_is_read(data: bytes) -> None:
    assert values(data) == [FinalResult(Sentence(1, "Hello.", 0, 900))]
    assert problems(data) == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"\xff\xfe{", "not UTF-8"),
        (b"\0\0\0", "no JSON: Expecting value at character 1"),
        (b'{"type":"final",', "no JSON: Expecting property name enclosed in double quotes at character 17"),
        (b"[1]", "JSON, but no object"),
        (b"{}", "an object without a type, which is no line of asrcli"),
        (b'{"id":"a","complete":true,"text":"a"}', "a line of --results, which has no times"),
        (b'{"type":7}', "an object without a type, which is no line of asrcli"),
        (b'{"type":"final"}', "a final without a text"),
        (b'{"type":"final","text":["a"]}', "a final without a text"),
        (b"[" * 200_000, "no JSON that can be read"),
        (b'{"type":"final","text":"a","index":' + b"9" * 5000 + b"}", "no JSON that can be read"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_broken_line_has_a_number_and_a_reason_and_stops_no_other(line: bytes, problem: str) -> None:
    data = line_of() + line + b"\n" + line_of(index=2)
    assert problems(data) == [(2, problem)]
    assert len(values(data)) == 2


def test_the_last_line_of_a_killed_run_is_cut_off() -> None:
    line = written().encode().splitlines()[0]
    assert all(problems(line[:cut]) == [(1, "cut off")] for cut in range(1, len(line)))
    assert problems(line) == []


def test_a_line_without_an_end_is_not_read_whole() -> None:
    data = b'"' + b"a" * (2 * MOST_BYTES + 5) + b"\n" + line_of()
    assert problems(data) == [(1, "longer than 16 MiB")]
    assert len(values(data)) == 1


def test_what_was_appended_to_a_line_that_was_cut_is_not_lost() -> None:
    assert values(line_of()[:-20] + written().encode()) == [BEGIN, *EVENTS, SUMMARY]
    assert problems(line_of()[:-20] + line_of(index=2)) == [(1, "cut off")]
    assert problems(line_of().strip() + line_of()) == []


@pytest.mark.parametrize("wrong", [-1, 1.5, True, "9", [], float("nan"), float("inf"), 10**15, {}])
def test_a_time_that_is_none_is_not_known_and_costs_no_text(wrong: object) -> None:
    [line] = read(line_of(begin_ms=wrong, end_ms=wrong))
    assert line.saved is not None
    assert line.saved.value == FinalResult(Sentence(1, "Hello."))
    assert line.saved.doubts == ("begin_ms is no number", "end_ms is no number")


@pytest.mark.parametrize(
    "words", ["ab", {}, [1], [{}], [{"text": "a", "begin_ms": "0"}], [{"text": "a", "end_ms": -1}]]
)
def test_words_that_are_none_cost_no_text(words: object) -> None:
    [line] = read(line_of(words=words))
    assert line.saved is not None
    assert line.saved.value == FinalResult(Sentence(1, "Hello.", 0, 900))
    assert line.saved.doubts == ("its words are not as asrcli writes them, and left out",)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
KINDS = st.sampled_from([*"begin session speech partial final reconnect notice end error cheer".split()])  # noqa: SIM905
NAMES = sorted({name for line in written().splitlines() for name in json.loads(line)} - {"type"})
ANY_LINE = st.builds(
    lambda kind, fields: json.dumps({"type": kind, **fields}, separators=(",", ":")).encode(),
    KINDS,
    st.dictionaries(st.sampled_from([*NAMES, "message", "missing", "tries"]), JSON, max_size=5),
)


@given(st.lists(st.binary(max_size=30) | ANY_LINE | st.sampled_from(written().encode().splitlines()), max_size=8))
def test_any_bytes_are_lines_or_problems(pieces: list[bytes]) -> None:
    for joint in (b"", b"\n"):
        data = joint.join(pieces)
        count = data.count(b"\n") + 1
        assert all((line.saved is None) == bool(line.problem) and 1 <= line.number <= count for line in read(data))
        assert len(read(data, with_words=False)) == len(read(data))
