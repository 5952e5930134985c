"""How many files and sockets this process may have open."""

from __future__ import annotations

import sys

# More than a thousand streams need, each with a file, a socket and the pipes of a decoder.
WANTED = 16_384


def allow_many() -> int:
    """Raise the soft limit of open files as far as we may: it is often 1024. Returns what it is then."""
    if sys.platform == "win32":
        return WANTED  # It counts no sockets, and files by other means.
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(hard, WANTED)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return WANTED if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
