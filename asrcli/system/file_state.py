"""Whether a source is still the file that it was: what changes while it is read may be missing from what was read."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path
from typing import NamedTuple, Self

from asrcli.values.source_name import STANDARD_INPUT


def check_name(path: Path) -> None:
    """Raise OSError for a name as long as the system has none; from Python 3.14 on `Path.exists` no longer does."""
    try:
        path.lstat()
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            raise


class FileState(NamedTuple):
    """What the system says of a regular file that a change of its bytes would show in."""

    device: int
    inode: int
    size_bytes: int
    modified_ns: int

    @classmethod
    def of(cls, name: str) -> Self | None:
        """The state of the source `name`, now; None where there is no regular file."""
        try:
            status = os.fstat(sys.stdin.fileno()) if name == STANDARD_INPUT else Path(name).stat()
        except (OSError, ValueError, AttributeError):
            # No such file, or no such stream.
            return None
        if not stat.S_ISREG(status.st_mode):
            return None
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)

    def is_same_file(self, other: FileState) -> bool:
        """Whether both are states of one file, which may have changed."""
        return self[:2] == other[:2]
