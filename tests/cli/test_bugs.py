"""A bug, or a system that has no more to give, as the user and a script meet it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence

import pytest

from asrcli.engine.many import Ended, Job
from asrcli.values.errors import Bug, LinkError, OutputError
from asrcli.values.events import FinalResult, Sentence
from tests.support.benches import Bench, Happening
from tests.support.fakes import OurBug
from tests.support.program import Program
from tests.support.service import TALK_WAV

FINAL = FinalResult(Sentence(1, "A."))


def bug(*arguments: object, **named: object) -> None:
    raise OurBug("in the middle")


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bench]:
    return lambda *names, as_json=True: Bench(monkeypatch, names=names, as_json=as_json)


def raised() -> OurBug:
    try:
        bug()
    except OurBug as error:
        return error
    raise AssertionError


def ends(made: Bench) -> list[tuple[object, ...]]:
    lines = map(json.loads, made.sink.text.splitlines())
    return [(line["type"], line["source"], line.get("complete", line.get("code"))) for line in lines
            if line["type"] in ("end", "error")]  # fmt: skip


def test_one_of_many_ends_with_it_and_the_others_go_on(bench) -> None:
    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 0, jobs[0].open_source(jobs[0].control)
        yield 1, jobs[1].open_source(jobs[1].control)
        yield 0, FINAL
        yield 0, Ended(Bug(raised()))
        yield 1, FINAL
        yield 1, Ended()

    made = bench("a.wav", "b.wav")
    assert made.run(script) == 70
    assert ends(made) == [("end", "a.wav", False), ("error", "a.wav", "Bug"), ("end", "b.wav", True)]
    trace, said = made.stderr.getvalue().split("asrcli: error: ")
    assert trace.startswith("Traceback (most recent call last)")
    assert "in raised" in trace
    assert said.startswith("a.wav: a bug in asrcli: OurBug: in the middle (")


@pytest.mark.parametrize("before", [None, LinkError("lost")], ids=["the only one", "after another error"])
def test_a_bug_decides_the_exit_code(bench, before) -> None:
    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        for number, error in ((0, before), (1, Bug(raised()))):
            yield number, jobs[number].open_source(jobs[number].control)
            yield number, Ended(error)

    assert bench("a.wav", "b.wav").run(script) == 70


def test_when_nothing_goes_on_the_rest_is_not_begun_and_the_lines_are_shown_once(bench) -> None:
    cause = raised()

    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        for number in (0, 1):
            yield number, jobs[number].open_source(jobs[number].control)
        for number in range(4):
            yield number, Ended(Bug(cause, ends_all=True))

    made = bench("a.wav", "b.wav", "c.wav", "d.wav")
    assert made.run(script) == 70
    assert [(kind, source) for kind, source, _ in ends(made)] == [
        ("end", "a.wav"), ("error", "a.wav"), ("end", "b.wav"), ("error", "b.wav"),
    ]  # fmt: skip
    assert made.stderr.getvalue().count("Traceback") == 1
    assert made.stderr.getvalue().endswith("2 of 4 sources failed, 2 not begun\n")


def test_a_bug_in_what_tells_them_ends_all_that_were_begun(bench) -> None:
    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 0, jobs[0].open_source(jobs[0].control)
        yield 0, FINAL
        raise raised()

    made = bench("a.wav")
    assert made.run(script) == 70
    assert ends(made) == [("end", "a.wav", False), ("error", "a.wav", "Bug")]
    assert made.closed


def test_a_bug_while_the_last_one_ends_is_told_and_no_success(bench, monkeypatch) -> None:
    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 0, jobs[0].open_source(jobs[0].control)
        yield 0, FINAL
        yield 0, Ended()

    monkeypatch.setattr("asrcli.runs.remarks.Remarks.over", bug)
    with pytest.raises(Bug, match="OurBug: in the middle"):
        bench("a.wav").run(script)


def test_results_that_cannot_be_written_are_no_bug(bench, monkeypatch) -> None:
    def script(jobs: Sequence[Job]) -> Iterator[Happening]:
        yield 0, jobs[0].open_source(jobs[0].control)

    def full(text: str) -> None:
        raise OutputError("no room")

    made = bench("a.wav")
    monkeypatch.setattr(made.sink, "write", full)
    with pytest.raises(OutputError):
        made.run(script)


@pytest.mark.parametrize("quiet", [(), ("-q",)])
def test_a_run_shows_it_and_gives_70(asrcli: Program, monkeypatch, quiet) -> None:
    monkeypatch.setattr("asrcli.runs.sources.Opener.check", bug)
    done = asrcli("file", TALK_WAV, "--endpoint", "ws://127.0.0.1:1", "--json", *quiet)
    assert done.code == 70
    assert done.err.startswith("Traceback")
    assert done.err.splitlines()[-1].startswith("asrcli: error: a bug in asrcli: OurBug")
    assert [(line["type"], line["code"], line["retryable"]) for line in done.events] == [("error", "Bug", False)]


def test_reuse_bench_shows_it_and_gives_70(asrcli: Program, monkeypatch, talk_service: str) -> None:
    monkeypatch.setattr("asrcli.engine.session.Session.handle", bug)
    done = asrcli("reuse-bench", TALK_WAV, "--clip", "1", "--tasks", "2", "--endpoint", talk_service, "-q")
    assert done.code == 70
    assert "Traceback" in done.err
    assert done.err.splitlines()[-1].startswith("asrcli: error: a bug in asrcli: OurBug")


@pytest.mark.parametrize("command", ["models", "devices"])
def test_every_other_command_too(asrcli: Program, monkeypatch, command) -> None:
    monkeypatch.setattr("asrcli.cli.app.app", bug)
    done = asrcli(command, "--json")
    assert done.code == 70
    assert done.err.startswith("Traceback")
    assert [line["code"] for line in done.events] == ["Bug"]


@pytest.mark.parametrize("name", ["engine", "connect"])
def test_a_thread_that_cannot_be_started_is_one_line(asrcli: Program, monkeypatch, talk_service: str, name) -> None:
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == name:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr("threading.Thread.start", refuse)
    done = asrcli("file", TALK_WAV, "--endpoint", talk_service, "--json")
    assert done.code == 1
    [line] = done.err.splitlines()
    assert "the system allows no further thread" in line
    assert [line["code"] for line in done.events if line["type"] == "error"] == ["Shortage"]
