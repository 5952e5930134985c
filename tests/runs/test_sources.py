"""The check of all sources before anything is sent."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from asrcli.audio.opening import Files, Input, LevelSink
from asrcli.audio.source import NoticeSink, Source
from asrcli.engine.control import StopRequested
from asrcli.runs.exits import Refused
from asrcli.runs.sources import Opener
from asrcli.system.file_state import FileState
from asrcli.values.errors import (
    AsrcliError,
    DecodeError,
    DeviceError,
    Interrupted,
    UsageError,
)
from tests.support.benches import Bench
from tests.support.fakes import ToneSource


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Bench]:
    return lambda *names, as_json=False: Bench(monkeypatch, names=names, as_json=as_json)


class Sources:
    """Opens tones; for some names it raises instead."""

    def __init__(self, errors: dict[str, AsrcliError]) -> None:
        self._errors = errors
        self.sources: list[ToneSource] = []

    def open(self, how: Input, name: str, notice: NoticeSink, level: LevelSink) -> Source:
        if name in self._errors:
            raise self._errors[name]
        self.sources.append(ToneSource(0.3))
        return self.sources[-1]


@pytest.fixture
def checked(bench, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Bench, Sources, Opener]]:
    def make(*names: str, most_open: int = 8, **errors: AsrcliError) -> tuple[Bench, Sources, Opener]:
        made = bench(*names, as_json=True)
        sources = Sources(errors)
        monkeypatch.setattr("asrcli.runs.sources.open_input", sources.open)
        return made, sources, Opener([Files()], most_open)

    return make


@pytest.mark.parametrize(
    ("error", "code"), [(UsageError("no such file: x"), 2), (DecodeError("x is damaged"), 2), (DeviceError("gone"), 7)]
)
def test_a_single_source_that_cannot_be_opened_is_bad_input(checked, error, code) -> None:
    """The error names its source in JSON too; a microphone has a code of its own."""
    made, _, opener = checked("x", x=error)
    with pytest.raises(Refused) as refused:
        opener.check(["x"], made.output)
    assert refused.value.code == code
    assert made.lines == [("error", "x")]
    assert made.stderr.getvalue() == f"asrcli: error: {error}\n"


@pytest.mark.parametrize("names", [("x",) * 2, ("x", "-")])
def test_where_others_cannot_be_done_without_them_nobody_is_told_to(checked, names) -> None:
    made, _, opener = checked("a", **{"x": DecodeError("x is damaged"), "-": DecodeError("- is damaged")})
    with pytest.raises(Refused):
        opener.check(names, made.output)
    assert made.stderr.getvalue().endswith("2 of 2 sources cannot be read; nothing was sent\n")


def test_of_several_every_bad_one_is_named(checked) -> None:
    made, sources, opener = checked("a", "x", "y", x=DecodeError("x is damaged"), y=UsageError("y is a folder"))
    with pytest.raises(Refused) as refused:
        opener.check(["a", "x", "y"], made.output)
    assert refused.value.code == 2
    assert made.lines == [("error", "x"), ("error", "y"), ("error", None)]
    assert made.stderr.getvalue().splitlines()[-1] == (
        "asrcli: error: 2 of 3 sources cannot be read; nothing was sent"
        " (leave them out, or do the others with asrcli file … --cluster local:1)"
    )
    assert all(source.closed for source in sources.sources)


def test_each_is_opened_once_as_far_as_so_many_may_be_open(checked, tmp_path: Path) -> None:
    """A pipe cannot be opened a second time, whatever is allowed. Lengths are known then."""
    files = [str(tmp_path / name) for name in ("a.wav", "b.wav")]
    for file in files:
        Path(file).touch()
    made, sources, opener = checked(*files, "-", most_open=1)
    prepared = opener.check([*files, "-"], made.output)
    assert [item.source is not None for item in prepared] == [True, False, True]
    assert [source.closed for source in sources.sources] == [False, True, False]
    assert [item.duration_ms for item in prepared] == [300, 300, 300]
    opened = [opener.open(item, item.control) for item in prepared]
    assert len(sources.sources) == 4
    assert opened[0] is sources.sources[0]
    assert opened[2] is sources.sources[2]


@pytest.mark.parametrize("change", [Path.unlink, lambda path: path.write_bytes(b"more")], ids=["gone", "changed"])
def test_one_that_changes_before_its_turn_is_opened_as_it_is_then(
    checked, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    file = tmp_path / "a.wav"
    file.touch()
    made, sources, opener = checked(str(file))
    [item] = opener.check([str(file)], made.output)
    item.control.notice("said of it as it was")
    item.control.stop(signal.SIGINT)
    change(file)
    assert opener.open(item, item.control) is sources.sources[1]
    assert sources.sources[0].closed
    assert item.state == FileState.of(str(file))
    assert item.control.take() == [StopRequested(signal.SIGINT)]


def test_standard_input_is_never_opened_anew(checked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is written to while it stands at standard input: what was read of it would be lost."""
    file = tmp_path / "growing.raw"
    file.write_bytes(b"some")
    with file.open("rb") as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        made, sources, opener = checked("-")
        [item] = opener.check(["-"], made.output)
        assert item.state is not None
        file.write_bytes(b"some more")
        assert opener.open(item, item.control) is sources.sources[0]
    assert not sources.sources[0].closed


def test_a_signal_during_the_check_is_no_bad_source(checked) -> None:
    made, _, opener = checked("x", "y", x=Interrupted(2, "interrupted by SIGINT"))
    with pytest.raises(Interrupted):
        opener.check(["x", "y"], made.output)
    assert made.lines == []
