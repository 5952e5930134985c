"""Runs the program in this process, as the shell would, and hands back what it wrote."""

from __future__ import annotations

import functools
import json
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import typer.main

from asrcli.cli import app
from asrcli.output.places.streams import guard
from tests.support.service import running_service

# Half of a short run is spent on the signatures of its commands. Here one run comes after another: they are read once.
typer.main.get_params_from_function = functools.cache(typer.main.get_params_from_function)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """Standard output as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


Program = Callable[..., Outcome]


@pytest.fixture
def asrcli(capfd: pytest.CaptureFixture[str]) -> Program:
    def run(*arguments: object) -> Outcome:
        with pytest.MonkeyPatch.context() as streams:
            # They are put back afterwards.
            for name in ("stdout", "stderr"):
                streams.setattr(sys, name, getattr(sys, name))
            guard()
            code = app.run([str(argument) for argument in arguments])
        # A service in this process still logs, and what the program wrote to is closed after the test.
        logging.getLogger("asrcli").handlers = [logging.NullHandler()]
        captured = capfd.readouterr()
        return Outcome(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def talk_service() -> Iterator[str]:
    """The address of a service that recites the sample talk as its audio passes."""
    with running_service() as service:
        yield service.url
