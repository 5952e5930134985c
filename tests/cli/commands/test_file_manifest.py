"""`asrcli file --manifest`: the sources of a corpus, each at its turn, some of them in their own way."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from asrcli.fleet.shards import Shard, digest_of
from tests.support.beginnings import beginning
from tests.support.program import Outcome as Done

Run = Callable[..., Done]


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return beginning(tmp_path_factory.mktemp("corpus") / "a.wav", 4.5)


@pytest.fixture
def run(asrcli, talk_service, talk: Path) -> Run:
    """A run with a manifest of these lines, beside the talk."""

    def with_lines(*lines: dict[str, object], options: tuple[object, ...] = ()) -> Done:
        manifest = talk.parent / "in.jsonl"
        manifest.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
        done: Done = asrcli("file", "--manifest", manifest, "--endpoint", talk_service, "--pace", "fast", *options)
        return done

    return with_lines


def begun(done: Done) -> list[tuple[str, str]]:
    return [(line["source"], line["model"]) for line in done.events if line["type"] == "begin"]


def test_each_source_is_called_by_its_id_and_recognised_in_its_own_way(run: Run, talk: Path) -> None:
    done = run(
        {"audio": "a.wav"},
        {"audio": "a.wav", "id": "one", "model": "qwen3-asr-flash-realtime", "language": "en"},
        {"audio": "a.wav", "id": "two", "language": "zh"},
        options=("--jobs", "3", "-j"),
    )
    assert done.code == 0
    assert begun(done) == [
        ("a.wav", "fun-asr-realtime"),
        ("one", "qwen3-asr-flash-realtime"),
        ("two", "fun-asr-realtime"),
    ]
    assert {line["audio"] for line in done.events if line["type"] == "begin"} == {str(talk)}
    said = {source: [line["text"] for line in done.events if line["type"] == "final" and line["source"] == source]
            for source in ("a.wav", "one", "two")}  # fmt: skip
    assert said["a.wav"] == said["one"] == said["two"] != []


def test_what_is_wrong_with_one_source_is_its_own_failure(run: Run) -> None:
    done = run(
        {"audio": "none.wav", "duration": 2.0},
        {"audio": "a.wav", "id": "no such channel", "channel": 7},
        {"audio": "a.wav", "channel": 0},
        options=("-j",),
    )
    assert done.code == 1
    ends = [(line["type"], line["source"]) for line in done.events if line["type"] in ("end", "error")]
    assert ends == [("error", "none.wav"), ("error", "no such channel"), ("end", "a.wav")]
    assert done.err.splitlines()[-1] == "2 of 3 sources failed"
    alone = run({"audio": "none.wav"})
    assert (alone.code, alone.err.splitlines()[-1]) == (1, "1 of 1 source failed")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"audio": "a.wav", "model": "qwen3-asr-flash-realtime", "hotwords": ["Ada"]}, "has no --hotwords"),
        ({"audio": "a.wav", "language": "English"}, "English"),
        ({"audio": "a.wav", "channel": "left"}, 'channel is "left"'),
        ({"audio": "a.wav", "id": "x", "channel": 1}, "one channel of it is to be sent"),
    ],
)
def test_a_line_that_cannot_be_meant_is_refused_before_anything_is_sent(run: Run, line, said: str) -> None:
    done = run({"audio": "a.wav", "id": "first"}, line, options=("-j", "--send", "as-is!"))
    assert done.code == 2
    [error] = done.events
    assert "in.jsonl:2: " in error["message"]
    assert said in error["message"]


def test_all_lines_that_are_wrong_are_told(run: Run) -> None:
    done = run({"id": "x"}, {"audio": "a.wav"}, {"audio": "a.wav"})
    assert done.code == 2
    first, second, last = done.err.splitlines()
    assert "in.jsonl:1: no audio" in first
    assert "in.jsonl:3: the same id as in line 2" in second
    assert last == "asrcli: error: 2 lines of the manifest cannot be used; nothing was sent"


def test_a_shard_does_its_part_and_an_empty_one_is_no_error(run: Run) -> None:
    lines = [{"audio": "a.wav", "id": f"id-{number}"} for number in range(4)]
    parts = [[each for each in lines if Shard(part, 3).has(digest_of(str(each["id"])))] for part in (1, 2, 3)]
    assert sorted(map(len, parts)) == [0, 1, 3]
    for number, part in enumerate(parts, 1):
        done = run(*lines, options=("--shard", f"{number}/3", "-j"))
        assert done.code == 0
        assert [source for source, _ in begun(done)] == [line["id"] for line in part]
        assert done.err.startswith(f"shard {number}/3: {len(part)} of 4 sources\n")


def test_a_shard_of_named_files_goes_by_their_names(asrcli, talk_service, talk: Path) -> None:
    part = 1 if Shard(1, 2).has(digest_of(str(talk))) else 2
    for number in (1, 2):
        done = asrcli("file", talk, "--shard", f"{number}/2", "--endpoint", talk_service, "--pace", "fast", "-j")
        assert (done.code, len(begun(done))) == (0, int(number == part))


def test_the_sources_are_either_named_or_listed(asrcli, talk: Path) -> None:
    both = asrcli("file", talk, "--manifest", "in.jsonl")
    assert (both.code, "--manifest and FILE exclude each other" in both.err) == (2, True)
    neither = asrcli("file")
    assert (neither.code, "nothing to transcribe" in neither.err) == (2, True)


def test_no_result_is_written_over_the_manifest_or_what_was_there(run: Run, talk: Path, tmp_path: Path) -> None:
    manifest = talk.parent / "in.jsonl"
    done = run({"audio": "a.wav"}, options=("-o", manifest, "--force", "-f", "json"))
    assert (done.code, "is the source itself" in done.err) == (2, True)
    assert json.loads(manifest.read_text()) == {"audio": "a.wav"}
    before = tmp_path / "before.jsonl"
    before.write_text("kept")
    assert run({"id": "x"}, options=("-o", before, "--force")).code == 2
    assert before.read_text() == "kept"
