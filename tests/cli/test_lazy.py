"""Commands are loaded when they are needed, and what stands for them until then tells the truth about them."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
import typer

from asrcli.cli import commands
from asrcli.cli.app import app
from asrcli.cli.commands import SUMMARIES
from tests.support.loaded import loaded_by_running

ROOT = typer.main.get_command(app)


@pytest.mark.parametrize("name", SUMMARIES)
def test_the_line_in_the_list_is_the_first_of_the_commands_own_help(name):
    command = ROOT.commands[name].loaded  # type: ignore[attr-defined]
    assert inspect.cleandoc(command.help).partition("\n")[0] == SUMMARIES[name]
    assert command.name == name


def test_every_file_of_a_command_is_in_the_list():
    files = {path.stem for path in Path(commands.__file__).parent.glob("*.py")} - {"__init__"}
    assert {name.replace("-", "_") for name in SUMMARIES} == files


def test_the_help_of_all_loads_no_command():
    assert not {name for name in loaded_by_running("--help") if name.startswith("asrcli.cli.commands.")}


def test_a_command_that_runs_is_the_only_one_that_is_loaded():
    loaded = {name for name in loaded_by_running("models") if name.startswith("asrcli.cli.commands.")}
    assert loaded == {"asrcli.cli.commands.models"}


def test_a_configuration_file_loads_nothing_that_converts_values_for_typer(tmp_path, monkeypatch):
    (tmp_path / "asrcli").mkdir()
    (tmp_path / "asrcli" / "config.toml").write_text('pace = "fast"\njobs = 2\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert "pydantic" not in loaded_by_running("models")
