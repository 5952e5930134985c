"""A service that notes each task: which source it hears, from when to when, and how much of its sound.

`python -m tests.benchmarks.fleet_service LOG [FAULT…]` serves on a free port, prints its URL, and ends with its
standard input. Moments are those of `time.monotonic`, which all processes of a machine share.
"""

from __future__ import annotations

import functools
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

from asrcli.service.faults.kinds import parse_fault
from asrcli.service.recognizers import REGISTRY
from asrcli.service.recognizers.base import (
    OnResult,
    Opened,
    Pcm,
    Recognition,
    RecognitionEnded,
    RecognitionSettings,
    Result,
)
from asrcli.service.recognizers.coded_script import CodedRecognizer, MarkCode
from asrcli.service.server import ServerOptions, Service
from asrcli.system import open_files
from tests.benchmarks.clients import ROOT
from tests.benchmarks.fleet_corpus import SOURCE_MS, sentences_of

_MOST_TASKS = 100_000


@dataclass(frozen=True, slots=True)
class Task:
    """One recognition. `source` is None where no sound of it came, `ended_at` where it ran when it was looked at."""

    began_at: float
    ended_at: float | None = None
    source: int | None = None
    from_ms: int = 0
    heard_ms: int = 0
    is_finished: bool = False
    """Whether the client said that this was all."""


class CountingRecognizer:
    """Recites to each source its own sentences, and notes it in `log`."""

    capacity = _MOST_TASKS
    is_prompt = True

    def __init__(self, log: TextIO) -> None:
        self._log = log
        self._numbers = itertools.count()

    def open(self, settings: RecognitionSettings, on_result: OnResult) -> Recognition:
        return _Counted(functools.partial(self._note, next(self._numbers)), settings, on_result)

    def close(self) -> None:
        self._log.flush()

    def _note(self, number: int, task: Task) -> None:
        self._log.write(json.dumps({"number": number, **asdict(task)}) + "\n")
        self._log.flush()


class _Counted:
    """One recital, chosen by the first sound that says which source it is from."""

    def __init__(self, note: functools.partial[None], settings: RecognitionSettings, on_result: OnResult) -> None:
        self._note = note
        self._settings = settings
        self._on_result = on_result
        self._recital: Recognition | None = None
        self._source: int | None = None
        self._from_ms = 0
        self._heard_bytes = 0
        self._is_finished = self._is_closed = False
        self._began_at = time.monotonic()
        note(Task(self._began_at))
        on_result(Opened())

    def feed(self, pcm: Pcm) -> None:
        if self._recital is None and (position := MarkCode().position(pcm.data, pcm.sample_rate_hz)) is not None:
            at_ms = position * 1000 // pcm.sample_rate_hz
            self._source, self._from_ms = divmod(at_ms, SOURCE_MS)
            recognizer = CodedRecognizer(sentences_of(self._source), MarkCode())
            self._recital = recognizer.open(self._settings, self._pass_on)
        self._heard_bytes += len(pcm.data)
        if self._recital is not None:
            self._recital.feed(pcm)

    def change_context(self, context: str) -> None:
        """There is none."""

    def end_utterance(self) -> None:
        """Sentences end by their silence."""

    def finish(self) -> None:
        self._is_finished = True
        if self._recital is None:
            self._on_result(RecognitionEnded(0))
        else:
            self._recital.finish()

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            heard_ms = self._heard_bytes // 2 * 1000 // 16000
            self._note(Task(self._began_at, time.monotonic(), self._source, self._from_ms, heard_ms, self._is_finished))

    def _pass_on(self, result: Result) -> None:
        if not isinstance(result, Opened):
            self._on_result(result)


@contextmanager
def counting_service(log: Path, *faults: str) -> Iterator[tuple[str, int]]:
    """In a process of its own: its URL and its number."""
    command = [sys.executable, "-m", "tests.benchmarks.fleet_service", str(log), *faults]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield process.stdout.readline().strip(), process.pid
        finally:
            process.stdin.close()
            process.wait(20)


def read_log(log: Path) -> list[Task]:
    """The tasks, by their beginnings; of each its last line counts."""
    tasks: dict[int, Task] = {}
    for line in log.read_text(encoding="utf-8").splitlines():
        told = json.loads(line)
        number = told.pop("number")
        tasks[number] = Task(**told)
    return sorted(tasks.values(), key=lambda task: task.began_at)


def main(arguments: Sequence[str]) -> None:
    open_files.allow_many()
    with Path(arguments[0]).open("a", encoding="utf-8") as log:
        REGISTRY["counted"] = ("counted", lambda argument, stall_s: CountingRecognizer(log))
        faults = tuple(map(parse_fault, arguments[1:]))
        service = Service(ServerOptions(port=0, recognizer="counted", max_tasks=_MOST_TASKS, faults=faults))
        service.start()
        print(service.url, flush=True)
        sys.stdin.read()
        service.close()


if __name__ == "__main__":
    main(sys.argv[1:])
