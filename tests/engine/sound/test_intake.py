"""Sound on its way to the tape: from sources that never wait and from those that may, which must make no difference."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from asrcli.engine.sound.intake import _AHEAD_CHUNKS, Intake
from asrcli.engine.wiring import Engine
from asrcli.protocols.run_task import RunTask
from asrcli.system.loop import Loop
from asrcli.values.errors import DecodeError, Shortage
from asrcli.values.pcm import PcmFormat
from asrcli.values.recognition import Endpoint, RecognitionOptions
from asrcli.values.sound import Chunk
from tests.support.fakes import FakeClock, ToneSource
from tests.support.looping import PATIENCE_S, held_loop, threads_left
from tests.support.sounds import pcm_chunk

PCM = PcmFormat(16000)
# The tone comes in blocks of 100 ms, and two of them make a chunk.
BLOCKS_PER_CHUNK = 2
KINDS = pytest.mark.parametrize("waits", [False, True], ids=["direct", "threaded"])


class Counted(ToneSource):
    """A tone that counts what was read of it, tells when so much was, and notes who closed it."""

    def __init__(self, seconds: float, waits: bool, live: bool = False, tell_at: int = 0, **more: object) -> None:
        super().__init__(seconds, waits=waits, **more)  # type: ignore[arg-type]
        self.live = live
        self.can_wait = not live
        self.blocks_read = 0
        self.reached = threading.Event()
        self.closed_by: list[str] = []
        self._tell_at = tell_at

    def blocks(self) -> Iterator[np.ndarray]:
        for block in super().blocks():
            self.blocks_read += 1
            if self.blocks_read == self._tell_at:
                self.reached.set()
            yield block

    @property
    def stopped(self) -> bool:
        return self._stopped.is_set()

    def close(self) -> None:
        self.closed_by.append(threading.current_thread().name)
        super().close()


class Talking(Counted):
    """A source that has said so much, and then waits for more until it is stopped."""

    def blocks(self) -> Iterator[np.ndarray]:
        yield from super().blocks()
        self.reached.set()
        assert self._stopped.wait(PATIENCE_S)


class Bench:
    """An intake and a clock that the test holds in its hand."""

    def __init__(self, source: Counted, loop: Loop, speed: float | None, phase_s: float | None = None, **more) -> None:
        self.source, self.clock, self.news = source, FakeClock(), threading.Event()
        options, there = RecognitionOptions(model="m"), Endpoint("ws://127.0.0.1", "k")
        engine = Engine(lambda _: RunTask(options, there), speed=speed, loop=loop, clock=self.clock, **more)
        self.bug: BaseException | None = None
        self.intake = Intake(source, engine, PCM, self.news.set, self.died, phase_s)
        self.tape = self.intake.tape

    def start(self) -> Bench:
        self.intake.start()
        return self

    def died(self, bug: BaseException) -> None:
        self.bug = bug
        self.news.set()

    def take(self) -> bool:
        """Take in the next chunk, or the end; False only where it is not yet due."""
        while not (dues_s := self.intake.take_in(self.clock.now(), 1)) and not self.tape.ended:
            if self.intake.due_s is not None:
                return False
            assert self.news.wait(PATIENCE_S), "nothing comes, and nobody said so"
            self.news.clear()
        self.taken_due_s = dues_s[0] if dues_s else None
        return True

    def take_all(self) -> None:
        while not self.tape.ended:
            if not self.take():
                assert self.intake.due_s is not None
                self.clock.time = self.intake.due_s

    def close(self) -> None:
        done = threading.Event()
        self.intake.close(done.set)
        assert done.wait(PATIENCE_S)
        assert threads_left("intake") == []

    @property
    def audio(self) -> bytes:
        return b"".join(chunk.data for chunk in self.tape.rest(0))


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []
    with held_loop() as loop:

        def make(source: Counted, speed: float | None = None, **more) -> Bench:
            made.append(Bench(source, loop, speed, **more))
            return made[-1]

        yield make
        for each in made:
            if not each.source.closed:
                each.close()


def whole(seconds: float) -> np.ndarray:
    return np.concatenate(list(ToneSource(seconds).blocks()))[:, 0]


@KINDS
def test_every_sample_gets_onto_the_tape_and_then_the_end(bench, waits):
    b = bench(Counted(3.21, waits)).start()
    b.take_all()
    assert np.frombuffer(b.audio, "<i2") / 32768 == pytest.approx(whole(3.21), abs=1e-4)
    assert (b.tape.end_sample, b.tape.cause, b.intake.due_s) == (51360, None, None)


@KINDS
@pytest.mark.parametrize("speed", [1.0, 4.0])
@pytest.mark.parametrize(("live", "chunk_s"), [(False, 0.2), (True, 0.1)], ids=["stored", "live"])
def test_a_chunk_is_taken_in_when_it_is_due_and_not_before(bench, waits, speed, live, chunk_s):
    b = bench(Counted(1.0, waits, live), speed).start()
    start = b.clock.now()
    for number in range(round(1.0 / chunk_s)):
        if number:
            assert not b.take()
            assert b.intake.due_s == pytest.approx(start + number * chunk_s / speed)
            b.clock.time = b.intake.due_s
        assert b.take()
        assert b.taken_due_s == pytest.approx(start + number * chunk_s / speed)
        assert b.tape.end_sample == round(16000 * chunk_s) * (number + 1)


@KINDS
def test_a_phase_keeps_the_first_chunk_for_its_moment(bench, waits):
    b = bench(Counted(0.5, waits), 1.0, phase_s=0.03).start()
    assert not b.take()
    assert b.intake.due_s == pytest.approx(b.clock.now() + 0.03)


@KINDS
def test_who_comes_late_is_given_all_that_is_due(bench, waits):
    b = bench(Counted(1.0, waits), 1.0).start()
    assert b.take()
    b.clock.advance(0.75)
    assert [b.take() for _ in range(4)] == [True] * 3 + [False]


@KINDS
@pytest.mark.parametrize("seconds", [1.0, 1.05])
def test_that_the_sound_has_ended_is_known_with_its_last_chunk(bench, waits, seconds):
    """Though the chunks before it are read no sooner than they are due."""
    b = bench(Counted(seconds, waits), 1.0, phase_s=0.0).start()
    while not b.tape.ended:
        if not b.take():
            assert b.tape.end_sample < seconds * 16000
            b.clock.time = b.intake.due_s


@pytest.mark.parametrize(("phase_s", "ahead"), [(0.0, 0), (None, 1)], ids=["one of many", "alone"])
def test_a_chunk_whose_moment_is_known_is_not_read_before_it(bench, phase_s, ahead):
    """Where it is one of many, which has a phase. One that is alone has a chunk ready for its moment."""
    b = bench(Counted(60.0, waits=False), 1.0, phase_s=phase_s).start()
    assert b.take()
    for taken in range(1, 50):
        assert not b.take()
        assert b.source.blocks_read == (taken + ahead) * BLOCKS_PER_CHUNK
        b.clock.time = b.intake.due_s
        assert b.take()


@KINDS
def test_a_file_that_holds_less_than_it_says_ends_where_it_ends(bench, waits):
    source = Counted(1.0, waits)
    source.duration_ms = 60_000
    b = bench(source, 1.0, phase_s=0.0).start()
    b.take_all()
    assert (b.tape.end_sample, b.tape.cause) == (16000, None)


def failing_with(error: Exception) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail


@KINDS
@pytest.mark.parametrize("error", [DecodeError("breaks off"), Shortage("no more")], ids=["of the sound", "another"])
def test_the_cause_of_an_early_end_comes_after_the_last_sample(bench, waits, error):
    b = bench(Counted(0.55, waits, after=failing_with(error))).start()
    b.take_all()
    assert b.tape.cause is error
    # What the chunker still holds is lost where the sound did not simply break off.
    assert b.tape.end_sample == (8800 if isinstance(error, DecodeError) else 6400)


def test_a_bug_comes_after_the_last_sample_too_where_it_is_met_on_the_loop(bench):
    bug = ZeroDivisionError()
    b = bench(Counted(0.55, waits=False, after=failing_with(bug))).start()
    b.take_all()
    assert (b.tape.cause, b.tape.end_sample) == (bug, 6400)


def test_a_bug_that_ends_the_thread_is_told_at_once(bench):
    """Though nothing of what it had read before was taken."""
    bug = ZeroDivisionError()
    b = bench(Counted(0.55, waits=True, after=failing_with(bug))).start()
    assert b.news.wait(PATIENCE_S)
    assert (b.bug, b.tape.end_sample) == (bug, 0)
    b.close()
    assert b.source.closed


def test_a_thread_that_cannot_be_started_is_told_and_the_source_is_closed(bench, monkeypatch):
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    b = bench(Counted(0.55, waits=True))
    monkeypatch.setattr("threading.Thread.start", refuse)
    b.start()
    assert b.news.wait(PATIENCE_S)
    assert isinstance(b.bug, Shortage)
    b.close()
    assert b.source.closed


@KINDS
def test_a_source_that_cannot_even_be_opened_ends_the_tape(bench, waits, monkeypatch):
    source, error = Counted(1.0, waits), DecodeError("no audio")
    monkeypatch.setattr(source, "probe", lambda: (_ for _ in ()).throw(error))
    b = bench(source).start()
    b.take_all()
    assert (b.tape.end_sample, b.tape.cause) == (0, error)


@KINDS
def test_each_chunk_is_recorded_once_and_cut_before_that(bench, waits):
    recorded: list[Chunk] = []

    def cut(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
        return (pcm_chunk(chunk.data, chunk.end_sample, ends_utterance=True) for chunk in chunks)

    b = bench(Counted(1.0, waits), cut=cut, record=recorded.append).start()
    b.take_all()
    assert [chunk.end_sample for chunk in recorded] == [1600 * (k + 1) for k in range(10)]
    assert recorded == list(b.tape.rest(0))
    assert all(chunk.ends_utterance for chunk in recorded)


@KINDS
def test_a_stop_ends_the_sound_at_once(bench, waits):
    b = bench(Counted(60.0, waits), 1.0).start()
    assert b.take()
    assert not b.take()
    b.intake.stop()
    assert b.take()
    assert (b.tape.ended, b.tape.end_sample, b.tape.cause) == (True, 3200, None)
    assert b.source.stopped


def test_what_a_live_source_has_already_heard_still_comes_after_a_stop(bench):
    b = bench(Talking(1.0, waits=True, live=True)).start()
    assert b.source.reached.wait(PATIENCE_S)
    b.intake.stop()
    b.take_all()
    assert b.tape.end_sample == 16000


def test_of_a_live_source_that_is_paced_nothing_comes_after_a_stop(bench):
    b = bench(Talking(1.0, waits=True, live=True), 1.0).start()
    b.take()
    b.intake.stop()
    b.take_all()
    assert b.tape.end_sample == 1600


def test_a_source_that_never_waits_is_read_only_as_far_as_it_is_taken(bench):
    b = bench(Counted(60.0, waits=False))
    assert b.source.blocks_read == 0
    b.start()
    for taken in range(1, 50):
        assert b.source.blocks_read <= (taken + 1) * BLOCKS_PER_CHUNK
        b.take()


def test_a_thread_reads_no_further_ahead_than_it_may(bench):
    b = bench(Counted(60.0, waits=True, tell_at=_AHEAD_CHUNKS * BLOCKS_PER_CHUNK)).start()
    assert b.source.reached.wait(PATIENCE_S)
    for taken in range(1, 200):
        b.take()
        # One in each hand: of the thread, and of the intake.
        assert b.source.blocks_read <= (taken + _AHEAD_CHUNKS + 2) * BLOCKS_PER_CHUNK


def test_a_live_source_is_never_kept_waiting(bench):
    """Nobody takes anything, and still all of it is heard, far beyond what is read ahead of a pipe."""
    blocks = 20 * _AHEAD_CHUNKS
    b = bench(Counted(blocks / 10, waits=True, live=True, tell_at=blocks)).start()
    assert b.source.reached.wait(PATIENCE_S)
    b.take_all()
    assert b.tape.end_sample == blocks * 1600


def test_a_pipe_is_made_to_wait_when_the_tape_is_full_and_nothing_of_it_is_dropped(bench):
    """A reader that gets stuck, as on a slow link: what is held stays within what is kept, and then all comes."""
    source = Counted(60.0, waits=True, live=True)
    source.can_wait = True
    b = bench(source, keep_s=5.0).start()
    reader = b.tape.reader(0)
    while b.intake.is_wanted:
        b.take()
    assert b.tape.begin_sample == 0
    assert 5 * 16000 <= b.tape.end_sample <= 5.2 * 16000
    assert source.blocks_read <= b.tape.end_sample // 1600 + _AHEAD_CHUNKS + 2
    heard = b""
    while not (b.tape.ended and reader.over):
        while (chunk := reader.next()) is not None:
            heard += chunk.data
            b.tape.forget(chunk.end_sample)
        while b.intake.is_wanted:
            b.take()
    assert len(heard) == 60 * 32000


def test_a_pipe_is_read_on_while_what_was_sent_has_no_result_yet(bench):
    """Long silence: nothing becomes final, and yet more must be sent for that to change."""
    source = Counted(20.0, waits=True, live=True)
    source.can_wait = True
    b = bench(source, keep_s=5.0).start()
    reader = b.tape.reader(0)
    while not b.tape.ended:
        assert b.intake.is_wanted
        b.take()
        while reader.next() is not None:
            pass
    assert b.tape.end_sample == 20 * 16000


@pytest.mark.parametrize("live", [False, True])
def test_a_file_is_wanted_while_the_tape_has_room_and_live_sound_always(bench, live):
    b = bench(Counted(5.0, waits=live, live=live)).start()
    for _ in range(30):
        b.take()
    assert b.tape.is_far_ahead
    assert b.intake.is_wanted == live
    b.take_all()
    assert not b.intake.is_wanted


@KINDS
@pytest.mark.parametrize("when", ["before the start", "in the middle", "after the end"])
def test_closing_frees_the_source_and_says_so(bench, waits, when):
    b = bench(Counted(60.0 if when == "in the middle" else 0.5, waits), 1.0)
    if when != "before the start":
        b.start()
        b.take()
    if when == "after the end":
        b.take_all()
    b.close()
    assert (b.source.closed, b.source.stopped) == (True, True)
    assert b.intake.take_in(b.clock.now(), 1) == []
    assert b.tape.ended
    assert b.tape.cause is None


def test_a_source_that_waits_is_closed_by_the_thread_that_reads_it(bench):
    b = bench(Talking(0.3, waits=True)).start()
    assert b.source.reached.wait(PATIENCE_S)
    b.close()
    assert b.source.closed_by == ["intake"]


def test_who_closes_in_the_moment_in_which_the_thread_ends_is_told_too(bench):
    at_its_end, go_on, closed = threading.Event(), threading.Event(), threading.Event()

    def watch(frame, event: str, argument: object) -> None:
        if event == "return" and frame.f_code.co_name == "_run" and "intake" in frame.f_code.co_filename:
            at_its_end.set()
            go_on.wait(PATIENCE_S)

    threading.setprofile(watch)
    try:
        b = bench(Counted(0.3, waits=True)).start()
    finally:
        threading.setprofile(None)
    assert at_its_end.wait(PATIENCE_S)
    b.intake.close(closed.set)
    go_on.set()
    assert threads_left("intake") == []
    assert closed.wait(PATIENCE_S)
