"""What lines of a manifest become, and what is said of those that cannot be meant."""

from __future__ import annotations

import json
import pickle
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from asrcli.fleet.manifest import MOST_TOLD, BrokenManifest, Row, manifest_of, read
from asrcli.fleet.shards import Shard, digest_of
from asrcli.remote import stores
from asrcli.remote.base import RemoteError, Way
from asrcli.settings.phrases import Hotwords
from asrcli.values.errors import UsageError
from tests.support.web_server import Thing, web_server


def row(*, place: str = "in.jsonl", **line: object) -> Row:
    (found,) = manifest_of([json.dumps(line)], place).rows
    return found


def problem(*lines: str) -> str:
    with pytest.raises(BrokenManifest) as caught:
        manifest_of(lines, "in.jsonl")
    return caught.value.message


def test_a_line_has_its_id_its_length_and_what_else_is_kept() -> None:
    found = row(audio="a.wav", id="one", duration=1.25, channel=1, text="hi", speaker={"name": "Ada"})
    assert found == Row("one", "a.wav", 1250, {}, 1, {"text": "hi", "speaker": {"name": "Ada"}})
    assert row(audio="a.wav") == Row.named("a.wav")
    assert row(audio="a.wav", id=17).id == "17"
    assert row(audio="a.wav", id=None, duration=None, channel=None, model=None) == Row("a.wav", "a.wav")


def test_the_audio_of_other_manifests_is_found_and_told_from_ours() -> None:
    assert row(audio_filepath="a.wav", text="hi") == Row("a.wav", "a.wav", others={"text": "hi"})
    assert row(audio="a.wav", audio_filepath="b.wav") == Row("a.wav", "a.wav", others={"audio_filepath": "b.wav"})


@pytest.mark.parametrize(
    ("place", "audio", "found"),
    [
        ("in.jsonl", "talks/a.wav", "talks/a.wav"),
        ("-", "talks/a.wav", "talks/a.wav"),
        ("corpora/in.jsonl", "talks/a.wav", "corpora/talks/a.wav"),
        ("/in.jsonl", "a.wav", "/a.wav"),
        ("corpora/in.jsonl", "/data/a.wav", "/data/a.wav"),
        ("corpora/in.jsonl", "s3://bucket/a.wav", "s3://bucket/a.wav"),
        ("https://host/x/in.jsonl?sig=1/2", "a.wav", "https://host/x/a.wav"),
    ],
)
def test_relative_paths_count_from_the_folder_of_the_manifest(place: str, audio: str, found: str) -> None:
    made = row(place=place, audio=audio)
    assert (made.audio, made.id) == (found, audio)


def test_a_line_has_options_of_its_own_and_those_alike_are_one() -> None:
    lines = [
        {"audio": f"{number}.wav", "model": "m", "language": "en", "hotwords": ["Ada", "x,y:5"]} for number in range(2)
    ]
    first, second = manifest_of(map(json.dumps, lines), "-").rows
    assert first.fields is second.fields
    assert (first.fields["model"], first.fields["languages"]) == ("m", ("en",))
    hotwords = first.fields["hotwords"]
    assert isinstance(hotwords, Hotwords)
    assert [(word.text, word.weight) for word in hotwords.phrases.words()] == [("Ada", 4), ("x,y", 5)]
    assert row(audio="a", language=["en", "zh"]).fields == {"languages": ("en", "zh")}
    assert row(audio="a", hotwords="vocab-1").fields == {"hotwords": Hotwords("vocab-1", list_id="vocab-1")}
    said = row(audio="a", hotwords="Ada Lovelace:5,b").fields["hotwords"]
    assert isinstance(said, Hotwords)
    assert [word.text for word in said.phrases.words()] == ["Ada Lovelace", "b"]


def test_a_line_may_hold_much_that_is_not_deep() -> None:
    tags = [{"at": [number]} for number in range(100)]
    assert row(audio="a", tags=tags).others == {"tags": tags}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a.wav", "no JSON: Expecting value at character 1"),
        ("[1]", "no JSON object: [1]"),
        ("[" * 100_000, "no JSON that can be read"),
        ('{"audio": "a", "speaker": %s}' % ("[" * 200 + "]" * 200), "what stands in it is nested more than 64 deep"),
        ('{"id": "a"}', "no audio"),
        ('{"audio": null}', "no audio"),
        ('{"audio": 7}', "audio is 7, and neither a path nor an address"),
        ('{"audio": " "}', 'audio is " ", and neither'),
        ('{"audio": "a\\u0000"}', "neither a path"),
        ('{"audio": "-"}', "standard input is no source of a corpus"),
        ('{"audio": "a", "id": ""}', 'id is "", and no text'),
        ('{"audio": "a", "id": true}', "id is true, and no text"),
        ('{"audio": "a", "id": "\\udcff"}', "and no text"),
        ('{"audio": "a", "duration": "5"}', 'duration is "5", and no number of seconds'),
        ('{"audio": "a", "duration": -1}', "duration is -1"),
        ('{"audio": "a", "duration": Infinity}', "duration is Infinity"),
        ('{"audio": "a", "duration": 1e300}', "duration is 1e+300 seconds, and 100000000 at most"),
        ('{"audio": "a", "duration": %s}' % ("9" * 4000), "99… seconds, and 100000000 at most"),
        ('{"audio": "a", "duration": true}', "duration is true"),
        ('{"audio": "a", "channel": -1}', "channel is -1, which is no number of a channel"),
        ('{"audio": "a", "channel": 1.0}', "channel is 1.0"),
        ('{"audio": "a", "model": 1}', "model is 1, and no text"),
        ('{"audio": "a", "model": ""}', "model is empty"),
        ('{"audio": "a", "language": ["en", 1]}', "language is 1, and no text"),
        ('{"audio": "a", "hotwords": "Ada"}', 'hotwords is "Ada", which may be a phrase, a file or an id'),
        ('{"audio": "a", "hotwords": ["a:9"]}', "has the weight 9"),
        ('{"audio": "a", "hotwords": []}', "hotwords holds no phrase"),
        ('{"audio": "a", "hotwords": {"a": 1}}', 'hotwords is {"a": 1}, and no text'),
        (json.dumps({"audio": "a" * (1 << 20)}), "the line is longer than 1 MiB"),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_line(line: str, said: str) -> None:
    told = problem('{"audio": "first"}', line)
    assert told.startswith("in.jsonl:2: ")
    assert said in told


def test_a_few_problems_are_told_and_the_rest_is_counted() -> None:
    with pytest.raises(BrokenManifest) as caught:
        manifest_of(["{"] * (MOST_TOLD + 3), "in.jsonl")
    assert caught.value.message.startswith("in.jsonl:1: ")
    assert [other.message[:11] for other in caught.value.others] == [f"in.jsonl:{n}:" for n in range(2, MOST_TOLD + 1)]
    assert caught.value.left_out == 3
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.message, len(again.others), again.left_out) == (caught.value.message, MOST_TOLD - 1, 3)


def test_an_id_that_comes_twice_is_told_with_both_lines_whichever_shard_does_it() -> None:
    lines = ['{"audio": "a"}', "", '{"audio": "b"}', '{"audio": "c", "id": "a"}']
    assert problem(*lines) == "in.jsonl:4: the same id as in line 1"
    other = 1 if Shard(2, 2).has(digest_of("a")) else 2
    with pytest.raises(BrokenManifest):
        manifest_of(lines, "in.jsonl", Shard(other, 2))


def test_a_shard_has_its_rows_their_lines_and_the_number_of_all() -> None:
    lines = ["", *(json.dumps({"audio": f"{number}.wav"}) for number in range(20))]
    shards = [manifest_of(lines, "in.jsonl", Shard(number, 3)) for number in (1, 2, 3)]
    assert sorted(row.id for shard in shards for row in shard.rows) == sorted(f"{number}.wav" for number in range(20))
    for shard in shards:
        assert shard.total == 20
        for index, each in enumerate(shard.rows):
            assert shard.where(index) == f"in.jsonl:{int(each.id[:-4]) + 2}"


def test_a_file_is_read_with_its_mark_of_utf_8_and_its_line_ends(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"audio": "\xc3\xa4.wav"}\r\n\r\n{"audio": "b.wav"}')
    assert [each.audio for each in read(str(path)).rows] == [f"{tmp_path}/ä.wav", f"{tmp_path}/b.wav"]
    path.write_bytes('{"audio": "a"}'.encode("utf-16"))
    with pytest.raises(UsageError, match=r"in.jsonl: line 1 is not UTF-8"):
        read(str(path))


def test_of_a_file_without_lines_a_part_is_read(tmp_path: Path) -> None:
    path = tmp_path / "talk.wav"
    with path.open("wb") as file:
        file.truncate(64 << 20)
    tracemalloc.start()
    with pytest.raises(UsageError, match="longer than 16 MB"):
        read(str(path))
    assert tracemalloc.get_traced_memory()[1] < 48 << 20
    tracemalloc.stop()


def test_where_there_is_no_manifest_or_nothing_in_it_that_is_said(tmp_path: Path) -> None:
    for place, said in ((tmp_path / "none.jsonl", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(UsageError, match=f"cannot read .*{said}"):
            read(str(place))
    (tmp_path / "empty.jsonl").write_text("\n\n")
    with pytest.raises(UsageError, match=r"empty\.jsonl holds no sources"):
        read(str(tmp_path / "empty.jsonl"))


def test_a_manifest_may_lie_in_a_store_and_its_sources_beside_it() -> None:
    stores.put("memory://corpora/in.jsonl", b'{"audio": "a.wav"}\n{"audio": "file:///data/b%20c.wav"}\n')
    assert [each.audio for each in read("memory://corpora/in.jsonl").rows] == [
        "memory://corpora/a.wav",
        "/data/b c.wav",
    ]
    with pytest.raises(UsageError, match="cannot read the manifest: there is nothing at memory://corpora/none"):
        read("memory://corpora/none.jsonl")
    with pytest.raises(UsageError, match="nosuch://"):
        read("nosuch://corpora/none.jsonl")


def test_a_manifest_that_breaks_off_is_not_taken_for_a_shorter_one() -> None:
    lines = b'{"audio": "a.wav"}\n{"audio": "b.wav"}\n'
    with web_server() as server:
        address = server.put("/in.jsonl", Thing(lines, has_ranges=False, breaks=[19]))
        with pytest.raises(RemoteError) as caught:
            read(address, way=Way(retries=0))
        assert caught.value.retryable
        assert len(read(address, way=Way(retries=2)).rows) == 2


def test_rows_are_small_and_those_of_other_shards_are_smaller() -> None:
    def lines() -> Iterator[str]:
        for number in range(4000):
            line = {"audio": f"talks/part-7/speaker-12/{number:08}.wav", "id": f"utterance-{number:08}", "duration": 9}
            yield json.dumps({**line, "language": "en"})

    sizes = []
    for shard in (None, Shard(1, 4000)):
        tracemalloc.start()
        found = manifest_of(lines(), "in.jsonl", shard)
        sizes.append(tracemalloc.get_traced_memory()[0] // found.total)
        tracemalloc.stop()
    assert sizes[0] < 450
    assert sizes[1] < 20
