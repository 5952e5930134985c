"""Ids and their numbers: what a dict would say, in a fraction of its memory."""

from __future__ import annotations

import random
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from asrcli.fleet.numbers import Numbers

_MOST = (1 << 64) - 1


# Small ones meet at the same places.
@given(st.lists(st.integers(0, 40) | st.integers(0, _MOST) | st.integers(0, 8).map(lambda each: each << 40)))
def test_ids_are_numbered_in_the_order_in_which_they_first_came(digests):
    numbers, expected = Numbers(), dict[int, int]()
    for digest in digests:
        assert numbers.find(digest) == expected.get(digest)
        assert numbers.add(digest) == expected.setdefault(digest, len(expected))
    assert len(numbers) == len(expected)
    assert [numbers.find(digest) for digest in digests] == [expected[digest] for digest in digests]


def test_it_grows_and_stays_small():
    chance = random.Random(1)
    digests = [chance.getrandbits(64) for _ in range(20_000)]
    tracemalloc.start()
    numbers = Numbers()
    for digest in digests:
        numbers.add(digest)
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used < 24 * len(digests)
    assert [numbers.find(digest) for digest in digests] == [*range(len(digests))]
    assert numbers.find(chance.getrandbits(64)) is None
