"""A wav file of the sound that was sent, which can be read at every moment, however the program ends.

Knows bytes and a file, not where the sound comes from. What goes wrong is told once; it never stops who records.
"""

from __future__ import annotations

import contextlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path

from asrcli.audio.source import NoticeSink, ignore
from asrcli.system.posix import write_at
from asrcli.values.errors import OutputError
from asrcli.values.pcm import BYTES_PER_SAMPLE, PcmFormat
from asrcli.values.sound import Chunk

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_PCM = 1
# The fields of the header end at 4 GiB, 37 hours at 16 kHz. Readers take this value for "up to the end of the file".
_MOST_BYTES = 0xFFFFFFFF
_READ_BYTES = 1 << 18


class WavWriter:
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
        self._data_bytes = 0
        self.error: OutputError | None = None
        """Why the file does not hold everything; None while it does."""

    def write(self, chunk: Chunk) -> None:
        """Append `chunk`. Never raises."""
        if self.error is not None:
            return
        try:
            if self._fd is None:
                self._begin()
            assert self._fd is not None
            data_bytes = self._data_bytes + len(chunk.data)
            # The header comes second: at no moment does it promise what is not there.
            _write_at(self._fd, chunk.data, _HEADER.size + self._data_bytes)
            _write_at(self._fd, self._header(data_bytes), 0)
            self._data_bytes = data_bytes
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

    def sound(self) -> Iterator[bytes]:
        """What is in the file, a stretch at a time. By what was written, not by the header. Raises OSError."""
        with self.path.open("rb") as file:
            file.seek(_HEADER.size)
            left = self._data_bytes
            while left and (data := file.read(min(left, _READ_BYTES))):
                yield data
                left -= len(data)

    @property
    def seconds(self) -> float:
        """How much sound is in the file."""
        return self.pcm.ms(self._data_bytes // BYTES_PER_SAMPLE) / 1000

    def _begin(self) -> None:
        """Make the file, with a header that promises nothing yet."""
        flags = os.O_WRONLY | os.O_CREAT
        try:
            self._fd = os.open(self.path, flags | os.O_EXCL, 0o666)
            self._is_new = True
        except FileExistsError:
            if not self._force:
                raise
            self._fd = os.open(self.path, flags | os.O_TRUNC, 0o666)
        _write_at(self._fd, self._header(0), 0)

    def _header(self, data_bytes: int) -> bytes:
        data_bytes = min(data_bytes, _MOST_BYTES)
        rate_hz = self.pcm.sample_rate_hz
        return _HEADER.pack(
            b"RIFF", min(data_bytes + _HEADER.size - 8, _MOST_BYTES), b"WAVE",
            b"fmt ", 16, _PCM, 1, rate_hz, rate_hz * BYTES_PER_SAMPLE, BYTES_PER_SAMPLE, 8 * BYTES_PER_SAMPLE,
            b"data", data_bytes,
        )  # fmt: skip

    def _failed(self, error: OSError) -> None:
        if self._fd is not None:
            with contextlib.suppress(OSError):
                if self._data_bytes:
                    # The part of a chunk that still found room belongs to nothing.
                    os.ftruncate(self._fd, _HEADER.size + self._data_bytes)
                elif self._is_new:
                    self.path.unlink()
        reason = f"cannot write to {self.path}: {error.strerror}"
        kept = f"the first {self.seconds:.1f} s of the sound are in it" if self.seconds else "none of the sound is kept"
        self.error = OutputError(reason, hint=kept)
        self.notice(reason, f"{kept}; recognition goes on")


def _write_at(fd: int, data: bytes, offset: int) -> None:
    """Write all of `data`: a disk that is nearly full takes a part of it and refuses the rest."""
    rest = memoryview(data)
    while rest:
        written = write_at(fd, rest, offset)
        rest = rest[written:]
        offset += written
