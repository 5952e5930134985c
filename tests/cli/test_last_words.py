"""What is said where it cannot be: commands with a full disk, a closed stream, a reader or a terminal that left."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.endings import PLANTED_KEY, limited
from tests.support.quick_commands import quick_commands
from tests.support.scripted_server import Conversation, scripted_server
from tests.support.service import TALK_WAV, running_service

_END_S = 60
FULL = "asrcli: error: cannot write to standard output: No space left on device (free some space there)\n"
CLOSED = "asrcli: error: standard output is closed (send it to a file or a pipe)\n"


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with running_service() as running:
        yield running.url


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The program at a tenth of its price, for what does not hang on how its process began."""
    with quick_commands(tmp_path_factory.mktemp("quick"), "") as folder:
        yield folder / "asrcli"


def shell(
    line: str, *arguments: object, home: Path, program: tuple[object, ...] = (sys.executable, "-m", "asrcli")
) -> subprocess.CompletedProcess[str]:
    """`asrcli …` with the redirections of `line`, in which it stands as $RUN."""
    command = shlex.join(map(str, (*program, *arguments)))
    return subprocess.run(
        ["bash", "-c", line.replace("$RUN", command)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_END_S,
        check=False,
        env={**os.environ, "DASHSCOPE_API_KEY": PLANTED_KEY, "HOME": str(home)},
    )


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Ends it whatever happens."""
    with process:
        try:
            yield process
        finally:
            process.kill()


BENCH = ("reuse-bench", TALK_WAV, "--pace", "fast", "--tasks", "2", "--clip", "0.3", "--quiet")
RESULTS = [
    ("--version",),
    ("--help",),
    ("file", "-h"),
    ("--show-completion", "bash"),
    ("models",),
    ("models", "--json"),
    ("models", "fun-asr-realtime"),
    ("devices", "--json"),
    ("serve", "--port", "0", "--recognizer", f"script:{TALK_WAV.parent / 'talk.script.jsonl'}"),
    ("file", TALK_WAV, "--pace", "fast", "--endpoint"),
    ("file", TALK_WAV, TALK_WAV, "--pace", "fast", "--json", "--endpoint"),
    ("qwen", TALK_WAV, "--pace", "fast", "--json", "--endpoint"),
    (*BENCH, "--endpoint"),
    (*BENCH, "--json", "--endpoint"),
]


def with_address(arguments: tuple[object, ...], service: str) -> tuple[object, ...]:
    return (*arguments, service) if arguments[-1] == "--endpoint" else arguments


@pytest.mark.parametrize(
    "arguments", RESULTS, ids=lambda each: " ".join(str(part) for part in each if part != TALK_WAV)
)
def test_results_that_find_no_room_are_one_line_and_exit_1(arguments, service, tmp_path, quick):
    done = shell("$RUN > /dev/full", *with_address(arguments, service), home=tmp_path, program=(quick,))
    assert (done.returncode, done.stderr) == (1, FULL)


# Each is refused in another place: by Typer, by us, by the files, by the service.
REFUSALS = [
    ("file", "nosuch.wav", "--jobs", "0", "--json"),
    ("nosuch", "-j"),
    ("models", "nosuch", "--format", "json"),
    ("file", "nosuch.wav", "--json"),
    ("file", "nosuch.wav", "neither.wav", "--json"),
    ("file", TALK_WAV, "--json", "--api-key-file", "nosuch"),
]


@pytest.mark.parametrize("arguments", REFUSALS, ids=lambda each: " ".join(map(str, each[:3])))
def test_an_error_that_finds_no_room_is_one_line_with_both(arguments, tmp_path, quick):
    done = shell("$RUN > /dev/full", *arguments, home=tmp_path, program=(quick,))
    [line] = done.stderr.splitlines()
    assert done.returncode == 1
    assert any(word in line for word in ("nosuch", "--jobs", "--format"))
    assert line.endswith("and cannot write to standard output: No space left on device (free some space there)")
    # Who leaves early does not change what failed.
    unread = shell("$RUN > >(exec true)", *arguments, home=tmp_path, program=(quick,))
    assert unread.returncode in (2, 4)
    assert "Traceback" not in unread.stderr
    assert "cannot write" not in unread.stderr


@pytest.mark.parametrize("arguments", [("models",), ("--help",), ("file", TALK_WAV, "--endpoint")], ids=str)
def test_a_closed_standard_output_is_one_line(arguments, service, tmp_path):
    done = shell("$RUN >&-", *with_address(arguments, service), home=tmp_path)
    assert (done.returncode, done.stderr) == (2, CLOSED)


@pytest.mark.parametrize("streams", ["2> /dev/full", "2>&-", "<&- 2>&-"])
def test_who_does_not_want_to_know_is_served_all_the_same(streams, service, tmp_path):
    arguments = ("file", TALK_WAV, "--pace", "fast", "--json", "--endpoint", service)
    done = shell(f"$RUN {streams}", *arguments, home=tmp_path)
    assert done.returncode == 0
    assert json.loads(done.stdout.splitlines()[-1])["complete"] is True
    refused = shell(f"$RUN {streams}", "file", "nosuch.wav", "--json", home=tmp_path)
    assert refused.returncode == 2
    assert json.loads(refused.stdout)["type"] == "error"


def test_a_file_goes_where_it_should_although_all_streams_are_closed(service, tmp_path):
    """None of the closed numbers is given to the file, to a connection or to a child."""
    target = tmp_path / "out.txt"
    arguments = ("file", TALK_WAV, "--pace", "fast", "--endpoint", service, "-o", target)
    done = shell("$RUN <&- >&- 2>&-", *arguments, home=tmp_path)
    assert done.returncode == 0
    assert target.read_text() == (TALK_WAV.parent / "talk.txt").read_text()


@pytest.mark.parametrize(
    "arguments", [("models", "--json"), ("file", TALK_WAV, "--pace", "fast", "--json", "--endpoint")]
)
def test_a_disk_that_fills_up_is_one_line(arguments, service, tmp_path):
    out, err = tmp_path / "out", tmp_path / "err"
    with out.open("w") as stdout, err.open("w") as stderr:
        line = [*limited(700), sys.executable, "-m", "asrcli", *map(str, with_address(arguments, service))]
        environ = {**os.environ, "DASHSCOPE_API_KEY": PLANTED_KEY, "HOME": str(tmp_path)}
        done = subprocess.run(line, stdout=stdout, stderr=stderr, timeout=_END_S, check=False, env=environ)
    assert done.returncode == 1
    assert err.read_text() == (
        "asrcli: error: cannot write to standard output: File too large (free some space there)\n"
    )


def test_standard_input_that_is_closed_is_told(tmp_path):
    done = shell("$RUN <&-", "file", "-", home=tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "standard input is closed" in done.stderr


# --- a terminal that goes away ------------------------------------------------------------------------------------


class ThreeAndOne:
    """A service that says three sentences at once, which `is_heard` tells, and another one after `goes_on` is set."""

    def __init__(self) -> None:
        self.is_heard = threading.Event()
        self.goes_on = threading.Event()

    def __call__(self, talk: Conversation) -> None:
        talk.expect("run-task")
        talk.say("task-started")
        for index in (1, 2, 3):
            talk.say_sentence(index, f"Sentence\u200b{index}.", index * 1000, index * 1000 + 500)
        self.is_heard.set()
        assert self.goes_on.wait(_END_S)
        talk.say_sentence(4, "Sentence 4.", 4000, 4500)
        talk.expect("finish-task")
        talk.say("task-finished")


@pytest.mark.parametrize("leads", [True, False], ids=["told by the system", "found out by writing"])
@pytest.mark.parametrize("once_more", range(3))
def test_a_terminal_that_goes_away_is_an_interruption_every_time(leads, once_more, tmp_path):
    """Who leads the session is told by a signal, which may be later than the failure to write; who does not is not."""
    master, slave = os.openpty()
    service = ThreeAndOne()
    with scripted_server(service) as url:
        arguments = ["file", str(TALK_WAV), "--endpoint", url, "--drain-timeout", "1", "--retries", "0"]
        command = [*(["setsid", "--ctty"] if leads else []), sys.executable, "-m", "asrcli", *arguments]
        environ = {**os.environ, "DASHSCOPE_API_KEY": PLANTED_KEY, "HOME": str(tmp_path), "TERM": "xterm"}
        with ended(subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=environ)) as process:  # type: ignore[arg-type]
            os.close(slave)
            seen = b""
            # A terminal is shown what would not be seen.
            while rb"Sentence\u200b3." not in seen:
                seen += os.read(master, 4096)
            os.close(master)
            service.goes_on.set()
            assert process.wait(_END_S) == 128 + signal.SIGHUP


# --- a named pipe that nobody reads ---------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_ends_a_run_whose_results_nobody_reads(number, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    service = ThreeAndOne()
    with scripted_server(service) as url:
        command = [sys.executable, "-m", "asrcli", "file", str(TALK_WAV), "--endpoint", url, "-o", str(pipe)]
        environ = {**os.environ, "DASHSCOPE_API_KEY": PLANTED_KEY, "HOME": str(tmp_path)}
        with ended(subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environ)) as process:
            assert service.is_heard.wait(_END_S)
            process.send_signal(number)
            service.goes_on.set()
            _, said = process.communicate(timeout=_END_S)
    assert process.returncode == 128 + number
    assert said == f"asrcli: error: interrupted by {signal.Signals(number).name}\n"
