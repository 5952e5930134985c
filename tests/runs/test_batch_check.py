"""The check of all sources before anything is sent."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from asrcli.audio.source import Source
from asrcli.engine.control import Control
from asrcli.runs.batch import Batch
from asrcli.runs.exits import Refused
from asrcli.values.errors import (
    AsrcliError,
    DecodeError,
    DeviceError,
    Interrupted,
    UsageError,
)
from asrcli.values.recognition import RecognitionOptions
from tests.support.benches import Bench
from tests.support.fakes import ToneSource


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bench]:
    return lambda *names, as_json=False: Bench(monkeypatch, names=names, as_json=as_json)


class Opener:
    """Opens tones; for some names it raises instead."""

    def __init__(self, errors: dict[str, AsrcliError]) -> None:
        self._errors = errors
        self.sources: list[ToneSource] = []

    def __call__(self, name: str, control: Control) -> Source:
        if name in self._errors:
            raise self._errors[name]
        self.sources.append(ToneSource(0.3))
        return self.sources[-1]


def checked(bench, *names: str, **errors: AsrcliError) -> tuple[Bench, Opener, Batch]:
    made = bench(*names, as_json=True)
    opener = Opener(errors)
    batch = Batch(made.output, made.signals, opener, RecognitionOptions("m"), "local", "run-task", stats=False)
    return made, opener, batch


@pytest.mark.parametrize(
    ("error", "code"), [(UsageError("no such file: x"), 2), (DecodeError("x is damaged"), 2), (DeviceError("gone"), 7)]
)
def test_a_single_source_that_cannot_be_opened_is_bad_input(bench, error, code) -> None:
    """The error names its source in JSON too; a microphone has a code of its own."""
    made, _, batch = checked(bench, "x", x=error)
    with pytest.raises(Refused) as refused:
        batch.check(["x"])
    assert refused.value.code == code
    assert made.lines == [("error", "x")]
    assert made.stderr.getvalue() == f"asrcli: error: {error}\n"


def test_of_several_every_bad_one_is_named(bench) -> None:
    made, opener, batch = checked(bench, "a", "x", "y", x=DecodeError("x is damaged"), y=UsageError("y is a folder"))
    with pytest.raises(Refused) as refused:
        batch.check(["a", "x", "y"])
    assert refused.value.code == 2
    assert made.lines == [("error", "x"), ("error", "y"), ("error", None)]
    assert made.stderr.getvalue().splitlines()[-1] == "asrcli: error: 2 of 3 sources cannot be read; nothing was sent"
    assert all(source.closed for source in opener.sources)


def test_files_are_closed_after_the_check_and_pipes_stay_open(bench, tmp_path: Path) -> None:
    """A pipe cannot be opened a second time; open files would be too many. Lengths are known then."""
    file = tmp_path / "a.wav"
    file.touch()
    _, opener, batch = checked(bench, str(file), "-")
    prepared = batch.check([str(file), "-"])
    assert [item.source is not None for item in prepared] == [False, True]
    assert [source.closed for source in opener.sources] == [True, False]
    assert [item.duration_ms for item in prepared] == [300, 300]


def test_a_signal_during_the_check_is_no_bad_source(bench) -> None:
    made, _, batch = checked(bench, "x", "y", x=Interrupted(2, "interrupted by SIGINT"))
    with pytest.raises(Interrupted):
        batch.check(["x", "y"])
    assert made.lines == []
