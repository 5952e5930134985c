"""Many transcriptions at once: whose turn it is, and that each of them is told as if it were alone."""

from __future__ import annotations

import itertools
import signal
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from asrcli.engine.control import Control
from asrcli.engine.many import Ended, Job, transcribe_many
from asrcli.engine.wiring import Engine
from asrcli.protocols.run_task import RunTask
from asrcli.service.faults.kinds import parse_fault
from asrcli.values.errors import DecodeError, Interrupted, LinkError, UsageError
from asrcli.values.events import AudioSent, FinalResult, LinkReady, Reconnecting, SessionFinished, SessionStarted, Tick
from asrcli.values.recognition import Endpoint, RecognitionOptions
from asrcli.wire.retry import Retry
from tests.support.coded_talk import CodedSource
from tests.support.looping import threads_left
from tests.support.scripted_server import Conversation, scripted_server, silent_port
from tests.support.service import running_service

pytestmark = pytest.mark.usefixtures("every_thread_ends")

QUICK = Retry(tries=20, first_s=0.01, longest_s=0.05)


class Sources:
    """Opens sources and keeps them."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.made: list[ClosingSource] = []

    def __call__(self, control: Control) -> ClosingSource:
        self.made.append(ClosingSource(self._seconds))
        return self.made[-1]

    @property
    def all_closed(self) -> bool:
        return all(source.closed for source in self.made)


class ClosingSource(CodedSource):
    closed = False

    def close(self) -> None:
        self.closed = True


def engine(url: str, **fields: Any) -> Engine:
    options = RecognitionOptions(model="m")
    return Engine(lambda _: RunTask(options, Endpoint(url, "k")), **{"speed": None, "retry": QUICK, **fields})


def jobs(open_source: Callable[[Control], Any], count: int) -> list[Job]:
    return [Job(open_source) for _ in range(count)]


def finals(happened: list[tuple[int, Any]], number: int) -> list[tuple[object, ...]]:
    said = [what.sentence for each, what in happened if each == number and isinstance(what, FinalResult)]
    return [(each.index, each.text, each.begin_ms, each.end_ms) for each in said]


def endings(happened: list[tuple[int, Any]]) -> dict[int, list[BaseException | None]]:
    """How each job ended; what comes after an end is none of its business."""
    ended: dict[int, list[BaseException | None]] = {}
    for number, what in happened:
        if number == -1:
            assert isinstance(what, Tick)
        elif isinstance(what, Ended):
            ended.setdefault(number, []).append(what.error)
        else:
            assert number not in ended, what
    return ended


def test_one_at_a_time_is_one_after_the_other(talk):
    with running_service(talk.recognizer) as service:
        sources = Sources(talk.seconds)
        happened = list(transcribe_many(jobs(sources, 3), engine(service.url), at_once=1))
    numbers = [number for number, _ in happened]
    assert numbers == sorted(numbers)
    for number in range(3):
        mine = [what for each, what in happened if each == number]
        assert mine[0] is sources.made[number]
        assert [type(what) for what in mine[1:3]] == [LinkReady, SessionStarted]
        assert [type(what) for what in mine[-2:]] == [SessionFinished, Ended]
        assert finals(happened, number) == talk.told()
    assert endings(happened) == {0: [None], 1: [None], 2: [None]}
    assert sources.all_closed


@pytest.mark.parametrize("at_once", [2, 3])
def test_no_more_run_at_once_than_may_and_in_the_order_of_the_jobs(talk, at_once):
    running, most, begun = 0, 0, []
    with running_service(talk.recognizer) as service:
        happened = []
        for number, what in transcribe_many(jobs(Sources(talk.seconds), 8), engine(service.url), at_once):
            happened.append((number, what))
            if isinstance(what, ClosingSource):
                running += 1
                begun.append(number)
            running -= isinstance(what, Ended)
            most = max(most, running)
    assert most == at_once
    assert begun == list(range(8))
    assert endings(happened) == {number: [None] for number in range(8)}
    assert all(finals(happened, number) == talk.told() for number in range(8))


def test_a_source_that_cannot_be_opened_costs_the_others_nothing(talk):
    error = UsageError("no such file")

    def refuse(control: Control) -> CodedSource:
        raise error

    sources = Sources(talk.seconds)
    work = [Job(refuse), Job(sources), Job(refuse), Job(sources), Job(refuse)]
    with running_service(talk.recognizer) as service:
        happened = list(transcribe_many(work, engine(service.url), at_once=2))
    assert endings(happened) == {0: [error], 1: [None], 2: [error], 3: [None], 4: [error]}
    assert Counter(number for number, _ in happened)[0] == 1
    assert [finals(happened, number) for number in (1, 3)] == [talk.told()] * 2


def test_each_ends_with_its_own_error(talk):
    class Broken(ClosingSource):
        def blocks(self):
            yield from super().blocks()
            raise DecodeError("breaks off")

    sources = Sources(talk.seconds)
    with running_service(talk.recognizer) as service:
        work = [Job(sources), Job(lambda control: Broken(talk.seconds)), Job(sources)]
        happened = list(transcribe_many(work, engine(service.url), at_once=3))
    ended = endings(happened)
    assert (ended[0], ended[2]) == ([None], [None])
    assert isinstance(ended[1][0], DecodeError)
    assert all(finals(happened, number) == talk.told() for number in range(3))


def test_nothing_to_do_is_done_at_once():
    assert list(transcribe_many([], engine("ws://127.0.0.1:1"), at_once=4)) == []


def test_a_service_with_fewer_places_than_jobs_recognises_all_of_them_and_none_twice(talk):
    sources = Sources(talk.seconds)
    with running_service(talk.recognizer, max_tasks=2) as service:
        happened = list(transcribe_many(jobs(sources, 8), engine(service.url, speed=100.0), at_once=8))
    assert endings(happened) == {number: [None] for number in range(8)}
    for number in range(8):
        assert finals(happened, number) == talk.told()
        assert sum(each == number and isinstance(what, ClosingSource) for each, what in happened) == 1
    # Who was sent away was opened anew, and everything that was opened is closed.
    assert len(sources.made) > 8
    assert sources.all_closed


def test_handshakes_that_are_refused_for_now_are_made_again_later(talk):
    sources = Sources(talk.seconds)
    with running_service(talk.recognizer, faults=(parse_fault("refuse=429:5#2-20"),)) as service:
        happened = list(transcribe_many(jobs(sources, 6), engine(service.url), at_once=6))
    assert endings(happened) == {number: [None] for number in range(6)}
    assert all(finals(happened, number) == talk.told() for number in range(6))


def test_links_that_break_under_some_are_made_again_and_told_of(talk):
    faults = tuple(parse_fault(f"reset@{at}s#{at % 5 + 1}") for at in (5, 11, 17))
    with running_service(talk.recognizer, faults=faults) as service:
        happened = list(transcribe_many(jobs(Sources(talk.seconds), 5), engine(service.url), at_once=5))
    assert endings(happened) == {number: [None] for number in range(5)}
    assert all(finals(happened, number) == talk.told() for number in range(5))
    assert sum(isinstance(what, Reconnecting) for _, what in happened) == 3


def test_a_service_that_is_not_there_is_told_to_each(dead_port):
    url = f"ws://127.0.0.1:{dead_port}"
    happened = list(transcribe_many(jobs(Sources(1.0), 3), engine(url), at_once=2))
    ended = endings(happened)
    assert [len(ended[number]) for number in range(3)] == [1, 1, 1]
    assert all(isinstance(error, LinkError) for [error] in ended.values())


def test_closing_it_in_the_middle_ends_all_and_takes_leave_of_the_service():
    finished, lock = [], threading.Lock()

    def script(conversation: Conversation) -> None:
        conversation.expect("run-task")
        conversation.say("task-started")
        action = conversation.expect("finish-task")["header"]["action"]
        with lock:
            finished.append(action)

    sources, sending = Sources(600.0), set()
    with scripted_server(script) as url:
        happening = transcribe_many(jobs(sources, 4), engine(url, speed=1.0), at_once=3)
        for number, what in happening:
            if isinstance(what, AudioSent):
                sending.add(number)
            if len(sending) == 3:
                break
        happening.close()
        assert threads_left() == []
    assert finished == ["finish-task"] * 3
    assert len(sources.made) == 3
    assert sources.all_closed


def test_closing_it_when_a_source_was_just_opened_closes_that_too():
    sources = Sources(1.0)
    with silent_port() as url:
        happening = transcribe_many(jobs(sources, 2), engine(url), at_once=2)
        assert next(happening) == (0, sources.made[0])
        happening.close()
    assert sources.all_closed


def test_where_nothing_happens_ticks_bear_the_number_of_no_job():
    with silent_port() as url:
        happening = transcribe_many(jobs(Sources(1.0), 2), engine(url, tick_s=0.01), at_once=2)
        numbers = [number for number, _ in itertools.islice(happening, 6)]
        happening.close()
    assert numbers == [0, 1, -1, -1, -1, -1]


def test_a_stop_of_all_lets_those_that_run_finish_and_none_begin():
    def script(conversation: Conversation) -> None:
        conversation.expect("run-task")
        conversation.say("task-started")
        conversation.expect_audio(32000)
        conversation.say_sentence(1, "heard", 0, 900)
        conversation.expect("finish-task")
        conversation.say_sentence(2, "the last words", 1000, 1100)
        conversation.say("task-finished", {"output": {}})

    work, heard, happened = jobs(Sources(600.0), 5), set(), []
    with scripted_server(script) as url:
        for number, what in transcribe_many(work, engine(url, speed=10.0), at_once=2):
            happened.append((number, what))
            if isinstance(what, FinalResult) and what.sentence.text == "heard":
                heard.add(number)
                if len(heard) == 2:
                    for job in work:
                        job.control.stop(signal.SIGINT)
    ended = endings(happened)
    assert [ended[number] for number in (0, 1)] == [[None]] * 2
    for number in (2, 3, 4):
        [error] = ended[number]
        assert isinstance(error, Interrupted)
        assert finals(happened, number) == []
    assert [text for _, text, *_ in finals(happened, 0)] == ["heard", "the last words"]
