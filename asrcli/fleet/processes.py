"""Workers that are processes of this machine, for --cluster local:N: children of the head, joined to it by pipes.

No port is opened for them: whoever may connect to a port of a scheduler may run anything. A child ends with its head,
however that ends, because nobody else has the other end of its standard input.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import IO

from asrcli.fleet.frames import END, STILL_THERE, read, write
from asrcli.fleet.line import Gone, Joined, News, Said
from asrcli.system.clock import Deadline, SystemClock
from asrcli.system.threads import Thread
from asrcli.values.errors import Bug, LinkError, Shortage

# Each crew hears so often that its head is there.
_BEAT_S = 1.0
# A crew cancels what it runs, and says goodbye to the service.
_PATIENCE_S = 4.0
# A process that has ended is started anew, but for so many one after the other that had nothing to do.
_MOST_IN_VAIN = 20
_LAST_WORDS = 300


class Processes:
    """A Line to `count` processes; `environ` is theirs."""

    how_to_join = "see above why its processes have ended"

    def __init__(self, count: int, environ: Mapping[str, str]) -> None:
        self.nobody = f"there is no worker at local:{count}"
        self._count = count
        self._environ = environ
        self._post: Callable[[News], None] = lambda news: None
        self._opening = b""
        self._workers: dict[str, _Process] = {}
        self._started = self._in_vain = 0
        self._lock = threading.Lock()
        self._is_closing = threading.Event()

    def begin(self, opening: bytes, post: Callable[[News], None]) -> None:
        self._opening, self._post = opening, post
        for _ in range(self._count):
            self._start()
        Thread("heartbeat", self._beat, self._died).start()

    def send(self, worker: str, data: bytes) -> None:
        with self._lock:
            process = self._workers.get(worker)
            self._in_vain = 0 if process is not None else self._in_vain
        if process is not None:
            process.send(data)

    def drop(self, worker: str) -> None:
        with self._lock:
            process = self._workers.get(worker)
        if process is not None:
            process.end(0.0)

    def close(self) -> None:
        self._is_closing.set()
        with self._lock:
            processes = [*self._workers.values()]
        for process in processes:
            process.send(END)
        until = Deadline(SystemClock(), _PATIENCE_S)
        for process in processes:
            process.end(until.remaining_s())

    def _start(self) -> None:
        """Raises LinkError where the system does not let it."""
        with self._lock:
            if self._is_closing.is_set():
                return
            self._started += 1
            name = f"process {self._started}"
            process = self._workers[name] = _Process(self._environ)
        self._post(Joined(name))
        process.send(self._opening)
        Thread(name, functools.partial(self._listen, name, process), self._died).start()

    def _listen(self, name: str, process: _Process) -> None:
        """Thread "process N": what the crew says, until its process has ended."""
        while (data := process.receive()) is not None:
            self._post(Said(name, data))
        reason = process.last_words()
        with self._lock:
            del self._workers[name]
            self._in_vain += 1
        self._post(Gone(name, reason))
        if not self._is_closing.is_set() and self._in_vain <= _MOST_IN_VAIN:
            with suppress(LinkError, Shortage):
                self._start()

    def _beat(self) -> None:
        """Thread "heartbeat"."""
        while not self._is_closing.wait(_BEAT_S):
            with self._lock:
                processes = [*self._workers.values()]
            for process in processes:
                process.send(STILL_THERE)

    def _died(self, bug: BaseException) -> None:
        from asrcli.fleet.line import Broken

        self._post(Broken(Bug.of(bug)))


class _Process:
    """A child, its pipes, and what it prints."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed with its pipes
        try:
            self._process = subprocess.Popen(
                # -P: what lies in the current folder is not run.
                [sys.executable, "-P", "-m", "asrcli.fleet.process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                env=dict(environ),
                # Ctrl-C in the terminal is the head's; the crew must live until the last result is in.
                start_new_session=True,
            )
        except OSError as error:
            self._log.close()
            raise LinkError(f"a worker did not start: {error.strerror}") from error
        self._lock = threading.Lock()

    def send(self, data: bytes) -> None:
        assert self._process.stdin is not None
        with self._lock, suppress(OSError, ValueError):
            write(self._process.stdin, data)

    def receive(self) -> bytes | None:
        """What it says next; None when it has ended."""
        assert self._process.stdout is not None
        return read(self._process.stdout)

    def last_words(self) -> str:
        """How it ended, with the last line that it has printed."""
        code = self._process.wait()
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - _LAST_WORDS))
        said = self._log.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
        self._let_go()
        how = f"its process was ended by signal {-code}" if code < 0 else f"its process ended with code {code}"
        return f"{how}: {said}" if said else how

    def end(self, patience_s: float) -> None:
        """Wait for its end so long, then make one."""
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _let_go(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout, self._log):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()
