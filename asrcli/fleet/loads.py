"""How many sources each worker has, and who has room for another one."""

from __future__ import annotations

from collections import defaultdict


class Loads:
    """By the names of workers. Those with the fewest sources come first; of several, who has waited longest.

    A source that is to be heard in small company is given with how many its worker may have, itself among them.
    """

    def __init__(self) -> None:
        self._most: dict[str, int] = {}
        self._running: dict[str, set[int]] = {}
        # Of the sources in small company, by worker and number.
        self._companies: defaultdict[str, dict[int, int]] = defaultdict(dict)
        # Those with room, by how many sources they have; below the least level there are none.
        self._levels: list[dict[str, None]] = [{}]
        self._least = 0
        self._reserved: str | None = None

    def join(self, worker: str, most: int) -> None:
        """It takes `most` at once from now on."""
        self._leave_level(worker)
        self._most[worker] = most
        self._running.setdefault(worker, set())
        self._enter_level(worker)

    def leave(self, worker: str) -> set[int]:
        """It is gone; what it had."""
        self._leave_level(worker)
        del self._most[worker]
        self._companies.pop(worker, None)
        return self._running.pop(worker)

    def give(self, worker: str, number: int, company: int | None) -> None:
        self._leave_level(worker)
        self._running[worker].add(number)
        if company is not None:
            self._companies[worker][number] = company
            self._reserved = None
        self._enter_level(worker)

    def take_away(self, worker: str, number: int) -> None:
        self._leave_level(worker)
        self._running[worker].discard(number)
        if worker in self._companies:
            self._companies[worker].pop(number, None)
        self._enter_level(worker)

    def least_loaded(self, avoid: frozenset[str], company: int | None = None) -> str | None:
        """One that has room and is none of `avoid`, unless all are; None where none has room."""
        if avoid and avoid.issuperset(self._most):
            avoid = frozenset()
        if company is None and self._reserved is not None:
            avoid |= {self._reserved}
        while self._least < len(self._levels) - 1 and not self._levels[self._least]:
            self._least += 1
        levels = range(self._least, len(self._levels) if company is None else min(company, len(self._levels)))
        return next((worker for level in levels for worker in self._levels[level] if worker not in avoid), None)

    def reserve(self, avoid: frozenset[str]) -> None:
        """Have a worker get fewer, until it takes one that is to be heard in small company and fits nowhere.

        One at a time, where none has such sources: else many of them would leave all workers with one each.
        """
        if any(self._companies.values()) or (self._reserved is not None and self._most.get(self._reserved)):
            return
        able = [worker for worker, most in self._most.items() if most and worker not in avoid]
        self._reserved = min(able, key=lambda worker: len(self._running[worker]), default=None)

    def _leave_level(self, worker: str) -> None:
        numbers = self._running.get(worker)
        if numbers is not None and len(numbers) < len(self._levels):
            self._levels[len(numbers)].pop(worker, None)

    def _enter_level(self, worker: str) -> None:
        level = len(self._running[worker])
        if level < min([self._most[worker], *self._companies.get(worker, {}).values()]):
            self._levels += [{} for _ in range(level + 1 - len(self._levels))]
            self._levels[level][worker] = None
            self._least = min(self._least, level)
