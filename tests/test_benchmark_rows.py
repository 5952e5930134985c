"""Files of benchmarks, and what a comparison of two of them says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.benchmarks.compare import main
from tests.benchmarks.drops import LOST
from tests.benchmarks.readme import readme_table
from tests.benchmarks.rows import Row, add_run, read_runs
from tests.support.guide_texts import ROOT


def _file(path: Path, *ratios: float, worse: str = "up", noise: float = 0.1) -> str:
    """A file with one run for each of `ratios`."""
    for ratio in ratios:
        add_run(path, [Row("delay", 5 * ratio, "ms", 5.0, "SDK", aim=1.0, worse=worse, noise=noise)])  # type: ignore[arg-type]
    return str(path)


def test_a_run_comes_back_as_it_was_written(tmp_path: Path) -> None:
    rows = [
        Row("delay", 2.0, "ms", 4.0, "SDK", aim=0.4, note="of ten"),
        Row("share", 90.0, "%", 100.0, aim=0.8, worse="down"),
        Row("only context", 7.0, "chunks a second"),
    ]
    path = tmp_path / "runs.json"
    add_run(path, rows)
    add_run(path, rows[:1])
    assert read_runs(path) == [{row.name: row for row in rows}, {"delay": rows[0]}]
    first = json.loads(path.read_text())["runs"][0]["rows"]
    assert [(row["ratio"], row["met"]) for row in first] == [(0.5, False), (0.9, True), (None, None)]
    assert rows[0].cells() == ("delay", "2.00 ms (of ten)", "4.00 ms (SDK)", "× 0.500", "≤ × 0.4 missed")


@pytest.mark.parametrize(
    ("old", "new", "worse", "code", "said"),
    [
        ([1.0], [1.05], "up", 0, "0 of 1"),
        ([1.0], [1.15], "up", 1, "1 of 1"),
        ([1.0], [0.8], "up", 0, "better"),
        ([1.0], [0.8], "down", 1, "1 of 1"),
        # The old runs differ by 30 %: 20 % more means nothing.
        ([0.9, 1.0, 1.17], [1.2], "up", 0, "0 of 1"),
        ([0.9, 1.0, 1.17], [1.4], "up", 1, "1 of 1"),
        # One wild run among three does not count, but makes the noise known.
        ([1.0, 1.0, 1.0], [1.0, 1.0, 3.0], "up", 0, "0 of 1"),
    ],
)
def test_a_row_is_worse_beyond_its_noise(
    old: list[float],
    new: list[float],
    worse: str,
    code: int,
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before, after = (
        _file(tmp_path / f"{name}.json", *ratios, worse=worse) for name, ratios in (("old", old), ("new", new))
    )
    assert main([before, after]) == code
    assert said in capsys.readouterr().out


def test_a_slower_machine_is_no_slower_program(tmp_path: Path) -> None:
    before, after = tmp_path / "old.json", tmp_path / "new.json"
    add_run(before, [Row("delay", 2.0, "ms", 4.0)])
    add_run(after, [Row("delay", 4.0, "ms", 8.0)])
    assert main([str(before), str(after)]) == 0


def test_what_only_one_file_has_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = tmp_path / "old.json", tmp_path / "new.json"
    add_run(before, [Row("delay", 2.0, "ms", 4.0), Row("gone", 1.0, "ms", 1.0)])
    add_run(after, [Row("delay", 2.0, "ms", 4.0)])
    assert main([str(before), str(after)]) == 0
    assert "measured only before: gone" in capsys.readouterr().out


def test_files_that_cannot_be_compared_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.json"
    other.write_text("[]")
    runs = _file(tmp_path / "runs.json", 1.0)
    for arguments, said in (([runs], "give two"), ([runs, str(other)], "holds no benchmarks"), ([runs, "no"], "no")):
        assert main(arguments) == 2
        assert said in capsys.readouterr().err


def test_the_table_of_the_readme_has_the_form_in_which_it_is_measured() -> None:
    rows = [
        Row("service message to shown line, median", 0.2, "ms", 51.0, "SDK"),
        Row("service message to shown line, 95 %", 0.4, "ms", 99.0, "SDK"),
        Row("CPU per second of audio", 3.0, "ms", 20.0, "SDK"),
        Row("peak memory", 50.0, "MB", 70.0, "SDK"),
        Row(LOST, 0.0, "", 8.0, "SDK", note="of 119, at × 4"),
    ]
    made = (readme_table(rows) or "").splitlines()
    assert made[-1] == "| sentences lost in 8 minutes with a drop a minute | 0 of 119 | 8 of 119 |"
    assert readme_table(rows[1:]) is None
    written = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    begin = next(number for number, line in enumerate(written) if line.startswith("| | asrcli | the vendor's SDK"))
    first = [line.split("|")[1] for line in written[begin : begin + len(made)]]
    assert first == [line.split("|")[1] for line in made]
    # Each figure with its unit, and nothing estimated.
    for line in written[begin + 2 : begin + len(made)]:
        assert all(cell.strip()[0].isdigit() for cell in line.split("|")[2:4]), line
