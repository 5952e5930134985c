"""`asrcli reuse-bench` as the shell would run it: what is refused, what is said beforehand, what comes out."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import signal
import sys

import pytest

from tests.support.scripted_server import Conversation, scripted_server
from tests.support.service import TALK_WAV

QUICK = ("--clip", "2", "--pace", "fast")
needs_matplotlib = pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None, reason="matplotlib is not installed"
)


def task(talk: Conversation) -> None:
    talk.expect("run-task")
    talk.say("task-started")
    talk.expect_audio(64000)
    talk.say_sentence(1, "o", 0, None)
    talk.expect("finish-task")
    talk.say_sentence(1, "one", 0, 2000)
    talk.say("task-finished", {"output": {}})


def task_after_task(talk: Conversation) -> None:
    while True:
        task(talk)


def failing(talk: Conversation) -> None:
    talk.expect("run-task")
    talk.say("task-failed", error_code="InternalError", error_message="boom \x1b[31m")


def test_the_document_for_scripts(asrcli, talk_service):
    done = asrcli("reuse-bench", TALK_WAV, "--endpoint", talk_service, "--tasks", "4", *QUICK, "--json")
    assert done.code == 0
    found = json.loads(done.out)
    assert done.out.count("\n") == 1
    assert found["tasks"] == {"planned": 4, "cold": 2, "warm": 2, "reopened": 0, "failed": 0, "warm_ups_failed": 0}
    assert (found["clip_ms"], found["speed"], found["region"], found["protocol"]) == (2000, None, "custom", "run-task")
    assert found["complete"] is True
    assert [run["kept"] for run in found["runs"]] == [False, False, False, True, False, True]
    assert all(run["audio_ms"] == 2000 for run in found["runs"])
    assert found["phases"]["connect"]["warm"]["max_ms"] == 0
    assert found["phases"]["ready"]["speed_up"]["ratio"] > 0


def test_what_is_noticed_is_not_in_the_document(asrcli, talk_service):
    options = ("--endpoint", talk_service, "--tasks", "2", *QUICK, "--json", "--api-key", "k")
    done = asrcli("reuse-bench", TALK_WAV, *options)
    assert done.code == 0
    assert json.loads(done.out)["complete"] is True
    assert "can be seen in the process list" in done.err


def test_the_table_fits_80_columns_and_has_none_for_what_is_not_known(asrcli, talk_service):
    done = asrcli("reuse-bench", TALK_WAV, "--endpoint", talk_service, "--tasks", "2", *QUICK)
    assert done.code == 0
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in done.out
    assert lines[0].startswith("a kept connection ")
    assert next(line for line in lines if line.startswith("ms ")).split() == ["ms", "n", "median", "min", "max"]
    assert "in 2 tasks and 2 to warm up; nothing" in done.err
    assert any("█" in line for line in lines)
    assert "nothing is billed" in done.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--tasks", "1"), "--tasks 1 does not divide"),
        (("--tasks", "0"), "nothing to measure but --idle"),
        (("--tasks", "6", "--concurrency", "4"), "8 or 16 would"),
        (("--clip", "60"), "--clip 60 is longer than"),
        (("--clip", "0"), "--clip"),
        (("--clip", "nan"), "--clip"),
        (("--clip", "inf"), "--clip"),
        (("--idle", "10,x"), "--idle 'x' is not a number of seconds"),
        (("--plot", "bench.gif"), "let it end in .svg or .png"),
        (("--plot", "/nosuch/bench.png"), "there is no folder"),
        (("--pace", "slow"), "--pace 'slow' is not known"),
        (("--color", "pink"), "--color 'pink' is not known"),
        (("--model", "qwen3-asr-flash-realtime"), "qwen3-asr-flash-realtime cannot reuse a connection"),
        (("--protocol", "realtime"), "fun-asr-realtime cannot reuse a connection"),
    ],
)
def test_what_cannot_work_is_one_line_before_anything_is_sent(asrcli, arguments, said):
    done = asrcli("reuse-bench", TALK_WAV, "--endpoint", "ws://127.0.0.1:1", *arguments)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1
    assert done.out == ""


@pytest.mark.parametrize("name", ["nosuch.wav", "-"])
def test_a_file_that_cannot_be_used_is_refused(asrcli, name):
    assert asrcli("reuse-bench", name, "--endpoint", "ws://127.0.0.1:1").code == 2


def test_an_existing_picture_is_not_replaced_unasked(asrcli, tmp_path):
    picture = tmp_path / "bench.svg"
    picture.write_text("dear")
    done = asrcli("reuse-bench", TALK_WAV, "--endpoint", "ws://127.0.0.1:1", "--plot", picture)
    assert (done.code, picture.read_text()) == (2, "dear")
    assert "--force" in done.err


@needs_matplotlib
def test_the_picture_is_drawn(asrcli, talk_service, tmp_path):
    picture = tmp_path / "bench.png"
    done = asrcli("reuse-bench", TALK_WAV, "--endpoint", talk_service, "--tasks", "2", *QUICK, "--plot", picture)
    assert done.code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_an_error_is_json_too_where_json_was_asked_for(asrcli):
    done = asrcli("reuse-bench", "nosuch.wav", "--endpoint", "ws://127.0.0.1:1", "--json")
    assert done.events[-1]["type"] == "error"
    assert done.err.count("\n") == 1


def test_a_service_that_fails_task_3_of_10_is_measured_all_the_same(asrcli):
    scripts = [task_after_task, task_after_task, task_after_task, failing, task_after_task]
    with scripted_server(*scripts) as url:
        done = asrcli("reuse-bench", TALK_WAV, "--endpoint", url, "--tasks", "10", *QUICK)
    assert done.code == 0
    assert "failed: task 3 (cold): the service answered InternalError" in " ".join(done.out.split())
    assert "\x1b" not in done.out


def test_a_service_that_fails_every_task_gives_its_exit_code_and_the_report(asrcli):
    with scripted_server(failing) as url:
        done = asrcli("reuse-bench", TALK_WAV, "--endpoint", url, "--tasks", "2", *QUICK, "--json")
    assert done.code == 5
    tasks = json.loads(done.out)["tasks"]
    assert (tasks["failed"], tasks["warm_ups_failed"]) == (2, 2)
    assert "asrcli: error: the service answered InternalError" in done.err


def test_a_report_without_a_number_is_the_failures_alone(asrcli):
    with scripted_server(failing) as url:
        done = asrcli("reuse-bench", TALK_WAV, "--endpoint", url, "--tasks", "2", *QUICK)
    assert done.code == 5
    assert [" ".join(line.split()[:3]) for line in done.out.splitlines()].count("failed: warm-up (cold):") == 1
    assert "median" not in done.out


def test_a_service_that_closes_between_tasks_is_told_of(asrcli):
    def one_task(talk: Conversation) -> None:
        task(talk)
        talk.close(1000, "done")

    with scripted_server(one_task) as url:
        done = asrcli("reuse-bench", TALK_WAV, "--endpoint", url, "--tasks", "4", *QUICK, "--json")
    assert done.code == 0
    tasks = json.loads(done.out)["tasks"]
    assert (tasks["cold"], tasks["warm"]) == (2, 0)
    assert tasks["reopened"] + tasks["failed"] >= 2


def test_a_refused_key_has_its_own_exit_code(asrcli):
    with scripted_server(task, refuse=401) as url:
        done = asrcli("reuse-bench", TALK_WAV, "--endpoint", url, "--tasks", "2", *QUICK)
    assert done.code == 4
    assert done.out == ""


def test_pauses_alone(asrcli):
    with scripted_server(task_after_task) as url:
        done = asrcli("reuse-bench", TALK_WAV, "--endpoint", url, "--tasks", "0", "--idle", "0,0", *QUICK)
    assert done.code == 0
    assert done.out.count("was still there") == 2
    assert "first audio" not in done.out


def test_ctrl_c_shows_what_was_measured_until_then(asrcli):
    def interrupting(talk: Conversation) -> None:
        talk.expect("run-task")
        os.kill(os.getpid(), signal.SIGINT)
        talk.hang()

    scripts = [task_after_task, task_after_task, task_after_task, interrupting]
    with scripted_server(*scripts) as url:
        done = asrcli("reuse-bench", TALK_WAV, "--endpoint", url, "--tasks", "20", *QUICK, "--json")
    assert done.code == 130
    found = json.loads(done.out)
    assert found["complete"] is False
    assert (found["tasks"]["cold"], found["tasks"]["warm"]) == (1, 1)
    assert "interrupted by SIGINT" in done.err


class Terminal(io.TextIOWrapper):
    """Where there is this to read, and what is written can be looked at."""

    def __init__(self, text: str = "") -> None:
        self._bytes = io.BytesIO(text.encode())
        super().__init__(self._bytes, "utf-8")

    def isatty(self) -> bool:
        return True

    def getvalue(self) -> str:
        return self._bytes.getvalue().decode()


def test_a_terminal_shows_how_far_it_is(asrcli, monkeypatch):
    monkeypatch.setattr(sys, "stderr", said := Terminal())
    with scripted_server(task_after_task) as url:
        done = asrcli("reuse-bench", TALK_WAV, "--endpoint", url, "--tasks", "2", "--idle", "0", *QUICK)
    assert done.code == 0
    assert "cold and warm by turns" in said.getvalue()
    assert "2/2" in said.getvalue()


MUCH = ("--endpoint", "wss://asr.invalid", "--api-key-file", "key", "--tasks", "300", "--clip", "2")


@pytest.fixture
def key(tmp_path, monkeypatch):
    (tmp_path / "key").write_text("sk-1")
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("key")
def test_more_than_ten_minutes_are_not_billed_where_nobody_can_be_asked(asrcli):
    done = asrcli("reuse-bench", TALK_WAV, *MUCH)
    assert done.code == 2
    assert "up to 10 min 4 s of audio in 300 tasks and 2 to warm up" in done.err
    assert "--yes" in done.err


@pytest.mark.usefixtures("key")
def test_more_than_ten_minutes_are_asked_about_on_a_terminal(asrcli, monkeypatch):
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    monkeypatch.setattr(sys, "stderr", said := Terminal())
    done = asrcli("reuse-bench", TALK_WAV, *MUCH, "--json")
    assert done.code == 2
    # Nothing but the error gets into a document.
    assert [json.loads(line)["type"] for line in done.out.splitlines()] == ["error"]
    assert "nothing was sent" in said.getvalue()
    assert "up to 10 min 4 s of audio in 300 tasks and 2 to warm up will be billed" in said.getvalue()
    assert "Go on?" in said.getvalue()


@pytest.mark.usefixtures("key")
@pytest.mark.parametrize("less", [("--yes",), ("--tasks", "20")])
def test_what_is_allowed_or_little_goes_on_to_the_network(asrcli, less):
    done = asrcli("reuse-bench", TALK_WAV, *MUCH, *less)
    assert done.code == 6
    assert done.out == ""
    assert "will be billed" in done.err


def test_without_a_key_nothing_is_sent(asrcli):
    assert asrcli("reuse-bench", TALK_WAV, "--clip", "2").code == 4


def test_the_local_service_is_started_for_the_run(asrcli):
    done = asrcli(
        "reuse-bench", TALK_WAV, "--region", "local", "--tasks", "2", "--clip", "1", "--pace", "fast", "--json"
    )
    assert done.code == 0
    found = json.loads(done.out)
    assert found["region"] == "local"
    assert found["tasks"]["warm"] == 1
