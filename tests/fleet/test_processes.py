"""Workers that are processes of this machine."""

from __future__ import annotations

import io
import os
import queue
import signal
from pathlib import Path

import pytest

from asrcli.engine.many import What
from asrcli.fleet.frames import read, write
from asrcli.fleet.line import Gone, Joined, News
from asrcli.fleet.processes import Processes
from asrcli.values.events import AudioSent, Ended, WorkersChanged
from tests.fleet.test_head import files
from tests.support.fleet import happenings, head_of, spec_of, texts_of
from tests.support.looping import PATIENCE_S, threads_left
from tests.support.service import descendants, running_service, wait_until_gone, write_script


def test_pieces_go_through_a_pipe_as_they_are():
    pipe = io.BytesIO()
    for piece in (b"one", b"", b"x" * 70_000):
        write(pipe, piece)
    whole = pipe.getvalue()
    pipe.seek(0)
    assert [read(pipe), read(pipe), read(pipe), read(pipe)] == [b"one", b"", b"x" * 70_000, None]
    assert read(io.BytesIO(whole[:5])) is None


@pytest.mark.slow
def test_one_that_is_killed_is_started_anew_and_none_is_left_behind(tmp_path: Path):
    script = write_script(tmp_path / "s.jsonl", {"text": "one", "begin_ms": 0, "end_ms": 400})
    found: list[tuple[int, What]] = []
    began = set(descendants(os.getpid()))
    killed = 0
    line = Processes(2, {**os.environ, "HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path / "state")})
    with running_service(script) as service:
        head = head_of(line, spec_of(service.url, speed=1.0), files(tmp_path, 6, 1.0), slots=4)
        with happenings(head, 6) as told:
            for number, what in told:
                found.append((number, what))
                if isinstance(what, AudioSent) and not killed:
                    killed = next(iter(set(descendants(os.getpid())) - began))
                    os.kill(killed, signal.SIGKILL)
                elif isinstance(what, Ended):
                    head.kept(number)
            children = [*(set(descendants(os.getpid())) - began - {killed})]
        wait_until_gone(children)
    assert texts_of(found) == dict.fromkeys(range(6), "one")
    changes = [what for number, what in found if number == -1 and isinstance(what, WorkersChanged)]
    assert changes[-1].lost == 1
    assert set(descendants(os.getpid())) <= began
    assert [*(tmp_path / "state" / "asrcli" / "journals").glob("*")] == []


def test_one_that_ends_is_started_anew_but_for_those_that_had_nothing_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    program = tmp_path / "worker"
    program.write_text("#!/bin/sh\nexec cat >/dev/null\n")
    program.chmod(0o755)
    monkeypatch.setattr("asrcli.fleet.processes.sys.executable", str(program))
    monkeypatch.setattr("asrcli.fleet.processes._MOST_IN_VAIN", 2)
    news: queue.SimpleQueue[News] = queue.SimpleQueue()
    line = Processes(1, os.environ)
    line.begin(b"opening", news.put)

    def ended(*, had_work: bool) -> str:
        joined = news.get(timeout=PATIENCE_S)
        assert isinstance(joined, Joined)
        if had_work:
            line.send(joined.worker, b"work")
        line.drop(joined.worker)
        assert isinstance(news.get(timeout=PATIENCE_S), Gone)
        return joined.worker

    names = [ended(had_work=True) for _ in range(4)]
    # The fourth was the first one in a row.
    names += [ended(had_work=False) for _ in range(2)]
    assert names == [f"process {number}" for number in range(1, 7)]
    assert threads_left(names[-1]) == []
    assert news.empty()
    line.close()
