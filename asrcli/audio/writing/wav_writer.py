"""A wav file that grows with the sound."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from asrcli.audio.writing.growing import GrowingFile, write_all
from asrcli.values.pcm import BYTES_PER_SAMPLE

_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")
_PCM = 1
# The fields of the header end at 4 GiB, 37 hours at 16 kHz. Readers take this value for "up to the end of the file".
_MOST_BYTES = 0xFFFFFFFF
_READ_BYTES = 1 << 18


class WavWriter(GrowingFile):
    """Chunks of PCM, behind a header that says at every moment how much there is."""

    def sound(self) -> Iterator[bytes]:
        """What is in the file, a stretch at a time. By what was written, not by the header. Raises OSError."""
        with self.path.open("rb") as file:
            file.seek(_HEADER.size)
            left = self._data_bytes
            while left and (data := file.read(min(left, _READ_BYTES))):
                yield data
                left -= len(data)

    def _appended(self, fd: int, data_bytes: int) -> None:
        # The header comes second: at no moment does it promise what is not there.
        write_all(fd, self._head(data_bytes), 0)

    def _head(self, data_bytes: int) -> bytes:
        data_bytes = min(data_bytes, _MOST_BYTES)
        rate_hz = self.pcm.sample_rate_hz
        return _HEADER.pack(
            b"RIFF", min(data_bytes + _HEADER.size - 8, _MOST_BYTES), b"WAVE",
            b"fmt ", 16, _PCM, 1, rate_hz, rate_hz * BYTES_PER_SAMPLE, BYTES_PER_SAMPLE, 8 * BYTES_PER_SAMPLE,
            b"data", data_bytes,
        )  # fmt: skip
