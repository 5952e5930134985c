"""Lines in stores, which cannot append: what is written is read again, whatever a store does meanwhile."""

from __future__ import annotations

import json
import threading
from collections import Counter
from functools import partial

import pytest

from asrcli.remote import stored_lines, stores
from asrcli.remote.base import NothingThere, RemoteError
from asrcli.remote.places import open_lines, read_lines, write_lines
from asrcli.remote.stored_lines import StoredLines
from asrcli.system.durable_lines import DurableLines
from asrcli.values.errors import Bug, OutputError, UsageError
from asrcli.wire.retry import Retry
from tests.support.looping import PATIENCE_S, threads_left

PLACE = "memory://a-bucket/run.jsonl"
SOON = Retry(tries=3, first_s=0.001, longest_s=0.001)


@pytest.fixture(autouse=True)
def empty_memory():
    stores._at(PLACE)[0].store.clear()
    yield
    assert threads_left("stored lines", "read parts", patience_s=0) == []


class Failing:
    """Takes the place of a function: raises `error` in the calls of these numbers, counted from 1."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, name: str, error: Exception, *calls: int) -> None:
        self.count = 0
        self._real = getattr(stores, name)
        self._error = error
        self._calls = calls
        monkeypatch.setattr(stores, name, self)

    def __call__(self, *arguments: object) -> object:
        self.count += 1
        if self.count in self._calls:
            raise self._error
        return self._real(*arguments)


def texts(place: str) -> list[str]:
    return [line.decode() for line in read_lines(place)]


def test_two_runs_at_once_and_one_later_are_read_in_order():
    both = [open_lines(PLACE, "id"), open_lines(PLACE, "id")]
    kept: list[int] = []
    for number in range(300):
        for run, lines in enumerate(both):
            lines.append(json.dumps({"id": f"é{run}-{number}"}), partial(kept.append, number))
    for lines in both:
        lines.close()
    later = open_lines(PLACE, "id")
    later.append('{"id": "later"}')
    later.close()
    assert Counter(kept) == dict.fromkeys(range(300), 2)
    found = [json.loads(line)["id"] for line in read_lines(PLACE)]
    for run in range(2):
        assert [each for each in found if each.startswith(f"é{run}")] == [f"é{run}-{number}" for number in range(300)]
    assert found[-1] == "later"
    assert len(found) == 601
    assert len(stored_lines.parts(PLACE)) < 10


def test_a_line_counts_when_it_is_there(monkeypatch):
    put, may = threading.Event(), threading.Event()
    real = stores.put

    def slow(address: str, content: bytes) -> None:
        if content:
            put.set()
            assert may.wait(PATIENCE_S)
        real(address, content)

    monkeypatch.setattr(stores, "put", slow)
    kept: list[str] = []
    lines = StoredLines(PLACE)
    lines.append("{}", lambda: kept.append("first"))
    assert put.wait(PATIENCE_S)
    # It gathers while the first one is under way.
    lines.append("[]", lambda: kept.append("second"))
    assert kept == []
    may.set()
    lines.close()
    lines.close()
    assert kept == ["first", "second"]
    assert texts(PLACE) == ["{}", "[]"]
    assert len(stored_lines.parts(PLACE)) == 2


def test_lines_gather_for_longer_the_more_parts_there_are():
    waits: list[float] = []

    class Impatient:
        def now(self) -> float:
            return 0.0

        def wait_until(self, moment: float, wake: threading.Event) -> bool:
            waits.append(moment)
            return False

    done = threading.Semaphore(0)
    lines = StoredLines(PLACE, clock=Impatient())
    for _ in range(600):
        lines.append("{}", done.release)
        assert done.acquire(timeout=PATIENCE_S)
    lines.close()
    assert waits[0] == pytest.approx(0.2)
    assert waits[100] == pytest.approx(1.2)
    assert max(waits) == waits[599] == 5.0
    assert len(texts(PLACE)) == 600


def test_what_does_not_get_there_is_tried_again(monkeypatch):
    failing = Failing(monkeypatch, "put", RemoteError("busy", retryable=True), 1, 3, 4)
    lines = StoredLines(PLACE, retry=SOON)
    lines.append("{}")
    lines.close()
    assert failing.count == 5
    assert texts(PLACE) == ["{}"]


def test_what_cannot_get_there_is_told_to_who_comes_next_and_in_the_end(monkeypatch):
    Failing(monkeypatch, "put", RemoteError("it may not be written", hint="ask"), 2, 3)
    kept: list[int] = []
    lines = StoredLines(PLACE, retry=SOON)
    lines.append("{}", lambda: kept.append(1))
    lines._thread.join(PATIENCE_S)
    with pytest.raises(
        OutputError, match=r"cannot write to memory://a-bucket/run.jsonl: it may not be written"
    ) as told:
        lines.append("{}")
    assert told.value.hint == "ask"
    with pytest.raises(OutputError):
        lines.close()
    assert kept == []
    assert texts(PLACE) == []


def test_a_store_that_stays_away_is_given_up(monkeypatch):
    failing = Failing(monkeypatch, "put", RemoteError("gone", retryable=True, unreached=True), *range(2, 99))
    lines = StoredLines(PLACE, retry=SOON)
    lines.append("{}")
    with pytest.raises(OutputError, match="gone"):
        lines.close()
    assert failing.count == 1 + SOON.tries


def test_where_nothing_can_be_written_is_known_before_anything_is(monkeypatch):
    Failing(monkeypatch, "put", RemoteError("it may not be written"), 1)
    with pytest.raises(UsageError, match=f"cannot write to {PLACE}: it may not be written"):
        open_lines(PLACE, "id")
    with pytest.raises(UsageError, match="nothing can be written to https://h/a"):
        open_lines("https://h/a", "id")
    with pytest.raises(UsageError, match="nosuch://"):
        open_lines("nosuch://h/a", "id")


def test_where_nothing_was_written_nothing_is_left():
    StoredLines(PLACE).close(keep=False)
    assert stored_lines.parts(PLACE) == []
    with pytest.raises(NothingThere, match=PLACE):
        texts(PLACE)
    StoredLines(PLACE).close()
    assert texts(PLACE) == []


def test_what_follows_a_line_and_raises_is_a_bug():
    lines = StoredLines(PLACE)
    lines.append("{}", lambda: 1 // 0)
    with pytest.raises(Bug, match="ZeroDivisionError"):
        lines.close()


def test_an_object_of_that_name_comes_before_the_parts_beside_it():
    write_lines(PLACE, ["a", "b"])
    lines = StoredLines(PLACE)
    lines.append("c")
    lines.close()
    stores.put(f"{PLACE}.parts/else.txt", b"no part\n")
    assert texts(PLACE) == ["a", "b", "c"]
    write_lines(PLACE, ["z"])
    assert texts(PLACE) == ["z", "c"]


def test_files_here_are_such_places_too(tmp_path):
    path = str(tmp_path / "run.jsonl")
    lines = open_lines(path, "id")
    assert isinstance(lines, DurableLines)
    lines.append('{"id": "a"}')
    lines.close()
    assert texts(path) == ['{"id": "a"}']
    write_lines(path, ["é"])
    assert texts(path) == ["é"]
    assert list(tmp_path.iterdir()) == [tmp_path / "run.jsonl"]


def test_a_part_that_is_not_what_was_listed_is_not_passed_over(monkeypatch):
    for number in range(200):
        stores.put(f"{PLACE}.parts/part-{number:03}.jsonl", b"%d\n" % number)
    reading = Failing(monkeypatch, "get", RemoteError("broke", retryable=True), 5, 6)
    assert [int(line) for line in stored_lines.lines_of(stored_lines.parts(PLACE), SOON)] == list(range(200))
    assert reading.count == 202
    found = stored_lines.parts(PLACE)
    stores.remove(found[150].address)
    with pytest.raises(NothingThere):
        list(stored_lines.lines_of(found, SOON))


def test_a_text_that_cannot_be_made_leaves_what_was_there(tmp_path):
    def breaking():
        yield "new"
        raise OSError("no more")

    for place in (PLACE, str(tmp_path / "a")):
        write_lines(place, ["old"])
        with pytest.raises(OSError, match="no more"):
            write_lines(place, breaking())
        assert texts(place) == ["old"]
