"""All bytes of an object in a file of ours, for what can only be read from anywhere in it; gone with the process."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from asrcli.remote.base import RemoteError

# Of what says no length, or a wrong one.
_MOST_BYTES = 16 << 30
# What others may need of the disk.
_SPARED_BYTES = 256 << 20
_LOOKED_EVERY_BYTES = 32 << 20


class TemporaryFile:
    """A file that nobody else sees, where the system can hide one. `path`: where it can be opened, also by children.

    `shown` names what is kept in it.
    """

    def __init__(self, shown: str) -> None:
        self._shown = shown
        self._folder = tempfile.gettempdir()
        try:
            fd, self.path = tempfile.mkstemp(prefix="asrcli-")
        except OSError as error:
            raise self._failure(error.strerror or str(error)) from error
        self._file = os.fdopen(fd, "wb")
        hidden = Path(f"/proc/{os.getpid()}/fd/{fd}")
        self._named: Path | None = Path(self.path)
        if hidden.exists():
            # From now on no kill leaves it behind.
            self._forget_name()
            self.path = str(hidden)

    def fill(self, pieces: Iterable[bytes], size_bytes: int | None) -> None:
        """Keep `pieces`, `size_bytes` in all as far as that is known.

        Raises RemoteError where the disk has no room, or it is more than anybody wants there.
        """
        self._check_room(size_bytes or 0, size_bytes or 0)
        came_bytes = 0
        looked_at = _LOOKED_EVERY_BYTES
        try:
            for data in pieces:
                came_bytes += len(data)
                if came_bytes >= looked_at:
                    looked_at += _LOOKED_EVERY_BYTES
                    self._check_room(came_bytes, 0)
                self._file.write(data)
            self._file.flush()
        except OSError as error:
            raise self._failure(error.strerror or str(error)) from error

    def close(self) -> None:
        """Remove it. May be called again."""
        with contextlib.suppress(OSError):
            # What could not be written is of no use any more.
            self._file.close()
        self._forget_name()

    def _forget_name(self) -> None:
        named, self._named = self._named, None
        if named is not None:
            named.unlink(missing_ok=True)

    def _check_room(self, in_all_bytes: int, wanted_bytes: int) -> None:
        if in_all_bytes > _MOST_BYTES:
            raise self._failure(f"it has more than {_MOST_BYTES >> 30} GB")
        if wanted_bytes + _SPARED_BYTES > shutil.disk_usage(self._folder).free:
            raise self._failure(f"{self._folder} has no room for it")

    def _failure(self, reason: str) -> RemoteError:
        return RemoteError(
            f"{self._shown} has to be kept in a file to be read, and cannot be: {reason}",
            hint="TMPDIR says in which folder; WAV, FLAC, MP3 and Ogg need no file",
        )
