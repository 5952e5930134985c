"""The command as a process of its own, ended from outside at a chosen point of its run, and what it left behind."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.service import DATA, descendants, wait_until_gone

PLANTED_KEY = "sk-planted0123456789abcdef"
EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129, None: 0}
_END_S = 30.0


@dataclass(frozen=True)
class Ending:
    """How a run ended: its exit code, the JSON lines that it had written, and its standard error.

    `left` names what it did not clear away.
    """

    code: int
    lines: tuple[dict[str, Any], ...]
    err: str
    left: tuple[str, ...]

    @property
    def finals(self) -> list[tuple[object, ...]]:
        found = [line for line in self.lines if line["type"] == "final"]
        return [(line["index"], line["text"], line["begin_ms"], line["end_ms"]) for line in found]


@dataclass(frozen=True)
class Running:
    """The process, the file that its standard error goes to (a pipe that nobody reads would stop it), and TMPDIR."""

    process: subprocess.Popen[str]
    stderr: Path
    temporary: Path

    def ending(self, lines: Iterable[str]) -> Ending:
        """How it ended; it has."""
        left = tuple(str(path) for path in self.temporary.iterdir())
        written = tuple(json.loads(line) for line in lines)
        return Ending(self.process.wait(_END_S), written, self.stderr.read_text(encoding="utf-8"), left)


@contextmanager
def running(*arguments: object, through: tuple[str, ...] = ()) -> Iterator[Running]:
    """`asrcli …` with the planted key, and with a home and a place for temporary files of its own."""
    with tempfile.TemporaryDirectory() as folder:
        home, temporary, stderr = (Path(folder) / name for name in ("home", "tmp", "stderr"))
        home.mkdir()
        temporary.mkdir()
        environ = {**os.environ, "DASHSCOPE_API_KEY": PLANTED_KEY, "HOME": str(home), "TMPDIR": str(temporary)}
        line = [*through, sys.executable, "-m", "asrcli", *map(str, arguments)]
        with (
            stderr.open("w") as said,
            subprocess.Popen(
                line, stdout=subprocess.PIPE, stderr=said, text=True, cwd=DATA.parent.parent, env=environ
            ) as process,
        ):
            try:
                yield Running(process, stderr, temporary)
            finally:
                process.kill()


def ended_by(number: int | None, after_finals: int, *arguments: object) -> Ending:
    """Run the command with JSON lines; after so many finals send the signal, or for None close its stdout."""
    with running(*arguments, "--json", "-vv") as run:
        process = run.process
        lines: list[Any] = []
        assert process.stdout is not None
        while sum('"type":"final"' in line for line in lines) < after_finals:
            lines.append(process.stdout.readline())
            assert lines[-1], run.stderr.read_text()
        children = descendants(process.pid)
        if number is None:
            process.stdout.close()
        else:
            process.send_signal(number)
            lines += process.stdout
        process.wait(_END_S)
        wait_until_gone(children)
        return run.ending(lines)


# A process none of whose files may grow beyond so many bytes: as if the disk were full then.
_LIMITED = """
import os, resource, sys
os.environ.pop("COVERAGE_PROCESS_CONFIG", None)  # What it counts would find no room either, and say so.
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
os.execv(sys.argv[2], sys.argv[2:])
"""


def limited(most_bytes: int) -> tuple[str, ...]:
    """What to run a command `through` for that."""
    return (sys.executable, "-c", _LIMITED, str(most_bytes))


# A process that has so many files open when it begins.
_CROWDED = """
import os, resource, sys
count = int(sys.argv[1])
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 1000), hard))
for _ in range(count):
    os.set_inheritable(os.open(os.devnull, os.O_RDONLY), True)
os.execv(sys.argv[2], sys.argv[2:])
"""


def crowded(count: int) -> tuple[str, ...]:
    """What to run a command `through` for that. Skips the test where the system allows no thousand more."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count + 1000:
        pytest.skip(f"this machine allows no more than {hard} open files")
    return (sys.executable, "-c", _CROWDED, str(count))


def regular(*arguments: object, through: tuple[str, ...] = ()) -> Ending:
    """Run the command to its own end."""
    with running(*arguments, through=through) as run:
        assert run.process.stdout is not None
        return run.ending(run.process.stdout)
