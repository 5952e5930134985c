"""A Dask cluster on loopback, of real processes that can be killed; what ends is started again, as a machine would."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.benchmarks.clients import ROOT
from tests.support.scripted_server import free_port

_READY_S = 60.0
_LOOK_S = 0.5


def dask(*arguments: str) -> list[str]:
    return [str(Path(sys.executable).with_name("dask")), *arguments]


class Machines:
    """A scheduler and so many workers, each of one thread. Everything is ended by its number, and with the context."""

    def __init__(self, folder: Path, workers: int) -> None:
        self._log = folder / "dask.log"
        self._lock = threading.Lock()
        self._port = free_port()
        self.address = f"tcp://127.0.0.1:{self._port}"
        self._folder = folder
        self._is_over = threading.Event()
        self._scheduler = self._start_scheduler()
        self._workers = [self._start_worker() for _ in range(workers)]
        self._keeper = threading.Thread(target=self._keep, name="keeper")
        self.worker_kills: list[float] = []
        self.other_kills: list[float] = []

    def __enter__(self) -> Self:
        self._keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_over.set()
        self._keeper.join()
        for process in (*self._workers, self._scheduler):
            process.kill()
            process.wait()

    def kill_worker(self, number: int) -> None:
        """With no chance to say anything; another one takes its place within half a second."""
        with self._lock:
            self.worker_kills.append(time.monotonic())
            self._workers[number % len(self._workers)].kill()

    def kill_scheduler(self) -> None:
        with self._lock:
            self.other_kills.append(time.monotonic())
            self._scheduler.kill()

    def _keep(self) -> None:
        while not self._is_over.wait(_LOOK_S):
            with self._lock:
                if self._scheduler.poll() is not None:
                    self._scheduler = self._start_scheduler()
                for at, worker in enumerate(self._workers):
                    if worker.poll() is not None:
                        self._workers[at] = self._start_worker()

    def _start_scheduler(self) -> subprocess.Popen[bytes]:
        return self._start("scheduler", "--host", "127.0.0.1", "--port", str(self._port), "--no-dashboard", "--no-show")

    def _start_worker(self) -> subprocess.Popen[bytes]:
        return self._start(
            "worker", self.address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard",
            "--local-directory", str(self._folder),
        )  # fmt: skip

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                dask(*arguments), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
