"""The man pages: they are those of the help and the guides as these are now, and are sound roff."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from asrcli.cli.commands import SUMMARIES
from tests.support.guide_texts import GUIDES
from tests.support.man_pages import pages
from tests.support.roff import from_markdown

_WRITERS = {
    "groff": ["groff", "-man", "-ww", "-Tutf8"],
    # All pages are of no day: they change with the help and the guides.
    "mandoc": ["mandoc", "-T", "lint", "-W", "warning"],
}


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages()


def test_they_are_current(made: dict[str, str]) -> None:
    found = {path.name: path.read_text(encoding="utf-8") for path in (GUIDES / "man").iterdir()}
    assert found.keys() == made.keys(), "run `make man`"
    assert [name for name in made if found[name] != made[name]] == [], "run `make man`"


def test_each_command_has_one_with_its_options_and_guides(made: dict[str, str]) -> None:
    assert made.keys() == {"asrcli.1", *(f"asrcli-{name}.1" for name in SUMMARIES)}
    assert r"\fB\-d, \-\-device NAME|N\fR" in made["asrcli-mic.1"]
    assert ".SS Keeping the sound" in made["asrcli-mic.1"]
    assert ".SH VOCAB CREATE" in made["asrcli-vocab.1"]
    assert ".TP\n70\na bug in asrcli" in made["asrcli.1"]


@pytest.mark.parametrize("writer", _WRITERS)
def test_they_are_set_without_a_warning(writer: str, made: dict[str, str]) -> None:
    if shutil.which(writer) is None:
        pytest.skip(f"{writer} is not installed")
    for name in made:
        done = subprocess.run([*_WRITERS[writer], GUIDES / "man" / name], capture_output=True, text=True, check=False)
        said = done.stderr if writer == "groff" else done.stdout
        assert [line for line in said.splitlines() if "missing date" not in line] == []


def test_markdown_becomes_roff_that_says_the_same() -> None:
    text = "# Say `it`\n\n.dot and -dash\n'quote' [here](x.md)…\n\n1. **One**\n2. *two*\n\n- three\n\n"
    table = "| a | b |\n|---|---|\n| `-x` | does |\n\n```sh\n.asrcli \\ 'a'\n```\n\n![no](x.png)\n"
    assert from_markdown(text + table) == [
        r".SH SAY \(gaIT\(ga",
        ".PP",
        "\\&.dot and \\-dash\n\\(aqquote\\(aq here\\[u2026]",
        ".IP 1. 4",
        r"\fBOne\fR",
        ".IP 2. 4",
        r"\fItwo\fR",
        r".IP \(bu 2",
        "three",
        ".TP",
        r"\fB\-x\fR",
        "does",
        ".PP",
        ".RS 4",
        ".nf",
        r"\&.asrcli \e \(aqa\(aq",
        ".fi",
        ".RE",
    ]
