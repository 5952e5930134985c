"""Where the pages lie, and whether a `man` looks there."""

from __future__ import annotations

from pathlib import Path

import pytest

from asrcli.doctor.man_pages import man_pages


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A prefix with the page."""
    folder = tmp_path / "a tool" / "share" / "man" / "man1"
    folder.mkdir(parents=True)
    (folder / "asrcli.1").touch()
    return tmp_path / "a tool"


@pytest.fixture
def man(tmp_path, monkeypatch):
    """Makes a `man` that does so, and the only program on the PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))

    def make(does: str) -> None:
        (programs / "man").write_text(f"#!/bin/sh\n{does}\n")
        (programs / "man").chmod(0o755)

    return make


def test_pages_that_man_finds_are_fine(installed, man):
    man(f'[ "$*" = "-w asrcli" ] && echo "{installed}/share/man/man1/asrcli.1.gz"')
    [finding] = man_pages(installed)
    assert (finding.status, finding.detail, finding.fix) == ("ok", "`man asrcli` shows them", None)


@pytest.mark.parametrize(
    "does", ["echo 'No manual entry for asrcli' >&2; exit 16", "echo 'This system has been minimized'", "kill -9 $$"]
)
def test_pages_that_man_does_not_find_come_with_the_line_that_leads_there(installed, man, does):
    man(does)
    [finding] = man_pages(installed)
    assert finding.status == "warn"
    assert finding.fix == f"export MANPATH=$MANPATH:'{installed}/share/man'"
    assert finding.affects == "man asrcli"


def test_without_pages_or_without_man_nothing_is_missed(tmp_path, installed, man):
    [none_here] = man_pages(tmp_path)
    assert (none_here.status, "not with this installation" in none_here.detail) == ("ok", True)
    [no_program] = man_pages(installed)
    assert (no_program.status, "there is no `man` here" in no_program.detail) == ("ok", True)
