"""A lock on an open file, which is held for as long as the file is open or the process lives, however that ends."""

from __future__ import annotations

import enum
import errno
import sys


class Taken(enum.Enum):
    """What became of the wish for a lock: some file systems, and Windows, have none."""

    OURS = enum.auto()
    ANOTHERS = enum.auto()
    NO_LOCKS = enum.auto()


def take(descriptor: int) -> Taken:
    """Ask for the file to be ours alone, at once and without waiting for who else holds it."""
    if sys.platform == "win32":
        return Taken.NO_LOCKS
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return Taken.ANOTHERS if error.errno in (errno.EWOULDBLOCK, errno.EACCES) else Taken.NO_LOCKS
    return Taken.OURS
