"""Sources, manifests and results in an object store, as a user has them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from asrcli.remote import stores
from asrcli.remote.places import open_lines, read_lines, write_lines
from asrcli.runs.inputs import expand
from asrcli.values.errors import UsageError
from tests.support.beginnings import beginning
from tests.support.object_store import SECRET
from tests.support.object_store import s3 as s3
from tests.support.object_store import s3_endpoint as s3_endpoint
from tests.support.sounds import FFMPEG, convert

SERVED = ("--pace", "fast", "--json")


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    """Ten seconds, with two sentences and the beginning of a third."""
    return beginning(tmp_path / "talk.wav", 10)


def finals(events: list[dict[str, object]], source: str) -> list[object]:
    return [each["text"] for each in events if each["type"] == "final" and each["source"] == source]


def test_sources_of_a_store_are_heard_as_those_here(asrcli, talk_service, s3, wav, tmp_path):
    files = [wav, convert(wav, tmp_path / "talk.mp3"), convert(wav, tmp_path / "talk.m4a")] if FFMPEG else [wav]
    for file in files:
        stores.put_file(f"{s3}/talks/{file.name}", file)
    stores.put(f"{s3}/talks/notes.txt", b"no sound")
    here = asrcli("file", wav, "--endpoint", talk_service, *SERVED)
    done = asrcli("file", f"{s3}/talks/", "--endpoint", talk_service, *SERVED)
    assert (done.code, done.err) == (0, "")
    for file in files:
        name = f"{s3}/talks/{file.name}"
        assert finals(done.events, name) == finals(here.events, str(wav)) != []
        [end] = [each for each in done.events if each["type"] == "end" and each["source"] == name]
        assert end["complete"] is True
    assert SECRET not in done.out


def test_a_manifest_and_its_results_lie_in_a_store_and_a_rerun_does_the_rest(asrcli, talk_service, s3, wav):
    for name in ("a", "b"):
        stores.put_file(f"{s3}/corpus/{name}.wav", wav)
    rows = [{"audio": f"{name}.wav", "id": name} for name in ("a", "b", "c")]
    write_lines(f"{s3}/corpus/in.jsonl", map(json.dumps, rows))
    results = f"{s3}/run.jsonl"
    arguments = ("file", "--manifest", f"{s3}/corpus/in.jsonl", "--results", results, "--endpoint", talk_service)
    first = asrcli(*arguments, "--pace", "fast")
    assert first.code == 1
    assert f"there is nothing at {s3}/corpus/c.wav" in first.err
    kept = {line["id"]: line for line in map(json.loads, read_lines(results))}
    assert {name: line["complete"] for name, line in kept.items()} == {"a": True, "b": True, "c": False}
    assert kept["a"]["text"] == kept["b"]["text"] != ""
    stores.put_file(f"{s3}/corpus/c.wav", wav)
    again = asrcli(*arguments, "--pace", "fast")
    assert again.code == 0, again.err
    lines = [json.loads(line) for line in read_lines(results)]
    assert [line["id"] for line in lines if line["complete"]] == ["a", "b", "c"]
    # An object that is another now is done again.
    stores.put_file(f"{s3}/corpus/a.wav", beginning(wav.with_name("other.wav"), 5))
    assert asrcli(*arguments, "--pace", "fast").code == 0
    assert [json.loads(line)["id"] for line in read_lines(results)][len(lines) :] == ["a"]


def test_results_of_a_store_are_merged_into_one_object(asrcli, s3):
    for run, ids in enumerate((("a", "b"), ("b", "c"))):
        lines = open_lines(f"{s3}/run-{run}.jsonl", "complete")
        for id in ids:
            lines.append(json.dumps({"id": id, "audio": id, "complete": True, "text": f"said in {run}", "error": None}))
        lines.close()
    done = asrcli("merge", f"{s3}/run-0.jsonl", f"{s3}/run-1.jsonl", "-o", f"{s3}/all.jsonl")
    assert done.code == 0, done.err
    found = [json.loads(line) for line in read_lines(f"{s3}/all.jsonl")]
    assert {line["id"]: line["text"] for line in found} == {"a": "said in 0", "b": "said in 1", "c": "said in 1"}
    assert asrcli("merge", f"{s3}/none.jsonl").code == 2


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("s3://no-bucket/run.jsonl", "no bucket of that name"),
        ("https://host/run.jsonl", "nothing can be written to https://host/run.jsonl"),
        ("gopher://host/run.jsonl", "no address of that kind"),
    ],
)
def test_results_that_cannot_be_kept_are_refused_before_anything_is_sent(asrcli, talk_service, s3, wav, place, said):
    done = asrcli("file", wav, "--results", place, "--endpoint", talk_service, *SERVED)
    assert done.code == 2
    assert said in done.err
    assert not any(event["type"] == "begin" for event in done.events)


def test_an_object_that_is_not_there_is_refused_before_anything_is_sent(asrcli, talk_service, s3):
    done = asrcli("file", f"{s3}/none.wav", "--endpoint", talk_service, *SERVED)
    assert done.code == 2
    assert f"there is nothing at {s3}/none.wav" in done.err


def test_folders_and_patterns_become_what_they_hold(s3, tmp_path, monkeypatch):
    for name in ("talks/b.wav", "talks/a.MP3", "talks/notes.txt", "other/c.wav"):
        stores.put(f"{s3}/{name}", b"x")
    assert expand([f"{s3}/talks/"]) == expand([f"{s3}/talks"]) == [f"{s3}/talks/a.MP3", f"{s3}/talks/b.wav"]
    assert expand([f"{s3}/*/*.wav", f"{s3}/none.wav"]) == [f"{s3}/other/c.wav", f"{s3}/talks/b.wav", f"{s3}/none.wav"]
    assert expand([f"{s3}/t*"]) == [f"{s3}/talks/a.MP3", f"{s3}/talks/b.wav"]
    assert expand([(tmp_path / "a b.wav").as_uri()]) == [f"{tmp_path}/a b.wav"]
    for name, said in (
        (f"{s3}/none/", "holds no audio file"),
        (f"{s3}/*.ogg", "nothing matches"),
        ("s3://no-bucket/*.ogg", "no bucket of that name"),
    ):
        with pytest.raises(UsageError, match=said):
            expand([name])


@pytest.mark.parametrize("arguments", [("--output-dir", "s3://a-bucket/texts"), ("-o", "s3://a-bucket/a.srt")])
def test_results_in_files_are_of_this_machine(asrcli, wav, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    done = asrcli("file", wav, *arguments, "--region", "local")
    assert done.code == 2
    assert arguments[1] in done.err
    assert "address" in done.err
    assert list(tmp_path.iterdir()) == [wav]
