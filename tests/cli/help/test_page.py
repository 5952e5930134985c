"""What the help of a command says, and how it looks in a narrow and in a wide terminal."""

from __future__ import annotations

import re
from typing import Any

import pytest
import typer

from asrcli.cli.app import app
from asrcli.cli.commands import SUMMARIES
from asrcli.cli.help.draw import draw
from asrcli.cli.help.layout import COMMANDS, LAYOUTS, MOST_USED, SECTIONS
from asrcli.cli.help.page import Page, option_names, page_of
from asrcli.cli.topics import topics

ROOT: Any = typer.main.get_command(app)


def context_of(*names: str) -> Any:
    """That of the command so named, as it is when it has been typed."""
    context = typer.Context(ROOT, info_name="asrcli")
    for name in names:
        command = context.command.commands[name]  # type: ignore[attr-defined]
        context = typer.Context(getattr(command, "loaded", command), info_name=name, parent=context)
    return context


def page(*names: str) -> Page:
    context = context_of(*names)
    return page_of(context.command, context)


EVERY = [(), *((name,) for name in SUMMARIES)]
EVERY += [(name, each) for name, command in ROOT.commands.items() for each in command.commands]


@pytest.mark.parametrize("names", EVERY, ids=" ".join)
def test_no_type_of_python_is_shown_and_every_option_once(names):
    context = context_of(*names)
    found = page_of(context.command, context)
    rows = [row for _, rows in found.sections for row in rows]
    for option in context.command.get_params(context):
        if option.param_type_name == "option" and not option.hidden and option.name != "help":
            assert [row.names for row in rows].count(option_names(option)) == 1, option.name
            # What it takes has a name that speaks: not that of the option again.
            assert option.is_flag or option.count or option.metavar, option.name
    assert not re.search(r"<\w+|None|\[default|Path\b", draw(found, 200))


@pytest.mark.parametrize("names", EVERY, ids=" ".join)
@pytest.mark.parametrize("width", [40, 80, 120])
def test_nothing_is_cut_off_and_lines_are_as_wide_as_the_terminal(names, width):
    found = page(*names)
    text = draw(found, width)
    words = text.split()
    for _, rows in found.sections:
        for row in rows:
            assert set(row.text.split()) <= set(words)
    kept = {line.strip() for note in found.notes for line in note.split("\n")} | {each.names for each in found.examples}
    for line in text.splitlines():
        assert len(line) <= min(width, 100) or line.strip() in kept or " " not in line.strip(), line


def test_the_summary_of_a_command_is_one_line_of_80_columns():
    for line in draw(page(), 80).splitlines():
        name, _, summary = line.strip().partition(" ")
        if name in SUMMARIES:
            assert summary.strip() == SUMMARIES[name]


def test_the_sections_of_file_stand_in_the_order_of_use():
    titles = [title for title, _ in page("file").sections]
    assert titles == [
        "Most used", "Sources", "Output", "Recognition", "Service", "Connection", "Many sources", "A corpus",
        "Raw audio",
    ]  # fmt: skip
    _, first = page("file").sections[0]
    assert [row.names.split()[0] for row in first] == ["-o,", "-f,", "-l,", "-m,", "--hotwords", "--region"]


def test_what_transcribes_shows_six_options_first_and_examples_before_them():
    for name in ("file", "mic", "qwen", "render", "reuse-bench"):
        found = page(name)
        assert found.sections[0][0] == MOST_USED
        assert len(found.sections[0][1]) == 6
        assert 2 <= len(found.examples) <= 3
        text = draw(found, 80)
        assert text.index(found.examples[0].names) < text.index(f"{MOST_USED}:")


def test_the_layout_speaks_of_what_there_is():
    placed = [name for names in COMMANDS.values() for name in names]
    assert set(SUMMARIES) <= set(placed)
    assert len(placed) == len(set(placed))
    for name, layout in LAYOUTS.items():
        options = {each.name for each in ROOT.commands[name].params}
        assert set(layout.first) <= options, name
        assert set(layout.topics) <= set(topics()), name
    for name in SUMMARIES:
        assert {title for title, _ in page(name).sections} <= {*SECTIONS, "Commands"}


def test_numbers_defaults_and_other_names_are_told():
    text = " ".join(draw(page("file"), 100).split())
    assert "Tries in a row after a lost connection, 0 to 100 [12]." in text
    assert "--keepalive, --no-… Bridge long silence and pauses of the source [yes]." in text
    assert "repeat for more. Also --lang." in text
    assert "--manual, --vad" in draw(page("qwen"), 100)


def test_a_default_from_a_configuration_file_is_the_one_that_is_shown():
    context = context_of("file")
    context.default_map = {"model": "paraformer-realtime-v2", "language": ["zh", "en"]}
    text = " ".join(draw(page_of(context.command, context), 100).split())
    assert "`asrcli models` [paraformer-realtime-v2]" in text
    assert "repeat for more [zh, en]." in text
