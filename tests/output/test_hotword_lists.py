"""Hotword lists as tables and lines."""

from __future__ import annotations

from asrcli.output import hotword_lists as shown
from asrcli.output.formats.cues.cells import cells
from asrcli.values.hotwords import Hotword, HotwordList

WORDS = (Hotword("Ada", 5, "en"), Hotword("杭州西湖"))
LIST = HotwordList("vocab-x-1", "OK", "2026-11-21 10:00:00", "2026-11-21 10:05:00", "fun-asr-realtime", WORDS)


def test_columns_stand_below_each_other_whatever_the_script():
    lines = shown.table(shown.WORD_HEADING, [*map(shown.word_row, WORDS)]).splitlines()
    assert lines == ["phrase    weight  language", "Ada       5       en", "杭州西湖  4"]
    assert {cells(line[: line.index(mark)]) for line, mark in zip(lines, "w54", strict=True)} == {10}


def test_what_drives_a_terminal_does_so_nowhere():
    rows = [("\x1b[31mred\u202e", "a\tb", "")]
    assert shown.table(("a", "b", "c"), rows).splitlines()[1] == "\\x1b[31mred\\u202e  a\\tb"
    assert shown.lines(rows) == "\\x1b[31mred\\u202e\ta b"


def test_a_document_holds_what_is_known():
    assert shown.document(HotwordList("vocab-x-1", "OK", "a", "b")) == {
        "id": "vocab-x-1", "status": "OK", "created": "a", "modified": "b",
    }  # fmt: skip
    assert shown.document(LIST)["words"] == [
        {"text": "Ada", "weight": 5, "language": "en"},
        {"text": "杭州西湖", "weight": 4, "language": None},
    ]
    assert shown.about(LIST) == "vocab-x-1: 2 phrases for fun-asr-realtime, OK, changed 2026-11-21 10:05:00"
