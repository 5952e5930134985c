"""The lines of --results while a run goes on: when they are there, what they say, and what a full disk means."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from asrcli.engine.many import Ended, Job
from asrcli.fleet.messages import Opened
from asrcli.output.output import Output
from asrcli.output.views.plain import QuietView
from asrcli.runs.keeping import Keeping, outcome_of
from asrcli.system.file_state import FileState
from asrcli.values.errors import AsrcliError, DecodeError, LinkError, OutputError, ServiceError
from asrcli.values.events import AudioSent, FinalResult, Reconnecting, Sentence, UsageReported
from asrcli.values.recognition import RecognitionOptions
from asrcli.values.summary import Summary
from tests.runs.test_batch import final, opened
from tests.support.benches import Bench, Happening
from tests.support.full_disk import disk_of

_HASH = "a" * 64


class Run:
    """A bench whose batch keeps results in a file, and the numbers of those that were told to be there."""

    def __init__(self, bench: Bench, path: Path) -> None:
        self.bench, self.path = bench, path
        self.kept: list[int] = []
        self.keeping = Keeping(str(path), bench.output)
        self.keeping.open()
        self.keeping.begin(self.outcome)
        bench.batch = bench.new_batch(notes=self.keeping, kept=self.kept.append)

    def outcome(self, item: Any, summary: Summary | None, error: AsrcliError | None) -> Any:
        return outcome_of(item, RecognitionOptions("m", languages=("en",)), _HASH, summary, error, ())

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]


@pytest.fixture
def new_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def make(*names: str) -> Run:
        runs.append(Run(Bench(monkeypatch, names=names, as_json=True), tmp_path / "results.jsonl"))
        return runs[-1]

    yield make
    for run in runs:
        with contextlib.suppress(OutputError):
            run.keeping.close()


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (0, "line 1 cannot be read, and counts for nothing"),
        (2, "lines 1, 2, 3 cannot be read, and count for nothing"),
        (6, "lines 1, 2, 3 and 4 more cannot be read, and count for nothing"),
    ],
)
def test_lines_that_cannot_be_read_are_counted(tmp_path: Path, broken: int, said: str) -> None:
    stderr = io.StringIO()
    (tmp_path / "results.jsonl").write_text('{"complete": true}\n' + "no JSON\n" * broken)
    Keeping(str(tmp_path / "results.jsonl"), Output([], QuietView(stderr))).look([])
    assert stderr.getvalue() == f"asrcli: warning: {tmp_path}/results.jsonl: {said}\n"


def test_each_source_that_is_over_has_a_line_and_none_that_did_not_begin(new_run) -> None:
    run = new_run("whole.wav", "failed.wav", "bad.wav", "late.wav")

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 0, opened(jobs[0])
        yield 1, opened(jobs[1])
        yield 0, final("One.")
        yield 1, final("Half")
        yield 0, Reconnecting(1, 100, "lost")
        yield 0, AudioSent(300, 9600, resent_ms=200)
        yield 0, FinalResult(Sentence(2, ""))
        yield 0, final("Two.", 3)
        yield 0, UsageReported(billed_s=1)
        yield 0, Ended()
        yield 1, Ended(ServiceError("Throttling", "too much", hint="wait"))
        yield 2, Ended(DecodeError("bad.wav holds no audio"))
        yield 3, opened(jobs[3])
        run.bench.signals.stop(signal.SIGTERM)
        yield 3, Ended()

    assert run.bench.run(script) == 128 + signal.SIGTERM
    assert run.kept == [0, 1, 2, 3]
    whole, failed, bad, late = run.lines
    assert whole.pop("at")
    assert whole == {
        "id": "whole.wav", "audio": "whole.wav", "complete": True, "text": "One.\nTwo.", "seconds": 0.3, "billed_s": 1,
        "model": "m", "language": "en", "reconnects": 1, "resent_s": 0.2, "error": None, "options": _HASH,
        "sound": None,
    }  # fmt: skip
    assert [line["complete"] for line in (failed, bad, late)] == [False] * 3
    assert failed["text"] == "Half"
    assert failed["error"] == {"code": "Throttling", "message": "too much", "hint": "wait", "exit": 5}
    assert (bad["seconds"], bad["error"]["exit"]) == (None, 1)
    assert late["error"]["exit"] == 128 + signal.SIGTERM


def test_what_an_interruption_kept_from_beginning_has_no_line(new_run) -> None:
    run = new_run("a.wav", "b.wav")

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 0, opened(jobs[0])
        run.bench.signals.stop(signal.SIGINT)
        yield 0, Ended()
        with pytest.raises(AsrcliError) as raised:
            opened(jobs[1])
        yield 1, Ended(raised.value)

    assert run.bench.run(script) == 130
    assert [line["id"] for line in run.lines] == ["a.wav"]
    assert run.kept == [0]


def test_no_result_counts_before_it_is_on_the_disk_and_the_run_waits_for_that(new_run, monkeypatch) -> None:
    run = new_run("a.wav")
    go_on, seen = threading.Event(), threading.Event()
    fsync = os.fsync

    def slow(descriptor: int) -> None:
        seen.set()
        assert go_on.wait(20)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", slow)

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 0, opened(jobs[0])
        yield 0, final("One.")
        yield 0, Ended()
        assert seen.wait(20)
        assert run.kept == []
        threading.Timer(0.05, go_on.set).start()

    assert run.bench.run(script) == 0
    assert run.kept == [0]


def test_a_full_disk_ends_the_run_at_once_and_what_is_told_is_there(new_run) -> None:
    """One source goes on all the time, and another one after the other is over."""
    run = new_run(*(f"{number}.wav" for number in range(20)))

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 19, opened(jobs[19])
        for number in range(19):
            yield number, opened(jobs[number])
            yield number, final("x" * 3000)
            yield number, Ended()
            while len(run.kept) <= number:
                yield 19, AudioSent(number * 100)

    with disk_of(8000), pytest.raises(OutputError) as raised:
        run.bench.run(script)
    assert run.bench.closed
    assert run.kept == [0, 1]
    assert [line["id"] for line in run.lines] == ["0.wav", "1.wav"]
    assert raised.value.message.endswith("results.jsonl: File too large; of 3 that are over, 1 is not noted there")
    assert raised.value.hint == "free some space there, then run the same again"


def test_a_full_disk_is_told_once_where_sound_is_hashed_too(new_run, tmp_path: Path) -> None:
    names = [str(tmp_path / f"{number}.wav") for number in range(9)]
    for name in names:
        Path(name).write_bytes(b"sound")
    run = new_run(*names)

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        for number in range(9):
            yield number, opened(jobs[number])
            yield number, final("x" * 3000)
            yield number, Ended()

    with disk_of(8000), pytest.raises(OutputError) as raised:
        run.bench.run(script)
    assert raised.value.message.count("not noted there") == 1
    assert len(run.kept) == len(run.lines) == 2


def test_a_full_disk_at_the_very_end_is_no_success(new_run) -> None:
    run = new_run("a.wav")

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 0, opened(jobs[0])
        yield 0, final("x" * 3000)
        yield 0, Ended()

    with disk_of(1000), pytest.raises(OutputError, match="of 1 that are over, 1 is not noted there"):
        run.bench.run(script)
    assert (run.kept, run.path.read_bytes()) == ([], b"")


def test_the_sound_is_hashed_when_it_was_heard_and_only_where_it_is_still_what_it_was(
    new_run: Callable[..., Run], tmp_path: Path
) -> None:
    names = [str(tmp_path / name) for name in ("same.wav", "replaced.wav", "failed.wav")]
    for name in names:
        Path(name).write_bytes(b"sound")
    run = new_run(*names)

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        for number in range(3):
            yield number, opened(jobs[number])
            yield number, final("One.")
        (tmp_path / "new").write_bytes(b"other")
        (tmp_path / "new").replace(names[1])
        yield 0, Ended()
        yield 1, Ended()
        yield 2, Ended(LinkError("lost"))

    assert run.bench.run(script) == 1
    sounds = {Path(line["id"]).name: line["sound"] for line in run.lines}
    status = Path(names[0]).stat()
    assert sounds["same.wav"] == {
        "bytes": 5,
        "modified_ns": status.st_mtime_ns,
        "sha256": "dd29442deca69f52c50006b831cb216edf78a7da33748f0a80ff19f2ebe57ecd",
    }
    assert "sha256" not in sounds["replaced.wav"]
    assert "sha256" not in sounds["failed.wav"]


@pytest.mark.parametrize("changes", [True, False])
def test_what_others_hear_counts_only_if_it_stays_the_same_from_its_turn_on(new_run, tmp_path, changes) -> None:
    name, other = tmp_path / "a.wav", tmp_path / "b.wav"
    name.write_bytes(b"sound")
    run = new_run(str(name))
    run.bench.batch = dataclasses.replace(run.bench.batch, is_elsewhere=True)

    def replace(length: int) -> None:
        other.write_bytes(b"x" * length)
        other.replace(name)

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        jobs[0].before()
        replace(9)
        yield 0, Opened(str(name), 8000, 1)
        # The first attempt is lost with its worker.
        jobs[0].before()
        if changes:
            replace(7)
        yield 0, final("One.")
        yield 0, Ended()

    assert run.bench.run(script) == (int(changes))
    assert (run.lines[0]["complete"], run.lines[0]["sound"]["bytes"]) == (not changes, 9)


@pytest.mark.parametrize("is_alike", [True, False])
def test_the_hash_that_others_have_made_counts_where_they_saw_what_is_here(new_run, tmp_path, is_alike) -> None:
    name = tmp_path / "a.wav"
    name.write_bytes(b"sound")
    run = new_run(str(name))
    run.bench.batch = dataclasses.replace(run.bench.batch, is_elsewhere=True)
    seen = FileState.of(str(name))
    assert seen is not None

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        jobs[0].before()
        # Another machine has another number for the same file.
        state = seen._replace(inode=7, modified_ns=seen.modified_ns + (not is_alike))
        heard = Opened(str(name), 8000, 1, state=state)
        yield 0, heard
        yield 0, final("One.")
        heard.sha256 = "b" * 64
        yield 0, Ended()

    assert run.bench.run(script) == 0
    expected = {"bytes": 5, "modified_ns": seen.modified_ns}
    assert run.lines[0]["sound"] == (expected | {"sha256": "b" * 64} if is_alike else expected)


def test_what_could_not_be_opened_says_what_that_was(new_run, tmp_path) -> None:
    name = tmp_path / "a.wav"
    name.write_bytes(b"no sound")
    run = new_run(str(name))
    run.bench.batch = dataclasses.replace(run.bench.batch, is_elsewhere=True)

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        jobs[0].before()
        yield 0, Ended(DecodeError("no sound"))

    assert run.bench.run(script) == 1
    assert (run.lines[0]["complete"], run.lines[0]["sound"]["bytes"]) == (False, 8)


def test_what_lets_one_in_somewhere_is_not_written(new_run) -> None:
    run = new_run("https://user:word@host/a.wav?Signature=abcdefgh&part=1")

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 0, Ended(LinkError("https://user:word@host/a.wav?Signature=abcdefgh is gone"))

    run.bench.run(script)
    assert run.lines[0]["id"] == run.lines[0]["audio"] == "https://***@host/a.wav?Signature=***&part=1"
    assert "word" not in run.path.read_text()
    assert "abcdefgh" not in run.path.read_text()


def test_a_failure_of_ours_while_a_line_is_made_is_told(new_run, tmp_path, monkeypatch) -> None:
    name = tmp_path / "a.wav"
    name.write_bytes(b"sound")
    run = new_run(str(name))
    monkeypatch.setattr("asrcli.runs.keeping.audio_of", lambda name: 1 // 0)

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 0, opened(jobs[0])
        yield 0, Ended()

    with pytest.raises(AsrcliError, match="ZeroDivisionError"):
        run.bench.run(script)
    assert run.kept == []
