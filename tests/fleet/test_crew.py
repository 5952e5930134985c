"""A crew alone: a test is its head."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from asrcli.audio.opening import Files
from asrcli.fleet import crew as crew_module
from asrcli.fleet import messages
from asrcli.fleet.crew import Crew
from asrcli.fleet.journal import Journal, LeftBehind
from asrcli.fleet.manifest import Row
from asrcli.fleet.messages import FromCrew, FromHead, Granted, from_crew, pack
from asrcli.fleet.portable import portable
from asrcli.service.faults.kinds import parse_fault
from asrcli.system.file_state import FileState, file_sha256
from asrcli.values.errors import AuthError, DecodeError, Interrupted, OutputError
from asrcli.values.events import AudioSent, FinalResult, Notice
from asrcli.wire.retry import Retry
from tests.support.fleet import place, spec_of
from tests.support.service import running_service, write_script
from tests.support.sounds import tone, write

Said = TypeVar("Said", bound=FromCrew)
_LONG_S = 20


class Head:
    """What a crew says, as the test asks for it."""

    def __init__(self, crew: Crew, said: queue.SimpleQueue[FromCrew]) -> None:
        self.crew = crew
        self._said = said

    def says(self, *said: FromHead) -> None:
        self.crew.take(pack(list(said)))

    def hears(self, kind: type[Said]) -> Said:
        """The next message of that kind; others are passed over."""
        while not isinstance(found := self._said.get(timeout=_LONG_S), kind):
            pass
        return found


@pytest.fixture
def script(tmp_path: Path) -> str:
    return write_script(tmp_path / "s.jsonl", {"text": "one", "begin_ms": 0, "end_ms": 400})


@contextmanager
def crew_at(
    url: str, home: Path, *, run: str = "run", is_kept: bool = False, hashes: bool = False, **fields: Any
) -> Iterator[Head]:
    """A crew that works until the end of the context, or its own."""
    said: queue.SimpleQueue[FromCrew] = queue.SimpleQueue()

    def post(data: bytes) -> None:
        for each in from_crew(data):
            said.put(each)

    variant = portable(spec_of(url, **fields), Files(), None)
    crew = Crew(messages.Opening(run, "j", is_kept, (variant,), tick_s=0.1, hashes=hashes), post, place(home))
    thread = threading.Thread(target=crew.run, daemon=True)
    thread.start()
    try:
        yield Head(crew, said)
    finally:
        crew.end()
        thread.join(_LONG_S)
        assert not thread.is_alive()


def grant(folder: Path, ticket: int = 1, seconds: float = 0.5) -> Granted:
    path = write(folder / f"{ticket}.wav", tone(seconds))
    return Granted(ticket, Row.named(str(path)), 0, f"mark {ticket}")


def journals(home: Path) -> list[Path]:
    return [*place(home).journals.iterdir()]


def test_it_says_hello_and_tells_of_a_result_that_is_on_the_disk(tmp_path: Path, script: str):
    with running_service(script) as service, crew_at(service.url, tmp_path) as head:
        hello = head.hears(messages.Hello)
        assert (hello.machine, hello.problem, hello.has_ffmpeg) == ("here", None, False)
        assert hello.most > 1
        head.hears(messages.HandedOver)
        head.says(grant(tmp_path))
        over = head.hears(messages.Over)
        assert over.ticket == 1
        assert [each.sentence.text for each in over.finished.results if isinstance(each, FinalResult)] == ["one"]
        (journal,) = journals(tmp_path)
        assert "mark 1" in journal.read_text()
        assert journal.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("hashes", [True, False])
def test_it_tells_what_the_bytes_were_where_that_is_wanted(tmp_path: Path, script: str, hashes: bool):
    with running_service(script) as service, crew_at(service.url, tmp_path, hashes=hashes) as head:
        head.says(granted := grant(tmp_path))
        opened = head.hears(messages.Over).finished.opened
        assert opened is not None
        path = Path(granted.row.audio)
        assert opened.hashed == ((FileState.of(str(path)), file_sha256(path)) if hashes else None)


def test_what_was_kept_before_there_was_a_hash_is_read():
    kept = messages.Opened("a", 8000, 1)
    del kept.sha256
    found = messages.finished_of(pack(messages.Finished("mark", kept, (), ())))
    assert found.opened is not None
    assert (found.opened.name, found.opened.sha256) == ("a", None)


def test_its_first_session_has_its_leave_and_a_further_one_asks(tmp_path: Path, script: str):
    retry, faults = Retry(first_s=0.01, longest_s=0.01), (parse_fault("reset@0.2s#1"),)
    with (
        running_service(script, faults=faults) as service,
        crew_at(service.url, tmp_path, retry=retry) as head,
    ):
        head.says(grant(tmp_path))
        assert head.hears(messages.Arrived).in_s == 0
        assert head.hears(messages.Wants).ticket == 1
        head.says(messages.MayConnect(1))
        assert head.hears(messages.Over).finished.error is None


def test_without_a_key_it_says_so_and_is_over(tmp_path: Path):
    with crew_at("ws://service.invalid", tmp_path) as head:
        problem = head.hears(messages.Hello).problem
    assert isinstance(problem, AuthError)


def test_when_its_head_is_silent_it_gives_up_what_it_does(tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(crew_module, "LEASE_S", 1.0)
    with running_service(script) as service, crew_at(service.url, tmp_path, speed=1.0) as head:
        head.says(grant(tmp_path, seconds=30.0))
        head.hears(messages.Begun)
        assert head.crew._is_over.wait(_LONG_S)
        assert head.crew._attempts == {}


def test_what_dies_while_it_looks_is_looked_for_once_more(tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch):
    looks: queue.SimpleQueue[list[bytes]] = queue.SimpleQueue()
    has_begun = threading.Event()

    def results(self: object) -> list[bytes]:
        has_begun.set()
        return looks.get(timeout=_LONG_S)

    monkeypatch.setattr(LeftBehind, "results", results)
    with running_service(script) as service, crew_at(service.url, tmp_path) as head:
        assert has_begun.wait(_LONG_S)
        head.says(messages.HandOver(), grant(tmp_path))
        # It has heard that by then.
        head.hears(messages.Over)
        looks.put([])
        looks.put([pack(messages.Finished("late", None, (), ()))])
        assert messages.finished_of(head.hears(messages.LeftBehind).finished).mark == "late"
        head.hears(messages.HandedOver)


def test_what_it_has_finished_stays_for_another_one_until_the_head_has_it(tmp_path: Path, script: str):
    with running_service(script) as service:
        with crew_at(service.url, tmp_path, is_kept=True) as head:
            head.says(grant(tmp_path, 1), grant(tmp_path, 2))
            head.hears(messages.Over)
            head.hears(messages.Over)
            head.says(messages.Kept(("mark 1", "mark 2")))
            head.says(grant(tmp_path, 3))
            head.hears(messages.Over)
        with crew_at(service.url, tmp_path, run="next", is_kept=True) as head:
            found = {messages.finished_of(head.hears(messages.LeftBehind).finished).mark for _ in range(3)}
            head.hears(messages.HandedOver)
            # All of a file that somebody still needs.
            assert found == {"mark 1", "mark 2", "mark 3"}
            head.says(messages.Kept(tuple(found)))
        with crew_at(service.url, tmp_path, run="last", is_kept=True) as head:
            head.hears(messages.HandedOver)
            assert len(journals(tmp_path)) == 1, "its own"
    assert journals(tmp_path) == []


def test_where_nobody_comes_back_for_it_nothing_stays(tmp_path: Path, script: str):
    with running_service(script) as service, crew_at(service.url, tmp_path, is_kept=False) as head:
        head.says(grant(tmp_path))
        head.hears(messages.Over)
    assert journals(tmp_path) == []


def test_what_cannot_be_kept_is_told_all_the_same(tmp_path: Path, script: str, monkeypatch: pytest.MonkeyPatch):
    def full(*_: object) -> None:
        raise OutputError("cannot write to x.journal: No space left on device")

    monkeypatch.setattr(Journal, "append", full)
    with running_service(script) as service, crew_at(service.url, tmp_path) as head:
        head.says(grant(tmp_path))
        assert "No space left" in head.hears(messages.Trouble).message
        assert head.hears(messages.Over).finished.error is None


def test_a_stopped_source_tells_what_was_said_and_is_not_kept(tmp_path: Path, script: str):
    with running_service(script) as service, crew_at(service.url, tmp_path, speed=1.0, is_kept=True) as head:
        head.says(grant(tmp_path, seconds=30.0))
        told = head.hears(messages.Told)
        while not any(isinstance(each, AudioSent) for each in told.events):
            told = head.hears(messages.Told)
        head.says(messages.Stop((1,), 2))
        assert head.hears(messages.Over).finished.error is None
    assert journals(tmp_path) == []


def test_one_that_is_stopped_before_it_was_opened_is_interrupted(tmp_path: Path, script: str):
    with running_service(script) as service, crew_at(service.url, tmp_path) as head:
        head.says(grant(tmp_path), messages.Stop((1,), 2))
        assert isinstance(head.hears(messages.Over).finished.error, Interrupted)


def test_a_file_that_grows_while_it_is_read_has_no_result(tmp_path: Path, script: str):
    with running_service(script) as service, crew_at(service.url, tmp_path, speed=1.0) as head:
        granted = grant(tmp_path, seconds=1.0)
        head.says(granted)
        head.hears(messages.Begun)
        with Path(granted.row.audio).open("ab") as file:
            file.write(b"\0" * 3200)
        error = head.hears(messages.Over).finished.error
    assert isinstance(error, DecodeError)
    assert "changed while it was read" in error.message


def test_one_that_is_replaced_is_told_to_be(tmp_path: Path, script: str):
    with running_service(script) as service, crew_at(service.url, tmp_path, speed=1.0) as head:
        granted = grant(tmp_path, seconds=1.0)
        head.says(granted)
        head.hears(messages.Begun)
        write(tmp_path / "new.wav", tone(1.0)).replace(granted.row.audio)
        finished = head.hears(messages.Over).finished
    assert finished.error is None
    assert any(isinstance(each, Notice) and "was replaced" in each.message for each in finished.results)


def test_a_crew_for_the_same_results_waits_for_the_one_before_to_end(tmp_path: Path, script: str):
    with running_service(script) as service, crew_at(service.url, tmp_path, is_kept=True) as first:
        first.hears(messages.Hello)
        with crew_at(service.url, tmp_path, run="next", is_kept=True) as second:
            with pytest.raises(queue.Empty):
                second._said.get(timeout=0.3)
            first.says(messages.End())
            second.hears(messages.Hello)
