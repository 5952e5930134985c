"""The command in processes that are forked from one which has imported everything: a run costs a third of the time.

`Zygote` is that process. What is forked from it has arguments, an environment, a preloaded torture.c and standard
streams of its own, and is otherwise the command as `python -m asrcli` starts it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from tests.support.service import DATA

_READ_BYTES = 1 << 16
# What has not ended by then hangs, unless it is at work: a machine that is busy with other things is slow.
END_S = 20.0
_MOST_S = 120.0
_IDLE_SHARE = 0.02

T = TypeVar("T")
# The modules that look for sound hardware when they are imported are left to the command.
_SCRIPT = """
import ctypes, faulthandler, importlib, json, os, pkgutil, signal, socket, sys
import asrcli.cli.app
for module in pkgutil.walk_packages(asrcli.__path__, "asrcli."):
    if "microphone" not in module.name and not module.name.endswith(("__main__", "sphinx.worker")):
        importlib.import_module(module.name)
for line in (["models"], ["file", "--help"], ["file", "no-such-file"]):
    asrcli.cli.app.run(line)
link = socket.socket(fileno=int(sys.argv[1]))
while True:
    request, descriptors, _, _ = socket.recv_fds(link, 1 << 16, 3)
    if not request:
        os._exit(0)
    pid = os.fork()
    if not pid:
        break
    for each in descriptors:
        os.close(each)
    link.send(b"%d\\n" % pid)
    link.send(b"%d\\n" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
link.close()
for number, each in enumerate(descriptors):
    os.dup2(each, number)
    os.close(each)
request = json.loads(request)
os.environ.update(request["environ"])
where, stuck = (open(request["environ"][f"TORTURE_{name}"], "w") for name in ("WHERE", "STUCK"))
faulthandler.register(signal.SIGUSR2, where, all_threads=False)
faulthandler.register(signal.SIGUSR1, stuck, all_threads=True)
code = [where.name, stuck.name, sys.prefix, sys.base_prefix + "/lib/python", *asrcli.__path__, "/usr/lib", "/lib"]
sys.argv = ["asrcli", *request["arguments"]]
ctypes.CDLL(None).torture_begin(*(text.encode() for text in (*request["torture"], ":".join(code))))
asrcli.cli.app.main()
"""


class Zygote:
    """Starts one command at a time, each in a process forked from this one; `library` is preloaded."""

    def __init__(self, library: Path) -> None:
        self._link, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _SCRIPT, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                cwd=DATA.parent.parent,
                env={**os.environ, "LD_PRELOAD": str(library)},
            )

    def start(
        self,
        arguments: Sequence[str],
        environ: Mapping[str, str],
        torture: tuple[str, str],
        stderr: Path,
        *,
        stdin: bool,
    ) -> Running:
        """`asrcli ARGUMENTS`; `torture`: what torture_begin is given. With `stdin` it is fed, else it has none."""
        request = {"arguments": list(arguments), "environ": dict(environ), "torture": torture}
        output, theirs = os.pipe()
        given, feed = os.pipe() if stdin else (os.open(os.devnull, os.O_RDONLY), None)
        said = os.open(stderr, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        socket.send_fds(self._link, [json.dumps(request).encode()], [given, theirs, said])
        for each in (given, theirs, said):
            os.close(each)
        return Running(int(self._line()), output, feed, self)

    def code(self, timeout_s: float) -> str | None:
        """The exit code of the one that runs; None where there is none in that time."""
        return self._line() if select.select([self._link], [], [], timeout_s)[0] else None

    def _line(self) -> str:
        line = b""
        while not line.endswith(b"\n"):
            byte = self._link.recv(1)
            assert byte, "what the commands are forked from has died"
            line += byte
        return line.decode()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._link.close()
        self._process.wait()


class HangsError(Exception):
    """The command has had its time, and does nothing any more."""


class Running:
    """A command that runs, until `end`."""

    def __init__(self, pid: int, output: int, feed: int | None, zygote: Zygote) -> None:
        self.pid = pid
        self._output = output
        self._feed = feed
        self._feeder: threading.Thread | None = None
        self._zygote = zygote

    def first_line(self) -> bytes:
        """Of its standard output, or what there is of it where that ends before. Raises HangsError."""
        line = b""
        while not line.endswith(b"\n") and (byte := self._read(1)):
            line += byte
        return line

    def rest(self, given: bytes = b"") -> bytes:
        """All that follows, while its standard input is given that and then its end. Raises HangsError."""
        self._feeder = threading.Thread(target=self._give, args=(given,))
        self._feeder.start()
        data = b""
        while piece := self._read(_READ_BYTES):
            data += piece
        return data

    def end(self) -> int:
        """Its exit code, or minus the signal that has ended it. Raises HangsError."""
        return int(self._wait_for(self._zygote.code))

    def signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def close(self) -> None:
        """After `end`."""
        if self._feeder is not None:
            self._feeder.join()
        for each in (self._output, self._feed):
            if each is not None:
                os.close(each)

    def _give(self, given: bytes) -> None:
        feed, self._feed = self._feed, None
        if feed is not None:
            with contextlib.suppress(BrokenPipeError), open(feed, "wb") as file:  # noqa: PTH123 - a descriptor
                file.write(given)

    def _read(self, most_bytes: int) -> bytes:
        def ready(timeout_s: float) -> bytes | None:
            return os.read(self._output, most_bytes) if select.select([self._output], [], [], timeout_s)[0] else None

        return self._wait_for(ready)

    def _wait_for(self, what: Callable[[float], T | None]) -> T:
        began, used_s = time.monotonic(), 0.0
        while (found := what(END_S)) is None:
            before_s, used_s = used_s, self._cpu_s()
            if used_s - before_s < _IDLE_SHARE * END_S or time.monotonic() - began > _MOST_S:
                raise HangsError
        return found

    def _cpu_s(self) -> float:
        """How long it has been at work."""
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except FileNotFoundError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
