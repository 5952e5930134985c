"""The command as a process of its own, ended from outside at a chosen point of its run, and what it left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.service import DATA, descendants, wait_until_gone

PLANTED_KEY = "sk-planted0123456789abcdef"
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


@contextmanager
def command(*arguments: object, through: tuple[str, ...] = (), **options: Any) -> Iterator[subprocess.Popen[str]]:
    """`asrcli …` with the planted key and a home and a place for temporary files of its own, at `home`."""
    with tempfile.TemporaryDirectory() as home:
        (Path(home) / "tmp").mkdir()
        environ = {**os.environ, "DASHSCOPE_API_KEY": PLANTED_KEY, "HOME": home, "TMPDIR": f"{home}/tmp"}
        line = [*through, sys.executable, "-m", "asrcli", *map(str, arguments)]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        with subprocess.Popen(line, text=True, cwd=DATA.parent.parent, env=environ, **pipes) as process:
            process.home = Path(home)  # type: ignore[attr-defined]
            try:
                yield process
            finally:
                process.kill()


def ended_by(number: int | None, after_finals: int, *arguments: object) -> Ending:
    """Run the command with JSON lines; after so many finals send the signal, or for None close its stdout."""
    with command(*arguments, "--json", "-vv") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        lines: list[str] = []
        while sum('"type":"final"' in line for line in lines) < after_finals:
            lines.append(process.stdout.readline())
            assert lines[-1], process.stderr.read()
        children = descendants(process.pid)
        if number is None:
            process.stdout.close()
            err = process.stderr.read()
        else:
            process.send_signal(number)
            out, err = process.communicate(timeout=_END_S)
            lines += out.splitlines()
        code = process.wait(_END_S)
        wait_until_gone(children)
        left = tuple(str(path) for path in (process.home / "tmp").iterdir())  # type: ignore[attr-defined]
    return Ending(code, tuple(json.loads(line) for line in lines), err, left)


def regular(*arguments: object) -> Ending:
    """Run the command to its own end."""
    with command(*arguments) as process:
        out, err = process.communicate(timeout=_END_S)
        left = tuple(str(path) for path in (process.home / "tmp").iterdir())  # type: ignore[attr-defined]
    lines = tuple(json.loads(line) for line in out.splitlines())
    return Ending(process.returncode, lines, err, left)


EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129, None: 0}
