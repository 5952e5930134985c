"""`asrcli file --output-dir`: a result a source, and reruns that do what is not done yet."""

from __future__ import annotations

import itertools
import json
import threading
from pathlib import Path

import pytest

from tests.support.beginnings import beginning
from tests.support.endings import regular, running
from tests.support.scripted_server import Conversation, scripted_server


@pytest.fixture(scope="module")
def talks(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Beginnings of the sample talk, with one to three sentences; the longest one first."""
    folder = tmp_path_factory.mktemp("talks")
    return [beginning(folder / f"{name}.wav", seconds) for name, seconds in (("a", 13.0), ("b", 9.0), ("c", 4.5))]


def test_each_has_its_result_file_and_a_failing_one_has_none(asrcli, talks, tmp_path) -> None:
    """Nothing is on standard output but the error; the rerun does the failing one only."""
    out = tmp_path / "new" / "out"
    arguments = ("file", *talks, "--jobs", "2", "--pace", "fast", "--output-dir", out, "--json")
    tasks = iter(range(100))

    def script(talk: Conversation) -> None:
        talk.expect("run-task")
        if next(tasks) == 0:
            talk.say("task-failed", error_code="InvalidParameter", error_message="no")
            return
        talk.say("task-started")
        talk.say_sentence(1, "Okay.", 0, 100)
        talk.expect("finish-task")
        talk.say("task-finished", {"output": {}})

    with scripted_server(script) as url:
        done = asrcli(*arguments, "--endpoint", url)
        assert done.code == 1
        [error] = done.events
        assert error["type"] == "error"
        left = {f"{talk.stem}.jsonl" for talk in talks} - {f"{Path(error['source']).stem}.jsonl"}
        assert {path.name for path in out.iterdir() if path.suffix == ".jsonl"} == left
        again = asrcli(*arguments, "--endpoint", url)
        assert (again.code, again.out) == (0, "")
        assert again.err == f"2 of 3 are done already\n1 result written to {out}\n"
        assert asrcli(*arguments, "--endpoint", url, "--quiet").err == ""
    for talk in talks:
        lines = [json.loads(line) for line in (out / f"{talk.stem}.jsonl").read_text().splitlines()]
        assert [line["type"] for line in lines] == ["begin", "session", "final", "end"]


def test_what_shapes_a_result_is_done_again_when_it_changes(asrcli, talk_service, talks, tmp_path) -> None:
    """The model, a parameter and the protocol do; pace, jobs and a further source do not."""
    common = ("file", talks[2], "--endpoint", talk_service, "--pace", "fast", "--output-dir", tmp_path)
    assert asrcli(*common).code == 0
    for options in (("--jobs", "2"), ("--pace", "40"), ("--retries", "1"), ("--stats",)):
        assert asrcli(*common, *options).err == "1 of 1 is done already\n"
    for options in (("-m", "paraformer-realtime-v2"), ("--language", "en"), ("--protocol", "realtime")):
        assert "1 of 1 will be done again, with other options" in asrcli(*common, *options).err
    assert asrcli(*common, "--force").code == 0
    assert asrcli(*common, talks[1]).err == f"1 of 2 is done already\n1 result written to {tmp_path}\n"


def test_a_rerun_of_what_is_done_needs_no_key_and_no_service(asrcli, talk_service, talks, tmp_path) -> None:
    common = ("file", talks[2], "--output-dir", tmp_path, "--endpoint")
    assert asrcli(*common, talk_service, "--pace", "fast").code == 0
    assert asrcli(*common, "wss://nowhere.invalid").code == 0


def test_a_killed_batch_of_twenty_goes_on_where_it_stopped(tmp_path) -> None:
    """Killed with -9 amid four tasks: the results that are there are whole and stay, the rerun makes the others."""
    files = [beginning(tmp_path / f"{number:02}.wav", 0.3) for number in range(20)]
    out = tmp_path / "out"
    count = itertools.count(1)
    amid_the_fourth_four = threading.Event()

    def script(talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-started")
        number = next(count)
        if 13 <= number <= 16:
            if number == 16:
                amid_the_fourth_four.set()
            talk.expect("finish-task")
            talk.hang()
        talk.say_sentence(1, f"Task {number}.", 0, 100)
        talk.expect("finish-task")
        talk.say("task-finished", {"output": {}})

    with scripted_server(script) as url:
        arguments = ("file", *files, "--jobs", "4", "--pace", "fast", "--output-dir", out, "--endpoint", url, "--json")
        with running(*arguments) as run:
            assert amid_the_fourth_four.wait(30), run.stderr.read_text()
            run.process.kill()
            run.process.wait()
        done = {path.name: path.stat().st_mtime_ns for path in out.glob("*.jsonl")}
        # The newest of the twelve may not have been written yet.
        assert 8 <= len(done) <= 12
        ending = regular(*arguments)
    assert (ending.code, ending.lines) == (0, ())
    assert f"{len(done)} of 20 are done already" in ending.err
    for file in files:
        lines = [json.loads(line) for line in (out / f"{file.stem}.jsonl").read_text().splitlines()]
        assert [line["type"] for line in lines] == ["begin", "session", "final", "end"]
    assert {name: (out / name).stat().st_mtime_ns for name in done} == done
    left = {path.name for path in out.iterdir()} - {f".{file.stem}.jsonl.asrcli.json" for file in files}
    assert left == {f"{file.stem}.jsonl" for file in files}


def nothing(talk: Conversation) -> None:
    talk.expect("run-task")
    talk.say("task-started")
    talk.expect("finish-task")
    talk.say("task-finished", {"output": {}})


def test_where_nobody_speaks_there_is_an_empty_result_unless_that_is_a_failure(asrcli, tmp_path) -> None:
    """A failure is one again when it is run again."""
    sound, out = beginning(tmp_path / "a.wav", 0.3), tmp_path / "out"
    with scripted_server(nothing) as url:
        common = ("file", sound, "--pace", "fast", "--endpoint", url)
        for _ in range(2):
            done = asrcli(*common, "--output-dir", out, "--fail-empty")
            assert (done.code, done.err) == (1, f"asrcli: error: no speech was heard\n0 results written to {out}\n")
            assert list(out.iterdir()) == []
        done = asrcli(*common, "--output-dir", out)
        assert done.err == f"asrcli: warning: no speech was heard\n1 result written to {out}\n"
        assert (done.code, (out / "a.txt").read_text()) == (0, "")
        done = asrcli(*common, "-q", "-o", tmp_path / "b.txt")
        assert (done.code, done.err, (tmp_path / "b.txt").read_text()) == (0, "", "")


def test_what_stands_before_each_sentence_is_done_again_and_nothing_else(asrcli, talk_service, talks, tmp_path) -> None:
    common = ("file", talks[2], "--pace", "fast", "--output-dir", tmp_path, "--endpoint", talk_service)
    assert asrcli(*common).code == 0
    assert asrcli(*common, "--fail-empty").err == "1 of 1 is done already\n"
    for marks, begin in ((("--timestamps",), "[0:00:00."), (("--timestamps", "--labels"), "[0:00:00.")):
        assert "1 of 1 will be done again, with other options" in asrcli(*common, *marks).err
        assert next(tmp_path.glob("*.txt")).read_text().startswith(begin)
