"""--log FILE: all messages with their times, whole but for keys and sound; -vv shows the same ones, cut."""

from __future__ import annotations

import io
import json
import logging
import re
import threading
from datetime import datetime, timedelta
from pathlib import Path
from queue import SimpleQueue

import pytest

from asrcli.engine.session_log import MESSAGES
from asrcli.runs import message_log
from asrcli.runs.message_log import MessageLog, without_sound
from asrcli.values.errors import UsageError
from asrcli.values.events import Notice
from tests.support.service import TALK_WAV

_LINE = re.compile(r"(\S+) (\d+) ([<>=]) (.*)")
KEY = "sk-" + "0123456789abcdef" * 2


def lines_of(path: Path) -> list[tuple[datetime, int, str, str]]:
    found = [_LINE.fullmatch(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert all(found), path.read_text(encoding="utf-8")
    return [(datetime.fromisoformat(each[1]), int(each[2]), each[3], each[4]) for each in found if each]


@pytest.mark.parametrize("command", ["file", "qwen"])
def test_all_that_is_said_is_there(asrcli, talk_service, tmp_path, command):
    path = tmp_path / "messages.log"
    words = ("--context" if command == "file" else "--corpus", f"names, {KEY}")
    done = asrcli(command, TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "--log", path, "-q", *words)
    assert done.code == 0, done.err
    lines = lines_of(path)
    times = [at for at, *_ in lines]
    assert times == sorted(times)
    assert times[0].utcoffset() is not None
    assert times[-1] - times[0] < timedelta(minutes=1)
    assert len({number for _, number, *_ in lines}) == 1
    marks = "".join(mark for _, _, mark, _ in lines)
    assert marks.startswith("=><" if command == "file" else "=<><")
    said = [text for *_, mark, text in lines if mark == "<"]
    # Whole, to be read by a program.
    assert all(isinstance(json.loads(text), dict) for text in said)
    assert any("I hope you will find some time to walk" in text or "We wish you" in text for text in said)
    assert KEY not in path.read_text(encoding="utf-8")
    assert "sk-…" in path.read_text(encoding="utf-8")
    sound = [text for *_, mark, text in lines if mark == ">" and ("of sound" in text or "of base64" in text)]
    assert len(sound) > 50
    assert path.stat().st_size < 200_000
    again = asrcli(command, TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "--log", path)
    assert (again.code, "exists already" in again.err) == (2, True)


def test_it_is_in_the_way_of_nothing(asrcli, tmp_path):
    source = tmp_path / "talk.wav"
    source.write_bytes(TALK_WAV.read_bytes())
    for words, reason in (
        (("--log", source, "--force"), "is the source itself"),
        (("--log", tmp_path / "a", "-o", tmp_path / "a"), "--log and --output both name"),
        (("--log", tmp_path / "a.wav", "--save-audio", tmp_path / "a.wav"), "--log and --save-audio both name"),
        (("--log", tmp_path), "it is a folder"),
        (("--log", tmp_path / "none" / "a"), "there is no folder"),
    ):
        done = asrcli("file", source, "--endpoint", "ws://127.0.0.1:1", *words)
        assert (done.code, reason in done.err) == (2, True), done.err
    assert source.read_bytes() == TALK_WAV.read_bytes()


def test_a_disk_that_is_full_ends_the_log_and_not_the_run(asrcli, talk_service):
    done = asrcli("file", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "--log", "/dev/full")
    assert done.code == 0
    assert done.err.count("--log /dev/full cannot be written: No space left on device") == 1
    assert done.out.endswith("We wish you a very pleasant day.\n")


def test_a_bug_in_it_has_one_place_to_go(tmp_path):
    told: SimpleQueue[Notice] = SimpleQueue()
    with MessageLog(tmp_path / "log", told.put):
        # Not by a session.
        logging.getLogger(MESSAGES).warning("no mark")
    assert "cannot be written" in told.get(timeout=10).message
    with pytest.raises(UsageError, match="cannot be written: Is a directory"):
        MessageLog(tmp_path, told.put)


def test_an_end_that_the_disk_does_not_take_is_told_of(tmp_path, monkeypatch):
    monkeypatch.setattr(message_log, "_END_S", 0.05)
    is_free = threading.Event()

    class Stuck(io.StringIO):
        def write(self, text: str) -> int:
            is_free.wait(10)
            return super().write(text)

    told: SimpleQueue[Notice] = SimpleQueue()
    with MessageLog(tmp_path / "log", told.put) as log:
        assert log._file is not None
        log._file.close()
        log._file = Stuck()
        logging.getLogger(MESSAGES).warning("%s %s", ">", "said", extra={"session": 1})
    assert "its end could not be written in 0.05 s" in told.get(timeout=10).message
    is_free.set()
    log._thread.join(10)
    assert told.empty()


def test_a_message_is_one_line_without_sound():
    assert without_sound(b"12345") == "5 bytes of sound"
    assert without_sound('{\r\n "a": "b"}') == '{   "a": "b"}'
    assert without_sound(f'{{"audio":"{"A" * 400}=="}}') == '{"audio":"402 characters of base64"}'


def test_what_is_shown_is_cut(asrcli, talk_service):
    long = "names " * 1000
    done = asrcli("file", TALK_WAV, "--endpoint", talk_service, "--pace", "fast", "-vv", "--context", long)
    assert done.code == 0
    [begin] = [line for line in done.err.splitlines() if line.startswith('asrcli: > {"header": {"action": "run-task"')]
    assert begin.endswith(" characters; --log FILE has them all)")
    assert len(begin) < 2100
