"""The inputs of `render`: files with saved JSON lines, each read twice, and standard input, which is kept meanwhile."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import stat
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import IO

from asrcli.output.sanitize import name as shown
from asrcli.output.saved.lines import Line, read_lines
from asrcli.output.saved.values import RESULT
from asrcli.system.signals import Signals, interrupted
from asrcli.values.errors import AsrcliError, UsageError
from asrcli.values.source_name import STANDARD_INPUT, label

# What comes through a pipe is mostly less.
_SPOOL_BYTES = 8 << 20
_STDIN = 0


class SavedFile:
    """One of them, to be read twice. Raises UsageError for one that cannot be opened."""

    def __init__(self, name: str, stack: ExitStack, signals: Signals) -> None:
        self.label = shown(label(name))
        """How it is called in messages."""
        self.stem = "standard input" if name == STANDARD_INPUT else Path(name).stem
        """How a source is called of which it does not tell the name."""
        self._path = Path(name)
        self._lines = 0
        self._spool: tempfile.SpooledTemporaryFile[bytes] | None = None
        with self._told():
            if name != STANDARD_INPUT and self._path.is_dir():
                raise UsageError(f"{self.label} is a folder", hint="name the files in it")
            if name == STANDARD_INPUT or not stat.S_ISREG(self._path.stat().st_mode):
                self._spool = tempfile.SpooledTemporaryFile(_SPOOL_BYTES)  # noqa: SIM115 - closed by the stack
                stack.callback(self._spool.close)
                self._keep(name, signals)

    def look_through(self) -> Iterator[Line]:
        """All its lines, with no more of the words than tells whether there are any. Raises UsageError without one."""
        first_problem = ""
        is_ours = is_results = False
        with self._opened() as file:
            for self._lines, line in enumerate(read_lines(file, with_words=False), 1):
                is_ours = is_ours or line.saved is not None
                is_results = is_results or line.problem == RESULT
                first_problem = first_problem or (line.problem and f"line {line.number}: {line.problem}")
                yield line
        if is_results and not is_ours:
            raise UsageError(
                f"{self.label} is a file of --results, which has no times",
                hint="asrcli merge joins such files; run with --json to render, or with -f srt for subtitles",
            )
        if not is_ours:
            what = f"holds no JSON lines of asrcli ({first_problem})" if first_problem else "holds no JSON lines"
            raise UsageError(f"{self.label} {what}", hint="asrcli file … --json makes some")

    def read(self) -> Iterator[Line]:
        """The lines that were looked through, whole."""
        try:
            with self._opened() as file:
                yield from islice(read_lines(file), self._lines)
        except UsageError as error:
            # It could be read before.
            raise AsrcliError(error.message) from error

    def _keep(self, name: str, signals: Signals) -> None:
        """Copy what comes through a pipe. The program that writes to it may have been sent the same Ctrl-C.

        Then it has its last words to say, and the second one ends this.
        """
        assert self._spool is not None
        if not os.isatty(_STDIN):
            signals.stop = _go_on
        try:
            with open(_STDIN if name == STANDARD_INPUT else name, "rb", closefd=name != STANDARD_INPUT) as pipe:
                shutil.copyfileobj(pipe, self._spool)
        finally:
            signals.no_more_to_stop()

    @contextlib.contextmanager
    def _opened(self) -> Iterator[IO[bytes]]:
        with self._told():
            if self._spool is not None:
                self._spool.seek(0)
                yield self._spool
            else:
                with self._path.open("rb") as file:
                    yield file

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UsageError(f"cannot read {self.label}: {error.strerror or error}") from error


def _go_on(number: int) -> None:
    if number != signal.SIGINT:
        raise interrupted(number)


def changed(label: str) -> AsrcliError:
    """The error of files that were not the same when they were read again."""
    return AsrcliError(f"{label} changed while it was read", hint="do it again when nothing writes to it any more")
