"""Where live sound lies that could not be recognised."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from asrcli.system.folders import state_folder

PATTERN = "unrecognised-*"
"""What its files are called; in the order of their names they are in the order of time."""


def folder(environ: Mapping[str, str], home: Path) -> Path:
    """The user's state folder."""
    return state_folder(environ, home)


def rescued(environ: Mapping[str, str], home: Path) -> list[Path]:
    """The recordings that are there, the oldest first."""
    return sorted(folder(environ, home).glob(PATTERN))
