"""Files that are whole or not there: written beside their place, and moved into it in the end."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def beside(path: Path, ending: str) -> Iterator[Path]:
    """A name for a new file in the folder of `path`. In the end that file is gone, unless it was moved."""
    # By chance and not by the process's number, which in a container is the same each time.
    part = path.with_name(f".asrcli-{secrets.token_hex(8)}{ending}")
    try:
        yield part
    finally:
        part.unlink(missing_ok=True)


def settle(path: Path) -> None:
    """Return when the file or folder `path` is on the disk: it outlives a power cut then. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
