"""Commands are loaded when they are needed, and what stands for them until then tells the truth about them."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from asrcli.cli import commands
from asrcli.cli.app import app
from asrcli.cli.commands import SUMMARIES

ROOT = typer.main.get_command(app)


def loaded_by(*arguments: str) -> set[str]:
    """The modules that `asrcli` with `arguments` has loaded when it is done."""
    code = f"from asrcli.cli import app\napp.run({list(arguments)!r})\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("name", SUMMARIES)
def test_the_line_in_the_list_is_the_first_of_the_commands_own_help(name):
    command = ROOT.commands[name].loaded  # type: ignore[attr-defined]
    assert inspect.cleandoc(command.help).partition("\n")[0] == SUMMARIES[name]
    assert command.name == name


def test_every_file_of_a_command_is_in_the_list():
    files = {path.stem for path in Path(commands.__file__).parent.glob("*.py")} - {"__init__"}
    assert {name.replace("-", "_") for name in SUMMARIES} == files


def test_the_help_of_all_loads_no_command():
    assert not {name for name in loaded_by("--help") if name.startswith("asrcli.cli.commands.")}


def test_a_command_that_runs_is_the_only_one_that_is_loaded():
    loaded = {name for name in loaded_by("models") if name.startswith("asrcli.cli.commands.")}
    assert loaded == {"asrcli.cli.commands.models"}
