"""What Linux and macOS have and Windows has not, each behind a function that says so there in one line.

mypy reads the package as each of the three systems would (`make check`): what only POSIX knows is named here, or
beside a look at `sys.platform`. On Windows help, models and settings work; who waits for sound or a connection is told.
"""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Callable

from asrcli.values.errors import UsageError

Poll = Callable[[float | None], list[tuple[int, int]]]
"""Waits so many milliseconds, None for as long as it takes; returns (descriptor, events) of those that are ready."""

if sys.platform == "win32":
    NON_BLOCKING = 0
    # No terminal says there that it goes.
    HANGUP = signal.SIGTERM
    ENDING = (signal.SIGINT, signal.SIGTERM)
else:
    NON_BLOCKING = os.O_NONBLOCK
    """For os.open: an open that does not wait for the other end of a pipe."""
    HANGUP = signal.SIGHUP
    ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    """The signals that ask a program to end."""


def unsupported(what: str) -> UsageError:
    """The error of a system that is no POSIX system. `what` cannot be done there, as the subject of a sentence."""
    return UsageError(f"{what} takes Linux or macOS", hint="on Windows, run asrcli in WSL (wsl --install)")


def poll_readable(*descriptors: int) -> Poll:
    """Of any descriptor number: select() refuses those above 1023. Raises UsageError on Windows."""
    if sys.platform == "win32":
        raise unsupported("waiting for sound, pipes and connections at once")
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return poll.poll


def wait_writable(descriptor: int) -> None:
    """Return when `descriptor` takes something, or has gone. Raises UsageError on Windows."""
    if sys.platform == "win32":
        raise unsupported("writing to a shared pipe or terminal")
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    poll.poll()


def reader_gone(descriptor: int) -> Callable[[], bool]:
    """A function that tells, at once, whether nobody reads the pipe or socket any more. Never so on Windows."""
    if sys.platform == "win32":
        return lambda: False
    poll = select.poll()
    # No events asked for: errors and hang-ups are reported all the same.
    poll.register(descriptor, 0)
    return lambda: any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))


def read_at(fd: int, size_bytes: int, offset_bytes: int) -> bytes:
    """Read without moving the file's position. Raises OSError, and UsageError on Windows."""
    if sys.platform == "win32":
        raise unsupported("reading sound")
    return os.pread(fd, size_bytes, offset_bytes)


def write_at(fd: int, data: bytes | memoryview, offset_bytes: int) -> int:
    """Write without moving the file's position; returns how many bytes it took. Raises as `read_at`."""
    if sys.platform == "win32":
        raise unsupported("saving sound")
    return os.pwrite(fd, data, offset_bytes)


def set_blocking(fd: int, blocking: bool) -> None:
    """As os.set_blocking; without effect on Windows, where nothing else was opened."""
    if sys.platform != "win32":
        os.set_blocking(fd, blocking)
