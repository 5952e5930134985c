"""A file that changes while it is read: what was recognised is delivered, but never called complete or done."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from asrcli.engine import splitting
from tests.support.beginnings import beginning
from tests.support.scripted_server import Conversation, scripted_server


def grows(path: Path) -> None:
    with path.open("ab") as file:
        file.write(bytes(32_000))


def is_cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def is_written_over(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(bytes(1000))


def is_replaced(path: Path) -> None:
    other = path.with_suffix(".new")
    shutil.copy(path, other)
    other.replace(path)


Change = Callable[[Path], None]
CHANGES: list[Change] = [grows, is_cut, is_written_over]


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    path = beginning(tmp_path / "talk.wav", 4.5)
    # The clock of a file system is a coarse one.
    os.utime(path, ns=(0, 0))
    return path


def service(*changes: tuple[Change, Path]) -> Callable[[Conversation], None]:
    """Says one sentence in each task, and in the first ones makes a change when it is said."""
    left = list(changes)

    def script(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-started")
        talk.expect_audio(1)
        talk.say_sentence(1, "Okay.", 0, 100)
        if left:
            change, path = left.pop(0)
            change(path)
        talk.expect("finish-task")
        talk.say("task-finished", {"output": {}})

    return script


@pytest.mark.parametrize("change", [*CHANGES, is_replaced, Path.unlink])
def test_its_result_is_not_done_and_the_next_run_does_it(asrcli, talk, tmp_path, change):
    out = tmp_path / "out"
    other = beginning(tmp_path / "other.wav", 1.0)
    copy = shutil.copy(talk, tmp_path / "copy")
    with scripted_server(service((change, talk))) as url:
        arguments = ("file", talk, other, "--pace", "fast", "--output-dir", out, "--endpoint", url)
        done = asrcli(*arguments)
        assert done.code == 1
        assert (
            f"asrcli: error: {talk} {'went away' if change is Path.unlink else 'changed'} while it was read" in done.err
        )
        assert {path.name for path in out.iterdir()} == {"other.txt", ".other.txt.asrcli.json"}
        if not talk.exists():
            shutil.copy(copy, talk)
        again = asrcli(*arguments)
    assert again.code == 0
    assert "1 of 2 is done already" in again.err
    assert (out / "talk.txt").read_text() == "Okay.\n"


@pytest.mark.parametrize("form", [(), ("--rate", "16000")], ids=["wav", "raw"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_run_on_it_is_not_complete(asrcli, talk, change, form):
    if form:
        talk = talk.rename(talk.with_suffix(".raw"))
        talk.write_bytes(talk.read_bytes()[44:])
        os.utime(talk, ns=(0, 0))
    with scripted_server(service((change, talk))) as url:
        done = asrcli("file", talk, *form, "--json", "--pace", "fast", "--endpoint", url)
    assert done.code == 1
    [final] = [line for line in done.events if line["type"] == "final"]
    assert final["text"] == "Okay."
    end, error = done.events[-2:]
    assert (end["type"], end["complete"]) == ("end", False)
    assert error["message"] == f"{talk} changed while it was read: some of it may not have been recognised"
    assert "changed while it was read" in done.err


def test_one_that_was_replaced_is_complete_and_that_is_told(asrcli, talk):
    """What was opened is read to its end, whatever stands at its name meanwhile."""
    with scripted_server(service((is_replaced, talk))) as url:
        done = asrcli("file", talk, "--json", "--pace", "fast", "--endpoint", url)
    assert done.code == 0
    *_, notice, end = done.events
    assert (notice["type"], end["type"], end["complete"]) == ("notice", "end", True)
    assert "was replaced while it was read" in notice["message"]


def test_standard_input_from_a_file_that_changes_is_not_complete_either(talk, tmp_path):
    with scripted_server(service((grows, talk))) as url, talk.open("rb") as stdin:
        done = subprocess.run(
            [sys.executable, "-m", "asrcli", "file", "-", "--pace", "fast", "--endpoint", url],
            stdin=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode, done.stdout) == (1, "Okay.\n")
    assert "standard input changed while it was read" in done.stderr


def test_a_file_that_stays_as_it_is_is_complete(asrcli, talk):
    """Who only looks at it changes nothing, and neither does a new name."""
    with scripted_server(service((lambda path: path.rename(path.with_suffix(".moved")) and None, talk))) as url:  # type: ignore[arg-type]
        done = asrcli("file", talk, "--json", "--pace", "fast", "--endpoint", url)
    assert (done.code, done.events[-1]["complete"]) == (0, True)


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("change", [*CHANGES, is_replaced])
def test_one_that_changes_before_its_turn_is_recognised_as_it_is_then(asrcli, talk, tmp_path, change, parts):
    """All are looked at first, and the second one changes while the first is recognised."""
    first = beginning(tmp_path / "first.wav", 1.0)
    with scripted_server(service((change, talk))) as url:
        done = asrcli("file", first, talk, "--split", parts, "--json", "--pace", "fast", "--endpoint", url)
    assert done.code == 0
    assert [line["complete"] for line in done.events if line["type"] == "end"] == [True, True]
    assert "changed" not in done.err


@pytest.mark.parametrize("change", [*CHANGES, is_replaced])
def test_one_that_changes_before_its_parts_are_opened_is_not_complete(asrcli, talk, monkeypatch, change):
    """It would be cut where it was."""
    plan_split = splitting.plan_split

    def planned_and_changed(*arguments, **fields):
        plan = plan_split(*arguments, **fields)
        change(talk)
        return plan

    monkeypatch.setattr(splitting, "plan_split", planned_and_changed)
    with scripted_server(service()) as url:
        done = asrcli("file", talk, "--split", "2", "--json", "--pace", "fast", "--endpoint", url)
    assert done.code == 1
    assert [line["complete"] for line in done.events if line["type"] == "end"] == [False]
    assert f"{talk} changed while it was read: some of it may not have been recognised" in done.err


@pytest.mark.parametrize("parts", [1, 2])
def test_a_file_is_opened_once_and_once_more_for_each_of_several_parts(asrcli, tmp_path, monkeypatch, parts):
    talk = beginning(tmp_path / "talk.wav", 11.0)
    opened = []
    open_file = os.open

    def count(path, *arguments, **fields):
        opened.append(os.fspath(path))
        return open_file(path, *arguments, **fields)

    monkeypatch.setattr("os.open", count)
    with scripted_server(service()) as url:
        done = asrcli("file", talk, "--split", parts, "--json", "--pace", "fast", "--endpoint", url)
    assert (done.code, done.events[-1]["complete"]) == (0, True)
    assert opened.count(str(talk)) == (1 if parts == 1 else 1 + parts)
