from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Iterator

import pytest

from asrcli.system.child import KEPT_LINES, Child
from asrcli.values.errors import DecodeError, Shortage
from tests.support.service import descendants
from tests.support.sounds import open_descriptors


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def read_all(child: Child) -> bytes:
    return b"".join(iter(child.read, b""))


def test_output_code_and_last_words_are_kept() -> None:
    child = Child(python("import sys; print('out'); sys.stderr.write('why\\n'); sys.exit(3)"), "it")
    assert read_all(child) == b"out\n"
    assert child.wait() == 3
    assert child.said() == "why\n"
    child.close()
    child.close()


def test_a_child_that_complains_a_lot_does_not_get_stuck() -> None:
    child = Child(python("import sys; [sys.stderr.write(f'{k}\\n') for k in range(50000)]"), "it")
    assert read_all(child) == b""
    assert child.wait() == 0
    assert child.said().split() == [str(k) for k in range(50000 - KEPT_LINES, 50000)]
    child.close()


def test_what_is_fed_arrives_and_ends() -> None:
    copy = python("import shutil, sys; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)")
    child = Child(copy, "it", iter([b"a" * 100000, b"b" * 100000]))
    assert read_all(child) == b"a" * 100000 + b"b" * 100000
    assert child.wait() == 0
    child.close()


def test_a_child_that_stops_listening_is_no_error() -> None:
    child = Child(python("pass"), "it", iter([bytes(1 << 20)] * 4))
    assert read_all(child) == b""
    assert child.wait() == 0
    child.close()


def test_a_feed_that_breaks_is_reported_by_wait() -> None:
    def broken() -> Iterator[bytes]:
        yield b"a"
        raise DecodeError("cannot read it")

    child = Child(python("import sys; sys.stdin.read()"), "it", broken())
    read_all(child)
    with pytest.raises(DecodeError, match="cannot read it"):
        child.wait()
    child.close()


def test_what_came_before_a_feed_broke_is_worked_on() -> None:
    def broken() -> Iterator[bytes]:
        yield b"before"
        raise DecodeError("cannot read it")

    copy = python("import shutil, sys; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)")
    child = Child(copy, "it", broken())
    assert read_all(child) == b"before"
    child.close()


def test_a_bug_in_the_feed_ends_the_child_and_comes_out_of_wait() -> None:
    """It must not take what it was given for all there is, and wait for more even less."""

    def broken() -> Iterator[bytes]:
        yield b"a"
        raise ZeroDivisionError

    child = Child(python("import threading; threading.Event().wait()"), "it", broken())
    assert read_all(child) == b""
    with pytest.raises(ZeroDivisionError):
        child.wait()
    child.close()


def test_a_bug_in_the_log_ends_the_child_and_comes_out_of_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(deque[bytes]):
        def extend(self, lines: object) -> None:
            raise ZeroDivisionError

    monkeypatch.setattr("asrcli.system.child.deque", Full)
    child = Child(python("import threading; threading.Event().wait()"), "it")
    assert read_all(child) == b""
    with pytest.raises(ZeroDivisionError):
        child.wait()
    child.close()


@pytest.mark.parametrize("name", ["child-log", "child-feed"])
def test_a_thread_that_cannot_be_started_leaves_no_child(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    # A fixture may have children of its own.
    children = descendants(os.getpid())
    start, before = threading.Thread.start, open_descriptors()

    def refuse(thread: threading.Thread) -> None:
        if thread.name == name:
            raise RuntimeError("can't start new thread")
        start(thread)

    with monkeypatch.context() as patch:
        patch.setattr("threading.Thread.start", refuse)
        with pytest.raises(Shortage, match=name):
            Child(python("import threading; threading.Event().wait()"), "it", iter([b"x"]))
    assert descendants(os.getpid()) == children
    assert open_descriptors() == before
    assert name not in [thread.name for thread in threading.enumerate()]


def test_stop_ends_a_read_and_close_ends_the_child() -> None:
    child = Child(python("import threading; threading.Event().wait()"), "it")
    results: list[bytes] = []
    reader = threading.Thread(target=lambda: results.append(child.read()))
    reader.start()
    child.stop()
    reader.join(10)
    assert results == [b""]
    child.close()
    assert child.wait() < 0


def test_no_thread_is_left_behind() -> None:
    before = threading.active_count()
    child = Child(python("print(1)"), "it", iter([b"x"]))
    read_all(child)
    child.close()
    assert threading.active_count() == before
