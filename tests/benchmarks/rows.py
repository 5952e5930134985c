"""One line of the table of benchmarks, and files of them: what was measured, beside what, and how near it should be."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.table import Table

# What two runs of the same code on the same quiet machine differ by at most, as a share; see compare.py.
USUAL_NOISE = 0.10


@dataclass(frozen=True, slots=True)
class Row:
    """`ours` beside `theirs`, the `yardstick` of the same run; both in `unit`, None where there is nothing to say.

    `aim`: the ratio ours / theirs that is to be reached, None for what is only context. `worse`: which way the ratio
    must not go. `noise`: the share by which two runs of the same code differ in it. `note`: what else was seen.
    """

    name: str
    ours: float | None
    unit: str = "ms"
    theirs: float | None = None
    yardstick: str = ""
    aim: float | None = None
    worse: Literal["up", "down"] = "up"
    noise: float = USUAL_NOISE
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """ours / theirs; None where either is unknown or nothing."""
        return self.ours / self.theirs if self.ours is not None and self.theirs else None

    @property
    def is_met(self) -> bool | None:
        """Whether the aim is reached; None without an aim or a ratio."""
        if self.aim is None or self.ratio is None:
            return None
        return self.ratio <= self.aim if self.worse == "up" else self.ratio >= self.aim

    def cells(self) -> tuple[str, str, str, str, str]:
        ours = shown(self.ours, self.unit)
        theirs = shown(self.theirs, self.unit) + (f" ({self.yardstick})" if self.yardstick else "")
        aim = "" if self.aim is None else f"{'≤' if self.worse == 'up' else '≥'} × {self.aim:g}"
        missed = " missed" if self.is_met is False else ""
        return self.name, ours + (f" ({self.note})" if self.note else ""), theirs, times(self.ratio), aim + missed


def shown(value: float | None, unit: str) -> str:
    """Three digits and the unit."""
    if value is None:
        return ""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:.{digits}f} {unit}".strip()


def times(ratio: float | None) -> str:
    return "" if ratio is None else f"× {ratio:.3f}"


def table(rows: Iterable[Row]) -> Table:
    made = Table(title=f"asrcli · Python {platform.python_version()} · {platform.machine()}")
    for heading in ("what", "asrcli", "compared with", "ratio", "aim"):
        made.add_column(heading)
    for row in rows:
        made.add_row(*row.cells())
    return made


def add_run(path: Path, rows: Sequence[Row]) -> None:
    """Append one run to the JSON file at `path`, which is made if there is none. Raises ValueError for another file."""
    document: dict[str, Any] = _document(path) if path.exists() else {"format": 1, "runs": []}
    machine = {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
    document["runs"].append({**machine, "rows": [_as_json(row) for row in rows]})
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_runs(path: Path) -> list[dict[str, Row]]:
    """The rows of each run in the file, by name. Raises ValueError where it is none of ours, and OSError."""
    derived = {"ratio", "met"}
    return [
        {row["name"]: Row(**{key: value for key, value in row.items() if key not in derived}) for row in run["rows"]}
        for run in _document(path)["runs"]
    ]


def _as_json(row: Row) -> dict[str, Any]:
    fields = {name: getattr(row, name) for name in Row.__slots__}
    return {**fields, "ratio": row.ratio, "met": row.is_met}


def _document(path: Path) -> dict[str, Any]:
    document = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(document, dict) or document.get("format") != 1 or not isinstance(document.get("runs"), list):
        raise ValueError(f"{path} holds no benchmarks")
    return document
