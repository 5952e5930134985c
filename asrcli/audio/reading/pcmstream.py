"""Plain samples out of a stream of bytes: the WAV header first, then blocks as the bytes arrive.

Pure transformers over a `read` function that returns b"" at the end. Where the bytes come from is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING

from asrcli.audio.reading.wav_header import WavHeader, parse_header
from asrcli.audio.sample_encodings import ENCODINGS

if TYPE_CHECKING:
    from asrcli.audio.sample_encodings import Block

Read = Callable[[], bytes]


def read_header(read: Read, head: bytes = b"") -> tuple[WavHeader | None, bytes]:
    """Read until the WAV header is complete; return it and all bytes read so far, `head` included.

    The header is None if the stream ended before. Raises DecodeError where the bytes are no WAV header.
    """
    seen = bytearray(head)
    while (header := parse_header(bytes(seen))) is None:
        data = read()
        if not data:
            return None, bytes(seen)
        seen += data
    return header, bytes(seen)


def pcm_blocks(
    read: Read, encoding: str, channels: int, *, head: bytes = b"", limit_bytes: int | None = None
) -> Generator[Block, None, tuple[int, bytes]]:
    """Yield blocks, float32 of shape (n, channels), as soon as there is a whole sample of every channel.

    `head` is what was read before. Nothing after `limit_bytes` is taken for audio. Returns the number of bytes of
    audio that came, and what was read beyond; what is left of them after the last whole sample is not in any block.
    """
    decode = ENCODINGS[encoding].decode
    frame_bytes = ENCODINGS[encoding].sample_bytes * channels
    taken = 0
    pending = beyond = b""
    data = head or read()
    while data:
        if limit_bytes is not None:
            data, beyond = data[: limit_bytes - taken], data[limit_bytes - taken :]
        taken += len(data)
        pending += data
        whole = len(pending) // frame_bytes * frame_bytes
        if whole:
            yield decode(pending[:whole]).reshape(-1, channels)
            pending = pending[whole:]
        if taken == limit_bytes:
            break
        data = read()
    return taken, beyond
