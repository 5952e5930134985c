"""Threads that die and children that are killed: the program ends soon and says why, or goes on and has everything."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from asrcli.system.threads import Thread
from asrcli.values.errors import Shortage
from tests.benchmarks.threads import is_heard
from tests.support.beginnings import beginning
from tests.support.endings import crowded, regular
from tests.support.injured import SOON_S, child_of, injured, injured_service
from tests.support.looping import PATIENCE_S
from tests.support.service import TALK_SCRIPT, descendants, running_service, service_process
from tests.support.sounds import FFMPEG, convert

# Parts of all the calls of a thread: at its beginning, in the middle, close to its end.
SHARES = (0.01, 0.5, 0.95)
needs_ffmpeg = pytest.mark.skipif(FFMPEG is None, reason="there is no ffmpeg")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running_service(TALK_SCRIPT) as service:
        yield service.url


@pytest.fixture(scope="module")
def wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds, with two sentences and the beginning of a third."""
    return beginning(tmp_path_factory.mktemp("wav") / "talk.wav", 10)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sentences for the real recogniser."""
    return beginning(tmp_path_factory.mktemp("two") / "talk.wav", 9.2)


# --- one thread ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [ZeroDivisionError(), SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_whatever_its_work_raises_has_one_place_to_go(error: BaseException) -> None:
    told: list[tuple[BaseException, str]] = []

    def work() -> None:
        raise error

    thread = Thread("mine", work, lambda bug: told.append((bug, threading.current_thread().name)))
    thread.start()
    thread.join(PATIENCE_S)
    assert told == [(error, "mine")]
    assert thread.daemon


def test_one_that_cannot_be_started_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("threading.Thread.start", refuse)
    with pytest.raises(Shortage, match="mine"):
        Thread("mine", lambda: None, lambda bug: None).start()


# --- threads that raise ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("thread", ["engine", "connect"])
def test_a_thread_of_the_engine_that_raises_ends_the_run_with_70(wav: Path, url: str, thread: str) -> None:
    arguments = ("file", wav, "--endpoint", url, "--pace", "fast")
    calm = injured(thread, 0, *arguments)
    assert calm.code == 0
    for share in SHARES:
        run = injured(thread, max(1, int(share * calm.calls)), *arguments)
        # Near its end everything may have been told already.
        assert run.code == 70 or (share > 0.9 and run.is_complete), run
        assert run.is_right(calm.finals), run


def test_a_source_that_is_read_aside_and_raises_ends_the_run_with_70(wav: Path, url: str) -> None:
    def run(number: int):
        with subprocess.Popen(["cat", wav], stdout=subprocess.PIPE) as cat:
            assert cat.stdout is not None
            return injured("intake", number, "file", "-", "--endpoint", url, "--pace", "fast", stdin=cat.stdout)

    calm = run(0)
    assert calm.code == 0
    injury = run(calm.calls // 2)
    assert injury.code == 70, injury
    assert injury.is_right(calm.finals), injury


@needs_ffmpeg
@pytest.mark.parametrize("thread", ["child-log", "child-feed"])
def test_a_thread_beside_ffmpeg_that_raises_ends_the_run_with_70(
    wav: Path, url: str, tmp_path: Path, thread: str
) -> None:
    mp3 = convert(wav, tmp_path / "talk.mp3")
    with subprocess.Popen(["cat", mp3], stdout=subprocess.PIPE) as cat:
        assert cat.stdout is not None
        run = injured(thread, 1, "file", "-", "--endpoint", url, "--pace", "fast", stdin=cat.stdout)
    assert run.code == 70, run
    assert run.is_right(run.finals), run


def test_one_of_many_that_meets_a_bug_does_not_stop_the_others(wav: Path, url: str, tmp_path: Path) -> None:
    again = shutil.copy(wav, tmp_path / "again.wav")
    arguments = ("file", wav, again, "--jobs", "2", "--endpoint", url, "--pace", "20")
    calm = injured("connect", 0, *arguments)
    # Each connects for itself.
    run = injured("connect", calm.calls // 4, *arguments)
    assert run.code == 70
    assert sorted(line["complete"] for line in run.lines if line["type"] == "end") == [False, True]
    assert run.err.count("Traceback") == 1
    assert "1 of 2 sources failed" in run.err


def test_the_service_ends_with_70_when_its_thread_raises() -> None:
    with injured_service("service", 0, "--recognizer", TALK_SCRIPT) as service:
        pass
    assert service.code == 0
    with injured_service("service", 1, "--recognizer", TALK_SCRIPT) as service:
        pass
    assert service.code == 70
    assert service.err.startswith("Traceback")
    assert service.err.splitlines()[-1].startswith("asrcli: error: a bug in asrcli: Injury")
    assert service.late_s is not None
    assert service.late_s < SOON_S


# --- children that are killed ----------------------------------------------------------------------------------------


@needs_ffmpeg
def test_an_ffmpeg_that_is_killed_is_an_error(wav: Path, url: str, tmp_path: Path) -> None:
    m4a = convert(wav, tmp_path / "talk.m4a")
    arguments = ("file", m4a, "--endpoint", url, "--pace", "4")
    run = injured("", 0, *arguments, kill=lambda pid: child_of(pid, "map_metadata"))
    assert run.code == 1
    assert "ended by signal 9" in run.err
    assert run.is_right(run.finals, code=1), run


@pytest.mark.slow
def test_a_recognisers_process_that_is_killed_costs_nothing(two: Path) -> None:
    """The model's, then a decoder's; what comes after each is heard whole."""
    with service_process(()) as (url, process):

        def kill_model(_: int) -> int | None:
            return child_of(process.pid, "sphinx.worker")

        def kill_decoder(_: int) -> int | None:
            worker = child_of(process.pid, "sphinx.worker")
            while worker is not None and not descendants(worker):
                threading.Event().wait(0.01)
            return worker if worker is None else descendants(worker)[0]

        for kill in (kill_model, kill_decoder, None):
            run = injured("", 0, "file", two, "--endpoint", url, "--pace", "4" if kill else "fast", kill=kill)
            assert is_heard(run), run


@pytest.mark.slow
def test_a_local_service_that_is_killed_is_started_again(two: Path) -> None:
    def kill(pid: int) -> int | None:
        service = child_of(pid, "serve")
        # Under way: its recogniser has a decoder.
        while service is not None and not [each for worker in descendants(service) for each in descendants(worker)]:
            threading.Event().wait(0.01)
        return service

    run = injured("", 0, "file", two, "--region", "local", "--pace", "2", kill=kill)
    assert is_heard(run), run
    assert any(line["type"] == "reconnect" for line in run.lines)


# --- crowds ----------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_crowd_whose_descriptors_are_above_1023(url: str, tmp_path: Path) -> None:
    """The first of them already; one of the engine's own pipes, too."""
    sound = beginning(tmp_path / "talk.wav", 6)
    copies = [shutil.copy(sound, tmp_path / f"{number}.wav") for number in range(60)]
    ending = regular(
        "file", *copies, "--jobs", "60", "--endpoint", url, "--json", "--no-partials", through=crowded(1100)
    )
    assert (ending.code, ending.err) == (0, "")
    assert sum(line["type"] == "end" and line["complete"] for line in ending.lines) == 60


# An engine that never does anything again, once a signal has come.
_STUCK = """
import signal, sys, threading
from asrcli.engine import control
from asrcli.system import moments
from asrcli.__main__ import main

stop = control.Control.stop
def get_stuck(self, number):
    moments.Moments.do_what_is_due = lambda self: threading.Event().wait()
    stop(self, number)

control.Control.stop = get_stuck
sys.argv[0] = "asrcli"
main()
"""


def test_a_signal_ends_a_run_whose_engine_is_stuck(wav: Path, url: str) -> None:
    """The third at the latest, and a second after the second one."""
    line = [sys.executable, "-c", _STUCK, "file", str(wav), "--endpoint", url, "--json"]
    with subprocess.Popen(line, stdout=subprocess.PIPE, env={**os.environ, "DASHSCOPE_API_KEY": "k"}) as process:
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(20):
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.4)
                break
        assert process.wait(0) == 143
