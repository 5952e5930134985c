"""A head and its crews, in one process, with the local service."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from asrcli.engine.control import Control
from asrcli.engine.many import Job, What
from asrcli.fleet import head as head_module
from asrcli.fleet import messages
from asrcli.fleet.line import News, Said
from asrcli.fleet.manifest import Row
from asrcli.fleet.messages import Granted, from_crew
from asrcli.values.errors import AuthError, Interrupted, UsageError
from asrcli.values.events import AudioSent, Ended, FinalResult, PartialResult, Reconnecting, WorkersChanged
from tests.support.fleet import Threads, happenings, head_of, nobody, place, run, spec_of, texts_of
from tests.support.service import running_service, write_script
from tests.support.sounds import tone, write


@pytest.fixture
def script(tmp_path: Path) -> str:
    return write_script(tmp_path / "s.jsonl", {"text": "one", "begin_ms": 0, "end_ms": 400})


def files(folder: Path, count: int, seconds: float = 0.5) -> list[Row]:
    return [Row.named(str(write(folder / f"{number}.wav", tone(seconds)))) for number in range(count)]


def crossed(line: Threads) -> list[object]:
    """All messages, in their order."""
    said = [pickle.loads(data) for data in line.crossed]
    return [each for piece in said if isinstance(piece, list) for each in piece]


def granted(line: Threads) -> list[Granted]:
    return [each for each in crossed(line) if isinstance(each, Granted)]


class Watched(Threads):
    """Calls `on` with each message of a crew before the head hears it."""

    def __init__(self, *places: Any, on: Callable[[Watched, str, object], None]) -> None:
        super().__init__(*places)
        self._on = on

    def _tell(self, news: News) -> None:
        if isinstance(news, Said):
            for each in from_crew(news.data):
                self._on(self, news.worker, each)
            if news.worker in self.cut:
                return
        super()._tell(news)


def test_all_workers_take_part_and_each_source_ends_once(tmp_path: Path, script: str):
    rows = files(tmp_path, 8)
    line = Threads(place(tmp_path), place(tmp_path, "there"))
    with running_service(script) as service:
        found = run(head_of(line, spec_of(service.url), rows), 8)
    assert texts_of(found) == dict.fromkeys(range(8), "one")
    ended = [what for _, what in found if isinstance(what, Ended)]
    assert [what.error for what in ended] == [None] * 8
    assert {what.worker for what in ended} == {"w1", "w2"}
    assert WorkersChanged(2) in [what for number, what in found if number == -1]
    assert line.is_closed


def test_what_happens_comes_in_the_order_of_a_transcription_here(tmp_path: Path, script: str):
    with running_service(script) as service:
        found = run(head_of(Threads(place(tmp_path)), spec_of(service.url), files(tmp_path, 1)), 1)
    kinds = [type(what).__name__ for number, what in found if number == 0]
    assert kinds[0] == "Opened"
    assert kinds.index("SessionStarted") < kinds.index("AudioFinished") < kinds.index("FinalResult")
    assert kinds[-1] == "Ended"
    final = next(what for _, what in found if isinstance(what, FinalResult))
    assert final.received_ms is not None


def test_a_source_that_cannot_be_read_fails_alone(tmp_path: Path, script: str):
    rows = [*files(tmp_path, 1), Row.named(str(tmp_path / "none.wav"))]
    with running_service(script) as service:
        found = run(head_of(Threads(place(tmp_path)), spec_of(service.url), rows, slots=1), 2)
    ended = {number: what.error for number, what in found if isinstance(what, Ended)}
    assert ended[0] is None
    assert isinstance(ended[1], UsageError)
    assert "no such file" in ended[1].message


def test_no_more_than_the_slots_are_granted_at_once(tmp_path: Path, script: str):
    line = Threads(place(tmp_path), place(tmp_path, "there"))
    with running_service(script) as service:
        found = run(head_of(line, spec_of(service.url), files(tmp_path, 6), slots=2), 6)
    running: set[int] = set()
    most = 0
    for each in crossed(line):
        if isinstance(each, Granted):
            running.add(each.ticket)
        elif isinstance(each, messages.Over):
            running.discard(each.ticket)
        most = max(most, len(running))
    assert most == 2
    assert len(texts_of(found)) == 6


def test_what_a_lost_worker_had_is_done_by_another_and_told_as_a_whole(tmp_path: Path, script: str):
    lost: list[str] = []

    def on(line: Watched, worker: str, said: object) -> None:
        if isinstance(said, messages.Told) and any(isinstance(each, AudioSent) for each in said.events) and not lost:
            lost.append(worker)
            threading.Thread(target=line.kill, args=(worker,)).start()

    line = Watched(place(tmp_path), place(tmp_path), on=on)
    with running_service(script) as service:
        # In real time, so that it is lost in the middle of something.
        found = run(head_of(line, spec_of(service.url, speed=1.0), files(tmp_path, 6)), 6)
    assert texts_of(found) == dict.fromkeys(range(6), "one")
    told = [what for number, what in found if number == -1 and isinstance(what, WorkersChanged)]
    assert (told[-1].workers, told[-1].lost) == (1, 1)
    again = {number for number, what in found if isinstance(what, Reconnecting)}
    assert again
    assert 0 < told[-1].resent_ms <= 500 * len(again)
    for number in again:
        # Not one result of the attempt that was lost.
        assert sum(isinstance(what, FinalResult) for each, what in found if each == number) == 1


def test_what_a_dead_crew_had_finished_is_not_sent_again(tmp_path: Path, script: str):
    """It dies after its result is on the disk, and before anybody was told."""

    def on(line: Watched, worker: str, said: object) -> None:
        if isinstance(said, messages.Over) and worker == "w1":
            line.cut.add(worker)
            threading.Thread(target=line.kill, args=(worker,)).start()

    line = Watched(place(tmp_path), on=on)
    found: list[tuple[int, What]] = []
    with running_service(script) as service:
        head = head_of(line, spec_of(service.url), files(tmp_path, 1), is_kept=True)
        with happenings(head, 1) as told:
            for number, what in told:
                found.append((number, what))
                if isinstance(what, WorkersChanged) and what.lost and len(line.crews) == 1:
                    line.threads[0].join()
                    line.add(place(tmp_path))
                elif isinstance(what, Ended):
                    head.kept(number)
    assert texts_of(found) == {0: "one"}
    assert len(granted(line)) == 1


def test_another_run_for_the_same_results_gets_what_the_one_before_has_not_kept(
    tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(head_module, "_KEPT_S", 0.1)
    rows = files(tmp_path, 3)
    lines = [Threads(place(tmp_path)) for _ in range(3)]
    with running_service(script) as service:
        heads = [head_of(line, spec_of(service.url), rows, is_kept=True, run=str(at)) for at, line in enumerate(lines)]
        with happenings(heads[0], 3) as told:
            first = [*told]
        second = run(heads[1], 3)
        run(heads[2], 3)
    assert texts_of(first) == texts_of(second) == dict.fromkeys(range(3), "one")
    # The second one has kept all that the first one has sent, so that nothing is left behind for the third.
    assert [len(granted(line)) for line in lines] == [3, 0, 3]
    assert [*place(tmp_path).journals.iterdir()] == []


def test_a_file_that_has_changed_since_is_heard_again(tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(head_module, "_KEPT_S", 0.1)
    rows = files(tmp_path, 1)
    with running_service(script) as service:
        with happenings(head_of(Threads(place(tmp_path)), spec_of(service.url), rows, is_kept=True), 1) as told:
            assert [*told]
        write(Path(rows[0].audio), tone(0.7))
        line = Threads(place(tmp_path))
        run(head_of(line, spec_of(service.url), rows, is_kept=True), 1)
    assert len(granted(line)) == 1


def test_the_first_signal_ends_what_runs_and_begins_nothing_more(tmp_path: Path, script: str):
    stopped: list[int] = []
    controls = [Control() for _ in range(3)]

    def check() -> None:
        if stopped:
            raise Interrupted(2, "interrupted by SIGINT")

    jobs = [Job(nobody, control, check=check) for control in controls]
    found: list[tuple[int, What]] = []
    with running_service(script) as service:
        head = head_of(Threads(place(tmp_path)), spec_of(service.url, speed=1.0), files(tmp_path, 3, 30.0), slots=1)
        for number, what in head.transcribe(jobs):
            found.append((number, what))
            if isinstance(what, PartialResult) and not stopped:
                stopped.append(2)
                for control in controls:
                    control.stop(2)
            elif isinstance(what, Ended):
                head.kept(number)
    errors = {number: what.error for number, what in found if isinstance(what, Ended)}
    assert errors[0] is None, "what was said so far is delivered"
    assert texts_of(found) == {0: "one"}
    assert isinstance(errors[1], Interrupted)
    assert isinstance(errors[2], Interrupted)


def test_to_close_it_ends_what_runs(tmp_path: Path, script: str):
    line = Threads(place(tmp_path))
    with running_service(script) as service:
        with happenings(head_of(line, spec_of(service.url, speed=1.0), files(tmp_path, 1, 30.0)), 1) as told:
            next(what for _, what in told if isinstance(what, AudioSent))
        assert line.is_closed


def test_where_no_worker_has_a_key_there_is_nothing_to_begin(tmp_path: Path):
    line = Threads(place(tmp_path))
    with pytest.raises(AuthError, match="no API key"):
        run(head_of(line, spec_of("ws://service.invalid"), files(tmp_path, 1)), 1)
    assert line.is_closed
