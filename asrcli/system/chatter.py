"""Silence for C libraries that print to standard error on their own, as libmpg123 does inside libsndfile.

Their notes would tear a live view. Redirecting descriptor 2 would also swallow what other threads of ours print, so
only the C library's `stderr` stream is exchanged, which Python does not write to.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_lock = threading.Lock()
_depth = 0
_saved: int | None = None


@contextmanager
def quiet_c_library() -> Iterator[None]:
    """Within it, C code that prints to `stderr` is not heard, in any thread. Costs microseconds; may be nested.

    Without effect where `stderr` is a constant (musl) or unknown: there the notes are shown.
    """
    streams = _streams()
    if streams is None:
        yield
        return
    stderr, null = streams
    _enter(stderr, null)
    try:
        yield
    finally:
        _leave(stderr)


def _enter(stderr: ctypes.c_void_p, null: int) -> None:
    global _depth, _saved
    with _lock:
        if _depth == 0:
            _saved = stderr.value
            stderr.value = null
        _depth += 1


def _leave(stderr: ctypes.c_void_p) -> None:
    global _depth
    with _lock:
        _depth -= 1
        if _depth == 0:
            stderr.value = _saved


@cache
def _streams() -> tuple[ctypes.c_void_p, int] | None:
    """The variable that holds the C library's `stderr`, and a FILE that leads nowhere; None if it must not be set."""
    if sys.platform == "darwin":
        symbol = "__stderrp"
    elif _is_glibc():
        symbol = "stderr"
    else:
        return None
    library = ctypes.CDLL(None)
    library.fopen.restype = ctypes.c_void_p
    null = library.fopen(b"/dev/null", b"w")
    return (ctypes.c_void_p.in_dll(library, symbol), null) if null else None


def _is_glibc() -> bool:
    if sys.platform == "win32" or "CS_GNU_LIBC_VERSION" not in os.confstr_names:
        return False
    try:
        return bool(os.confstr("CS_GNU_LIBC_VERSION"))
    except (OSError, ValueError):
        return False
