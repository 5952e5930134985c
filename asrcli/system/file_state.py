"""Whether a source is still the file that it was: what changes while it is read may be missing from what was read."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import sys
from pathlib import Path
from typing import NamedTuple, Self

from asrcli.values.errors import DecodeError
from asrcli.values.events import Notice
from asrcli.values.source_name import STANDARD_INPUT, label


def check_name(path: Path) -> None:
    """Raise OSError for a name as long as the system has none; from Python 3.14 on `Path.exists` no longer does."""
    try:
        path.lstat()
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            raise


def file_sha256(path: Path) -> str:
    """The hash of a file's bytes. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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

    def is_alike(self, other: FileState) -> bool:
        """Whether both are of one size and time: another machine has another number for the same file."""
        return self[2:] == other[2:]

    def is_same_file(self, other: FileState) -> bool:
        """Whether both are states of one file, which may have changed."""
        return self[:2] == other[:2]


def change_since(name: str, before: FileState | None) -> DecodeError | Notice | None:
    """What has happened to the source `name`: what makes its results doubtful, or is to be told; None where nothing."""
    now = FileState.of(name)
    if before is None or now is None or now == before:
        return None
    if now.is_same_file(before):
        return changed(name)
    # What was opened could be read to its end all the same.
    return Notice(f"{label(name)} was replaced while it was read", "the new one was not transcribed")


def changed(name: str) -> DecodeError:
    """The error of a file that is no longer what was opened."""
    return DecodeError(
        f"{label(name)} changed while it was read: some of it may not have been recognised",
        hint="transcribe it again when nothing writes to it any more",
    )
