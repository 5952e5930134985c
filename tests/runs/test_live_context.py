"""--context-from: what is in force follows a file or a pipe, and what is wrong with it leaves the last one in force."""

from __future__ import annotations

import os
import queue
from pathlib import Path

import pytest

from asrcli.runs.live_context import LiveContext
from asrcli.system import watching
from asrcli.values.context import Context, Turn
from asrcli.values.errors import UsageError
from asrcli.values.events import Notice
from tests.system.test_watching import replace

PATIENCE_S = 20.0
FIRST = (Turn("at the beginning"),)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(watching, "PAUSE_S", 0.02)


class Bench:
    def __init__(self, path: Path, first: Context = FIRST) -> None:
        self.notices: queue.SimpleQueue[Notice] = queue.SimpleQueue()
        self.live = LiveContext(path, first, self.notices.put)

    def notice(self) -> str:
        return self.notices.get(timeout=PATIENCE_S).message


def test_the_text_of_a_file_takes_the_place_of_what_was_said_before(tmp_path):
    path = tmp_path / "slides.txt"
    path.write_text("Ada", encoding="utf-8")
    assert Bench(path).live.current() == (Turn("Ada"),)


def test_until_a_pipe_has_said_something_the_first_context_is_in_force(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    bench = Bench(path)
    before = bench.live.current()
    assert before is FIRST
    with bench.live as live:
        # 401 characters: that something is cut is told, and so it is known that they are in force.
        path.write_text("x" * 401, encoding="utf-8")
        assert "401 characters" in bench.notice()
        assert live.current() == (Turn("x" * 401),)
        live._changed("y" * 402)
    # Once for all.
    assert bench.notices.empty()


def test_turns_follow_a_file_of_them_and_a_bad_line_is_named(tmp_path):
    path = tmp_path / "chat.jsonl"
    path.write_text('{"user": "a", "assistant": "b"}\n', encoding="utf-8")
    bench = Bench(path)
    turns = bench.live.current()
    assert turns == (Turn("a", "b"),)
    with bench.live as live:
        replace(path, '{"user": "a"}\nhm\n')
        assert bench.notice() == f"--context-from {path}:2: not JSON; the last context stays in force"
        path.unlink()
        assert bench.notice() == (f"--context-from {path}: No such file or directory; the last context stays in force")
        assert live.current() is turns


@pytest.mark.parametrize(
    ("name", "reason"),
    [("none", "No such file"), (".", "neither a file nor a named pipe"), ("bad.jsonl", ":1: not JSON"), ("x", "UTF-8")],
)
def test_what_cannot_be_followed_from_the_first_is_refused(tmp_path, name, reason):
    (tmp_path / "bad.jsonl").write_text("bad", encoding="utf-8")
    (tmp_path / "x").write_bytes(b"\xff")
    with pytest.raises(UsageError, match=reason):
        Bench(tmp_path / name)


def test_a_bug_ends_the_following_and_is_told(tmp_path, monkeypatch):
    path = tmp_path / "slides.txt"
    path.write_text("Ada", encoding="utf-8")
    bench = Bench(path)
    monkeypatch.setattr("asrcli.runs.live_context.of_text", lambda text: 1 / 0)
    with bench.live:
        replace(path, "Grace")
        assert "is not followed any more" in bench.notice()
    assert bench.live.current() == (Turn("Ada"),)
