"""`asrcli serve` as a process: what it prints, and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.service.client import Client, page_status, run_task
from tests.support.process import rest_of
from tests.support.service import TALK_SCRIPT, descendants, service_process, wait_until_gone

END_S = 20
SCRIPTED = ("--recognizer", TALK_SCRIPT)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_while_clients_are_connected(number: signal.Signals) -> None:
    with service_process(SCRIPTED) as (url, process), Client(url) as client:
        client.say(run_task())
        client.hear_until("task-started")
        process.send_signal(number)
        client.hear_out()
        assert client.close_code == 1001
        client.socket.shutdown()
        rest, errors = rest_of(process)
        assert (process.returncode, rest, errors) == (0, "", "")


def test_it_prints_its_address_and_ends_with_its_parent() -> None:
    with service_process((*SCRIPTED, "--exit-with-parent")) as (url, process):
        assert url.startswith("ws://127.0.0.1:")
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(END_S) == 0


def test_the_real_recogniser_leaves_no_process_behind_when_killed() -> None:
    """Also SIGKILL, after which nobody can tidy up, ends the worker and its decoders."""
    with service_process(()) as (url, process), Client(url) as client:
        client.say(run_task())
        client.hear_until("task-started")
        pids = descendants(process.pid)
        assert len(pids) == 2
        process.kill()
        process.wait(END_S)
        wait_until_gone(pids)


def test_the_real_recogniser_survives_ctrl_c_of_the_terminal_until_it_is_ended() -> None:
    """Ctrl-C reaches the whole group: the worker leaves the ending to the service, without a traceback."""
    with service_process(()) as (url, process), Client(url) as client:
        client.say(run_task())
        client.hear_until("task-started")
        pids = descendants(process.pid)
        for pid in (*pids, process.pid):
            os.kill(pid, signal.SIGINT)
        client.hear_out()
        client.socket.shutdown()
        _, errors = rest_of(process)
        assert (process.returncode, errors) == (0, "")
        wait_until_gone(pids)


def failing(*arguments: str, **env: str) -> str:
    """The line that `serve` refuses with."""
    done = subprocess.run(
        [sys.executable, "-m", "asrcli", "serve", *arguments],
        cwd=Path(__file__).parent.parent.parent,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=END_S,
        check=False,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    return line


def test_a_required_key_must_be_there() -> None:
    assert "ASRCLI_SERVE_KEY" in failing("--require-key", *SCRIPTED, ASRCLI_SERVE_KEY="")


def test_pages_are_let_in_by_name() -> None:
    options = ("--allow-origin", "https://app.example", "--allow-origin", "http://localhost:3000")
    with service_process((*SCRIPTED, *options)) as (url, _):
        for origin, status in {
            "https://app.example": 101,
            "http://localhost:3000": 101,
            "https://example.org": 403,
        }.items():
            assert page_status(url, origin) == status


@pytest.mark.parametrize("origin", ["null", "*", "app.example"])
def test_what_is_no_origin_is_one_line(origin: str) -> None:
    assert f"'{origin}' is not an origin (use SCHEME://HOST" in failing("--allow-origin", origin, *SCRIPTED)


def test_a_port_in_use_is_one_line() -> None:
    with service_process(SCRIPTED) as (url, _):
        port = url.rpartition(":")[2]
        line = failing("--port", port, *SCRIPTED)
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use (use another --port" in line


def test_verbose_numbers_connections_as_faults_do() -> None:
    with service_process((*SCRIPTED, "--verbose")) as (url, process):
        for _ in range(2):
            with Client(url) as client:
                client.say(run_task())
                client.hear_until("task-started")
        process.terminate()
        _, errors = rest_of(process)
    said = [line for line in errors.splitlines() if line.startswith("connection ")]
    assert [line.split(" port")[0] for line in said if "from" in line] == ["connection 1: from", "connection 2: from"]
    assert sorted(line for line in said if "over" in line) == ["connection 1: over", "connection 2: over"]


def test_a_broken_script_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "s.jsonl").write_text("{}\n")
    assert f"{tmp_path}/s.jsonl:1: " in failing("--port", "0", "--recognizer", f"script:{tmp_path}/s.jsonl")
