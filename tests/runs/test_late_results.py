"""The results of a corpus, of which each source is looked at when its turn comes."""

from __future__ import annotations

import io
import json
import tracemalloc
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from asrcli.audio.opening import Files
from asrcli.fleet.manifest import Manifest, manifest_of
from asrcli.output.output import Output
from asrcli.output.places.result_file import Result
from asrcli.output.places.sidecar import fetched_audio
from asrcli.output.views.plain import QuietView
from asrcli.runs.choose_spec import Choice
from asrcli.runs.late_results import LateResults
from asrcli.runs.request import CorpusOptions, ManyOptions, Request
from asrcli.runs.rows import Rows
from asrcli.runs.sources import AlreadyDone, Prepared
from asrcli.values.errors import DecodeError, UsageError
from asrcli.values.recognition import RecognitionOptions
from tests.support.beginnings import beginning

TALK = {"audio": "a.wav"}
# One for each of two models.
CHOICES = [Choice(RecognitionOptions(model), "run-task", "local") for model in ("m", "n")]


class Corpus:
    """Sources in a folder, and what a run makes of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "a.wav").write_bytes(b"sound")
        (path / "b.wav").write_bytes(b"other sound")
        self.stderr = io.StringIO()

    def rows(self, *lines: Mapping[str, object]) -> Manifest:
        return manifest_of(map(json.dumps, lines), str(self.path / "in.jsonl"))

    def results(self, manifest: Manifest, results: str | None = None) -> LateResults:
        output = Output([], QuietView(self.stderr))
        request = Request(
            tuple(row.audio for row in manifest.rows),
            Files(),
            "m",
            {},
            many=ManyOptions(output_dir=self.path / "out"),
            corpus=CorpusOptions(manifest="in.jsonl", results=results),
        )
        return LateResults(request, CHOICES, output, Rows(manifest.rows, manifest.total, manifest.where))

    def run(self, *lines: Mapping[str, object], variant: int = 0) -> list[str]:
        """Do what is to be done; what became of each."""
        manifest = self.rows(*lines)
        made, became = self.results(manifest), []
        with ExitStack() as stack:
            sources = made.to_do([Prepared(row, variant) for row in manifest.rows], stack)
            made.begin(stack)
            files = made.of_form(0)
            for number, item in enumerate(sources):
                try:
                    made.before(number, item)
                    made.before(number, item)
                    item.check_again()
                except (AlreadyDone, UsageError, DecodeError) as error:
                    became.append(error.code)
                    continue
                finally:
                    kept = files[number]
                assert isinstance(kept, Result)
                kept.write("text\n")
                kept.keep()
                became.append(kept.path.name)
                made.over(number)
                assert files[number] is None
        return became


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    return Corpus(tmp_path)


def test_results_are_called_by_the_id_or_as_the_file(corpus: Corpus) -> None:
    assert corpus.run(TALK, {"audio": "a.wav", "id": "one/two.three"}) == ["a.txt", "one_two.three.txt"]
    assert {path.name for path in (corpus.path / "out").glob("[!.]*")} == {"a.txt", "one_two.three.txt"}


def test_what_is_done_is_left_out_at_its_turn(corpus: Corpus) -> None:
    corpus.run(TALK)
    other = {"audio": "b.wav"}
    assert corpus.run(TALK, other) == ["AlreadyDone", "b.txt"]
    assert corpus.run(TALK, other) == ["AlreadyDone", "AlreadyDone"]
    (corpus.path / "out" / "b.txt").write_text("mine")
    (corpus.path / "out" / ".b.txt.asrcli.json").unlink()
    plan = corpus.results(corpus.rows(TALK, other))
    first, second = (Prepared(row) for row in corpus.rows(TALK, other).rows)
    with pytest.raises(AlreadyDone):
        plan.planned(first)
    with pytest.raises(UsageError, match=r"b\.txt exists already"):
        plan.planned(second)
    assert corpus.stderr.getvalue().endswith(f"0 results written to {corpus.path / 'out'}\n")


def test_of_lines_and_files_only_what_both_say_is_told_to_be_done(asrcli, talk_service, tmp_path: Path) -> None:
    out, results = tmp_path / "out", tmp_path / "r.jsonl"
    for name in "ab":
        beginning(tmp_path / f"{name}.wav", 3.0)
    (tmp_path / "in.jsonl").write_text('{"audio": "a.wav"}\n{"audio": "b.wav"}\n')
    common = ("--results", results, "--output-dir", out, "--endpoint", talk_service, "--pace", "fast")
    named = ("file", tmp_path / "a.wav", tmp_path / "b.wav", *common, "-f", "srt")
    corpus = ("file", "--manifest", tmp_path / "in.jsonl", *common)
    assert asrcli(*corpus).code == 0
    (out / "a.txt").unlink()
    assert asrcli(*corpus, "--dry-run").err == ""
    assert asrcli(*corpus).err == f"1 of 2 is done already\n1 result written to {out}\n"
    assert asrcli(*corpus).err == "2 of 2 are done already\n"
    assert asrcli(*corpus, "--dry-run").err == ""
    # Of subtitles no line is made: that is no reason to say that they are done.
    assert asrcli(*named).code == 0
    results.unlink()
    again = asrcli(*named).err
    assert again == f"2 of 2 will be done again, for {results}\n2 results written to {out}\n"
    assert asrcli(*named, "--dry-run").err == ""


def test_it_is_done_again_for_other_sound_another_model_or_another_channel(corpus: Corpus) -> None:
    corpus.run(TALK)
    assert corpus.run(TALK, variant=1) == ["a.txt"]
    assert corpus.run(TALK, variant=1) == ["AlreadyDone"]
    assert corpus.run({**TALK, "channel": 1}, variant=1) == ["a.txt"]
    (corpus.path / "a.wav").write_bytes(b"new sound")
    assert corpus.run({**TALK, "channel": 1}, variant=1) == ["a.txt"]
    assert "a.wav has changed and is done again" in corpus.stderr.getvalue()


def test_a_file_that_is_not_ours_is_the_failure_of_its_source_alone(corpus: Corpus) -> None:
    (corpus.path / "out").mkdir()
    (corpus.path / "out" / "a.txt").write_text("mine")
    assert corpus.run(TALK, {"audio": "b.wav"}) == ["UsageError", "b.txt"]
    assert (corpus.path / "out" / "a.txt").read_text() == "mine"


def test_what_is_not_here_is_left_to_whoever_opens_it(corpus: Corpus) -> None:
    elsewhere = {"audio": "https://127.0.0.1:1/x/c.wav?X-Signature=abc"}
    assert corpus.run({"audio": "none.wav"}, elsewhere) == ["none.txt", "c.txt"]
    # Nobody knows what it was made from.
    assert corpus.run({"audio": "none.wav"}) == ["none.txt"]


def test_what_lies_at_an_address_is_noted_as_what_it_was_when_it_was_heard(corpus: Corpus) -> None:
    manifest = corpus.rows({"audio": "https://127.0.0.1:1/c.wav"})
    made = corpus.results(manifest)
    [item] = [Prepared(row) for row in manifest.rows]
    made.before(0, item)
    item.sound = "etag:1"
    item.check_again()
    result = made.of_form(0)[0]
    assert isinstance(result, Result)
    assert result.audio == fetched_audio("https://127.0.0.1:1/c.wav", "etag:1")


def test_sources_whose_results_would_be_one_are_refused(corpus: Corpus) -> None:
    with pytest.raises(UsageError, match=r"the results of x/a\.wav and A would both be called A") as caught:
        corpus.results(corpus.rows({"audio": "x/a.wav"}, {"audio": "y.wav", "id": "A"}))
    assert '"id"' in caught.value.hint


@pytest.mark.parametrize(
    ("id", "called"),
    [
        ("\x1b[2J\n", "_[2J_.txt"), ("../up", "_._up.txt"), ("/abs/path", "_abs_path.txt"), (".hidden", "_hidden.txt"),
        ("..", "_..txt"), ("\u202exyz", "_xyz.txt"), ("-a", "-a.txt"), ("日本", "日本.txt"),
        ("https://me:secret@host/a?sig=secret", "https:__***@host_a?sig=***.txt"),
    ],
)  # fmt: skip
def test_an_id_leads_nowhere_and_hides_nothing(corpus: Corpus, id: str, called: str) -> None:
    assert corpus.run({"audio": "a.wav", "id": id}) == [called]
    assert [path.name for path in (corpus.path / "out").iterdir() if path.suffix == ".txt"] == [called]


def test_ids_that_would_be_one_name_are_refused(corpus: Corpus) -> None:
    with pytest.raises(UsageError, match=r"the results of \\x1ba and _a would both be called _a"):
        corpus.results(corpus.rows({"audio": "a.wav", "id": "\x1ba"}, {"audio": "b.wav", "id": "_a"}))


@pytest.mark.parametrize(("character", "most"), [("x", 238), ("日", 79)])
def test_a_name_that_no_file_can_have_is_refused_before_anything_is_done(
    corpus: Corpus, character: str, most: int
) -> None:
    corpus.results(corpus.rows(TALK, {"audio": "b.wav", "id": character * most}))
    with pytest.raises(UsageError, match=rf"in\.jsonl:2: {character * 50}… is too long for the name of a result file"):
        corpus.results(corpus.rows(TALK, {"audio": "b.wav", "id": character * (most + 1)}))


def test_a_change_while_it_is_read_is_seen(corpus: Corpus) -> None:
    manifest = corpus.rows(TALK)
    made = corpus.results(manifest)
    [item] = [Prepared(row) for row in manifest.rows]
    made.before(0, item)
    (corpus.path / "a.wav").write_bytes(b"longer than it was")
    with pytest.raises(DecodeError, match="changed while it was read"):
        item.check_again()


def test_a_source_that_waits_is_small() -> None:
    manifest = manifest_of(
        (json.dumps({"audio": f"/talks/{number:08}.wav", "id": f"{number:08}"}) for number in range(2000)), "in.jsonl"
    )
    tracemalloc.start()
    sources = [Prepared(row, duration_ms=row.duration_ms) for row in manifest.rows]
    assert tracemalloc.get_traced_memory()[0] / len(sources) < 350
    tracemalloc.stop()
    assert replace(sources[0]).name == "/talks/00000000.wav"
