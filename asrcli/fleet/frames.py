"""Pieces of bytes, each of its length, through a pipe."""

from __future__ import annotations

import struct
from typing import IO

_LENGTH = struct.Struct("!I")
STILL_THERE = b""
"""Whoever writes it is there, and has nothing to say."""
END = b"end"
"""The head needs the crew no more. Nothing that is pickled looks so."""


def write(pipe: IO[bytes], data: bytes) -> None:
    """Raises OSError where nobody reads any more."""
    pipe.write(_LENGTH.pack(len(data)) + data)
    pipe.flush()


def read(pipe: IO[bytes]) -> bytes | None:
    """The next piece; None at the end, or where one breaks off."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    length = _LENGTH.unpack(head)[0]
    data = pipe.read(length)
    return data if len(data) == length else None
