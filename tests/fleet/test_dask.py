"""A Dask cluster of processes: a scheduler and two workers, started as anybody would."""

from __future__ import annotations

import io
import logging
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from asrcli.engine.many import What
from asrcli.fleet.dask_cluster import DaskCluster, quieten
from asrcli.fleet.manifest import Row
from asrcli.values.errors import LinkError
from asrcli.values.events import AudioSent, Ended, WorkersChanged
from tests.fleet.test_head import files
from tests.support.fleet import happenings, head_of, spec_of, texts_of
from tests.support.service import running_service, write_script

KEY = "sk-0123456789abcdef0123456789abcdef"
PASSWORD = "a-password-of-a-proxy"
_LONG_S = 60


class Tap:
    """A port that leads to another one, and keeps all bytes that pass, both ways."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.passed: list[bytes] = []
        self._open: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._begin(self._accept)

    def close(self) -> None:
        """Ends what is still connected through it, too: Dask may leave a connection to the end of its process."""
        # To close one does not wake who waits at it.
        self._server.shutdown(socket.SHUT_RDWR)
        # No more of them come then.
        self._threads[0].join()
        for each in self._open:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _begin(self, work: Callable[..., None], *arguments: socket.socket) -> None:
        self._threads.append(threading.Thread(target=work, args=arguments, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        with self._server, suppress(OSError):
            while True:
                near, _ = self._server.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                self._open += [near, far]
                self._begin(self._pass, near, far)
                self._begin(self._pass, far, near)

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with one, suppress(OSError):
            while data := one.recv(1 << 16):
                self.passed.append(data)
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)


@dataclass
class Cluster:
    """`logged`: all that its processes have written."""

    port: int
    workers: list[subprocess.Popen[bytes]]
    logged: list[bytes]


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """All of it logs all there is to log."""
    found = folder / "scheduler.json"
    environ = {
        **os.environ,
        **{"HOME": str(folder), "XDG_STATE_HOME": str(folder / "state"), "DASHSCOPE_API_KEY": KEY},
        **{"ALL_PROXY": f"http://user:{PASSWORD}@127.0.0.1:1", "no_proxy": "127.0.0.1"},
        **{"DASK_LOGGING__DISTRIBUTED": "debug", "DASK_TEMPORARY_DIRECTORY": str(folder)},
    }
    where = ["--host", "127.0.0.1", "--no-dashboard"]
    commands = [["dask_scheduler", "--port", "0", "--scheduler-file", str(found), *where]]
    commands += [
        ["dask_worker", "--scheduler-file", str(found), "--no-nanny", "--nthreads", "1", *where] for _ in range(2)
    ]
    logged: list[bytes] = []
    ports: queue.SimpleQueue[int] = queue.SimpleQueue()

    def read(process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None
        for line in process.stderr:
            logged.append(line)
            if b"Scheduler at:" in line:
                ports.put(int(line.rpartition(b":")[2]))

    running = []
    with ExitStack() as stack:
        for module, *arguments in commands:
            command = [sys.executable, "-m", f"distributed.cli.{module}", *arguments]
            process = subprocess.Popen(command, env=environ, cwd=folder, stderr=subprocess.PIPE)
            stack.enter_context(process)
            running.append(process)
            thread = threading.Thread(target=read, args=(process,))
            thread.start()
            stack.callback(thread.join)
            stack.callback(process.kill)
        yield Cluster(ports.get(timeout=_LONG_S), running[1:], logged)


@pytest.mark.slow
def test_a_worker_dies_and_all_is_done_and_no_key_has_passed(tmp_path: Path):
    script = write_script(tmp_path / "s.jsonl", {"text": "one", "begin_ms": 0, "end_ms": 400})
    found: list[tuple[int, What]] = []
    killed = False
    with running_service(script, required_key=KEY) as service, cluster(tmp_path) as there:
        tap = Tap(there.port)
        line = DaskCluster(f"tcp://127.0.0.1:{tap.port}")
        head = head_of(line, spec_of(service.url, speed=1.0), files(tmp_path, 12, 2.0), slots=6)
        with happenings(head, 12) as told:
            for number, what in told:
                found.append((number, what))
                if isinstance(what, AudioSent) and not killed and any(what == WorkersChanged(2) for _, what in found):
                    killed = True
                    there.workers[0].send_signal(signal.SIGKILL)
                elif isinstance(what, Ended):
                    head.kept(number)
        # The one that lives has ended what it did, and could be used once more.
        assert there.workers[1].poll() is None
        tap.close()
    assert texts_of(found) == dict.fromkeys(range(12), "one")
    changes = [what for number, what in found if number == -1 and isinstance(what, WorkersChanged)]
    assert (changes[-1].workers, changes[-1].lost) == (1, 1)
    passed, logged = b"".join(tap.passed), b"".join(there.logged)
    # What passes is seen here, and what is logged is all there is.
    assert str(tmp_path / "3.wav").encode() in passed
    assert b"DEBUG" in logged
    assert b"asrcli-" in logged, "the names of the tasks"
    for secret in (KEY, PASSWORD):
        assert secret.encode() not in passed
        assert secret.encode() not in logged


def test_where_no_scheduler_is_there_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], dead_port: int
):
    monkeypatch.setattr("asrcli.fleet.dask_cluster._CONNECT_S", 0.2)
    line = DaskCluster(f"tcp://127.0.0.1:{dead_port}")
    head = head_of(line, spec_of("ws://127.0.0.1:1"), [Row.named("a")])
    with (
        pytest.raises(LinkError, match=re.escape(f"there is no scheduler at {line.where}")) as raised,
        happenings(head, 1) as told,
    ):
        list(told)
    assert raised.value.hint == "start one: dask scheduler"
    assert capfd.readouterr() == ("", "")


def test_nothing_that_dask_logs_comes_to_a_terminal():
    """Each of its loggers that has a handler of its own is quiet, too."""
    terminal = io.StringIO()
    names = ("distributed", "distributed.client", "distributed.utils", "tornado.application")
    for name in names:
        logging.getLogger(name).addHandler(logging.StreamHandler(terminal))
    quieten()
    for name in names:
        logging.getLogger(name).error("a traceback")
    assert terminal.getvalue() == ""
