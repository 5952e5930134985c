"""Which sources may be what their workers died of: those that were lost with one are heard in ever smaller company.

A worker may die of a source, or of something else while it had it: it is ended from outside, or runs out of memory.
What is lost with its worker is heard once more in at most half of the company that it had, and at last alone. A source
is given up only for workers that were lost while they had nothing else: _ALONE of them where no other worker has been
lost since the first of those, one more for each that has, and _MOST_ALONE at the most.

So a source beside which another one kills is never given up, and one whose workers are ended from outside only if that
meets it, and it alone, so often before it is over. Each of them that comes to its end says that it was not what others
died of, or not alone: the rest is heard in twice the company then, up to what it had at first, and _RECOVERIES times.

One that kills is always found: each time it either halves its company or was alone. That costs at most log2(company) +
_RECOVERIES workers that had others too, and then three that had none: 10 in all where it began among 20, 15 among
1,000, and three more where others are lost meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from asrcli.values.errors import AsrcliError

_ALONE, _MOST_ALONE = 3, 6
_RECOVERIES = 3


class KillsWorkers(AsrcliError):  # noqa: N818 - it names what was found
    """Each worker that was given a source was lost before it was over."""

    def __init__(self) -> None:
        super().__init__(
            "one worker after another was lost while it had nothing but this source",
            hint="look for what it does to a worker: asrcli file with this source alone, on one of the machines",
        )


@dataclass(slots=True)
class _Suspect:
    """`company`: so many a worker may have, the source among them; `most`: and so many at first.

    `alone`: so many were lost that had it alone; `since`: how many had been lost in all when the first of those was.
    """

    company: int
    most: int
    recoveries: int = _RECOVERIES
    alone: int = 0
    since: int = 0


class Suspects:
    """Of a run. Of sources that were lost with no worker, and of those that are over, nothing is kept."""

    def __init__(self) -> None:
        self._suspects: dict[int, _Suspect] = {}
        self._lost = 0

    def company(self, number: int) -> int | None:
        """How many a worker may have that has source `number`, itself among them; None where that does not matter."""
        suspect = self._suspects.get(number)
        return None if suspect is None else suspect.company

    def lost(self, numbers: Iterable[int]) -> list[int]:
        """A worker was lost while it had these sources: those of them that are given up, and known no more."""
        had = [*numbers]
        self._lost += 1
        for number in had:
            suspect = self._suspects.setdefault(number, _Suspect(len(had), len(had)))
            suspect.company = max(1, len(had) // 2)
        return [number for number in had if len(had) == 1 and self._is_given_up(number)]

    def forget(self, number: int) -> None:
        """It is over."""
        self._suspects.pop(number, None)

    def ended(self, number: int) -> bool:
        """Its worker has outlived it. Whether others may have more company for that."""
        if self._suspects.pop(number, None) is None:
            return False
        growing = [each for each in self._suspects.values() if each.recoveries and each.company < each.most]
        for each in growing:
            each.company = min(2 * each.company, each.most)
            each.recoveries -= 1
        return bool(growing)

    def _is_given_up(self, number: int) -> bool:
        """Whether the worker that was lost now, with nothing but this source, was the last one."""
        suspect = self._suspects[number]
        suspect.alone += 1
        if suspect.alone == 1:
            suspect.since = self._lost
        others = self._lost - suspect.since - (suspect.alone - 1)
        if suspect.alone < min(_ALONE + others, _MOST_ALONE):
            return False
        self.forget(number)
        return True
