"""The local service for tests: in this process, or as the real command in a process of its own."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asrcli.service.admission import account
from asrcli.service.server import ServerOptions, Service
from asrcli.service.vocabulary.lists import WordList

DATA = Path(__file__).parent.parent / "data"
TALK_WAV = DATA / "talk.wav"
TALK_TEXT = DATA / "talk.txt"
TALK_SCRIPT = f"script:{DATA / 'talk.script.jsonl'}"

_END_S = 30


@contextmanager
def running_service(recognizer: str = TALK_SCRIPT, **options: Any) -> Iterator[Service]:
    """A service in threads of this process, on a free port. `options` are fields of ServerOptions."""
    service = Service(ServerOptions(**{"port": 0, "recognizer": recognizer, **options}))
    service.start()
    try:
        yield service
    finally:
        service.close()


@contextmanager
def service_process(
    arguments: Sequence[str] = ("--recognizer", TALK_SCRIPT), env: Mapping[str, str] | None = None
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """`asrcli serve --port 0` in a process of its own: its URL and the process. Ended with SIGTERM if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "asrcli", "serve", "--port", "0", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=DATA.parent.parent,
        env={**os.environ, **(env or {})},
    )
    assert process.stdout is not None
    with process:
        try:
            url = process.stdout.readline().strip()
            if not url:
                _, said = process.communicate(timeout=_END_S)
                raise RuntimeError(f"asrcli serve did not start: {said}")
            yield url, process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(_END_S)
                except subprocess.TimeoutExpired:
                    process.kill()


def keep_list(service: Service, key: str, list_id: str, model: str, *words: str) -> None:
    """Have the service know a hotword list of whoever has that key."""
    now = datetime.now(UTC)
    listed = WordList(list_id, model, [{"text": word, "weight": 4} for word in words], now, now)
    service.lists.accounts.setdefault(account(key), {})[list_id] = listed


def write_script(path: Path, *sentences: Mapping[str, object]) -> str:
    """Write a script for the reciting recogniser; returns the value for `--recognizer`."""
    path.write_text("".join(json.dumps(sentence, ensure_ascii=False) + "\n" for sentence in sentences), "utf-8")
    return f"script:{path}"


def descendants(pid: int) -> list[int]:
    """The children of a process, whichever of its threads has started them, and theirs."""
    children: list[int] = []
    # A process may end while it is looked at, and a thread.
    with suppress(OSError):
        for thread in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                children += map(int, (thread / "children").read_text().split())
    return children + [each for child in children for each in descendants(child)]


def wait_until_gone(pids: list[int]) -> None:
    """Wait for processes that are not our children: a pidfd becomes readable when its process has ended."""
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            assert select.select([descriptor], [], [], _END_S)[0], f"process {pid} is still there"
        finally:
            os.close(descriptor)
