"""What a bench will do: how many tasks of which kind in which order, and how much audio that is.

Values and arithmetic; nothing here runs anything.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from asrcli.bench.timings import KINDS, Kind
from asrcli.values.errors import UsageError

DEFAULT_TASKS = 20
# A day: a service that keeps an idle connection longer than that keeps it for ever.
_LONGEST_PAUSE_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Round:
    """`size` tasks of one kind that run at once. Those of a `warm_up` are not counted."""

    kind: Kind
    size: int
    warm_up: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """`tasks` measured ones of `clip_ms` each, half of them cold and half warm, `at_once` together; then the pauses.

    Before, `warm_up_s` of audio at least, one round of each kind after the other, so many at once too.
    Raises UsageError where `tasks` does not divide into rounds.
    """

    clip_ms: int
    tasks: int
    at_once: int = 1
    pauses_s: tuple[float, ...] = ()
    warm_up_s: float = 0.0

    def __post_init__(self) -> None:
        if self.tasks == 0 and self.pauses_s:
            return
        if self.tasks == 0:
            raise UsageError("--tasks 0 leaves nothing to measure but --idle, and that is not given", hint="2 or more")
        both = len(KINDS) * self.at_once
        if self.tasks < both or self.tasks % both:
            fitting = max(both, self.tasks - self.tasks % both)
            why = "half of them are cold and half warm"
            if self.at_once > 1:
                why += f", {self.at_once} at once"
            raise UsageError(
                f"--tasks {self.tasks} does not divide: {why}", hint=f"{fitting} or {fitting + both} would"
            )

    def rounds(self) -> Iterator[Round]:
        """Rounds of each kind to warm up, then cold and warm by turns, so that a drift of the network meets both.

        By turns also means that a kept connection has always idled for as long as one cold task takes.
        """
        if not self.tasks:
            return
        for _ in range(self._warm_ups):
            for kind in KINDS:
                yield Round(kind, self.at_once, warm_up=True)
        for _ in range(self.tasks // (len(KINDS) * self.at_once)):
            for kind in KINDS:
                yield Round(kind, self.at_once)

    @property
    def _warm_ups(self) -> int:
        """Rounds of each kind."""
        return max(1, math.ceil(self.warm_up_s * 1000 / (len(KINDS) * self.clip_ms))) if self.warm_up_s else 1

    @property
    def warm_up_tasks(self) -> int:
        """How many tasks come first and are not counted."""
        return self._warm_ups * len(KINDS) * self.at_once if self.tasks else 0

    @property
    def pause_tasks(self) -> int:
        """How many tasks the pauses take at the most.

        Each is followed by one; before the first, and after one that failed, another makes a connection.
        """
        return 2 * len(self.pauses_s)

    @property
    def sent_tasks(self) -> int:
        """How many tasks send audio at the most."""
        return self.tasks + self.warm_up_tasks + self.pause_tasks

    @property
    def sent_s(self) -> int:
        """Seconds of audio at the most. Services bill whole seconds of each task."""
        return self.sent_tasks * math.ceil(self.clip_ms / 1000)


def default_tasks(at_once: int) -> int:
    """The least number of tasks from DEFAULT_TASKS up that divides into rounds of `at_once`."""
    both = len(KINDS) * at_once
    return math.ceil(DEFAULT_TASKS / both) * both


def parse_pauses(text: str) -> tuple[float, ...]:
    """Seconds from "0,10,30". Raises UsageError for anything else."""
    return tuple(map(_pause_s, text.split(",")))


def _pause_s(text: str) -> float:
    word = text.strip()
    if not re.fullmatch(r"\d+(\.\d+)?", word, re.ASCII) or float(word) > _LONGEST_PAUSE_S:
        raise UsageError(f"--idle {word!r} is not a number of seconds", hint="for example --idle 0,10,30,55,65")
    return float(word)
