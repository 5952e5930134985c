"""What is different here from websocket-client's own way with frames: what masks them, and how they are read."""

from __future__ import annotations

import os
import struct

import websocket
from websocket import ABNF

from asrcli.values.errors import ProtocolViolation
from asrcli.wire.duplex import Duplex

# Results are a few kilobytes; the longest sentence with all its words stays far below this.
MAX_MESSAGE_BYTES = 1 << 20

_FIN, _MASKED = 0x80, 0x80
_LENGTH_OF_16_BITS, _LENGTH_OF_64_BITS = 126, 127
_SHORT, _MEDIUM, _LONG = struct.Struct("!BB"), struct.Struct("!BBH"), struct.Struct("!BBQ")
# In a crowd, where its code stays in the caches, numpy lays a mask over so much four times as fast. A stream that is
# alone pays the same either way, because numpy has to be fetched each time; for shorter messages it would pay more.
_WORTH_NUMPY = 6000


class Framer:
    """Makes the frames of one connection, in a quarter of the time that websocket-client takes.

    Masks are random bytes, as the protocol demands, asked for in larger pieces: a system call for each frame can cost
    as much as sending it.
    """

    def __init__(self) -> None:
        self._random = b""

    def frame(self, message: str | bytes) -> bytes:
        """A whole message in one frame, RFC 6455 section 5.2."""
        if isinstance(message, str):
            first, data = _FIN | ABNF.OPCODE_TEXT, message.encode()
        else:
            first, data = _FIN | ABNF.OPCODE_BINARY, message
        length = len(data)
        if length < _LENGTH_OF_16_BITS:
            header = _SHORT.pack(first, _MASKED | length)
        elif length < 1 << 16:
            header = _MEDIUM.pack(first, _MASKED | _LENGTH_OF_16_BITS, length)
        else:
            header = _LONG.pack(first, _MASKED | _LENGTH_OF_64_BITS, length)
        key = self.mask_key()
        return header + key + masked(data, key)

    def mask_key(self, length: int = 4) -> bytes:
        if len(self._random) < length:
            self._random = os.urandom(256)
        key, self._random = self._random[:length], self._random[length:]
        return key


def masked(data: bytes, key: bytes) -> bytes:
    """`data` with `key`, four bytes, laid over it again and again."""
    length = len(data)
    if length < _WORTH_NUMPY:
        mask = key * (length // 4) + key[: length % 4]
        return (int.from_bytes(data, "little") ^ int.from_bytes(mask, "little")).to_bytes(length, "little")
    # Sound, and who has sound has loaded it.
    import numpy as np

    whole = length & ~3
    covered: bytes = (np.frombuffer(data, "<u4", whole // 4) ^ np.frombuffer(key, "<u4")).tobytes()
    return covered + masked(data[whole:], key) if whole < length else covered


class Reading:
    """The messages of one connection, MAX_MESSAGE_BYTES each at most.

    websocket-client trusts the length in the frame header, up to 2^63 bytes, joins fragments without a limit, and takes
    thirty function calls to a frame. So the usual message, text in one frame all of which is here, is read at once, and
    anything else by the library, all of whose reading goes through `recv_strict`.
    """

    def __init__(self, connection: websocket.WebSocket) -> None:
        self._connection = connection
        # Of a message that is not complete.
        self._read_bytes = 0
        self._buffer = connection.frame_buffer
        self._recv_strict = self._buffer.recv_strict
        self._buffer.recv_strict = self._recv  # type: ignore[method-assign, assignment]

    def message(self) -> tuple[int, bytes]:
        """Opcode and payload of the next message or control frame.

        Raises WebSocketTimeoutException if not all of it is here yet, ProtocolViolation, and what the library raises.
        """
        if not self._read_bytes and not self._buffer.recv_buffer:
            text = self._usual()
            if text is not None:
                return ABNF.OPCODE_TEXT, text
        opcode, data = self._connection.recv_data(control_frame=True)
        if opcode in (ABNF.OPCODE_TEXT, ABNF.OPCODE_BINARY):
            self._read_bytes = 0
        else:
            # It may have come between two fragments.
            self._read_bytes -= _SHORT.size + len(data)
        return opcode, data

    def _usual(self) -> bytes | None:
        wire = self._connection.sock
        if not isinstance(wire, Duplex):
            return None
        header = wire.peek(_MEDIUM.size)
        if len(header) < _SHORT.size or header[0] != _FIN | ABNF.OPCODE_TEXT:
            return None
        before, length = _SHORT.size, header[1]
        if length == _LENGTH_OF_16_BITS and len(header) == _MEDIUM.size:
            before, length = _MEDIUM.size, header[2] << 8 | header[3]
        elif length >= _LENGTH_OF_16_BITS:
            return None
        frame = wire.take(before + length)
        return None if frame is None else frame[before:]

    def _recv(self, size: int) -> bytes:
        if self._read_bytes + size > MAX_MESSAGE_BYTES:
            raise ProtocolViolation(f"the service sent a message of more than {MAX_MESSAGE_BYTES >> 20} MiB")
        data = self._recv_strict(size)
        self._read_bytes += size
        return data
