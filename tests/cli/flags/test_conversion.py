"""Values are converted as Typer would, without what that takes."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from asrcli.cli.app import app
from asrcli.cli.commands import SUMMARIES
from tests.support.loaded import loaded_by_running

ROOT = typer.main.get_command(app)
VALUES = [
    None, "", "-", "a", "a b", "é\udcff", b"a", 0, 1, -1, 5, 100, 101, 1.0, 1.5, -0.5, 1e300, float("nan"), True, False,
    "0", "1", "-1", "007", "+1", " 3 ", "1_0", "12", "99999999999999999999", "1.5", "1.0", "1.", ".5", "1e3", "-0.5",
    "nan", "inf", "٣", "true", "no", "/nosuch", "/etc", "/etc/shadow",
    [], ["a"], ["a", "b"], ("a",), ("a", 1), [1], [None], [b"a"], {"a": 1},
]  # fmt: skip


def outcome(convert: Any, value: Any, parameter: Any, context: Any) -> tuple[object, ...]:
    """What `convert` makes of `value`, with its type, or that it refuses it."""
    try:
        made = convert.coerce(value, param=parameter, ctx=context)
    except typer.BadParameter as error:
        return "refused", error.param is parameter
    return "taken", type(made), repr(made)


@pytest.mark.parametrize("name", SUMMARIES)
def test_every_value_of_every_option_becomes_what_typer_makes_of_it(name):
    command = ROOT.commands[name].loaded  # type: ignore[attr-defined]
    context = typer.Context(command)
    for parameter in command.get_params(context):
        ours = parameter.get_runtime_param()
        theirs = type(parameter).get_runtime_param(parameter)
        assert type(ours) is not type(theirs)
        for value in VALUES:
            found = outcome(ours, value, parameter, context)
            assert found == outcome(theirs, value, parameter, context), (parameter.name, value)


def test_what_is_plainly_right_needs_no_pydantic(tmp_path):
    """A command line with values of every kind, whose file is not there."""
    line = ["file", "nosuch.wav", "--model", "m", "-l", "zh", "--retries", "3", "--noise-threshold", "-0.5"]
    line += ["--output", str(tmp_path / "new.txt"), "--stats", "--jobs", "2"]
    assert "pydantic" not in loaded_by_running(*line)
    assert "pydantic" in loaded_by_running(*line, "--max-outage", "long")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (["--jobs", "x"], "--jobs x: a whole number from 1 to 1000 is wanted"),
        (["--jobs=0"], "--jobs 0: a whole number from 1 to 1000 is wanted"),
        (["--max-outage", "a b"], "--max-outage 'a b': a number from 1 to 86400 is wanted"),
        (["--split", "1.5"], "--split 1.5: a whole number is wanted"),
        (["--jobs"], "--jobs needs a value, N"),
        (["-m"], "-m needs a value, NAME"),
        (["--json=3"], "--json takes no value"),
    ],
)
def test_what_is_refused_is_told_in_our_words(asrcli, line, said):
    done = asrcli("file", "nosuch.wav", *line)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("flag", ["--model", "-l", "-o", "--output-dir", "--save-audio", "--ca-bundle", "--output="])
def test_a_name_that_is_empty_is_refused(asrcli, flag):
    done = asrcli("file", "nosuch.wav", *([flag] if flag.endswith("=") else [flag, ""]))
    assert done.code == 2
    assert f"{flag.rstrip('=')} is empty" in done.err
