"""The spool: what goes in comes out, from memory or from the disk, and room is given back."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.engine.sound.spool import Spool
from asrcli.values.errors import AudioError
from asrcli.values.sound import Chunk
from tests.support.sounds import pcm_chunk


def chunks(lengths: list[int]) -> list[Chunk]:
    return [
        pcm_chunk(bytes([number % 251]) * (2 * length), number, number % 2 == 1)
        for number, length in enumerate(lengths)
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
    parked = [spool.put(pcm_chunk(bytes(400), number)) for number in range(10)]
    assert [isinstance(item, Chunk) for item in parked] == [True, True] + [False] * 8
    assert all(item.chunk.data == b"" for item in parked[2:])
    for item in parked[2:]:
        spool.drop(item)
    assert spool._file.seek(0, 2) == 0
    # Room in memory again.
    spool.drop(parked[0])
    assert isinstance(spool.put(pcm_chunk(bytes(400), 11)), Chunk)
    spool.close()


def test_a_full_disk_loses_no_sound(monkeypatch: pytest.MonkeyPatch):
    def refuse(**_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    spool = Spool(0)
    chunk = pcm_chunk(b"ab", 1)
    assert spool.get(spool.put(chunk)) == chunk


class Disk:
    """A file that does what disks do now and then: `calls` of it move one byte only or fail, None for as it should."""

    def __init__(self, file: IO[bytes], **calls: OSError | int) -> None:
        self._file = file
        self._calls = calls

    def __getattr__(self, name: str) -> Any:
        trouble = self._calls.get(name)
        if isinstance(trouble, OSError):
            return self._fail(trouble)
        what = getattr(self._file, name)
        return what if trouble is None else lambda given: what(trouble if isinstance(given, int) else given[:trouble])

    def _fail(self, error: OSError) -> Any:
        def fail(*_: object) -> None:
            raise error

        return fail


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Spool]]:
    """Makes a spool that keeps everything on such a disk."""
    with ExitStack() as files:

        def make(**calls: OSError | int) -> Spool:
            file = files.enter_context((tmp_path / "spool").open("wb+", buffering=0))
            monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: Disk(file, **calls))
            return Spool(0)

        yield make


EIO = OSError(5, "Input/output error")


def test_reads_and_writes_that_move_a_part_lose_nothing(disk):
    spool = disk(read=1, write=1)
    chunk = pcm_chunk(b"abcdef", 3)
    parked = spool.put(chunk)
    assert not isinstance(parked, Chunk)
    assert spool.get(parked) == chunk


def test_sound_that_the_disk_does_not_give_back_is_an_error(disk):
    spool = disk(read=EIO)
    with pytest.raises(AudioError, match=r"cannot be read again: Input/output error"):
        spool.get(spool.put(pcm_chunk(b"ab", 1)))
    spool = disk()
    parked = spool.put(pcm_chunk(b"ab", 1))
    spool._file.truncate(1)
    with pytest.raises(AudioError, match="no longer there"):
        spool.get(parked)


def test_a_disk_that_takes_nothing_back_is_no_reason_to_end(disk):
    spool = disk(truncate=EIO, close=EIO)
    spool.drop(spool.put(pcm_chunk(b"ab", 1)))
    chunk = pcm_chunk(b"cd", 2)
    assert spool.get(spool.put(chunk)) == chunk
    spool.close()
    spool.close()
