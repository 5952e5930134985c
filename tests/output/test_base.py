"""Output joins format, sink and view in the right order."""

from __future__ import annotations

import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from asrcli.output.base import Begin, Failure, Format, Many, View
from asrcli.output.destination import Destination
from asrcli.output.formats import REGISTRY
from asrcli.output.output import Output
from asrcli.output.places.streams import ClosedPipe
from asrcli.output.wording import words
from asrcli.values.errors import AsrcliError, Bug, Interrupted, LinkError, OutputError, UsageError
from asrcli.values.events import Event, FinalResult, Notice, PartialResult, Sentence, Tick, WorkersChanged
from asrcli.values.summary import Summary
from tests.support.wording import says

BEGIN = Begin("talk.wav", "fun-asr-realtime", "local", "run-task", 16000)


class Recorder:
    """A sink and a view that note what they are told."""

    tick_s: float | None = 0.25

    def __init__(self) -> None:
        self.log: list[str] = []
        self.errors: list[AsrcliError] = []
        self.closed_pipe = False
        self.failure: AsrcliError | None = None

    def check(self) -> None: ...

    def write(self, text: str) -> None:
        if self.closed_pipe:
            raise ClosedPipe
        if self.failure is not None:
            raise self.failure
        self.log.append(f"write {text!r}")

    def give_up(self, error: AsrcliError) -> None: ...

    def closed_downstream(self) -> bool:
        return self.closed_pipe

    def begin(self, info: Begin, number: int = 0) -> None:
        self.log.append("view begin")

    def event(self, event: Event, number: int = 0) -> None:
        self.log.append(f"view {type(event).__name__}")

    def end(self, summary: Summary | None, number: int = 0) -> None:
        self.log.append("view end")

    def for_many(self, many: Many) -> View:
        self.log.append("view for many")
        return self

    def opening(self, what: str) -> None: ...

    def notice(self, message: str, hint: str) -> None:
        self.log.append("view notice")

    def error(self, error: AsrcliError, number: int | None = None) -> None:
        self.log.append("view error")
        self.errors.append(error)

    def say(self, text: str) -> None:
        self.log.append(f"say {text!r}")

    def above(self, write: Callable[[], None]) -> None:
        self.log.append("above")
        write()

    def close(self) -> None:
        self.log.append("close")


def _output(new_format: Callable[[], Format], *, keeps_partials: bool = True) -> tuple[Output, Recorder]:
    recorder = Recorder()
    return Output([Destination(new_format, recorder)], recorder, keeps_partials=keeps_partials), recorder


def _summary(complete: bool) -> Summary:
    return Summary(source="talk.wav", complete=complete, wall_s=1.0)


def test_a_result_is_written_above_the_view_that_knows_it_already() -> None:
    """The view hears of a final first, so that its partial is gone when the final's text appears."""
    output, recorder = _output(REGISTRY["text"])
    output.begin(BEGIN)
    output.event(Tick())
    output.event(FinalResult(Sentence(1, "Okay.")))
    output.notice("careful")
    assert recorder.log == [
        "view begin",
        "view Tick",
        "view FinalResult",
        "above",
        "write 'Okay.\\n'",
        "view notice",
    ]


@pytest.mark.parametrize(("complete", "log"), [(True, ["view end", "write ''"]), (False, ["view end"])])
def test_only_a_complete_transcription_without_text_makes_an_empty_file(complete: bool, log: list[str]) -> None:
    output, recorder = _output(REGISTRY["text"])
    output.end(_summary(complete))
    assert recorder.log == log


def test_json_has_a_place_for_everything() -> None:
    """begin, notice, error and end are written, each before the view shows what follows."""
    output, recorder = _output(REGISTRY["json"])
    output.begin(BEGIN)
    output.event(Notice("careful"))
    output.end(_summary(complete=False), failure=Failure(LinkError("no"), "talk.wav"))
    output.error(LinkError("no"))
    output.close()
    kinds = [entry.split('"')[3] if entry.startswith("write") else entry for entry in recorder.log]
    assert kinds == [
        *("above", "begin", "view begin", "view Notice", "above", "notice"),
        *("above", "end", "view end", "above", "error", "view error"),
        *("above", "error", "view error", "close", "close"),
    ]


def test_what_concerns_all_goes_to_no_lane_and_a_tick_to_the_view_alone() -> None:
    output, recorder = _output(REGISTRY["json"])
    output.whole(Tick())
    assert recorder.log == ["view Tick"]
    output.whole(WorkersChanged(2))
    line = '{"type":"workers","workers":2,"lost":0,"resent_s":0.0}\n'
    assert recorder.log[1:] == ["view WorkersChanged", "above", f"write {line!r}"]


def test_partials_can_be_kept_from_format_and_view() -> None:
    output, recorder = _output(REGISTRY["json"], keeps_partials=False)
    output.event(PartialResult(Sentence(1, "Okay")))
    assert recorder.log == []
    output.event(FinalResult(Sentence(1, "Okay.")))
    assert recorder.log[0] == "view FinalResult"


def test_what_is_said_to_the_person_is_no_result() -> None:
    """say() reaches the view only; the view also tells how often it wants a Tick."""
    output, recorder = _output(REGISTRY["json"])
    output.say("audio 1 s")
    assert recorder.log == ["say 'audio 1 s'"]
    assert output.tick_s == 0.25


def test_a_line_from_another_thread_waits_for_the_write_in_progress() -> None:
    """A log line said while a result is being written comes after it, not into the middle."""
    output, recorder = _output(REGISTRY["text"])
    thread = threading.Thread(target=lambda: output.say("log"))

    def write(text: str) -> None:
        thread.start()
        # The other thread cannot get through while this write lasts, however long it is given.
        thread.join(0.05)
        recorder.log.append("written")

    recorder.write = write  # type: ignore[method-assign]
    output.event(FinalResult(Sentence(1, "Okay.")))
    thread.join()
    assert recorder.log == ["view FinalResult", "above", "written", "say 'log'"]


def test_a_closed_pipe_comes_through() -> None:
    output, recorder = _output(REGISTRY["text"])
    recorder.closed_pipe = True
    assert output.closed_downstream()
    with pytest.raises(ClosedPipe):
        output.event(FinalResult(Sentence(1, "Okay.")))


def _two() -> tuple[Output, Recorder, Recorder]:
    """Text into the first one, JSON into the second; the first one is the view too."""
    first, second = Recorder(), Recorder()
    destinations = [Destination(REGISTRY["text"], first), Destination(REGISTRY["json"], second)]
    return Output(destinations, first), first, second


def _kinds(recorder: Recorder) -> list[str]:
    return [entry.split('"')[3] for entry in recorder.log if '"' in entry]


def test_each_destination_has_its_own_form_of_what_happens() -> None:
    output, first, second = _two()
    output.begin(BEGIN)
    output.event(FinalResult(Sentence(1, "Okay.")))
    output.notice("careful")
    output.end(_summary(complete=True))
    output.error(LinkError("no"))
    assert [line for line in first.log if line.startswith("write")] == ["write 'Okay.\\n'", "write ''"]
    assert _kinds(second) == ["begin", "final", "notice", "end", "error"]


def test_a_reader_that_leaves_ends_nothing_while_there_is_another_destination() -> None:
    output, first, second = _two()
    first.closed_pipe = True
    assert not output.closed_downstream()
    output.event(FinalResult(Sentence(1, "Okay.")))
    assert _kinds(second) == ["final"]
    second.closed_pipe = True
    assert output.closed_downstream()
    with pytest.raises(ClosedPipe):
        output.event(FinalResult(Sentence(2, "Right.")))


def test_what_one_destination_cannot_take_the_others_are_given_before_that_is_raised() -> None:
    output, first, second = _two()
    output.begin(BEGIN)
    first.failure = OutputError("no room")
    with pytest.raises(OutputError, match="no room"):
        output.event(FinalResult(Sentence(1, "Okay.")))
    # There is room again, and a gap that must not be hidden.
    first.failure = None
    with pytest.raises(OutputError, match="no room"):
        output.event(FinalResult(Sentence(2, "Right.")))
    with pytest.raises(OutputError, match="no room"):
        output.end(_summary(complete=True))
    assert not [line for line in first.log if line.startswith("write")]
    assert _kinds(second) == ["begin", "final", "final", "end"]


def test_an_interruption_outranks_what_another_destination_could_not_take() -> None:
    output, first, second = _two()
    first.failure = OutputError("no room")
    second.failure = Interrupted(signal.SIGHUP, "the terminal has gone")
    with pytest.raises(Interrupted):
        output.event(FinalResult(Sentence(1, "Okay.")))


def test_all_sinks_are_let_go_and_given_up_also_after_one_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    output, first, second = _two()

    def fail(*_: object) -> None:
        raise OutputError("no room")

    given_up: list[AsrcliError] = []
    monkeypatch.setattr(first, "give_up", fail)
    monkeypatch.setattr(second, "give_up", given_up.append)
    error = LinkError("no")
    with pytest.raises(OutputError):
        output.give_up(error)
    assert given_up == [error]
    closes = iter([None, OutputError("no room")])

    def close() -> None:
        if raised := next(closes):
            raise raised

    monkeypatch.setattr(first, "close", close)
    with pytest.raises(OutputError):
        output.close()
    assert second.log == ["close"]


def test_an_error_that_the_results_cannot_be_told_of_is_one_error_with_both() -> None:
    output, recorder = _output(REGISTRY["json"])
    recorder.failure = OutputError("no room", hint="make some")
    error = UsageError("no such file.")
    told = output.error(error)
    assert recorder.errors == [told]
    assert isinstance(told, OutputError)
    assert (told.message, told.hint) == ("no room", "make some")
    assert told.after is error
    assert words(told) == "no such file; and no room (make some)"
    # That nothing can be written is not said twice.
    assert output.error(recorder.failure) is recorder.failure
    with pytest.raises(OutputError, check=says("no; and no room")):
        output.end(None, 0, Failure(LinkError("no"), "talk.wav"))


def test_a_bug_is_shown_with_where_it_was_raised_once_and_from_another_process_too() -> None:
    output, recorder = _output(REGISTRY["json"])
    first, second = Bug(ValueError("x"), ends_all=True), Bug(KeyError("y"))
    for bug in (first, pickle.loads(pickle.dumps(first)), pickle.loads(pickle.dumps(second))):
        output.error(bug)
    assert [line for line in recorder.log if line.startswith("say")] == [
        f"say {first.trace!r}",
        f"say {second.trace!r}",
    ]
    assert [error.message for error in recorder.errors] == [first.message, first.message, second.message]


def test_an_error_that_nobody_reads_is_told_to_the_person_and_stays_what_it_is() -> None:
    output, recorder = _output(REGISTRY["json"])
    recorder.closed_pipe = True
    error = UsageError("no such file")
    assert output.error(error) is error
    assert recorder.errors == [error]


def test_a_terminal_that_has_gone_outranks_every_other_error() -> None:
    output, recorder = _output(REGISTRY["json"])
    recorder.failure = Interrupted(signal.SIGHUP, "the terminal has gone")
    assert output.error(OutputError("no room")) is recorder.failure


def test_importing_the_outputs_loads_no_rich() -> None:
    script = "import sys, asrcli.output, asrcli.output.base; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
