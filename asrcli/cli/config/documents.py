"""What `asrcli config` tells, for JSON."""

from __future__ import annotations

import os
from typing import Any

from asrcli.cli.commands import SUMMARIES
from asrcli.cli.config_files import Resolved
from asrcli.output.settings import InForce, document
from asrcli.settings.files import ConfigFile, Problem


def of_settings(
    words: list[str], found: Resolved, files: tuple[ConfigFile, ...], settings: list[InForce]
) -> dict[str, object]:
    """What `show` has found for `words`."""
    return {
        "command": words[0] if words and words[0] in SUMMARIES else None,
        "profile": found.profile,
        "files": [of_file(file) for file in files],
        "settings": [document(each) for each in settings],
        "problems": [*map(of_problem, found.problems)],
    }


def of_file(file: ConfigFile) -> dict[str, Any]:
    """Where it is, whether it is there, and why it cannot be read."""
    return {
        "whose": file.whose,
        "path": os.fspath(file.path.absolute()),
        "exists": file.exists,
        "problem": file.problem,
        "line": file.line,
    }


def of_problem(problem: Problem) -> dict[str, Any]:
    """Where it is, and what to do."""
    return {
        "path": os.fspath(problem.path),
        "line": problem.line,
        "message": problem.message,
        "hint": problem.hint or None,
    }
