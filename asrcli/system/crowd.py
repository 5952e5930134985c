"""What many streams at once need of the machine, and of Python."""

from __future__ import annotations

import contextlib
import gc
import sys

from asrcli.system.open_files import allow_many
from asrcli.values.errors import UsageError

# The source, the socket, the pipes of a decoder and what a long result is kept in meanwhile.
_FILES_PER_JOB = 6
_FILES_BESIDE = 64
# From malloc.h.
_M_ARENA_MAX = -8


def make_room(jobs: int) -> int:
    """Make room for so many jobs at once; returns how many files may be open beside theirs.

    Raises UsageError where the system does not let us.
    """
    if jobs > 1:
        # A thread that shows results gives way to the one that sends after this, not after the usual 5 ms.
        sys.setswitchinterval(0.001)
        # To look through all that a thousand streams hold makes each of them late, and finds nothing.
        gc.set_threshold(2000, 10, 1000)
        _share_memory()
    needed = jobs * _FILES_PER_JOB + _FILES_BESIDE
    most = allow_many()
    if jobs > 1 and most < needed:
        raise UsageError(
            f"--jobs {jobs} needs about {needed} open files, and this system allows {most}",
            hint=f"--jobs {max(1, (most - _FILES_BESIDE) // _FILES_PER_JOB)}, or raise the limit with ulimit -n",
        )
    return max(0, most - needed)


def _share_memory() -> None:
    """Have all threads take their memory from one heap, where the C library is glibc.

    It would give each handshake's thread a heap of its own, and what is free in there is of no use to the others. That
    spares threads waiting for each other, which Python's do anyway.
    """
    import ctypes

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
