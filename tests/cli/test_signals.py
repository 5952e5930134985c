"""Signals, from the first line of the program to its last: one error, the right code, and nothing torn."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from asrcli.output.destination import Destination
from asrcli.output.formats.jsonl import JsonLines
from asrcli.output.output import Output
from asrcli.output.places.sinks import FileSink
from asrcli.output.views.plain import QuietView
from asrcli.runs.run import told
from asrcli.system.signals import Signals
from asrcli.values.errors import Interrupted
from tests.support.coded_talk import CodedTalk, twelve_sentences
from tests.support.endings import running
from tests.support.fakes import FakeClock
from tests.support.service import DATA, running_service

HANDLED = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


class Left(BaseException):
    """os._exit"""


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    def leave(code: int) -> None:
        raise Left(code)

    monkeypatch.setattr("asrcli.system.signals.os._exit", leave)
    return FakeClock()


@pytest.fixture
def signals(clock: FakeClock) -> Iterator[Signals]:
    with Signals(clock) as made:
        yield made


# --- the handler -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", HANDLED)
def test_the_first_stops_what_runs_and_the_second_ends_it(signals: Signals, number: int) -> None:
    stopped: list[int] = []
    signals.stop = stopped.append
    signal.raise_signal(number)
    assert stopped == [number]
    with pytest.raises(Interrupted) as caught:
        signal.raise_signal(number)
    assert (caught.value.signal_number, stopped) == (number, [number])
    assert signals.in_haste


def test_where_nothing_runs_the_first_ends_it(signals: Signals) -> None:
    with pytest.raises(Interrupted):
        signal.raise_signal(signal.SIGTERM)


def test_where_stopping_it_ends_it_the_next_changes_nothing(signals: Signals) -> None:
    def stop(number: int) -> None:
        raise Interrupted(number, "nobody reads")

    signals.stop = stop
    with pytest.raises(Interrupted):
        signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGTERM)


def test_those_that_follow_at_once_change_nothing_and_a_later_one_leaves(signals: Signals, clock: FakeClock) -> None:
    with pytest.raises(Interrupted):
        signal.raise_signal(signal.SIGTERM)
    for _ in range(5):
        clock.advance(0.1)
        signal.raise_signal(signal.SIGTERM)
    clock.advance(0.6)
    with pytest.raises(Left, match="143"):
        signal.raise_signal(signal.SIGTERM)


@pytest.mark.parametrize("ended_by_one", [False, True])
def test_work_after_the_run_is_interrupted_once(signals: Signals, clock: FakeClock, ended_by_one: bool) -> None:
    """What ended the run does not count there, nor what comes in a burst with it."""
    if ended_by_one:
        signals.stop = lambda number: None
        signal.raise_signal(signal.SIGINT)
    signals.no_more_to_stop()
    assert not signals.in_haste
    with pytest.raises(Interrupted), signals.after_the_run():
        if ended_by_one:
            signal.raise_signal(signal.SIGINT)
            clock.advance(1.5)
        signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGINT)
    clock.advance(1.5)
    with pytest.raises(Left, match="130"):
        signal.raise_signal(signal.SIGINT)


def test_one_that_comes_when_all_is_told_changes_nothing(signals: Signals) -> None:
    signals.finish()
    signal.raise_signal(signal.SIGINT)


def test_it_is_put_off_until_what_is_told_is_told(signals: Signals) -> None:
    told: list[str] = []
    with pytest.raises(Interrupted), signals.put_off:
        signal.raise_signal(signal.SIGINT)
        told.append("whole")
    assert told == ["whole"]
    with signals.put_off:
        pass


def test_an_error_meanwhile_is_not_replaced(signals: Signals) -> None:
    with pytest.raises(ZeroDivisionError), signals.put_off:
        signal.raise_signal(signal.SIGINT)
        raise ZeroDivisionError


def test_what_is_stuck_is_torn(signals: Signals, monkeypatch: pytest.MonkeyPatch) -> None:
    """Like a pipe that nobody reads."""
    before = signal.getsignal(signal.SIGALRM), signal.getitimer(signal.ITIMER_REAL)
    monkeypatch.setattr("asrcli.system.signals._PUT_OFF_S", 0.01)
    reading, writing = os.pipe()
    try:
        with pytest.raises(Interrupted), signals.put_off:
            signal.raise_signal(signal.SIGINT)
            os.read(reading, 1)
    finally:
        # The test's own time-out uses it.
        signal.signal(signal.SIGALRM, before[0])
        signal.setitimer(signal.ITIMER_REAL, *before[1])
        os.close(reading)
        os.close(writing)


def test_nobody_is_waited_for_who_would_read_of_the_interruption(tmp_path: Path) -> None:
    """It may come before anything was written to a named pipe."""
    os.mkfifo(tmp_path / "pipe")
    sink = FileSink(tmp_path / "pipe", force=False)
    output = Output([Destination(JsonLines, sink)], QuietView(io.StringIO()))

    def work(signals: Signals) -> int:
        raise Interrupted(signal.SIGTERM, "interrupted by SIGTERM")

    assert told(output, work) == 143


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals():
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


# --- the program -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> CodedTalk:
    return twelve_sentences(tmp_path_factory.mktemp("coded"))


@pytest.fixture(scope="module")
def wav(talk: CodedTalk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return talk.write_wav(tmp_path_factory.mktemp("wav") / "coded.wav")


@pytest.fixture(scope="module")
def url(talk: CodedTalk) -> Iterator[str]:
    with running_service(talk.recognizer) as service:
        yield service.url


@pytest.mark.parametrize(
    ("module", "number"),
    [
        ("asrcli.cli.config_files", signal.SIGINT),
        ("typer.main", signal.SIGTERM),
        ("typer.main", signal.SIGHUP),
        ("asrcli.settings.recognition", signal.SIGINT),
        ("numpy", signal.SIGINT),
        ("asrcli.engine.many", signal.SIGTERM),
    ],
)
def test_while_it_still_imports_it_ends_quietly(wav: Path, url: str, module: str, number: signal.Signals) -> None:
    """As soon as that module has been imported, while others are."""
    line = [sys.executable, "-X", "importtime", "-m", "asrcli", "file", str(wav), "--endpoint", url, "--json"]
    with subprocess.Popen(
        line, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=DATA.parent.parent
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        for imported in process.stderr:
            if imported.split("|")[-1].strip() == module:
                break
        else:
            pytest.fail(f"{module} is not imported")
        process.send_signal(number)
        rest = [line for line in process.stderr if not line.startswith("import time:")]
        types = [json.loads(line)["type"] for line in process.stdout]
    assert process.returncode == 128 + number
    assert "Traceback" not in "".join(rest)
    assert types.count("error") == len(rest) <= 1
    assert types.count("begin") == types.count("end")


def test_under_nohup_it_goes_on(wav: Path, url: str) -> None:
    with running("file", wav, "--endpoint", url, "--pace", "40", "--json", through=("nohup",)) as run:
        assert run.process.stdout is not None
        first = run.process.stdout.readline()
        run.process.send_signal(signal.SIGHUP)
        ending = run.ending([first, *run.process.stdout])
    assert ending.code == 0
    assert ending.lines[-1]["complete"]


@pytest.mark.parametrize(
    ("after_lines", "number"),
    [(1, signal.SIGINT), (1, signal.SIGTERM), (10, signal.SIGINT), (10, signal.SIGHUP), (None, signal.SIGINT)],
    ids=["begin-INT", "begin-TERM", "under way-INT", "under way-HUP", "complete-INT"],
)
def test_five_in_fifty_ms_are_told_as_one(wav: Path, url: str, number: signal.Signals, after_lines: int | None) -> None:
    pace = "10" if after_lines is not None else "fast"
    with running("file", wav, "--endpoint", url, "--pace", pace, "--json") as run:
        assert run.process.stdout is not None
        lines = [run.process.stdout.readline() for _ in range(after_lines or 1)]
        while after_lines is None and '"type":"end"' not in lines[-1]:
            lines.append(run.process.stdout.readline())
        for _ in range(5):
            run.process.send_signal(number)
            time.sleep(0.01)  # 50 ms in all.
        ending = run.ending([*lines, *run.process.stdout])
    types = [line["type"] for line in ending.lines]
    assert "Traceback" not in ending.err
    assert types.count("begin") == types.count("end") == 1
    if after_lines is None:
        # Whatever the code: the work was complete, and at most that it was interrupted is told.
        assert ending.code in (0, 128 + number)
        assert types.count("error") == len(ending.err.splitlines()) <= 1
    else:
        assert ending.code == 128 + number
        assert types[-2:] == ["end", "error"]
        assert not ending.lines[-2]["complete"]
        [said] = ending.err.splitlines()
        assert number.name in said or "interrupted" in said
