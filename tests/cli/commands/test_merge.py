"""`asrcli merge`: one line for each source, and exit code 0 only where all of them are complete."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from asrcli.fleet.result_lines import Outcome, Sound
from tests.support.full_disk import disk_of
from tests.support.program import Outcome as Done
from tests.support.program import Program


def line(id: str, text: str = "", *, complete: bool = True, options: str = "a") -> str:
    return Outcome(id, id, complete, options * 64, "now", text=text).line() + "\n"


@pytest.fixture
def merge(asrcli: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: asrcli("merge", *arguments)


def said(text: str) -> list[tuple[str, str]]:
    return [(each["id"], each["text"]) for each in map(json.loads, text.splitlines())]


def test_of_each_source_the_last_complete_line_counts_in_order_of_first_appearance(merge) -> None:
    Path("1.jsonl").write_text(line("b", "old") + line("a", complete=False) + line("c", "kept"))
    Path("2.jsonl").write_text(line("a", "new") + line("b", "new", options="b") + line("c", "half", complete=False))
    done = merge("1.jsonl", "2.jsonl")
    assert done.code == 0
    assert said(done.out) == [("b", "new"), ("a", "new"), ("c", "kept")]
    assert done.err == (
        "asrcli: warning: 1 source was done with other options too: b (the last of them counts)\n"
        "3 of 3 are complete; 3 lines are left out for others of the same source;"
        " --manifest FILE tells whether any is missing\n"
    )
    quiet = merge("1.jsonl", "2.jsonl", "--quiet")
    assert (quiet.code, quiet.out, quiet.err) == (0, done.out, "")
    assert merge("1.jsonl", "2.jsonl", "-o", "all.jsonl").out == ""
    assert Path("all.jsonl").read_text() == done.out
    # What is merged is what was written, and can be merged again.
    assert merge("all.jsonl").out == done.out


def test_a_later_line_counts_wherever_it_stands_and_other_sound_is_told(merge) -> None:
    for name, hour, size in (("2.jsonl", 2, 5), ("10.jsonl", 10, 6)):
        at = f"2026-11-26T{hour:02}:00:00.000+08:00"
        Path(name).write_text(Outcome("a", "a", True, "a" * 64, at, text=name, sound=Sound(size, 1)).line() + "\n")
    for names in (("2.jsonl", "10.jsonl"), ("10.jsonl", "2.jsonl")):
        done = merge(*names)
        assert (done.code, said(done.out)) == (0, [("a", "10.jsonl")])
        assert "warning: 1 source was done of other sound too: a (the last of them counts)\n" in done.err


def test_what_is_not_complete_is_there_and_told(merge) -> None:
    Path("1.jsonl").write_text("".join(line(id, "half", complete=False) for id in "abcde") + line("f"))
    done = merge("1.jsonl", "-q")
    assert done.code == 1
    assert len(said(done.out)) == 6
    assert done.err == (
        "asrcli: error: 5 of 6 are not complete: a, b, c and 2 more"
        " (run again what made them, with the same --results)\n"
    )


def test_a_manifest_says_what_all_is_and_in_which_order(merge) -> None:
    Path("1.jsonl").write_text(line("a.wav", "1") + line("two", "2") + line("other", "3"))
    Path("in.jsonl").write_text('{"audio": "b.wav", "id": "two"}\n{"audio": "a.wav"}\n')
    done = merge("1.jsonl", "--manifest", "in.jsonl")
    assert (done.code, said(done.out)) == (0, [("two", "2"), ("a.wav", "1")])
    assert "1 source is not in the manifest, and left out" in done.err
    with Path("in.jsonl").open("a") as file:
        file.writelines(f'{{"audio": "{name}.wav"}}\n' for name in "wxyz")
    done = merge("1.jsonl", "--manifest", "in.jsonl", "-q")
    assert (done.code, said(done.out)) == (1, [("two", "2"), ("a.wav", "1")])
    assert "4 of 6 are missing: w.wav, x.wav, y.wav and 1 more" in done.err
    Path("in.jsonl").write_text('{"audio": "a.wav"}\n{"audio": "a.wav"}\n')
    done = merge("1.jsonl", "--manifest", "in.jsonl", "-o", "all.jsonl")
    assert (done.code, done.out, Path("all.jsonl").exists()) == (2, "", False)
    assert "in.jsonl:2: the same id as in line 1" in done.err


def test_signed_addresses_are_the_same_in_results_and_in_a_manifest(merge) -> None:
    Path("1.jsonl").write_text(line("https://host/a.wav?Signature=***"))
    Path("in.jsonl").write_text('{"audio": "https://host/a.wav?Signature=abcdef"}\n')
    done = merge("1.jsonl", "--manifest", "in.jsonl")
    assert (done.code, len(said(done.out))) == (0, 1)


def test_lines_that_cannot_be_read_are_named_and_leave_in_doubt_whether_all_is_there(merge) -> None:
    Path("1.jsonl").write_text(
        "\ufeff" + line("a") + "x\n" + line("b").replace("}", "") + "\n\n" + "[]\n" + "x\n" + line("c") + line("d")[:-9]
    )
    done = merge("1.jsonl")
    assert (done.code, said(done.out)) == (1, [("a", ""), ("c", "")])
    assert done.err.splitlines() == [
        "asrcli: warning: 1.jsonl: lines 2, 3, 6 and 1 more are no line of results, and left out",
        "asrcli: warning: 1.jsonl: the last line is cut off, and left out",
        "2 of 2 are complete; --manifest FILE tells whether any is missing",
        "asrcli: error: 5 lines of results cannot be read: perhaps not all is here (--manifest FILE tells what all is)",
    ]
    Path("in.jsonl").write_text('{"audio": "a"}\n{"audio": "c"}\n')
    assert merge("1.jsonl", "--manifest", "in.jsonl").code == 0


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("1.jsonl", "gone.jsonl"), "cannot read gone.jsonl: No such file"),
        (("1.jsonl", "."), "is a folder"),
        (("1.jsonl", "./1.jsonl"), "is given twice"),
        (("1.jsonl", "talk.wav"), "talk.wav holds no results"),
        (("1.jsonl", "loop.jsonl"), "cannot read loop.jsonl: Too many levels"),
        (("1.jsonl", "-o", "loop.jsonl"), "loop.jsonl exists already"),
        (("-", "-"), "only once"),
        (("1.jsonl", "-o", "1.jsonl", "--force"), "is one of the files that are read"),
        (("1.jsonl", "-o", "link.jsonl", "--force"), "is one of the files that are read"),
        (("1.jsonl", "--manifest", "in.jsonl", "-o", "in.jsonl", "--force"), "is one of the files that are read"),
        (("1.jsonl", "-o", "talk.wav"), "exists already"),
        (("1.jsonl", "-o", "no/all.jsonl"), "there is no folder no"),
        (("1.jsonl", "--manifest", "gone.jsonl"), "cannot read gone.jsonl"),
        (("1.jsonl", "-o", "https://host/all.jsonl"), "nothing can be written to https://host/all.jsonl"),
    ],
)
def test_what_cannot_be_merged_is_one_line_and_touches_nothing(merge, arguments, reason) -> None:
    Path("1.jsonl").write_text(line("a"))
    Path("link.jsonl").symlink_to("1.jsonl")
    Path("loop.jsonl").symlink_to("loop.jsonl")
    Path("talk.wav").write_bytes(b"RIFF\nWAVE\n")
    Path("in.jsonl").write_text('{"audio": "a"}\n')
    before = {path: path.read_bytes() for path in Path().iterdir() if path.exists()}
    done = merge(*arguments)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert reason in done.err
    assert {path: path.read_bytes() for path in Path().iterdir() if path.exists()} == before
    assert Path("loop.jsonl").is_symlink()


def test_a_file_is_replaced_as_a_whole_or_not_at_all(merge) -> None:
    Path("1.jsonl").write_text("".join(line(str(number), "x" * 1000) for number in range(20)))
    Path("all.jsonl").write_text("before")
    Path("link").symlink_to("all.jsonl")
    with disk_of(9000):
        done = merge("1.jsonl", "-o", "all.jsonl", "--force")
    assert (done.code, Path("all.jsonl").read_text()) == (1, "before")
    assert "cannot write all.jsonl: File too large (free some space there)" in done.err
    assert sorted(path.name for path in Path().iterdir()) == ["1.jsonl", "all.jsonl", "link"]
    assert merge("1.jsonl", "-o", "link", "--force").code == 0
    assert Path("link").is_symlink()
    assert Path("all.jsonl").read_text() == Path("1.jsonl").read_text()
    assert merge("1.jsonl", "-o", os.devnull).code == 0
    assert Path(os.devnull).is_char_device()


def test_a_file_that_changes_meanwhile_is_noticed(merge, monkeypatch) -> None:
    Path("1.jsonl").write_text(line("a") + line("b"))

    def changed(*arguments: object, **options: object) -> None:
        Path("1.jsonl").write_text(line("c") + line("d"))

    monkeypatch.setattr("asrcli.runs.merge._write", lambda lines, sink, output: [changed(), *lines])
    done = merge("1.jsonl")
    assert (done.code, done.err.count("\n")) == (1, 1)
    assert "1.jsonl changed while it was read" in done.err


def test_it_is_at_home_in_pipes(merge, monkeypatch, tmp_path) -> None:
    text = "".join(line(str(number), "x" * 1000) for number in range(2000))
    Path("1.jsonl").write_text(text)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert merge("-").out == text
    shell = f"{sys.executable} -m asrcli merge 1.jsonl | head -1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", shell], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, line("0", "x" * 1000), "")
