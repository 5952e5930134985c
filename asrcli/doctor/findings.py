"""What a check is, and what it finds: plain values. How they are shown is decided elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warn", "fail"]
"""fail: something that is needed does not work. warn: something works in part, or is missing for one command."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check has come to. `fix` is one thing to do, `affects` what does not work; `ms` is how long it took.

    `detail` may hold a key or a path of the user's home: whoever shows it sees to that.
    """

    id: str
    group: str
    name: str
    status: Status
    detail: str
    fix: str | None = None
    affects: str | None = None
    ms: int | None = None


@dataclass(frozen=True, slots=True)
class Loudness:
    """How loud the microphone is at this moment, in dB below full scale; None for digital silence."""

    peak_dbfs: float | None


@dataclass(frozen=True, slots=True)
class Subject:
    """What findings are about. `affects` is told with a fault only."""

    id: str
    group: str
    name: str
    affects: str | None = None

    def ok(self, detail: str, fix: str | None = None, *, ms: float | None = None) -> Finding:
        """`fix`: what could be added, though nothing is wrong."""
        return Finding(self.id, self.group, self.name, "ok", detail, fix, None, _whole(ms))

    def warn(self, detail: str, fix: str | None = None, *, works: bool = False, ms: float | None = None) -> Finding:
        """`works`: nothing is affected yet."""
        affects = None if works else self.affects
        return Finding(self.id, self.group, self.name, "warn", detail, fix or None, affects, _whole(ms))

    def fail(self, detail: str, fix: str | None = None, *, ms: float | None = None) -> Finding:
        return Finding(self.id, self.group, self.name, "fail", detail, fix or None, self.affects, _whole(ms))


@dataclass(frozen=True, slots=True)
class Check:
    """`find` may wait for whatever it likes, and raise: `examine` bounds it, and makes a finding of what it raises.

    `subject` is what it is about where it cannot say so itself. Where it is given up, `abandon` is called, and
    `when_it_hangs` is what to do.
    """

    subject: Subject
    find: Callable[[], Iterable[Finding | Loudness]]
    abandon: Callable[[], None] = lambda: None
    when_it_hangs: str = "try again; if it stays so, please report it with this page"


def _whole(ms: float | None) -> int | None:
    return None if ms is None else round(ms)
