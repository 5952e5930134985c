"""Ids, each with a number, in some twenty bytes each: a dict of a million strings takes ten times as much."""

from __future__ import annotations

from array import array

_FIRST_SLOTS = 1 << 10
# Of four bytes nearly everywhere.
_NUMBER = "I"


class Numbers:
    """The numbers of ids, from 0 in the order in which they first came. Of each id its digest is kept, of 64 bits.

    Two of a million have the same digest by chance once in thirty million times.
    """

    def __init__(self) -> None:
        self._digests = array("Q")
        # A digest is looked for at a place of its own, and on from there up to a free one. A number and 1; 0 for free.
        self._slots = array(_NUMBER, [0]) * _FIRST_SLOTS

    def __len__(self) -> int:
        return len(self._digests)

    def find(self, digest: int) -> int | None:
        """The number of the id with that digest; None for one that has not come yet."""
        taken = self._slots[self._slot(digest)]
        return taken - 1 if taken else None

    def add(self, digest: int) -> int:
        """The number of the id with that digest: the next one where it has not come before."""
        slot = self._slot(digest)
        if not self._slots[slot]:
            self._digests.append(digest)
            self._slots[slot] = len(self._digests)
            if 2 * len(self._digests) >= len(self._slots):
                self._grow()
            return len(self._digests) - 1
        return self._slots[slot] - 1

    def _slot(self, digest: int) -> int:
        slots, digests = self._slots, self._digests
        mask = len(slots) - 1
        slot = digest & mask
        while (taken := slots[slot]) and digests[taken - 1] != digest:
            slot = (slot + 1) & mask
        return slot

    def _grow(self) -> None:
        self._slots = array(_NUMBER, [0]) * (4 * len(self._slots))
        for number, digest in enumerate(self._digests, 1):
            self._slots[self._slot(digest)] = number
