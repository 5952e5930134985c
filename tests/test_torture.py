"""Every command while its system calls fail: a sample of what `make bench-faults` does, and that it finds faults."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.benchmarks.torture import tortures, zygotes
from tests.support.torture import NO_FAULT, Fault, Run
from tests.support.torture_cases import Case, cases
from tests.support.zygote import Zygote

pytestmark = pytest.mark.skipif(
    shutil.which("cc") is None, reason="needs a C compiler: see tests/support/install_test_packages.sh"
)
_SEED = 20261124
_EACH = {"json": 8, "pipe": 6, "m4a": 6, "output-dir": 8, "save-audio": 6, "serve": 6}


@pytest.fixture(scope="module")
def makers() -> Iterator[list[Zygote]]:
    with zygotes() as made:
        yield made


@pytest.fixture(scope="module")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Case]]:
    with cases(tmp_path_factory.mktemp("cases"), with_microphone=False) as found:
        yield {case.name: case for case in found}


@pytest.mark.slow
@pytest.mark.parametrize("name", _EACH)
def test_a_call_that_fails_ends_in_one_line_or_in_all_there_is(name, makers, commands, tmp_path):
    chance = random.Random(f"{_SEED}/{name}")
    runs = list(tortures(commands[name], makers, tmp_path, lambda faults: chance.sample(faults, _EACH[name])))
    assert len(runs) == _EACH[name]
    assert [f"{run.fault}: {wrong} [{run.struck}]" for run, wrong in runs if wrong] == []


def test_the_call_that_was_asked_for_fails(makers, commands, tmp_path):
    whole = commands["json"].run(makers[0], NO_FAULT, tmp_path / "whole")
    assert whole.struck == ""
    assert whole.total("read", "EIO") > 5
    run = commands["json"].run(makers[0], Fault("read", "EIO", 1), tmp_path / "run")
    assert run.struck.startswith("read ")
    assert run.struck.endswith("talk.wav")
    assert "open_file" in run.where
    assert "Input/output error" in run.err
    assert commands["json"].problems(run, whole) == []


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        ({"code": None}, "does not end"),
        ({"code": 70}, "exit code 70"),
        ({"code": 1, "err": "asrcli: error: x\nTraceback (most recent call last):\n"}, "Traceback"),
        ({"code": 1}, "without a line that says why"),
        ({"left": ("tmpfile",)}, "left behind: tmpfile"),
        ({"out": b""}, "exit code 0, and not all is there"),
        (
            {"out": b'{"type":"end","source":"a","complete":true}\n', "code": 1, "err": "asrcli: error: x"},
            "complete, and",
        ),
        ({"out": b'{"type":', "code": 1, "err": "asrcli: error: x"}, "half a line"),
    ],
)
def test_what_is_wrong_is_found(fault, expected, commands, tmp_path):
    final = {"type": "final", "source": "a", "index": 1, "text": "Hello.", "begin_ms": 0, "end_ms": 1}
    lines = [final, {"type": "end", "source": "a", "complete": True}]
    out = "".join(json.dumps(line) + "\n" for line in lines).encode()
    whole = Run(NO_FAULT, Path(tmp_path), 0, out, "", {}, "", "", "", (), ())
    assert commands["json"].problems(whole, whole) == []
    assert any(expected in each for each in commands["json"].problems(replace(whole, **fault), whole))
