"""`asrcli file` on several sources at once, against a service that recites the sample talk as its audio passes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.beginnings import beginning
from tests.support.endings import ended_by
from tests.support.scripted_server import Conversation, scripted_server
from tests.support.service import TALK_TEXT, TALK_WAV

SENTENCES = [line.strip() for line in TALK_TEXT.read_text(encoding="utf-8").splitlines() if line.strip()]
ROOT = TALK_WAV.parents[2]


@pytest.fixture(scope="module")
def talks(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Beginnings of the sample talk, with one to three sentences; the longest one first."""
    folder = tmp_path_factory.mktemp("talks")
    return [beginning(folder / f"{name}.wav", seconds) for name, seconds in (("a", 13.0), ("b", 9.0), ("c", 4.5))]


def finals(events: list[dict[str, Any]], source: Path) -> list[str]:
    return [event["text"] for event in events if event["type"] == "final" and event["source"] == str(source)]


def heard(asrcli, service: str, talk: Path) -> list[str]:
    done = asrcli("file", talk, "--endpoint", service, "--pace", "fast")
    assert done.code == 0
    lines: list[str] = done.out.splitlines()
    return lines


def test_json_lines_of_several_come_in_the_order_of_their_names(asrcli, talk_service, talks) -> None:
    """Each source has what it has alone, between one begin and one end, though all run at the same time."""
    done = asrcli("file", *talks, "--jobs", "3", "--endpoint", talk_service, "--pace", "fast", "--json")
    assert done.code == 0
    sources = [event["source"] for event in done.events]
    assert list(dict.fromkeys(sources)) == list(map(str, talks))
    assert sources == sorted(sources)
    for talk in talks:
        kinds = [event["type"] for event in done.events if event["source"] == str(talk)]
        assert (kinds[0], kinds[-1]) == ("begin", "end")
        assert finals(done.events, talk) == heard(asrcli, talk_service, talk)
    # Of those that wait for their turn, what may still change is of no use.
    assert any(event["type"] == "partial" for event in done.events if event["source"] == str(talks[0]))


def test_unordered_json_lines_come_as_they_are(asrcli, talk_service, talks) -> None:
    done = asrcli("file", *talks, "-j", "--jobs", "3", "--unordered", "--endpoint", talk_service, "--pace", "20")
    assert done.code == 0
    ends = [event["source"] for event in done.events if event["type"] == "end"]
    assert ends == [str(talk) for talk in reversed(talks)]
    for talk in talks:
        assert finals(done.events, talk) == heard(asrcli, talk_service, talk)


def test_text_has_titles_and_comes_whole_where_it_is_unordered(asrcli, talk_service, talks) -> None:
    texts = {talk: "".join(f"{line}\n" for line in heard(asrcli, talk_service, talk)) for talk in talks}
    for options, order in (((), talks), (("--unordered",), talks[::-1])):
        arguments = ("--jobs", "3", "--endpoint", talk_service, "--pace", "20", *options)
        done = asrcli("file", *talks, *arguments)
        assert done.code == 0
        assert done.out == "\n".join(f"==> {talk} <==\n{texts[talk]}" for talk in order)


def test_one_after_another_is_the_same(asrcli, talk_service, talks) -> None:
    outputs = [
        asrcli("file", *talks, "--jobs", jobs, "--endpoint", talk_service, "--pace", "fast").out for jobs in (1, 3)
    ]
    assert outputs[0] == outputs[1]


def test_no_more_run_at_a_time_than_was_asked_for(asrcli, tmp_path) -> None:
    """With two at a time, the third source is begun when one of the first two is over."""
    running_now, most = 0, 0

    def script(talk: Conversation) -> None:
        nonlocal running_now, most
        talk.expect("run-task")
        running_now += 1
        most = max(most, running_now)
        talk.say("task-started")
        talk.expect("finish-task")
        running_now -= 1
        talk.say("task-finished", {"output": {}})

    files = [beginning(tmp_path / f"{number}.wav", 0.5) for number in range(6)]
    with scripted_server(script) as url:
        assert asrcli("file", *files, "--jobs", "2", "--endpoint", url, "--pace", "4").code == 0
    assert most == 2


def test_standard_input_may_be_one_of_them(talk_service, talks) -> None:
    command = [sys.executable, "-m", "asrcli", "file", talks[2], "-", "--jobs", "2", "--endpoint", talk_service]
    done = subprocess.run(
        [*command, "--pace", "fast"], input=talks[1].read_bytes(), capture_output=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0
    first, second = done.stdout.decode().split("\n\n")
    assert first.startswith(f"==> {talks[2]} <==\n")
    assert second.startswith("==> - <==\n")
    assert second.count("\n") > first.count("\n")


def test_named_pipes_are_opened_once(talk_service, talks, tmp_path) -> None:
    """A writer that is in the middle of its audio must not be cut off by a mere look at the pipe."""
    pipes = [tmp_path / "one", tmp_path / "two"]
    for pipe in pipes:
        os.mkfifo(pipe)
    writers = [subprocess.Popen(["sh", "-c", f"cat '{talks[2]}' > '{pipe}'"]) for pipe in pipes]
    command = [sys.executable, "-m", "asrcli", "file", *pipes, "--jobs", "2", "--endpoint", talk_service, "--json"]
    done = subprocess.run([*command, "--pace", "fast"], capture_output=True, cwd=ROOT, check=False)
    assert [writer.wait(10) for writer in writers] == [0, 0]
    assert done.returncode == 0
    ends = [event for event in map(json.loads, done.stdout.splitlines()) if event["type"] == "end"]
    assert [end["sentences"] > 0 for end in ends] == [True, True]


def test_one_that_fails_stops_no_other(asrcli, tmp_path) -> None:
    """The service refuses one of four, which run two at a time; the count stands at the end."""
    files = [beginning(tmp_path / f"{number}.wav", 0.5) for number in range(4)]
    tasks = iter(range(100))

    def script(talk: Conversation) -> None:
        talk.expect("run-task")
        if next(tasks) == 1:
            talk.say("task-failed", error_code="InvalidParameter", error_message="no")
            return
        talk.say("task-started")
        talk.say_sentence(1, "Okay.", 0, 100)
        talk.expect("finish-task")
        talk.say("task-finished", {"output": {}})

    with scripted_server(script) as url:
        done = asrcli("file", *files, "--jobs", "2", "--endpoint", url, "--pace", "fast", "--json")
    assert done.code == 1
    kinds = [event["type"] for event in done.events]
    assert (kinds.count("begin"), kinds.count("end"), kinds.count("final"), kinds.count("error")) == (4, 4, 3, 1)
    assert done.err.splitlines()[-1] == "1 of 4 sources failed"
    [failed] = [event["source"] for event in done.events if event["type"] == "error"]
    assert f"{failed}: the service answered InvalidParameter" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--jobs", "0"], "--jobs"),
        (["--jobs", "-2"], "--jobs"),
        (["--jobs", "1001"], "1000"),
        (["--jobs", "many"], "--jobs"),
        (["--output-dir", "out", "-o", "x.txt"], "--output and --output-dir exclude each other"),
        (["-", "--output-dir", "out"], "not for standard input"),
        (["b.wav/../A.WAV", "--output-dir", "out"], "would both be out/"),
        (["--output-dir", "a.wav"], "is not a folder"),
        (["--output-dir", "out", "--save-audio", "x.wav", "b.wav"], "--save-audio"),
    ],
)
def test_bad_input_is_one_clear_line_before_anything_is_sent(asrcli, monkeypatch, tmp_path, arguments, said) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.wav", "A.WAV", "b.wav"):
        beginning(tmp_path / name, 0.2)
    done = asrcli("file", "a.wav", *arguments, "--endpoint", "ws://127.0.0.1:9")
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1
    assert done.out == ""
    assert not (tmp_path / "out").exists()


def test_a_damaged_file_is_bad_input_alone_and_among_others(asrcli, tmp_path) -> None:
    damaged = tmp_path / "damaged.wav"
    damaged.write_bytes(TALK_WAV.read_bytes()[:40])
    sources = [damaged, beginning(tmp_path / "good.wav", 0.2)]
    for names in (sources[:1], sources):
        done = asrcli("file", *names, "--json", "--endpoint", "ws://127.0.0.1:9")
        assert done.code == 2
        assert done.events[0]["source"] == str(damaged)


def test_a_dash_for_the_output_is_standard_output(asrcli, talk_service, talks, monkeypatch, tmp_path) -> None:
    monkeypatch.chdir(tmp_path)
    done = asrcli("file", talks[2], "-o", "-", "--endpoint", talk_service, "--pace", "fast")
    assert done.code == 0
    assert done.out.startswith(SENTENCES[0])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_that_run_and_begins_no_more(talk_service, talks, number) -> None:
    arguments = ("file", *talks, *talks, "--jobs", "2", "--unordered", "--endpoint", talk_service, "--pace", "4")
    ending = ended_by(number, 1, *arguments)
    assert ending.code == 128 + number
    kinds = [line["type"] for line in ending.lines]
    assert kinds.count("begin") == kinds.count("end") == 2
    assert [line["complete"] for line in ending.lines if line["type"] == "end"] == [False, False]
    assert (kinds[-1], ending.lines[-1]["source"]) == ("error", None)
    assert ending.lines[-1]["message"] == f"interrupted by {signal.Signals(number).name}"
    assert (ending.lines[-1]["done"], ending.lines[-1]["total"]) == (0, 6)


def test_a_reader_that_leaves_is_a_quiet_end(talk_service, talks) -> None:
    ending = ended_by(None, 1, "file", *talks, "--jobs", "3", "--endpoint", talk_service, "--pace", "4")
    assert ending.code == 0


def test_qwen_takes_several_at_once_too(asrcli, talk_service, talks, tmp_path) -> None:
    arguments = ("--jobs", "2", "--output-dir", tmp_path, "--endpoint", talk_service, "--pace", "fast")
    assert asrcli("qwen", *talks[1:], *arguments).code == 0
    assert sorted(path.name for path in tmp_path.glob("*.txt")) == ["b.txt", "c.txt"]
    assert asrcli("qwen", "--mic", "--jobs", "2").code == 2
