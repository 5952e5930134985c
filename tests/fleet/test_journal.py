"""What outlives a crew."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from asrcli.fleet import journal as journal_module
from asrcli.fleet.journal import KEPT, Journal, LeftBehind, sweep
from asrcli.remote.base import Way
from asrcli.system.file_state import FileState
from tests.support.web_server import Thing, web_server


def append(journal: Journal, mark: str, sound: journal_module.Sound | None = None) -> None:
    """Returns when it is on the disk."""
    done = threading.Event()
    journal.append(mark, mark.encode(), sound, done.set)
    assert done.wait(20)


def left_behind(folder: Path, name: str) -> list[bytes]:
    """What a head would find, which leaves it there for the next one."""
    left = LeftBehind(folder, name, Way())
    try:
        return [*left.results()]
    finally:
        left.close()


def test_what_a_living_crew_has_is_its_own_and_what_a_dead_one_had_is_taken_once(tmp_path: Path):
    journal = Journal(tmp_path, "j")
    append(journal, "a")
    assert left_behind(tmp_path, "j") == []
    journal.close(is_kept=True)
    first, second = LeftBehind(tmp_path, "j", Way()), LeftBehind(tmp_path, "j", Way())
    assert [*first.results()] == [b"a"]
    assert [*second.results()] == []
    # It dies before the head has it.
    first.close()
    assert [*second.results()] == [b"a"]
    second.remove()
    assert [*tmp_path.iterdir()] == []


def test_journals_of_other_results_are_left_alone(tmp_path: Path):
    journal = Journal(tmp_path, "j")
    append(journal, "a")
    journal.close(is_kept=True)
    assert left_behind(tmp_path, "other") == []
    assert len([*tmp_path.iterdir()]) == 1


def test_a_file_goes_when_nobody_needs_anything_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(journal_module, "_LINES", 2)
    journal = Journal(tmp_path, "j")
    for mark in "abcde":
        append(journal, mark)
    assert len([*tmp_path.iterdir()]) == 3
    journal.forget("a")
    assert len([*tmp_path.iterdir()]) == 3
    journal.forget("b")
    assert len([*tmp_path.iterdir()]) == 2
    journal.close(is_kept=True)
    assert sorted(left_behind(tmp_path, "j")) == [b"c", b"d", b"e"]


def test_of_a_file_that_has_changed_nothing_is_told(tmp_path: Path):
    sound = tmp_path / "a.wav"
    sound.write_bytes(b"1")
    state = FileState.of(str(sound))
    assert state is not None
    folder = tmp_path / "journals"
    journal = Journal(folder, "j")
    append(journal, "a", (str(sound), state))
    append(journal, "address")
    journal.close(is_kept=True)
    sound.write_bytes(b"12")
    assert left_behind(folder, "j") == [b"address"]


def test_what_lies_at_an_address_is_asked_for_and_is_told_unless_it_is_known_to_be_another(tmp_path: Path):
    journal = Journal(tmp_path, "j")
    with web_server() as server:
        same, other = (server.put(f"/{name}", Thing(b"x", etag='"1"')) for name in ("same", "other"))
        names = (same, other, same.replace("same", "gone"), "")
        for name in names:
            append(journal, name, (name, 'etag:"1"'))
        journal.close(is_kept=True)
        assert left_behind(tmp_path, "j") == [name.encode() for name in names]
        server.put("/other", Thing(b"x", etag='"2"'))
        assert left_behind(tmp_path, "j") == [name.encode() for name in names if name != other]
    # Nobody answers any more: nothing is known of either.
    assert left_behind(tmp_path, "j") == [name.encode() for name in names]


def test_who_does_not_answer_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(journal_module, "_ASK_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        journal = Journal(tmp_path, "j")
        append(journal, "a", (f"http://127.0.0.1:{deaf.getsockname()[1]}/a.wav", 'etag:"1"'))
        journal.close(is_kept=True)
        assert left_behind(tmp_path, "j") == [b"a"]


def test_the_same_file_under_another_number_is_the_same(tmp_path: Path):
    sound = tmp_path / "a.wav"
    sound.write_bytes(b"1")
    state = FileState.of(str(sound))
    assert state is not None
    journal = Journal(tmp_path / "journals", "j")
    append(journal, "a", (str(sound), state._replace(device=0, inode=0)))
    journal.close(is_kept=True)
    assert left_behind(tmp_path / "journals", "j") == [b"a"]


def test_what_others_can_have_written_is_not_read(tmp_path: Path):
    journal = Journal(tmp_path, "j")
    append(journal, "a")
    journal.close(is_kept=True)
    (path,) = tmp_path.iterdir()
    path.chmod(0o666)
    assert left_behind(tmp_path, "j") == []
    path.chmod(0o600)
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert left_behind(tmp_path, "j") == []


def test_a_line_that_is_broken_in_the_middle_costs_no_other(tmp_path: Path):
    journal = Journal(tmp_path, "j")
    append(journal, "a")
    append(journal, "b")
    journal.close(is_kept=True)
    (path,) = tmp_path.iterdir()
    first, second = path.read_text().splitlines()
    path.write_text(f'{first}\n{{"mark": "x", "result": "!", "sound": null}}\n{second}\n{second[:20]}')
    assert left_behind(tmp_path, "j") == [b"a", b"b"]


def test_what_nobody_comes_back_for_goes_in_time(tmp_path: Path):
    dead, alive = Journal(tmp_path, "dead"), Journal(tmp_path, "alive")
    append(dead, "a")
    append(alive, "b")
    dead.close(is_kept=True)
    now = datetime.now(UTC)
    sweep(tmp_path, now + KEPT - timedelta(minutes=1))
    assert len([*tmp_path.iterdir()]) == 2
    sweep(tmp_path, now + KEPT + timedelta(minutes=1))
    (left,) = tmp_path.iterdir()
    assert left.name.startswith("alive")
    alive.close(is_kept=False)


def test_where_nobody_comes_back_nothing_stays(tmp_path: Path):
    journal = Journal(tmp_path, "j")
    journal.close(is_kept=False)
    assert [*tmp_path.iterdir()] == []
