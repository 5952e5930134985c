"""The command as a process in which a chosen system call fails: what it then says, writes and leaves behind.

`torture.c` is preloaded into it and lets the call fail. It counts from the moment all that a command usually imports is
there, so that the interpreter's own start is spared; and it spares what touches the program's own code later on: a
module that cannot be read is nothing that any program could put right.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tests.support.endings import PLANTED_KEY
from tests.support.zygote import HangsError, Running, Zygote

SOURCE = Path(__file__).with_name("torture.c")
SHORT = "short"
_GONE_S = 5.0

# As in torture.c: standard streams, files, pipes, sockets, anything else, pipes that only this process has.
_CLASSES = "tfpsoi"
_KINDS = "open read write fsync rename connect send recv close fork thread descriptor".split()  # noqa: SIM905 - as typed
# What each call can fail with, and on what.
ERRORS: Mapping[str, Mapping[str, str]] = {
    "open": {"EMFILE": "fo", "EIO": "f", "ENOMEM": "f", "EACCES": "f", "ENOSPC": "f"},
    "read": {"EIO": "tfi", "ECONNRESET": "s", "EINTR": "tfpsi", SHORT: "tfpsi"},
    "write": {"EIO": "tfi", "ENOSPC": "tf", "EPIPE": "tp", "ECONNRESET": "s", "EINTR": "tfps", SHORT: "tfps"},
    "fsync": {"EIO": "f", "ENOSPC": "f"},
    "rename": {"EIO": "f", "ENOSPC": "f"},
    "connect": {"ECONNREFUSED": "s", "ETIMEDOUT": "s", "EINTR": "s"},
    "send": {"ECONNRESET": "s", "EPIPE": "s", "ENOMEM": "s", "EINTR": "s", SHORT: "s"},
    "recv": {"ECONNRESET": "s", "ETIMEDOUT": "s", "ENOMEM": "s", "EINTR": "s", SHORT: "s"},
    "close": {"EIO": "tfpsoi", "ENOSPC": "f"},
    "fork": {"EAGAIN": "f", "ENOMEM": "f"},
    "thread": {"EAGAIN": "f"},
    "descriptor": {"EMFILE": "tfpsoi", "ENOMEM": "tfpsoi"},
}
# What stays so once it has come: a full disk, a reader that left, no room for more.
LASTING = {
    ("write", "ENOSPC"),
    ("write", "EPIPE"),
    ("open", "EMFILE"),
    ("descriptor", "EMFILE"),
    ("thread", "EAGAIN"),
    ("fork", "EAGAIN"),
}


@dataclass(frozen=True)
class Fault:
    """The `at`th call of that kind (from 1; 0 is none of them) fails with `error`; with `lasting` all after it too."""

    kind: str
    error: str
    at: int
    lasting: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.error} {self.at}{' lasting' if self.lasting else ''}"

    @property
    def text(self) -> str:
        number = 0 if self.error == SHORT else getattr(errno, self.error)
        return f"{self.kind} {number} {self.at} {int(self.lasting)} {ERRORS[self.kind][self.error]}"


NO_FAULT = Fault("open", "EIO", 0)


@dataclass(frozen=True)
class Run:
    """One run. `code` is None where it did not end; `stuck` is where each thread was then.

    `calls`: how many of each kind and class there were. `struck`: the call that failed and what it was about, empty
    where none did; `where`: the stack of the thread that made it. `left`: files and processes that should be gone;
    `notes`: what was wrong on the way. `repeat` runs the same once more, in the same place and without the fault.
    """

    fault: Fault
    folder: Path
    code: int | None
    out: bytes
    err: str
    calls: Mapping[tuple[str, str], int]
    struck: str
    where: str
    stuck: str
    left: tuple[str, ...]
    notes: tuple[str, ...]
    repeat: Callable[[], Run] | None = None

    @property
    def results(self) -> Path:
        """The folder for what the command writes."""
        return self.folder / "out"

    @property
    def breaks(self) -> str:
        """Which standard stream cannot be written to: "1", "2", both or neither."""
        if self.fault.kind != "write" or not self.struck or self.fault.error in ("EINTR", SHORT):
            return ""
        if self.fault.lasting:
            return "12"
        return self.struck.split()[1] if self.struck.split()[1] in "12" else ""

    def total(self, kind: str, error: str) -> int:
        """How many calls could have failed so."""
        return sum(self.calls[kind, each] for each in ERRORS[kind][error])


Drive = Callable[[Running], tuple[bytes, Sequence[str]]]
"""Does with a command what makes it end; returns its standard output and what was wrong on the way."""


@functools.cache
def library() -> Path | None:
    """The library, compiled once; None where there is no C compiler (see install_test_packages.sh)."""
    compiler = shutil.which("cc")
    if compiler is None:
        return None
    made = Path(tempfile.mkdtemp(prefix="torture-")) / "torture.so"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", made, SOURCE, "-ldl", "-pthread"], check=True)
    return made


def tortured(
    zygote: Zygote,
    arguments: Sequence[object],
    fault: Fault,
    folder: Path,
    *,
    drive: Drive,
    stdin: bool = False,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Run:
    """Run `asrcli …` with `fault`, in `folder`, which is made; with `stdin`, `drive` feeds its standard input."""
    home, temporary, results = (folder / name for name in ("home", "tmp", "out"))
    for each in (home, temporary, results):
        each.mkdir(parents=True)
    report, where, stuck, stderr = (folder / name for name in ("report", "where", "stuck", "stderr"))
    report.write_bytes(bytes(len(_KINDS) * len(_CLASSES) * 8 + 504))
    environ = {
        **variables,
        "DASHSCOPE_API_KEY": PLANTED_KEY,
        "HOME": str(home),
        "TMPDIR": str(temporary),
        "TORTURE_REPORT": str(report),
        "TORTURE_WHERE": str(where),
        "TORTURE_STUCK": str(stuck),
    }
    out, notes, code = b"", (), None
    running = zygote.start([str(each) for each in arguments], environ, (fault.text, str(report)), stderr, stdin=stdin)
    try:
        out, notes = drive(running)  # type: ignore[assignment]
        code = running.end()
    except HangsError:
        running.signal(signal.SIGUSR1)
        _wait_until(lambda: "most recent call first" in stuck.read_text())
        running.signal(signal.SIGKILL)
        running.end()
    finally:
        running.close()
    calls, struck = _told(report)
    left = [str(path) for path in temporary.rglob("*")]
    if not _wait_until(lambda: not _children(report)):
        left += [f"process {each}" for each in _children(report)]
    said = stderr.read_text(encoding="utf-8", errors="replace")
    return Run(
        fault, folder, code, out, said, calls, struck, where.read_text(), stuck.read_text(), tuple(left), tuple(notes)
    )


def to_its_end(given: bytes = b"") -> Drive:
    """Has `given` on its standard input, and ends by itself."""
    return lambda running: (running.rest(given), ())


def _told(report: Path) -> tuple[dict[tuple[str, str], int], str]:
    numbers = len(_KINDS) * len(_CLASSES)
    content = report.read_bytes()
    counts = iter(struct.unpack_from(f"={numbers}Q", content))
    calls = {(kind, each): next(counts) for kind in _KINDS for each in _CLASSES}
    (times,) = struct.unpack_from("=I", content, numbers * 8)
    what = content[numbers * 8 + 4 :].split(b"\0")[0].decode(errors="replace")
    return calls, what if times else ""


def _children(report: Path) -> list[int]:
    """The processes that the run left behind: those with its environment."""
    mark = os.fsencode(f"TORTURE_REPORT={report}")
    found = []
    for each in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark in each.read_bytes().split(b"\0"):
                found.append(int(each.parent.name))
    return found


def _wait_until(is_so: Callable[[], bool]) -> bool:
    """Whether it came to be so, in a process that says nothing about it."""
    until = time.monotonic() + _GONE_S
    while not is_so():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True
