"""The command as a process of its own, one of whose threads is made to raise, or one of whose children is killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.support.endings import PLANTED_KEY
from tests.support.service import DATA, descendants

# How long a run may take in all, and how long from the injury to its end where nothing can be mended: on a busy machine
# some seconds, but less than the shortest of the waits that would be in vain, which is that for the last results.
RUN_S = 180.0
SOON_S = 9.0

# Raises at a given call of one of our functions in the threads of a given name; 0: at none, and their number is told.
_PROGRAM = """
import atexit, sys, threading, time

report, name, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
calls = 0


class Injury(Exception):
    pass


def note(text):
    with open(report, "a") as file:
        file.write(text + "\\n")


def injure():
    global calls
    calls += 1
    if calls == number:
        note(f"injured {time.monotonic()}")
        raise Injury("as the test wants it")


def watch(frame, event, argument):
    if threading.current_thread().name != name:
        sys.setprofile(None)
    # The one place where it has to go is not hurt itself.
    elif event == "call" and "/asrcli/" in (path := frame.f_code.co_filename) and not path.endswith("/threads.py"):
        try:
            injure()
        except Injury:
            sys.setprofile(None)
            raise


threading.setprofile(watch)
if name == "PortAudio":
    from asrcli.audio.microphone.capture import Capture

    take = Capture._take
    Capture._take = lambda *arguments: (injure(), take(*arguments))[1]
atexit.register(lambda: note(f"calls {calls}"))
sys.argv = ["asrcli", *sys.argv[4:]]
from asrcli.__main__ import main

main()
"""


@dataclass(frozen=True)
class Injured:
    """How such a run ended. `calls` is how often the thread called one of our functions; `late_s` how long after the
    injury it ended, None where there was none."""

    code: int
    lines: tuple[dict[str, Any], ...]
    err: str
    calls: int
    late_s: float | None
    left: tuple[str, ...]

    @property
    def finals(self) -> list[str]:
        return [line["text"] for line in self.lines if line["type"] == "final"]

    def __str__(self) -> str:
        return f"code {self.code}, {len(self.finals)} finals, late {self.late_s}, left {self.left}, {self.err[-500:]!r}"

    @property
    def is_complete(self) -> bool:
        return any(line["type"] == "end" and line["complete"] for line in self.lines)

    def _begins(self, whole: Sequence[str]) -> bool:
        """Whether its finals are the first of `whole`; the last one may be the beginning of a sentence."""
        if not self.finals:
            return True
        *before, last = self.finals
        rest = whole[len(before) :]
        return before == [*whole[: len(before)]] and bool(rest) and rest[0].startswith(last.rstrip("."))

    def is_right(self, whole: Sequence[str], code: int = 70) -> bool:
        """Whether it ended as it may: complete, with `whole` as its finals; or soon, with that code, an end that says
        that it is not complete, one error, and the traceback of a bug."""
        kinds = [line["type"] for line in self.lines]
        if self.left or kinds.count("begin") != kinds.count("end"):
            return False
        if self.code == 0:
            return self.is_complete and self.finals == list(whole) and "error" not in kinds
        return (
            self.code == code
            and not self.is_complete
            and self._begins(whole)
            and kinds.count("error") == 1
            and ("Traceback" in self.err) == (code == 70)
            and self.late_s is not None
            and self.late_s < SOON_S
        )


def injured(
    thread: str,
    number: int,
    *arguments: object,
    stdin: IO[bytes] | int = subprocess.DEVNULL,
    kill: Callable[[int], int | None] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Injured:
    """Run `asrcli … --json`, whose thread of that name raises at its call of that number (0: at none).

    `kill` is given the process and says whom to kill then, or None; it may take its time.
    """
    with tempfile.TemporaryDirectory() as folder:
        home, temporary, report, err = (Path(folder) / name for name in ("home", "tmp", "report", "err"))
        home.mkdir()
        temporary.mkdir()
        own = {"DASHSCOPE_API_KEY": PLANTED_KEY, "HOME": str(home), "TMPDIR": str(temporary)}
        line = [*_command(report, thread, number), *map(str, arguments)]
        with (
            err.open("w") as said,
            subprocess.Popen(
                [*line, "--json"],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=said,
                cwd=DATA.parent.parent,
                env={**os.environ, **own, **(environ or {})},
            ) as process,
        ):
            killing = _Killing(process.pid, kill) if kill is not None else None
            try:
                out, _ = process.communicate(timeout=RUN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            ended = time.monotonic()
        at = killing.join() if killing is not None else None
        notes = _notes(report)
        if "injured" in notes:
            at = float(notes["injured"])
        return Injured(
            process.returncode,
            tuple(map(json.loads, out.splitlines())),
            err.read_text(encoding="utf-8"),
            int(notes.get("calls", 0)),
            None if at is None else ended - at,
            tuple(str(path) for path in temporary.iterdir()),
        )


def _command(report: Path, thread: str, number: int) -> list[str]:
    return [sys.executable, "-c", _PROGRAM, str(report), thread, str(number)]


def _notes(report: Path) -> dict[str, str]:
    return dict(note.split() for note in report.read_text().splitlines()) if report.exists() else {}


@dataclass
class InjuredService:
    """`asrcli serve`, one of whose threads raises. The rest is known once it has ended."""

    url: str
    process: subprocess.Popen[str]
    code: int | None = None
    err: str = ""
    calls: int = 0
    late_s: float | None = None


@contextmanager
def injured_service(thread: str, number: int, *arguments: str) -> Iterator[InjuredService]:
    """Such a service on a free port; it is given a second to end by itself, and then ended with SIGTERM."""
    with tempfile.TemporaryDirectory() as folder:
        report, err = Path(folder) / "report", Path(folder) / "err"
        line = [*_command(report, thread, number), "serve", "--port", "0", *arguments]
        with (
            err.open("w") as said,
            subprocess.Popen(line, stdout=subprocess.PIPE, stderr=said, text=True, cwd=DATA.parent.parent) as process,
        ):
            assert process.stdout is not None
            service = InjuredService(process.stdout.readline().strip(), process)
            try:
                yield service
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(1.0 if "injured" in _notes(report) else 0.0)
                ended = time.monotonic()
                process.terminate()
                service.code = process.wait(RUN_S)
            finally:
                process.kill()
        notes = _notes(report)
        service.err, service.calls = err.read_text(encoding="utf-8"), int(notes.get("calls", 0))
        if "injured" in notes:
            service.late_s = ended - float(notes["injured"])


class _Killing(threading.Thread):
    """Kills whom `kill` names; `join` says when, or None."""

    def __init__(self, pid: int, kill: Callable[[int], int | None]) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._kill = kill
        self._at: float | None = None
        self.start()

    def run(self) -> None:
        try:
            victim = self._kill(self._pid)
            if victim is not None:
                os.kill(victim, signal.SIGKILL)
                self._at = time.monotonic()
        except (ProcessLookupError, FileNotFoundError):
            pass  # It was faster.

    def join(self, timeout: float | None = None) -> float | None:  # type: ignore[override]
        super().join(timeout)
        return self._at


def child_of(pid: int, what: str, patience_s: float = 20.0) -> int | None:
    """The first descendant of `pid` in whose command line `what` stands, as soon as there is one."""
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        # Others come and go meanwhile.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for each in descendants(pid):
                if what in Path(f"/proc/{each}/cmdline").read_text(errors="replace"):
                    return each
        time.sleep(0.002)
    return None
