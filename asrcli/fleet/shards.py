"""Which sources of a corpus are done here: a part of them that depends on nothing but what each is called."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Self

from asrcli.values.errors import UsageError

DIGEST_BYTES = 8


def digest_of(id: str) -> int:
    """64 bits that stand for `id`, on every machine the same."""
    return int.from_bytes(blake2b(id.encode("utf-8", "surrogatepass"), digest_size=DIGEST_BYTES).digest(), "big")


@dataclass(frozen=True, slots=True)
class Shard:
    """The part `number` of `count`, from 1."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """What --shard says. Raises UsageError."""
        said = re.fullmatch(r"([0-9]{1,9})/([0-9]{1,9})", text.strip())
        if said is None:
            raise UsageError(f"--shard {text!r} is not K/N", hint="--shard 2/8 is the second of eight")
        number, count = int(said[1]), int(said[2])
        if not 1 <= number <= count:
            raise UsageError(f"--shard {text}: K/N goes from 1/N to N/N", hint="--shard 2/8 is the second of eight")
        return cls(number, count)

    def has(self, digest: int) -> bool:
        """Whether the source whose id has that digest is in it."""
        return digest % self.count == self.number - 1

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"
