"""A text that changes is told of: of a file and of a named pipe, whatever becomes of them meanwhile."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from asrcli.system import watching
from asrcli.system.watching import Watch

PATIENCE_S = 20.0


class Told:
    """What a watch tells, each kind in its order."""

    def __init__(self, path: Path) -> None:
        self.texts: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.troubles: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.bugs: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
        self.watch = Watch(path, self.texts.put, self.troubles.put, self.bugs.put)

    def text(self) -> str:
        return self.texts.get(timeout=PATIENCE_S)

    def trouble(self) -> str:
        return self.troubles.get(timeout=PATIENCE_S)


@contextlib.contextmanager
def watched(path: Path) -> Iterator[Told]:
    told = Told(path)
    told.watch.read()
    told.watch.start()
    try:
        yield told
    finally:
        told.watch.close()
    assert "watch" not in {thread.name for thread in threading.enumerate()}
    assert told.bugs.empty()


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(watching, "PAUSE_S", 0.02)


def replace(path: Path, text: str | bytes) -> None:
    beside = path.with_name("beside")
    beside.write_bytes(text.encode() if isinstance(text, str) else text)
    beside.replace(path)


def test_a_file_is_read_and_each_change_is_told_once(tmp_path):
    path = tmp_path / "slides"
    path.write_text("\ufefffirst\n", encoding="utf-8")
    with watched(path) as told:
        assert told.watch.read() == "first"
        replace(path, "second")
        assert told.text() == "second"
        # Neither a blank text nor the same one is a change.
        replace(path, " \n")
        replace(path, "second\n")
        replace(path, "third")
        assert told.text() == "third"
    assert told.texts.empty()
    assert told.troubles.empty()


def test_what_cannot_be_read_is_told_once_and_followed_again(tmp_path, monkeypatch):
    path = tmp_path / "slides"
    path.write_text("first", encoding="utf-8")
    monkeypatch.setattr(watching, "_MOST_BYTES", 100)
    with watched(path) as told:
        path.unlink()
        assert told.trouble() == "No such file or directory"
        replace(path, "second")
        assert told.text() == "second"
        replace(path, b"\xff\xfe")
        assert told.trouble() == "not UTF-8 text"
        replace(path, "third")
        assert told.text() == "third"
        replace(path, "x" * 101)
        assert told.trouble() == "too long"
        path.unlink()
        path.mkdir()
        # Of the same trouble nothing further is said.
        path.rmdir()
        replace(path, "fourth")
        assert told.text() == "fourth"
    assert told.troubles.empty()


def test_in_a_pipe_each_line_takes_the_place_of_the_one_before(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with watched(path) as told:
        for text in ("first\n", "second"):
            path.write_text(text, encoding="utf-8")  # Its writer comes and goes.
            assert told.text() == text.strip()
        with path.open("w", encoding="utf-8") as writer:
            writer.write("third\nfourth\n\n")
            writer.flush()
            assert told.text() == "fourth"
            writer.write("fifth\n")
            writer.flush()
            assert told.text() == "fifth"
        path.write_bytes(b"\xff\n")
        assert told.trouble() == "not UTF-8 text"
        # Another one of the same name.
        path.unlink()
        os.mkfifo(tmp_path / "other")
        (tmp_path / "other").rename(path)
        path.write_text("sixth\n", encoding="utf-8")
        assert told.text() == "sixth"


def test_a_pipe_that_may_only_be_read_is_followed_too(tmp_path, monkeypatch):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    opened = os.open

    def read_only(name, flags, *rest):
        if flags & os.O_RDWR:
            raise PermissionError
        return opened(name, flags, *rest)

    monkeypatch.setattr(os, "open", read_only)
    with watched(path) as told:
        for text in ("first", "second"):
            path.write_text(text, encoding="utf-8")
            assert told.text() == text


def test_a_bug_has_one_place_to_go(tmp_path):
    path = tmp_path / "slides"
    path.write_text("first", encoding="utf-8")
    told = Told(path)

    def broken(text: str) -> None:
        raise ZeroDivisionError

    watch = Watch(path, broken, told.troubles.put, told.bugs.put)
    watch.start()
    assert isinstance(told.bugs.get(timeout=PATIENCE_S), ZeroDivisionError)
    watch.close()
    Watch(path, broken, told.troubles.put, told.bugs.put).close()


def test_a_text_that_nobody_can_watch_is_an_error(tmp_path):
    for path, reason in ((tmp_path / "none", "No such file"), (tmp_path, "neither a file nor a named pipe")):
        told = Told(path)
        with pytest.raises(OSError, match=reason):
            told.watch.read()
        told.watch.close()
