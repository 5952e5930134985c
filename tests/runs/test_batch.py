"""A batch of sources, with an engine that does what a test says: who is told what, when, and the exit code."""

from __future__ import annotations

import gc
import json
import signal
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from asrcli.audio.opening import Files
from asrcli.audio.source import Source
from asrcli.engine.many import Ended, Job
from asrcli.engine.spec import Spec
from asrcli.engine.wiring import Engine
from asrcli.output.places.streams import ClosedPipe
from asrcli.output.views.plain import QuietView
from asrcli.protocols.base import Protocol
from asrcli.runs import batch as batch_module
from asrcli.runs.choose_spec import Choice
from asrcli.runs.sources import Opener
from asrcli.runs.variants import Variant
from asrcli.values.errors import (
    AsrcliError,
    AuthError,
    Interrupted,
    LinkError,
    OutputError,
    ServiceError,
    UsageError,
)
from asrcli.values.events import (
    AudioSent,
    Event,
    FinalResult,
    Notice,
    PartialResult,
    Sentence,
    SessionStarted,
    Tick,
    UsageReported,
    WorkersChanged,
)
from asrcli.values.recognition import Endpoint, RecognitionOptions
from asrcli.values.sound import SoundFormat
from tests.support.benches import Bench, Happening
from tests.support.fakes import FakeClock, ToneSource


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bench]:
    return lambda *names, as_json=False: Bench(monkeypatch, names=names, as_json=as_json)


def opened(job: Job) -> Source:
    return job.open_source(job.control)


def nobody(sound: SoundFormat | None) -> Protocol:
    raise AssertionError


def final(text: str, index: int = 1) -> FinalResult:
    return FinalResult(Sentence(index, text))


def test_text_of_several_comes_in_order_with_titles(bench) -> None:
    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 0, opened(jobs[0])
        yield 1, opened(jobs[1])
        yield 1, final("B.")
        yield 0, final("A.")
        yield 1, Ended()
        yield 2, opened(jobs[2])
        yield 0, Ended()
        yield 2, Ended()

    made = bench("a.wav", "b.wav", "c.wav")
    assert made.run(script) == 0
    assert made.sink.text == "==> a.wav <==\nA.\n\n==> b.wav <==\nB.\n\n==> c.wav <==\n"
    assert made.stderr.getvalue() == "asrcli: warning: c.wav: no speech was heard\n"
    assert made.signals.stop is None


def test_each_that_is_over_is_kept_once_its_end_is_told(bench) -> None:
    made = bench("a.wav", "b.wav", as_json=True)
    kept: list[tuple[int, list[tuple[str, str | None]]]] = []

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 1, Ended(LinkError("lost"))
        yield 0, opened(jobs[0])
        yield 0, Ended()

    made.batch = made.new_batch(kept=lambda number: kept.append((number, made.lines)))
    made.run(script)
    assert [number for number, _ in kept] == [1, 0]
    assert kept[1][1] == [("begin", "a.wav"), ("notice", "a.wav"), ("end", "a.wav"), ("error", "b.wav")]


def test_each_is_told_and_recognised_as_its_variant_says(bench) -> None:
    made = bench("a.wav", "b.wav", as_json=True)
    engine = Engine(nobody)
    choices = [Choice(RecognitionOptions(model), "run-task", "local") for model in ("one", "other")]
    specs = [Spec(choice.protocol, choice.options, Endpoint("ws://127.0.0.1:1", "")) for choice in choices]
    explained: list[AsrcliError] = []
    first, second = Variant(choices[0], specs[0]), Variant(choices[1], specs[1], explained.append, engine)
    made.batch = replace(made.batch, variants=[first, second], opener=Opener([Files(), Files()], 0))
    made.sources[1].variant = 1

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        assert [job.engine for job in jobs] == [None, engine]
        for number, job in enumerate(jobs):
            yield number, opened(job)
            yield number, Ended(LinkError(f"lost {number}"))

    assert made.run(script) == 1
    begun = [line["model"] for line in map(json.loads, made.sink.text.splitlines()) if line["type"] == "begin"]
    assert begun == ["one", "other"]
    assert [error.message for error in explained] == ["lost 1"]


def test_one_that_is_heard_elsewhere_needs_no_more_than_what_is_told_of_it(bench) -> None:
    heard = SimpleNamespace(
        name="a.wav", rate_hz=8000, channels=1, duration_ms=300, live=False, can_wait=True, waits=True, captured_at=None
    )
    heard.sound_format, heard.sound = SoundFormat("mp3", 8000), "etag:1"

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 0, heard
        yield 0, final("A.")
        yield 0, Ended()

    made = bench("a.wav", as_json=True)
    assert made.run(script) == 0
    begun = json.loads(made.sink.text.splitlines()[0])
    assert (begun["duration_ms"], begun["send"], begun["sample_rate_hz"]) == (300, "mp3", 8000)
    assert made.sources[0].sound == "etag:1"
    assert made.opened == []


def test_a_single_source_has_no_title_and_its_own_exit_code(bench) -> None:
    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 0, opened(jobs[0])
        yield 0, final("A.")
        yield 0, Ended(LinkError("connection lost"))

    made = bench("a.wav")
    assert made.run(script) == 6
    assert made.sink.text == "A.\n"
    assert made.stderr.getvalue() == "asrcli: error: connection lost\n"


def test_one_that_fails_stops_no_other_and_is_counted(bench) -> None:
    """Its error follows its end, in its turn; one that cannot be opened any more has an error alone."""

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 0, opened(jobs[0])
        yield 1, Ended(UsageError("no such file: b.wav"))
        yield 2, opened(jobs[2])
        yield 2, Ended(ServiceError("InvalidParameter", "no"))
        yield 0, Ended()

    made = bench("a.wav", "b.wav", "c.wav", as_json=True)
    assert made.run(script) == 1
    assert made.lines == [
        ("begin", "a.wav"), ("notice", "a.wav"), ("end", "a.wav"), ("error", "b.wav"),
        ("begin", "c.wav"), ("end", "c.wav"), ("error", "c.wav"),
    ]  # fmt: skip
    assert made.stderr.getvalue().splitlines() == [
        "asrcli: error: no such file: b.wav",
        "asrcli: error: c.wav: the service answered InvalidParameter: no",
        "asrcli: warning: a.wav: no speech was heard",
        "2 of 3 sources failed",
    ]


def test_a_refused_key_begins_no_more_and_is_told_once(bench) -> None:
    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        for number in (0, 1):
            yield number, opened(jobs[number])
        for number in (0, 1):
            yield number, Ended(AuthError("the key was refused"))
        try:
            yield 2, opened(jobs[2])
        except AsrcliError as error:
            yield 2, Ended(error)

    made = bench("a.wav", "b.wav", "c.wav", as_json=True)
    assert made.run(script) == 4
    assert made.opened == ["a.wav", "b.wav"]
    assert [line for line in made.lines if line[0] == "error"] == [("error", "a.wav"), ("error", "b.wav")]
    assert made.stderr.getvalue().splitlines() == [
        "asrcli: error: a.wav: the key was refused",
        "2 of 3 sources failed, 1 not begun",
    ]


def test_the_first_signal_ends_the_sound_of_all_that_run_and_begins_no_more(bench) -> None:
    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        for number in (0, 1):
            yield number, opened(jobs[number])
        yield 0, final("all of it")
        yield 0, Ended()
        assert made.signals.stop is not None
        made.signals.stop(signal.SIGTERM)
        assert [job.control.stopped_by for job in jobs] == [None, signal.SIGTERM, signal.SIGTERM]
        yield 1, final("the last words")
        yield 1, Ended()
        with pytest.raises(Interrupted) as caught:
            opened(jobs[2])
        yield 2, Ended(caught.value)

    made = bench("a.wav", "b.wav", "c.wav", as_json=True)
    assert made.run(script) == 128 + signal.SIGTERM
    assert made.lines == [
        ("begin", "a.wav"), ("final", "a.wav"), ("end", "a.wav"), ("begin", "b.wav"), ("final", "b.wav"),
        ("end", "b.wav"), ("error", "b.wav"), ("error", None),
    ]  # fmt: skip
    assert made.stderr.getvalue() == "asrcli: error: interrupted by SIGTERM; 1 of 3 sources are done\n"


def test_the_second_signal_leaves_at_once_with_all_that_has_come(bench) -> None:
    """Every source that was begun has its end, also those whose turn had not come."""

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        for number in (0, 1):
            yield number, opened(jobs[number])
        yield 1, final("B.")
        raise Interrupted(signal.SIGINT, "interrupted by SIGINT")

    made = bench("a.wav", "b.wav", "c.wav", as_json=True)
    assert made.run(script) == 130
    assert made.lines == [
        ("begin", "a.wav"), ("end", "a.wav"), ("error", "a.wav"),
        ("begin", "b.wav"), ("final", "b.wav"), ("end", "b.wav"), ("error", "b.wav"), ("error", None),
    ]  # fmt: skip
    assert made.closed


def test_a_single_source_that_is_interrupted_has_one_error(bench) -> None:
    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 0, opened(jobs[0])
        made.signals.stop(signal.SIGINT)
        yield 0, Ended()

    made = bench("a.wav", as_json=True)
    assert made.run(script) == 130
    assert made.lines == [("begin", "a.wav"), ("end", "a.wav"), ("error", "a.wav")]
    assert made.stderr.getvalue() == "asrcli: error: interrupted by SIGINT\n"


def test_a_microphone_that_is_stopped_is_done(bench) -> None:
    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 0, opened(jobs[0])
        made.signals.stop(signal.SIGINT)
        yield 0, final("Good bye.")
        yield 0, Ended()

    made = bench("Yeti")
    made.batch = made.new_batch(open_ended=True)
    assert made.run(script) == 0
    assert made.sink.text == "Good bye.\n"


def test_the_lost_sound_of_a_microphone_is_named(bench) -> None:
    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 0, opened(jobs[0])
        yield 0, Ended(LinkError("connection lost"))

    made = bench("Yeti")
    made.batch = made.new_batch(open_ended=True)
    assert made.run(script) == 6
    assert "what was heard and not recognised is lost" in made.stderr.getvalue()


def test_a_reader_that_has_left_ends_everything(bench) -> None:
    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 0, opened(jobs[0])
        made.sink.is_closed = True
        yield 0, AudioSent(100)
        raise AssertionError("nothing more is asked for")

    made = bench("a.wav", "b.wav")
    with pytest.raises(ClosedPipe):
        made.run(script)
    assert made.closed
    assert made.signals.stop is None


def test_results_that_cannot_be_written_end_the_batch(bench, monkeypatch) -> None:
    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 0, opened(jobs[0])
        yield 0, final("A.")
        raise AssertionError("nothing more is asked for")

    def full(text: str) -> None:
        raise OutputError("cannot write: no space left")

    made = bench("a.wav", "b.wav")
    monkeypatch.setattr(made.sink, "write", full)
    with pytest.raises(OutputError):
        made.run(script)
    assert made.closed


def test_numbers_of_each_source_are_its_own(bench) -> None:
    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        for number in (0, 1):
            yield number, opened(jobs[number])
            yield number, SessionStarted(f"task {number}")
        yield 1, AudioSent(300)
        yield 1, final("B.")
        yield 1, final("Bb.", 2)
        yield 0, AudioSent(200)
        yield 1, Ended()
        yield 0, Ended()

    made = bench("a.wav", "b.wav", as_json=True)
    made.batch = made.new_batch(stats=True)
    assert made.run(script) == 0
    ends = [line for line in map(json.loads, made.sink.text.splitlines()) if line["type"] == "end"]
    assert [(end["audio_ms"], end["sentences"], end["task_ids"]) for end in ends] == [
        (200, 0, ["task 0"]), (300, 2, ["task 1"]),
    ]  # fmt: skip
    assert [line for line in made.stderr.getvalue().splitlines() if not line.startswith(" ")] == [
        "b.wav", "asrcli: warning: a.wav: no speech was heard", "a.wav", "all sources",
    ]  # fmt: skip


def test_results_say_when_they_came_and_a_transcription_when_it_began(bench, monkeypatch) -> None:
    clock = FakeClock()
    monkeypatch.setattr(batch_module, "SystemClock", lambda: clock)

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        for number, event in ((0, PartialResult(Sentence(1, "A"))), (1, FinalResult(Sentence(1, "B.")))):
            yield number, opened(jobs[number])
            clock.advance(1.25)
            yield number, event
        yield 0, FinalResult(Sentence(1, "A."), usage=UsageReported(3))
        for number in (0, 1):
            yield number, Ended()

    made = bench("a.wav", "b.wav", as_json=True)
    assert made.run(script) == 0
    lines = [json.loads(line) for line in made.sink.text.splitlines()]
    results = [(line["text"], line["received_ms"], line.get("usage")) for line in lines if "text" in line]
    assert results == [("A", 1250, None), ("A.", 2500, {"billed_s": 3}), ("B.", 1250, None)]
    for begun_at in (line["begun_at"] for line in lines if line["type"] == "begin"):
        assert abs(datetime.now(UTC) - datetime.fromisoformat(begun_at)) < timedelta(minutes=1)


def test_begin_says_where_what_is_no_file_can_be_heard(bench) -> None:
    made = bench("pipe", as_json=True)
    made.batch = made.new_batch(save_audio=Path("kept.wav"))

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 0, opened(jobs[0])
        yield 0, Ended()

    assert made.run(script) == 0
    assert json.loads(made.sink.text.splitlines()[0])["audio"] == "kept.wav"


def test_what_a_source_has_to_say_names_it(bench) -> None:
    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 0, opened(jobs[0])
        yield 1, opened(jobs[1])
        yield 1, Notice("the file ends early")
        yield 0, final("A.")
        yield 1, final("B.")
        yield 0, Ended()
        yield 1, Ended()

    made = bench("a.wav", "b.wav", as_json=True)
    assert made.run(script) == 0
    assert made.stderr.getvalue() == "asrcli: warning: b.wav: the file ends early\n"
    assert ("notice", "b.wav") in made.lines


def test_ticks_concern_no_source(bench, monkeypatch) -> None:
    """They reach the view also before anything was opened and after everything is over."""

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield -1, Tick()
        yield 0, opened(jobs[0])
        yield 0, Ended()
        yield -1, Tick()

    made = bench("a.wav", as_json=True)
    told: list[Event] = []
    monkeypatch.setattr(QuietView, "event", lambda self, event, number=0: told.append(event))
    assert made.run(script) == 0
    assert told == [Tick(), Notice("no speech was heard"), Tick()]
    assert made.lines == [("begin", "a.wav"), ("notice", "a.wav"), ("end", "a.wav")]


def test_a_source_that_is_open_already_is_handed_over_once(bench) -> None:
    """A second try, after the service had no place for the first one, opens it anew."""

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        first = opened(jobs[0])
        assert made.opened == []
        assert opened(jobs[0]) is not first
        yield 0, first
        yield 0, Ended()

    made = bench("-")
    made.sources[0].source = ToneSource(0.3)
    assert made.run(script) == 0
    assert made.opened == ["-"]


# --- where nobody speaks ----------------------------------------------------------------------------------------------


def silent(jobs: Sequence[Job]) -> Iterator[Happening]:
    for number, job in enumerate(jobs):
        yield number, opened(job)
        yield number, FinalResult(Sentence(1, " "))
        yield number, Ended()


def test_a_source_without_speech_is_told_of_and_its_result_is_whole(bench) -> None:
    made = bench("a.wav", as_json=True)
    assert made.run(silent) == 0
    assert made.stderr.getvalue() == "asrcli: warning: no speech was heard\n"
    assert [kind for kind, _ in made.lines] == ["begin", "final", "notice", "end"]
    assert json.loads(made.sink.text.splitlines()[-1])["complete"] is True


def test_a_source_without_speech_is_a_failure_where_that_is_asked_for(bench) -> None:
    made = bench("a.wav", as_json=True)
    made.batch = made.new_batch(fail_empty=True)
    assert made.run(silent) == 1
    assert made.stderr.getvalue() == "asrcli: error: no speech was heard\n"
    assert [kind for kind, _ in made.lines] == ["begin", "final", "end", "error"]
    *_, end, error = map(json.loads, made.sink.text.splitlines())
    assert end["complete"] is True
    assert (error["code"], error["message"], error["retryable"]) == ("NothingHeard", "no speech was heard", False)


def test_of_several_only_those_without_speech_fail(bench) -> None:
    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        for number, job in enumerate(jobs):
            yield number, opened(job)
        yield 1, final("B.")
        for number in range(3):
            yield number, Ended()

    made = bench("a.wav", "b.wav", "c.wav")
    made.batch = made.new_batch(fail_empty=True)
    assert made.run(script) == 1
    assert made.sink.text == "==> a.wav <==\n\n==> b.wav <==\nB.\n\n==> c.wav <==\n"
    assert made.stderr.getvalue().splitlines() == [
        "asrcli: error: a.wav: no speech was heard",
        "asrcli: error: c.wav: no speech was heard",
        "2 of 3 sources failed",
    ]


@pytest.mark.parametrize(("fail_empty", "code", "said"), [(False, 0, "warning"), (True, 1, "error")])
def test_a_microphone_that_is_stopped_before_anybody_spoke(bench, fail_empty: bool, code: int, said: str) -> None:
    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 0, opened(jobs[0])
        made.signals.stop(signal.SIGINT)
        yield 0, Ended()

    made = bench("Yeti")
    made.batch = made.new_batch(open_ended=True, fail_empty=fail_empty)
    assert made.run(script) == code
    assert made.stderr.getvalue() == f"asrcli: {said}: no speech was heard\n"


def test_who_breaks_off_before_anybody_spoke_is_told_that_alone(bench) -> None:
    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 0, opened(jobs[0])
        made.signals.stop(signal.SIGINT)
        yield 0, Ended()

    made = bench("a.wav")
    made.batch = made.new_batch(fail_empty=True)
    assert made.run(script) == 130
    assert made.stderr.getvalue() == "asrcli: error: interrupted by SIGINT\n"


def test_that_the_sound_is_a_telephones_is_told_once_also_where_a_stream_shows_it_late(bench) -> None:
    trial = bench("a", "b", as_json=True)
    choice = Choice(RecognitionOptions("fun-asr-realtime"), "run-task", "local")
    trial.batch = trial.new_batch(choice=choice)

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        stream = ToneSource(0.3, waits=True)
        yield 0, stream
        yield 0, SessionStarted("t")
        stream.rate_hz = 8000
        yield 0, final("A.")
        yield 0, final("Still A.", 2)
        yield 0, Ended(None)
        yield 1, ToneSource(0.3, 8000)
        yield 1, final("B.")
        yield 1, Ended(None)

    assert trial.run(script) == 0
    told = [kind for kind, _ in trial.lines if kind in ("notice", "final")]
    assert told == ["notice", "final", "final", "final"]
    assert "8 kHz" in trial.sink.text


# --- very many --------------------------------------------------------------------------------------------------------


def many(count: int) -> list[str]:
    return [f"{number:04}.wav" for number in range(count)]


def test_of_many_failures_the_first_are_named_and_all_are_in_the_results(bench) -> None:
    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        for number in range(len(jobs)):
            kind = LinkError("connection lost") if number % 10 == 0 else UsageError(f"no such file: {number:04}.wav")
            yield number, Ended(kind)

    made = bench(*many(50), as_json=True)
    made.batch = made.new_batch(stats=True)
    assert made.run(script) == 1
    assert [kind for kind, _ in made.lines] == ["error"] * 50
    lines = made.stderr.getvalue().splitlines()
    assert [line.startswith("asrcli: error: ") for line in lines[:21]] == [True] * 20 + [False]
    assert lines[20:22] == ["more than 20 sources failed; what the others fail with is said at the end", "all sources"]
    assert lines[-1] == "50 of 50 sources failed: 45 no such file, 5 connection lost"


def test_of_many_sources_there_are_only_the_figures_of_all(bench) -> None:
    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        for number in range(len(jobs)):
            yield number, opened(jobs[number])
            yield number, final("Okay.")
            yield number, AudioSent(300)
            yield number, Ended()

    made = bench(*many(21), as_json=True)
    made.batch = made.new_batch(stats=True, skipped=4)
    assert made.run(script) == 0
    lines = made.stderr.getvalue().splitlines()
    assert lines[:5] == [
        "all sources",
        "  done                21",
        "  failed              0",
        "  done before         4",
        "  audio               6.3 s",
    ]


def test_who_works_is_told_and_what_a_loss_has_cost(bench) -> None:
    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield -1, WorkersChanged(2)
        yield 0, opened(jobs[0])
        yield -1, WorkersChanged(1, 1, 1500)
        yield 0, final("Okay.")
        yield 0, Ended()

    made = bench("a.wav", as_json=True)
    assert made.run(script) == 0
    told = [json.loads(line) for line in made.sink.text.splitlines()]
    assert [(line["type"], line.get("source")) for line in told] == [
        ("workers", None), ("begin", "a.wav"), ("workers", None), ("final", "a.wav"), ("end", "a.wav"),
    ]  # fmt: skip
    assert made.stderr.getvalue().splitlines() == [
        "1.5 s of sound went over twice, since 1 worker was lost",
    ]


def test_nothing_is_kept_of_a_source_that_is_over(bench) -> None:
    """But a byte: what the second half leaves behind is counted, when most caches have their fill."""
    levels: list[int] = []

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        for number in range(400):
            if number % 200 == 0:
                measure()
            yield number, opened(jobs[number])
            yield number, SessionStarted(f"task {number}")
            yield number, AudioSent(300)
            yield number, final(f"{number} words.")
            yield number, Ended(LinkError(f"{number:04}.wav: gone after {number} s") if number % 10 == 0 else None)
        measure()

    def measure() -> None:
        made.opened.clear()
        gc.collect()
        levels.append(tracemalloc.get_traced_memory()[0])

    made = bench(*many(400), as_json=True)
    made.sink.write = lambda text: None
    tracemalloc.start()
    try:
        assert made.run(script) == 1
    finally:
        tracemalloc.stop()
    assert (levels[2] - levels[1]) / 200 < 200
