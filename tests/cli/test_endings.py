"""However a run ends, what was final is delivered, the exit code tells, and nothing is left behind."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from asrcli.service.faults.kinds import parse_fault
from tests.support.coded_talk import CodedTalk, twelve_sentences
from tests.support.endings import EXIT_CODES, PLANTED_KEY, Ending, ended_by, limited, regular
from tests.support.service import TALK_WAV, running_service


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> CodedTalk:
    return twelve_sentences(tmp_path_factory.mktemp("coded"))


@pytest.fixture(scope="module")
def wav(talk: CodedTalk, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return talk.write_wav(tmp_path_factory.mktemp("wav") / "coded.wav")


@pytest.fixture
def faulty(talk: CodedTalk, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a service with the faults that the test asks for."""
    with running_service(talk.recognizer, faults=tuple(map(parse_fault, request.param))) as service:
        yield service.url


def told(talk: CodedTalk) -> list[tuple[object, ...]]:
    return [(i, each["text"], each["begin_ms"], each["end_ms"]) for i, each in enumerate(talk.sentences, start=1)]


def json_lines(path: Path) -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


def holds_no_key(ending: Ending, *files: Path) -> bool:
    written = [repr(ending.lines), ending.err, *(path.read_text(encoding="utf-8", errors="replace") for path in files)]
    return not any(PLANTED_KEY in text for text in written)


@pytest.mark.parametrize("faulty", [()], indirect=True)
@pytest.mark.parametrize("number", EXIT_CODES, ids=["SIGINT", "SIGTERM", "SIGHUP", "closed stdout"])
@pytest.mark.parametrize("after_finals", [1, 5, 10])
def test_an_end_from_outside_keeps_what_was_final(faulty, talk, wav, number, after_finals):
    ending = ended_by(number, after_finals, "file", wav, "--endpoint", faulty, "--pace", "40")
    assert ending.code == EXIT_CODES[number]
    assert len(ending.finals) >= after_finals
    # The last one may be the beginning of a sentence that was being said.
    assert ending.finals[:-1] == told(talk)[: len(ending.finals) - 1]
    assert ending.finals[:after_finals] == told(talk)[:after_finals]
    assert ending.left == ()
    assert "Traceback" not in ending.err
    if number is not None:
        assert [line["type"] for line in ending.lines[-2:]] == ["end", "error"]
        assert ending.lines[-2]["complete"] is False
    assert holds_no_key(ending)


@pytest.mark.slow
def test_the_service_that_was_started_for_the_run_ends_with_it():
    ending = ended_by(signal.SIGTERM, 1, "file", TALK_WAV, "--region", "local", "--pace", "3")
    assert (ending.code, ending.left) == (143, ())


@pytest.mark.parametrize(
    "faulty",
    [
        ("reset@7s#1",),
        ("close=1011@12s#1", "refuse=503:1#2"),
        ("fail=InternalError@3s#1", "duplicate=0.3", "split"),
        ("stall@20s#1",),
    ],
    indirect=True,
)
@pytest.mark.parametrize("protocol", ["run-task", "realtime"])
def test_a_reconnect_is_told_and_the_end_is_regular_and_the_key_is_nowhere(faulty, talk, wav, tmp_path, protocol):
    model = "qwen3-asr-flash-realtime" if protocol == "realtime" else "fun-asr-realtime"
    target = tmp_path / "out.jsonl"
    common = (
        "file",
        wav,
        "--endpoint",
        faulty,
        "--pace",
        "40",
        "-m",
        model,
        "--drain-timeout",
        "0.5",
        "-vv",
        "--stats",
    )
    to_file = regular(*common, "--json", "-o", target)
    assert (to_file.code, to_file.lines) == (0, ())
    ending = Ending(to_file.code, json_lines(target), to_file.err, to_file.left)
    assert ending.finals == told(talk)
    [*_, end] = ending.lines
    reconnects = [line for line in ending.lines if line["type"] == "reconnect"]
    assert reconnects
    assert end["type"] == "end"
    assert (end["complete"], end["reconnects"]) == (True, len(reconnects))
    assert holds_no_key(ending, target)


def test_a_full_disk_is_one_clear_line(talk, wav, tmp_path):
    """A child that may write no more than a kilobyte to a file."""
    target = tmp_path / "out.jsonl"
    with running_service(talk.recognizer) as service:
        arguments = ("file", wav, "--endpoint", service.url, "--pace", "fast", "--json", "-o", target)
        ending = regular(*arguments, through=limited(1024))
    assert ending.code == 1
    [line] = ending.err.splitlines()
    assert line.startswith("asrcli: error: ")
    assert str(target) in line
    assert "File too large" in line
