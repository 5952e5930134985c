"""A file of the sound that was sent, which can be read at every moment, however the program ends.

Knows chunks and a file, not where the sound comes from. What goes wrong is told once; it never stops who records.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from asrcli.audio.source import NoticeSink, ignore
from asrcli.system.posix import write_at
from asrcli.values.errors import OutputError
from asrcli.values.pcm import PcmFormat
from asrcli.values.sound import Chunk, SoundFormat


class GrowingFile:
    """Appends chunks to the file `path`, which the first one makes. For one thread, but for `close` when that is done.

    With `force` an existing file is replaced. `notice` is told of the first failure; from then on nothing is written.
    """

    def __init__(self, path: Path, pcm: PcmFormat, *, force: bool = False) -> None:
        self.notice: NoticeSink = ignore
        self.path = path
        self.pcm = pcm
        self._force = force
        self._fd: int | None = None
        self._is_new = False
        self._head_bytes = 0
        self._data_bytes = 0
        self._samples = 0
        self.error: OutputError | None = None
        """Why the file does not hold everything; None while it does."""

    def write(self, chunk: Chunk) -> None:
        """Append `chunk`. Never raises."""
        if self.error is not None:
            return
        try:
            if self._fd is None:
                self._fd = self._opened()
                self._head_bytes = write_all(self._fd, self._head(0), 0)
            data_bytes = self._data_bytes + write_all(self._fd, chunk.data, self._head_bytes + self._data_bytes)
            self._appended(self._fd, data_bytes)
            self._data_bytes = data_bytes
            self._samples += chunk.samples
        except OSError as error:
            self._failed(error)

    def close(self) -> None:
        """Close the file; a failure to keep it is found in `error`. May be called again."""
        fd, self._fd = self._fd, None
        if fd is not None:
            try:
                os.close(fd)
            except OSError as error:
                self._failed(error)

    @property
    def seconds(self) -> float:
        """How much sound is in the file."""
        return self.pcm.ms(self._samples) / 1000

    def _head(self, data_bytes: int) -> bytes:
        """What stands before so many bytes of sound; of the same length for any number."""
        raise NotImplementedError

    def _appended(self, fd: int, data_bytes: int) -> None:
        """There are so many bytes of sound now. Raises OSError."""

    def _opened(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT
        try:
            fd = os.open(self.path, flags | os.O_EXCL, 0o666)
        except FileExistsError:
            if not self._force:
                raise
            return os.open(self.path, flags | os.O_TRUNC, 0o666)
        self._is_new = True
        return fd

    def _failed(self, error: OSError) -> None:
        if self._fd is not None:
            with contextlib.suppress(OSError):
                if self._data_bytes:
                    # The part of a chunk that still found room belongs to nothing.
                    os.ftruncate(self._fd, self._head_bytes + self._data_bytes)
                elif self._is_new:
                    self.path.unlink()
        reason = f"cannot write to {self.path}: {error.strerror}"
        kept = f"the first {self.seconds:.1f} s of the sound are in it" if self.seconds else "none of the sound is kept"
        self.error = OutputError(reason, hint=kept)
        self.notice(reason, f"{kept}; recognition goes on")


class EncodedWriter(GrowingFile):
    """Chunks of sound that goes as it is, behind the header of their stream."""

    def __init__(self, path: Path, sound: SoundFormat, *, force: bool = False) -> None:
        super().__init__(path, PcmFormat(sound.sample_rate_hz), force=force)
        self._header = sound.header

    def _head(self, data_bytes: int) -> bytes:
        return self._header


def write_all(fd: int, data: bytes, offset: int) -> int:
    """Write all of `data` and return its length: a disk that is nearly full takes a part of it and refuses the rest."""
    rest = memoryview(data)
    while rest:
        written = write_at(fd, rest, offset)
        rest = rest[written:]
        offset += written
    return len(data)
