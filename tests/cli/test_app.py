"""The program as a whole: help, version, exit codes, and how little it loads."""

from __future__ import annotations

import inspect

import pytest
import typer

from asrcli import __version__
from asrcli.cli.app import app
from asrcli.cli.help.first_steps import STEPS
from asrcli.runs.exits import exit_code
from asrcli.values import errors
from tests.support.loaded import HEAVY, loaded_by, loaded_by_running

COMMANDS = ("file", "models", "serve")


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_help_names_every_command(asrcli, flag):
    done = asrcli(flag)
    assert done.code == 0
    for command in COMMANDS:
        assert f"\n  {command} " in done.out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(asrcli, command):
    done = asrcli(command, "-h")
    assert done.code == 0
    assert f"Usage: asrcli {command}" in done.out


def test_version(asrcli):
    assert asrcli("-V").out == f"asrcli {__version__}\n"


def test_no_command_shows_what_to_try_first_and_is_an_error(asrcli):
    done = asrcli()
    assert done.code == 2
    assert done.err.startswith("Usage: asrcli")
    assert done.out == ""
    assert all(f"\n  {step.names} " in done.err for step in STEPS)
    assert "`asrcli --help` lists all commands" in done.err


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.names)
def test_what_to_try_first_is_a_command_that_there_is(step):
    program, name, *line = step.names.split()
    assert program == "asrcli"
    typer.main.get_command(app).commands[name].loaded.make_context(name, line)  # type: ignore[attr-defined]


def test_a_group_without_a_command_shows_its_help_and_is_an_error(asrcli):
    done = asrcli("vocab")
    assert (done.code, done.out) == (2, "")
    assert done.err == asrcli("vocab", "--help").out


def test_a_mistyped_command_is_answered_with_the_nearest(asrcli):
    done = asrcli("fiel", "x.wav")
    assert done.code == 2
    assert "did you mean `asrcli file`" in done.err
    assert done.err.count("\n") == 1


def test_every_error_has_an_exit_code():
    special = {
        "ServiceError": lambda kind: kind("code", "message"),
        "ServiceTimeout": lambda kind: kind("start", 1.0, message="m"),
        "Interrupted": lambda kind: kind(15, "m"),
        "Bug": lambda kind: kind(ZeroDivisionError()),
    }
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.AsrcliError)]
    codes = {kind.__name__: exit_code(special.get(kind.__name__, lambda kind: kind("m"))(kind)) for kind in kinds}
    assert codes == {
        "AsrcliError": 1, "UsageError": 2, "AuthError": 4, "ServiceError": 5, "ProtocolViolation": 5, "LinkError": 6,
        "ServiceTimeout": 6, "SoundLost": 6, "AudioError": 1, "DecodeError": 1, "DeviceError": 7, "OutputError": 1,
        "Interrupted": 143, "NothingHeard": 1, "Shortage": 1, "Bug": 70,
    }  # fmt: skip


@pytest.mark.parametrize("line", [["--help"], ["file", "--help"]])
def test_help_loads_nothing_heavy(line):
    loaded = loaded_by_running(*line)
    assert "typer" in loaded
    assert loaded & HEAVY == set()


def test_the_client_does_not_load_the_service():
    assert "websockets" not in loaded_by(
        "import asrcli.engine.many, asrcli.wire.link, asrcli.protocols, asrcli.runs.run"
    )


def test_what_cannot_be_run_is_told_a_script_that_asked_for_json(asrcli):
    done = asrcli("file", "x.wav", "--jobs", "0", "--json")
    assert done.code == 2
    [line] = done.events
    assert (line["type"], line["source"], line["code"], line["retryable"]) == ("error", None, "UsageError", False)
    assert "--jobs" in line["message"]
    assert "--jobs" in done.err
    for form in (("--format", "json"), ("--format=json",), ("-f", "jsonl"), ("-fndjson",)):
        assert asrcli("file", "x.wav", "--jobs", "0", *form).events == [line]
    assert asrcli("file", "x.wav", "--jobs", "0").out == ""
