"""The spool: what goes in comes out, from memory or from the disk, and room is given back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli import spool as spool_module
from asrcli.pcm import Chunk
from asrcli.spool import Spool


def chunks(lengths: list[int]) -> list[Chunk]:
    return [
        Chunk(bytes([number % 251]) * (2 * length), number, number % 2 == 1) for number, length in enumerate(lengths)
    ]


@given(st.lists(st.integers(0, 50), max_size=30), st.integers(0, 600))
def test_every_chunk_comes_back_as_it_was(lengths, memory_bytes):
    spool = Spool(memory_bytes)
    given_chunks = chunks(lengths)
    parked = [spool.put(chunk) for chunk in given_chunks]
    assert [spool.get(item) for item in reversed(parked)] == given_chunks[::-1]
    for item in parked:
        spool.drop(item)
    spool.close()


def test_memory_is_bounded_and_the_disk_is_given_back():
    spool = Spool(1000)
    parked = [spool.put(Chunk(bytes(400), number)) for number in range(10)]
    assert [isinstance(item, Chunk) for item in parked] == [True, True] + [False] * 8
    assert all(item.chunk.data == b"" for item in parked[2:])
    for item in parked[2:]:
        spool.drop(item)
    assert spool._file.seek(0, 2) == 0
    # Room in memory again.
    spool.drop(parked[0])
    assert isinstance(spool.put(Chunk(bytes(400), 11)), Chunk)
    spool.close()


def test_a_full_disk_loses_no_sound(monkeypatch: pytest.MonkeyPatch):
    def refuse(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(spool_module.tempfile, "TemporaryFile", refuse)
    spool = Spool(0)
    chunk = Chunk(b"ab", 1)
    assert spool.get(spool.put(chunk)) == chunk
