"""The page and the JSON of the self-check: readable at any width, and fit to be pasted anywhere."""

from __future__ import annotations

import io
import json
from pathlib import Path

from asrcli.doctor.findings import Finding
from asrcli.output.self_check import LevelLine, Page, document, shared

HOME = Path("/home/me")
KEY = "sk-0123456789abcdef0123456789abcdef"
FINE = Finding("a", "files", "libsndfile", "ok", "1.2.2 reads wav", ms=3)
BROKEN = Finding(
    "b", "service", "key", "fail", f"{KEY} in /home/me/key is\nno key", "chmod 600 '/home/me/a b'", "everything"
)
ODD = Finding("c", "service", "proxy", "warn", "odd", "mend it")


def page(columns: int | None = None, *, is_colored: bool = False) -> tuple[list[str], str]:
    made = Page(HOME, columns=columns, is_colored=is_colored)
    return [line for each in (FINE, BROKEN, ODD) for line in made.lines(each)], made.summary()


def test_a_page_has_a_heading_for_each_group_and_one_remedy_for_each_fault():
    lines, summary = page()
    assert lines == [
        "files",
        "  ok    libsndfile      1.2.2 reads wav (3 ms)",
        "",
        "service",
        "  fail  key             sk-… in ~/key is no key",
        "                        affects: everything",
        "                        → chmod 600 ~/'a b'",
        "  warn  proxy           odd",
        "                        → mend it",
    ]
    assert summary == "1 ok, 1 warning, 1 failure"


def test_a_terminal_has_lines_as_wide_as_it_is():
    lines, _ = page(columns=50)
    assert max(map(len, lines)) < 50
    assert "sk-… in ~/key is no key" in " ".join(" ".join(lines).split())
    coloured, summary = page(columns=50, is_colored=True)
    assert "\x1b[31mfail\x1b[0m" in "".join(coloured)
    assert summary.startswith("\x1b[31m")


def test_a_narrow_terminal_has_the_text_below_the_name():
    lines, _ = page(columns=40)
    assert max(map(len, lines)) < 40
    assert lines[:3] == ["files", "  ok    libsndfile", "        1.2.2 reads wav (3 ms)"]
    assert lines[4:9] == [
        "service",
        "  fail  key",
        "        sk-… in ~/key is no key",
        "        affects: everything",
        "        → chmod 600 ~/'a b'",
    ]
    assert max(map(len, page(columns=60)[0])) < 60


def test_json_has_the_fields_of_every_finding_and_no_secret():
    told = json.loads(json.dumps(document([FINE, BROKEN], HOME)))
    assert told["ok"] is False
    assert told["checks"][0] == {
        "id": "a", "group": "files", "name": "libsndfile", "status": "ok", "detail": "1.2.2 reads wav", "fix": None,
        "affects": None, "ms": 3,
    }  # fmt: skip
    assert KEY not in json.dumps(told)
    assert "/home/me" not in json.dumps(told)
    assert document([FINE, ODD], HOME)["ok"] is True


def test_only_the_home_itself_is_left_out():
    assert shared("/home/me, /home/men, /mnt/home/me, /home/me/x", HOME) == "~, /home/men, /mnt/home/me, ~/x"
    assert shared("/etc/x\x1b[31m", Path("/")) == "/etc/x\\x1b[31m"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_the_level_moves_on_a_terminal_and_leaves_no_trace():
    terminal, pipe = Terminal(), io.StringIO()
    for stream in (terminal, pipe):
        level = LevelLine(stream)
        level.clear()
        level.show(-30.0)
        level.show(None)
        level.clear()
    assert terminal.getvalue() == "\r\x1b[K  speak: ━━━╸─── -30 dBFS\r\x1b[K  speak: ─────── silence\r\x1b[K"
    assert pipe.getvalue() == ""
