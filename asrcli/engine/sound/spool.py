"""Chunks that wait: in memory up to a bound, beyond that in a temporary file without a name.

Knows no order and no time; whoever puts chunks in keeps what it gets back.
"""

from __future__ import annotations

import contextlib
import tempfile
import typing

from asrcli.values.errors import AudioError
from asrcli.values.sound import Chunk

# More than two minutes at 16 kHz: an outage that lasts longer is written to the disk.
MEMORY_BYTES = 4 << 20


class OnDisk(typing.NamedTuple):
    """A chunk without its bytes, and where those stand in the file."""

    chunk: Chunk
    offset: int
    length_bytes: int

    @property
    def end_sample(self) -> int:
        return self.chunk.end_sample


Parked = Chunk | OnDisk
"""A chunk that waits: itself while it is in memory."""


class Spool:
    """Not for several threads at once."""

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        self._memory_bytes = memory_bytes
        self._in_memory_bytes = 0
        self._on_disk = 0
        self._file: typing.IO[bytes] | None = None

    def put(self, chunk: Chunk) -> Parked:
        """Take `chunk` in. A disk that is full is no reason to lose sound: it stays in memory then."""
        length = len(chunk.data)
        if self._in_memory_bytes + length > self._memory_bytes:
            with contextlib.suppress(OSError):
                return self._to_disk(chunk, length)
        self._in_memory_bytes += length
        return chunk

    def get(self, parked: Parked) -> Chunk:
        """The chunk as it was. Raises AudioError if the disk can no longer be read."""
        if isinstance(parked, Chunk):
            return parked
        assert self._file is not None
        try:
            self._file.seek(parked.offset)
            data = b""
            # A read may bring less than was asked for.
            while piece := self._file.read(parked.length_bytes - len(data)):
                data += piece
        except OSError as error:
            raise _lost(error.strerror) from error
        if len(data) < parked.length_bytes:
            raise _lost("it is no longer there")
        return parked.chunk._replace(data=data)

    def drop(self, parked: Parked) -> None:
        """`parked` will not be asked for again."""
        if isinstance(parked, Chunk):
            self._in_memory_bytes -= len(parked.data)
            return
        self._on_disk -= 1
        if self._on_disk == 0 and self._file is not None:
            # Room that cannot be given back now is given back by the next one, or at the end.
            with contextlib.suppress(OSError):
                self._file.seek(0)
                self._file.truncate()

    def close(self) -> None:
        """Let go of the file; what was on it is gone."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()

    def _to_disk(self, chunk: Chunk, length: int) -> OnDisk:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="asrcli-", buffering=0)  # noqa: SIM115 - closed by close
        offset = self._file.seek(0, 2)
        rest = memoryview(chunk.data)
        try:
            while rest:
                # A disk that is nearly full takes a part of it and refuses the rest.
                rest = rest[self._file.write(rest) :]
        except OSError:
            self._file.truncate(offset)
            raise
        self._on_disk += 1
        return OnDisk(chunk._replace(data=b""), offset, length)


def _lost(reason: str | None) -> AudioError:
    return AudioError(
        f"sound that waited on the disk cannot be read again: {reason}", hint="see whether the disk is well"
    )
