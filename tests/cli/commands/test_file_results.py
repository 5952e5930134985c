"""`asrcli file --results`: a line a source, and reruns that do what is not done yet."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asrcli.output.places import sidecar
from asrcli.remote import stores
from asrcli.remote.places import read_lines
from asrcli.system.file_state import file_sha256
from tests.support.beginnings import beginning
from tests.support.full_disk import disk_of
from tests.support.program import Outcome as Done

Run = Callable[..., Done]


@pytest.fixture
def talks(tmp_path: Path) -> list[Path]:
    return [beginning(tmp_path / f"{name}.wav", 4.5) for name in "ab"]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results.jsonl"


@pytest.fixture
def run(asrcli, talk_service, talks: list[Path], results: Path) -> Run:
    """A run of the talks, or of others, with results."""

    def with_options(*options: object, names: list[Path] = talks) -> Done:
        common = ("--results", results, "--endpoint", talk_service, "--pace", "fast")
        done: Done = asrcli("file", *names, *common, *options)
        return done

    return with_options


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_rerun_does_what_is_not_done_or_has_changed(run: Run, talks: list[Path], results: Path) -> None:
    done = run("--jobs", "2")
    assert done.code == 0
    first = lines(results)
    assert sorted(line["id"] for line in first) == sorted(map(str, talks))
    assert all(line["complete"] and line["text"] in done.out for line in first)
    assert all(line["text"].startswith("Hello") for line in first)
    assert (run().err, run().out) == ("2 of 2 are done already\n", "")
    # Another time, the same bytes; then others.
    os.utime(talks[0], ns=(1, 1))
    assert run().err == "2 of 2 are done already\n"
    beginning(talks[0], 3.0)
    done = run()
    assert done.err == "1 of 2 has changed and will be done again\n1 of 2 is done already\n"
    assert run().err == "2 of 2 are done already\n"
    assert run("--language", "en").err == "2 of 2 will be done again, with other options\n"
    assert [line.get("language") for line in lines(results)] == [None] * 3 + ["en"] * 2
    assert run("--quiet", "--language", "en", names=talks[:1]).err == ""


def test_result_files_and_lines_say_the_same_and_each_makes_up_for_the_other(
    run: Run, talks: list[Path], results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    hashed: list[str] = []

    def counted(path: Path) -> str:
        hashed.append(path.name)
        return file_sha256(path)

    monkeypatch.setattr(sidecar, "file_sha256", counted)
    assert run("--output-dir", out).code == 0
    assert [hashed.count(talk.name) for talk in talks] == [1, 1]
    assert [line["path"] for line in lines(results)] == [str(out / "a.txt"), str(out / "b.txt")]
    said = {line["id"]: line["text"] for line in lines(results)}
    assert [(out / "a.txt").read_text(), (out / "b.txt").read_text()] == [f"{text}\n" for text in said.values()]
    assert run("--output-dir", out).err == "2 of 2 are done already\n"
    (out / "a.txt").unlink()
    assert run("--output-dir", out).err == f"1 of 2 is done already\n1 result written to {out}\n"
    # What was in place when its line was lost is not paid for again.
    results.write_text("")
    done = run("--output-dir", out)
    assert done.err == f"2 of 2 are done already\n2 of 2 are noted in {results} from their results\n"
    assert {line["id"]: line["text"] for line in lines(results)} == said
    assert {(line["billed_s"], line["complete"]) for line in lines(results)} == {(None, True)}
    assert run().err == "2 of 2 are done already\n"


def test_of_files_that_do_not_say_it_all_the_line_is_made_anew(run: Run, results: Path, tmp_path: Path) -> None:
    options = ("--output-dir", tmp_path, "--format", "srt", "--format", "json")
    assert run(*options).code == 0
    said = [line["text"] for line in lines(results)]
    results.unlink()
    assert f"2 of 2 are noted in {results} from their results" in run(*options).err
    assert [line["text"] for line in lines(results)] == said
    assert [line["paths"][0] for line in lines(results)] == [str(tmp_path / "a.srt"), str(tmp_path / "b.srt")]
    results.unlink()
    assert f"2 of 2 will be done again, for {results}" in run(*options[:4]).err
    assert [line["billed_s"] for line in lines(results)] == [5, 5]


def test_a_plan_counts_what_is_done_and_touches_nothing(run: Run, talks: list[Path], results: Path) -> None:
    assert run(names=talks[:1]).code == 0
    before = results.read_bytes() + b'{"cut'
    results.write_bytes(before)
    done = run("--dry-run", "-f", "json")
    assert (done.code, done.events[-1]["done"]) == (0, 1)
    assert results.read_bytes() == before
    assert "ended in a line that was cut off: 5 bytes are removed" in run().err
    assert len(lines(results)) == 2


def test_all_is_done_again_where_that_is_wanted_and_the_last_line_counts(
    run: Run, asrcli, talk_service, talks: list[Path], results: Path
) -> None:
    assert run().code == 0
    first = lines(results)
    assert [plan["done"] for plan in run("--dry-run", "--json", "--force").events] == [0]
    done = run("--force")
    assert (done.code, done.err) == (0, "")
    assert lines(results)[:2] == first
    assert [(line["id"], line["text"]) for line in lines(results)] == [(line["id"], line["text"]) for line in first] * 2
    manifest = results.with_name("in.jsonl")
    manifest.write_text("".join(f'{{"audio": "{talk}"}}\n' for talk in talks))
    of_corpus = ("file", "--manifest", manifest, "--results", results, "--dry-run", "--json")
    for force, to_do in (((), 0), (("--force",), 2)):
        assert [plan["to_do"] for plan in asrcli(*of_corpus, *force, "--endpoint", talk_service).events] == [to_do]
    assert run().err == "2 of 2 are done already\n"


def test_rows_of_a_manifest_are_done_each_in_its_own_way(
    asrcli, talk_service, talks: list[Path], results: Path, tmp_path: Path
) -> None:
    manifest = tmp_path / "in.jsonl"

    def run(*rows: dict[str, object], shard: str = "1/1") -> Done:
        manifest.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        options = ("--endpoint", talk_service, "--pace", "fast", "--results", results, "--shard", shard)
        done: Done = asrcli("file", "--manifest", manifest, *options)
        return done

    rows: list[dict[str, object]]
    rows = [{"audio": "a.wav", "id": "one", "speaker": 7}, {"audio": "gone.wav"}, {"audio": "b.wav", "language": "en"}]
    assert run(*rows).code == 1
    b, gone, one = sorted(lines(results), key=lambda line: Path(line["id"]).name)
    assert (one["id"], one["audio"], one["manifest"]) == ("one", str(talks[0]), {"speaker": 7})
    assert (gone["complete"], gone["error"]["exit"], gone["error"]["code"]) == (False, 2, "UsageError")
    assert (b["language"], b["complete"]) == ("en", True)
    shutil.copy(talks[0], tmp_path / "gone.wav")
    done = run(*rows[:2], rows[2] | {"language": "zh"})
    assert "1 of 3 will be done again, with other options\n1 of 3 is done already\n" in done.err
    assert run(*rows[:2], rows[2] | {"language": "zh"}).err.endswith("3 of 3 are done already\n")
    # A part without a source has its results, too: none.
    counts = []
    for shard in ("1/2", "2/2"):
        results.unlink()
        assert run(rows[0], shard=shard).code == 0
        counts.append(len(lines(results)))
    assert sorted(counts) == [0, 1]


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        ("--output", "--output too"),
        ("--log", "--log too"),
        ("--save-audio", "--save-audio too"),
    ],
)
def test_one_file_is_not_two_things(run: Run, talks: list[Path], results: Path, option: str, reason: str) -> None:
    done = run(option, results, names=talks[:1])
    assert (done.code, results.exists()) == (2, False)
    assert reason in done.err
    results.write_text("here")
    assert run(option, results, "--force", names=talks[:1]).code == 2
    assert results.read_text() == "here"


def test_what_cannot_be_results_is_refused_before_anything_is_sent(
    run: Run, asrcli, talks: list[Path], results: Path, tmp_path: Path
) -> None:
    manifest = tmp_path / "in.jsonl"
    manifest.write_text('{"audio": "a.wav"}\n')
    for arguments, reason in (
        ((*talks, "--results", talks[0]), "is a source too"),
        (("--manifest", manifest, "--results", manifest), "is --manifest too"),
        ((*talks, "--results", "-"), "--results takes a file"),
        ((*talks, "--results", tmp_path), "it is a folder"),
        ((talks[0], talks[0], "--results", results), "a.wav is given twice"),
        ((talks[0], "--results", tmp_path / "no" / "r.jsonl"), "there is no folder"),
    ):
        done = asrcli("file", *arguments, "--endpoint", "ws://127.0.0.1:1")
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert reason in done.err
    results.write_text("a text\n")
    for option in ((), ("--dry-run",)):
        done = run(*option)
        assert (done.code, results.read_text()) == (2, "a text\n")
        assert "holds something else already" in done.err


def test_a_run_that_does_not_begin_leaves_no_file(asrcli, talks: list[Path], results: Path) -> None:
    assert asrcli("file", talks[0], "--results", results).code == 4
    assert not results.exists()


def test_what_comes_through_a_pipe_is_never_done_already(run: Run, talks: list[Path], tmp_path: Path) -> None:
    import threading

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for _ in range(2):
        writer = threading.Thread(target=pipe.write_bytes, args=(talks[0].read_bytes(),))
        writer.start()
        done = run(names=[pipe])
        writer.join()
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith("Hello")


def test_a_full_disk_is_told_once_with_how_much_of_it_is_there(run: Run, results: Path) -> None:
    # Enough for one line, and for the error.
    with disk_of(900):
        done = run("-q", "-o", os.devnull)
    assert done.code == 1
    assert done.err == (
        f"asrcli: error: cannot write to {results}: File too large; of 2 that are over, 1 is not noted there"
        " (free some space there, then run the same again)\n"
    )


def test_results_and_sources_may_lie_at_addresses(asrcli, talk_service, talks: list[Path], tmp_path: Path) -> None:
    """What an object is now is asked of its store, unless a plan alone is wanted; what has gone counts as it was."""
    bucket, place = f"memory://{tmp_path.name}", f"memory://{tmp_path.name}/results.jsonl"
    for talk in talks:
        stores.put(f"{bucket}/{talk.name}", talk.read_bytes())
    manifest = tmp_path / "in.jsonl"
    manifest.write_text("".join(json.dumps({"audio": f"{bucket}/{talk.name}"}) + "\n" for talk in talks))

    def run(*options: object) -> Done:
        common = ("--manifest", manifest, "--results", place, "--endpoint", talk_service, "--pace", "fast")
        done: Done = asrcli("file", *common, *options)
        return done

    assert run().code == 0
    first, second = (json.loads(line) for line in read_lines(place))
    assert first["id"] == f"{bucket}/a.wav"
    assert [*first["sound"]] == [*second["sound"]] == ["identity"]
    assert run().err == "2 of 2 are done already\n"
    stores.put(f"{bucket}/a.wav", beginning(tmp_path / "c.wav", 3.0).read_bytes())
    stores.remove(f"{bucket}/b.wav")
    assert "1 of 2" not in run("--dry-run").out
    assert run().err == "1 of 2 has changed and will be done again\n1 of 2 is done already\n"
    assert [json.loads(line)["id"] for line in read_lines(place)] == [first["id"], second["id"], first["id"]]
    merged = asrcli("merge", place)
    assert (merged.code, len(merged.out.splitlines())) == (0, 2)
    assert asrcli("merge", place, "-o", f"{bucket}/all.jsonl").code == 0
    assert b"".join(line + b"\n" for line in read_lines(f"{bucket}/all.jsonl")).decode() == merged.out
