"""Files that are whole or not there: written beside their place, and moved into it in the end."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import sys
from collections.abc import Container, Iterator
from pathlib import Path

from asrcli.system.locks import Taken, take

_PART = re.compile(r"\.asrcli-[0-9a-f]{16}\.\w+")


@contextlib.contextmanager
def beside(path: Path, ending: str) -> Iterator[Path]:
    """A name for a new file in the folder of `path`. In the end that file is gone, unless it was moved."""
    # By chance and not by the process's number, which in a container is the same each time.
    part = path.with_name(f".asrcli-{secrets.token_hex(8)}{ending}")
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


@contextlib.contextmanager
def held_beside(path: Path, ending: str) -> Iterator[Path]:
    """As `beside`, for a file that takes long: it is there from the start, empty, and `clear_abandoned` spares it."""
    with beside(path, ending) as part:
        descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            take(descriptor)
            yield part
        finally:
            os.close(descriptor)


def clear_abandoned(folder: Path, endings: Container[str]) -> None:
    """Remove files of `held_beside` with one of `endings` that killed processes have left in `folder`."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if _PART.fullmatch(entry.name) and Path(entry.name).suffix in endings:
                _remove_unless_held(entry.path)


def _remove_unless_held(path: str) -> None:
    # Where there are no such locks, nothing is known to be abandoned.
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDWR)
        try:
            if take(descriptor) is Taken.OURS:
                Path(path).unlink()
        finally:
            os.close(descriptor)


def settle(path: Path) -> None:
    """Return when the file or folder `path` is on the disk: it outlives a power cut then. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[bool]:
    """Keep others who ask so from `folder` meanwhile; False where the system or the file system knows no such lock.

    Waits for who holds the lock. Raises OSError where the folder cannot be opened.
    """
    if sys.platform == "win32":
        yield False
        return
    import fcntl

    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            is_locked = True
        except OSError:
            is_locked = False
        yield is_locked
    finally:
        os.close(descriptor)
