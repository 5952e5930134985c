"""Markdown on a terminal."""

from __future__ import annotations

import re

import pytest

from asrcli.output.views.markdown import made_up


@pytest.fixture(autouse=True)
def _terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setenv("NO_COLOR", "1")


def _read(text):
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", made_up(text)).splitlines()]


def test_text_is_filled_and_commands_stay_whole():
    command = "asrcli file talk.wav --proxy http://proxy.example:3128"
    assert _read(f"Words that are more than the terminal has columns.\n\n```sh\n{command}\nls\n```\n\nMore.") == [
        "Words that are more than the terminal",
        "has columns.",
        "",
        f"    {command}",
        "    ls",
        "",
        "More.",
    ]


def test_pictures_and_links_within_the_folder_are_left_out():
    assert _read("![A page](page.png)\nSee [`asrcli guide\nmodels`](models.md#a), [there](https://a.bc).") == [
        "See asrcli guide models, there",
        "(https://a.bc).",
    ]


def test_a_wide_terminal_has_lines_that_can_be_read(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    assert max(map(len, _read("word " * 100))) <= 100
