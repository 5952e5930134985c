"""One result of `--output-dir`: whole or not there, whatever is killed, full, locked or changed meanwhile."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from asrcli.output.places import sidecar
from asrcli.output.places.result_file import clear_leftovers, locked
from asrcli.system.file_state import file_sha256
from asrcli.values.errors import DecodeError, OutputError
from tests.support.result_place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize("step", range(6))
def test_a_kill_at_any_moment_leaves_nothing_that_a_rerun_takes_for_done(
    place: Place, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    """The old result was made with other options; whatever step is the last, it never passes for the new one.

    Nor is there a moment without either; and what was being written is gone with the next run.
    """
    place.run("old", text="old")
    [result, _] = place.results("new")
    assert result is not None
    result.write("new\n")
    count = 0

    class Killed(BaseException):
        pass

    def counted(original):
        def call(*arguments, **options):
            nonlocal count
            count += 1
            if count > step:
                raise Killed
            return original(*arguments, **options)

        return call

    for room, name in ((os, "fsync"), (Path, "replace"), (Path, "unlink")):
        monkeypatch.setattr(room, name, counted(getattr(room, name)))
    # The fourth step makes it complete, the others clear up.
    with pytest.raises(Killed):
        result.keep()
    monkeypatch.undo()
    done = place.results("new")[0] is None
    assert place.texts()["a.txt"] == ("new\n" if step >= 4 else "old\n")
    assert done == (step >= 4)
    assert not [path.name for path in place.out.iterdir() if path.name.endswith(".part")]
    assert place.run("new", text="new") == [not done, True]
    assert place.results("new") == [None, None]


def test_a_result_whose_making_was_killed_is_still_known_as_ours(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sidecar speaks of the one that did not come. Other options may replace it, and a text by hand stays."""
    place.run("old", text="old")
    [result, _] = place.results("new")
    assert result is not None
    monkeypatch.setattr(Path, "replace", _only_sidecars(Path.replace))
    with pytest.raises(OutputError):
        result.keep()
    monkeypatch.undo()
    (place.out / "a.txt").write_text("better\n")
    # It fits, and was changed since.
    assert place.results("new")[0] is None
    (place.out / "a.txt").write_text("old\n")
    assert place.run("newest", text="newest") == [True, True]


def _only_sidecars(replace: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
    def limited(path: Path, target: Path) -> Path:
        if target.suffix != ".json":
            raise PermissionError(errno.EPERM, "not permitted")
        return replace(path, target)

    return limited


LEFTOVERS = [".asrcli-0123456789abcdef.part", ".a.txt.1.part", ".a.txt.1.sidecar", ".b.c.jsonl.4194304.part"]
NOT_OURS = [".a.part", "a.txt.1.part", ".asrcli-notes.part", ".a.txt.part", ".a.txt~"]


def test_what_killed_runs_have_left_is_removed_and_nothing_else(place: Place) -> None:
    """Also where the process has the same number each time, as in a container."""
    place.out.mkdir()
    for each in (*LEFTOVERS, f".a.txt.{os.getpid()}.part", *NOT_OURS):
        (place.out / each).touch()
    assert place.run() == [True, True]
    left = {path.name for path in place.out.iterdir()} - {".a.txt.asrcli.json", ".b.txt.asrcli.json"}
    assert left == {"a.txt", "b.txt", *NOT_OURS}


def test_what_another_run_writes_just_now_is_no_leftover(place: Place) -> None:
    place.out.mkdir()
    part = place.out / LEFTOVERS[0]
    part.touch()
    thread = threading.Thread(target=clear_leftovers, args=(place.out,))
    with locked(place.out) as is_locked:
        assert is_locked
        thread.start()
        thread.join(0.2)
        assert thread.is_alive()
        assert part.exists()
    thread.join()
    assert not part.exists()


def test_without_locks_a_run_goes_on_and_removes_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on some network drives."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "no locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    place.out.mkdir()
    (place.out / LEFTOVERS[0]).touch()
    assert place.run() == [True, True]
    assert (place.out / LEFTOVERS[0]).exists()


def test_of_two_runs_at_once_one_result_stays_whole_with_its_own_sidecar(place: Place) -> None:
    """Both made it anew with other options each: whichever comes last, the sidecar speaks of the result beside it."""
    for turn in range(20):
        place.run(f"old {turn}")
        pair = [place.results(options)[0] for options in (f"one {turn}", f"two {turn}")]
        threads = []
        for number, result in enumerate(pair):
            assert result is not None
            result.write(f"{number}\n" * 1000)
            threads.append(threading.Thread(target=result.keep))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        beside = sidecar.read(place.out / ".a.txt.asrcli.json")
        assert beside is not None
        assert beside.result_sha256 == file_sha256(place.out / "a.txt")
        assert beside.options_sha256 == f"{('one', 'two')[(place.out / 'a.txt').read_text().startswith('1')]} {turn}"


def test_a_sidecar_that_cannot_come_leaves_the_old_result(place: Place) -> None:
    """A folder that was made there meanwhile."""
    place.run()
    [result, _] = place.results("other")
    assert result is not None
    result.write("new\n")
    (place.out / ".a.txt.asrcli.json").unlink()
    (place.out / ".a.txt.asrcli.json").mkdir()
    with pytest.raises(OutputError, match=r"cannot write .*a\.txt: Is a directory"):
        result.keep()
    assert place.texts() == {"a.txt": "text\n", "b.txt": "text\n"}
    assert not list(place.out.glob(".*.part"))


@pytest.mark.parametrize("change", ["grows", "is cut", "is replaced", "is written over", "is gone"])
def test_a_source_that_is_not_what_was_hashed_any_more_is_told(place: Place, change: str) -> None:
    source = place.sources[0]
    # The clock of a file system is a coarse one.
    os.utime(source, ns=(0, 0))
    [result, other] = place.results()
    assert result is not None
    assert other is not None
    match change:
        case "grows":
            with source.open("ab") as file:
                file.write(b"more")
        case "is cut":
            os.truncate(source, 3)
        case "is replaced":
            (place.path / "new").write_bytes(source.read_bytes())
            (place.path / "new").replace(source)
        case "is written over":
            source.write_bytes(bytes(source.stat().st_size))
        case "is gone":
            source.unlink()
    with pytest.raises(DecodeError, match=r"a\.wav (changed|went away) while it was read"):
        result.check_source()
    other.check_source()


def test_a_result_that_another_program_made_meanwhile_stays(place: Place) -> None:
    [result, _] = place.results()
    assert result is not None
    (place.out / "a.txt").write_text("mine\n")
    with pytest.raises(OutputError, match="another program"):
        result.keep()
    assert place.texts() == {"a.txt": "mine\n"}


def test_a_folder_that_is_gone_is_one_clear_error(place: Place) -> None:
    [result, _] = place.results()
    assert result is not None
    place.out.rmdir()
    with pytest.raises(OutputError, match=r"cannot write .*a\.txt: No such file"):
        result.keep()


def test_a_result_of_which_something_could_not_be_written_is_never_kept(place: Place, monkeypatch) -> None:
    [result, _] = place.results()
    assert result is not None
    result.write("one\n")
    with monkeypatch.context() as full:
        full.setattr(result, "_spool", lambda: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device")))
        with pytest.raises(OutputError, match="No space left"):
            result.write("two\n")
    with pytest.raises(OutputError, match="No space left"):
        result.write("three\n")
    with pytest.raises(OutputError, match="No space left"):
        result.keep()
    assert place.texts() == {}
