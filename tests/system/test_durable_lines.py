"""Lines on the disk: told when they are there, whole after a kill at any byte, and lost to nobody else."""

from __future__ import annotations

import errno
import functools
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrcli.system.durable_lines import DurableLines, check_writable
from asrcli.values.errors import OutputError, UsageError
from tests.support.full_disk import disk_of
from tests.support.looping import PATIENCE_S, threads_left


def line(number: int, size: int = 0) -> str:
    return json.dumps({"id": f"talk-{number}", "text": "x" * size})


def written(path: Path, *lines: str) -> list[str]:
    """Append `lines` and close; those of which the callback was called."""
    told: list[str] = []
    file = DurableLines(path, "id")
    for each in lines:
        file.append(each, functools.partial(told.append, each))
    file.close()
    return told


def test_lines_are_told_in_order_once_they_are_there(tmp_path):
    path = tmp_path / "results.jsonl"
    file = DurableLines(path, "id")
    there: list[list[str]] = []
    for number in range(20):
        file.append(line(number), lambda: there.append(path.read_text().splitlines()))
    file.close()
    assert [len(lines) > at for at, lines in enumerate(there)] == [True] * 20
    assert path.read_text().splitlines() == [line(number) for number in range(20)]
    assert threads_left("durable lines") == []


def test_what_comes_while_the_disk_is_at_work_goes_to_it_together(tmp_path, monkeypatch):
    busy, go_on = threading.Event(), threading.Event()
    synced: list[int] = []
    fsync = os.fsync

    def slow(descriptor: int) -> None:
        busy.set()
        assert go_on.wait(PATIENCE_S)
        synced.append(os.fstat(descriptor).st_size)
        fsync(descriptor)

    path = tmp_path / "results.jsonl"
    file = DurableLines(path, "id")
    monkeypatch.setattr(os, "fsync", slow)
    told: list[int] = []
    file.append(line(0), lambda: told.append(0))
    assert busy.wait(PATIENCE_S)
    for number in range(1, 100):
        file.append(line(number), functools.partial(told.append, number))
    assert told == []
    go_on.set()
    file.close()
    assert told == [*range(100)]
    assert synced == [len(line(0)) + 1, path.stat().st_size]


def test_the_folder_is_on_the_disk_with_a_new_file(tmp_path, monkeypatch):
    settled: list[Path] = []
    monkeypatch.setattr("asrcli.system.durable_lines.settle", settled.append)
    for _ in range(2):
        DurableLines(tmp_path / "results.jsonl", "id").close()
    assert settled == [tmp_path]


@settings(max_examples=40)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=5), st.data())
def test_cut_anywhere_it_loses_no_more_than_the_line_that_is_broken(tmp_path_factory, texts, data):
    path = tmp_path_factory.mktemp("cut") / "results.jsonl"
    lines = [json.dumps({"id": text}, ensure_ascii=False) for text in texts]
    whole = "".join(f"{each}\n" for each in lines).encode()
    cut = whole[: data.draw(st.integers(0, len(whole)))]
    tail = data.draw(st.sampled_from([b"", b"\0\0\0", b"\xff\n"])) if cut.endswith(b"\n") else b""
    path.write_bytes(cut + tail)
    before = cut.count(b"\n")
    # Only its end was cut off.
    lacks_end = whole[len(cut) : len(cut) + 1] == b"\n"
    file = DurableLines(path, "id")
    mended = file.mended_bytes
    file.append(line(1))
    file.close()
    kept = b"".join(whole.splitlines(keepends=True)[: before + lacks_end])
    assert path.read_bytes() == kept + line(1).encode() + b"\n"
    assert mended == (len(tail) or (0 if lacks_end else len(cut) - len(kept)))


def test_a_long_last_line_is_mended_too(tmp_path):
    path = tmp_path / "results.jsonl"
    path.write_text(f"{line(1, 200_000)}\n{line(2, 200_000)[:-1]}")
    file = DurableLines(path, "id")
    file.close()
    assert path.read_text() == f"{line(1, 200_000)}\n"
    assert file.mended_bytes == len(line(2, 200_000)) - 1


@pytest.mark.parametrize(
    "content",
    [
        b"RIFF\0\0\0\0WAVE",
        b"a text\n",
        b"{\n  'a': 1\n}\n",
        b'{"audio": "a.wav"}\n',
        b'{"audio": "a.wav"}',
        b"[1]\n",
        b"\n",
    ],
)
def test_somebody_elses_file_is_refused_and_stays_as_it_is(tmp_path, content):
    path = tmp_path / "mine"
    path.write_bytes(content)
    with pytest.raises(UsageError, match="mine holds something else already"):
        DurableLines(path, "id")
    assert path.read_bytes() == content


def test_a_second_run_is_refused_and_a_later_one_goes_on(tmp_path):
    path = tmp_path / "results.jsonl"
    first = DurableLines(path, "id")
    with pytest.raises(UsageError, match=r"another run is writing to .*results\.jsonl"):
        DurableLines(path, "id")
    first.append(line(1))
    first.close()
    assert written(path, line(2)) == [line(2)]
    assert path.read_text() == f"{line(1)}\n{line(2)}\n"


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.mkdir(), "it is a folder"),
        (os.mkfifo, "it is no regular file"),
        (lambda path: path.symlink_to("/dev/null"), "it is no regular file"),
        (lambda path: path.parent.chmod(0o500), "Permission denied"),
        (lambda path: path.parent.rmdir(), "there is no folder"),
    ],
)
def test_a_place_that_cannot_work_is_refused(tmp_path, make: Callable[[Path], None], reason):
    path = tmp_path / "folder" / "results.jsonl"
    path.parent.mkdir()
    make(path)
    if reason == "Permission denied" and os.access(path.parent, os.W_OK):
        pytest.skip("nothing is forbidden to root")
    with pytest.raises(UsageError, match=reason) as raised:
        DurableLines(path, "id")
    with pytest.raises(UsageError) as checked:
        check_writable(path, "id")
    assert (checked.value.message, checked.value.hint) == (raised.value.message, raised.value.hint)


def test_a_link_leads_to_the_file(tmp_path):
    (tmp_path / "link").symlink_to("real")
    assert written(tmp_path / "link", line(1)) == [line(1)]
    assert (tmp_path / "real").read_text() == f"{line(1)}\n"


def test_a_full_disk_keeps_what_is_whole_and_says_so(tmp_path):
    path = tmp_path / "results.jsonl"
    told: list[int] = []
    with disk_of(1000):
        file = DurableLines(path, "id")
        with pytest.raises(OutputError, match=r"cannot write to .*results\.jsonl: File too large") as raised:
            for number in range(100):
                file.append(line(number, 80), functools.partial(told.append, number))
            file.close()
        with pytest.raises(OutputError):
            file.close()
    assert raised.value.hint == "free some space there"
    assert path.read_text() == "".join(f"{line(number, 80)}\n" for number in told)
    assert len(told) == 1000 // (len(line(1, 80)) + 1)
    # With room again it goes on behind it.
    assert written(path, line(7)) == [line(7)]
    assert path.read_text().splitlines()[-1] == line(7)


def test_what_the_disk_did_not_take_is_not_told(tmp_path, monkeypatch):
    def broken(descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    file = DurableLines(tmp_path / "results.jsonl", "id")
    monkeypatch.setattr(os, "fsync", broken)
    told: list[int] = []
    file.append(line(1), lambda: told.append(1))
    with pytest.raises(OutputError, match="Input/output error"):
        file.close()
    assert told == []


@pytest.mark.parametrize(
    ("do", "reason"),
    [
        (lambda path: path.unlink(), "was removed by another program"),
        (lambda path: path.with_name("new").rename(path), "was replaced by another program"),
        (lambda path: path.write_text(""), "was cut off by another program"),
    ],
)
@pytest.mark.parametrize("goes_on", [True, False])
def test_a_file_that_is_taken_away_is_noticed(tmp_path, do: Callable[[Path], None], reason, goes_on):
    path = tmp_path / "results.jsonl"
    path.with_name("new").write_text("")
    file = DurableLines(path, "id")
    first = threading.Event()
    file.append(line(1), first.set)
    assert first.wait(PATIENCE_S)
    do(path)
    told: list[int] = []
    with pytest.raises(OutputError, match=reason):
        if goes_on:
            file.append(line(2), lambda: told.append(2))
        file.close()
    assert told == []


def test_a_callback_that_fails_is_a_bug_that_is_raised(tmp_path):
    file = DurableLines(tmp_path / "results.jsonl", "id")
    file.append(line(1), lambda: 1 // 0)
    with pytest.raises(Exception, match="ZeroDivisionError"):
        file.close()


@pytest.mark.parametrize("keep", [True, False])
def test_a_file_without_a_line_is_kept_where_that_is_wanted(tmp_path, keep):
    there = tmp_path / "there.jsonl"
    there.touch()
    for path in (tmp_path / "results.jsonl", there):
        DurableLines(path, "id").close(keep=keep)
    assert (tmp_path / "results.jsonl").exists() == keep
    assert there.exists()


_ENDLESS = """
import itertools, sys
from asrcli.system.durable_lines import DurableLines, check_writable
file = DurableLines(sys.argv[1], "id")
for number in itertools.count():
    file.append('{"id": "%d"}' % number, lambda number=number: print(number, flush=True))
"""


def test_what_was_told_is_there_after_a_kill(tmp_path):
    path = tmp_path / "results.jsonl"
    with subprocess.Popen([sys.executable, "-c", _ENDLESS, str(path)], stdout=subprocess.PIPE) as child:
        for _ in range(50):
            assert child.stdout.readline()
        child.kill()
        told = 49 + len(child.stdout.read().splitlines())
    DurableLines(path, "id").close()
    numbers = [int(json.loads(each)["id"]) for each in path.read_text().splitlines()]
    assert numbers == [*range(len(numbers))]
    assert len(numbers) >= told
