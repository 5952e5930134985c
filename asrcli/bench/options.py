"""What is measured and how it is shown, in plain values. None: not said."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BenchOptions:
    """How many tasks, of how much of the file and how many at once; through which pauses a connection is then kept.

    `warm_up_s`: of audio before anything is measured. `idle`: seconds, as in "0,10,30". `yes`: much may be billed
    without being asked about.
    """

    tasks: int | None = None
    clip_s: float | None = None
    at_once: int | None = None
    idle: str | None = None
    warm_up_s: float = 0.0
    yes: bool = False


@dataclass(frozen=True)
class ReportOptions:
    """How the report is shown, and in which file its picture goes."""

    json: bool = False
    plot: Path | None = None
    force: bool = False
    quiet: bool = False
    color: str = "auto"
