"""The picture: its formats, its parts, and what cannot be drawn."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from asrcli.bench.plot import check_format, draw, save_plot
from asrcli.bench.report import make_report, verdict
from asrcli.bench.timings import KINDS
from asrcli.values.errors import OutputError, UsageError
from tests.bench.samples import sample_report
from tests.support.wording import says

needs_matplotlib = pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None, reason="matplotlib is not installed"
)


@needs_matplotlib
def test_png_and_svg_are_what_their_names_say(tmp_path):
    report = sample_report(40)
    for name, head in (("bench.png", b"\x89PNG\r\n"), ("bench.SVG", b"<?xml")):
        save_plot(report, tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(head)
    ElementTree.parse(tmp_path / "bench.SVG")


@needs_matplotlib
@pytest.mark.parametrize(
    "make",
    [
        lambda: sample_report(2, findings=()),
        lambda: sample_report(0),
        lambda: sample_report(32, at_once=8),
        lambda: make_report(sample_report(2, findings=()).setup, (), (), complete=False),
    ],
    ids=["few tasks", "pauses alone", "load", "nothing"],
)
def test_every_report_can_be_drawn(make, tmp_path):
    save_plot(make(), tmp_path / "bench.svg")
    assert (tmp_path / "bench.svg").stat().st_size > 1000


@needs_matplotlib
def test_the_medians_and_the_verdict_are_written_in_it():
    report = sample_report(40)
    figure = draw(report)
    assert figure.get_suptitle().splitlines()[0] == verdict(report)
    written = {text.get_text() for text in figure.subfigs[0].axes[0].texts}
    assert {f"{report.figures[kind]['ready'].median:,.0f}" for kind in KINDS} <= written


@needs_matplotlib
def test_a_models_name_is_text_and_no_formula(tmp_path):
    report = sample_report(2, findings=())
    odd = replace(report, setup=replace(report.setup, model="$\\frac{$ 模型"))
    save_plot(odd, tmp_path / "bench.svg")
    assert (tmp_path / "bench.svg").exists()


@needs_matplotlib
def test_a_folder_that_has_gone_is_one_line(tmp_path):
    with pytest.raises(OutputError, match=r"cannot write to .*No such file"):
        save_plot(sample_report(2, findings=()), tmp_path / "gone" / "bench.png")


@pytest.mark.parametrize("name", ["bench.gif", "bench", "bench.png.txt", ".png"])
def test_another_format_is_refused_with_those_that_are_known(name):
    with pytest.raises(UsageError, check=says(r"let it end in \.svg or \.png")):
        check_format(Path(name))


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, check=says(r"pip install 'asrcli\[plot\]'")):
        check_format(Path("bench.svg"))


def test_matplotlib_is_loaded_only_for_a_picture():
    code = "import sys, asrcli.bench.plot, asrcli.bench.report; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
