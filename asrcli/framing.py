"""What is different here from websocket-client's own way with frames: how long they may be, and what masks them."""

from __future__ import annotations

import os
import struct

import websocket
from websocket import ABNF

from asrcli.errors import ProtocolViolation

# Results are a few kilobytes; the longest sentence with all its words stays far below this.
MAX_MESSAGE_BYTES = 1 << 20


class Framer:
    """Makes the frames of one connection, in half the time that websocket-client takes.

    Masks are random bytes, as the protocol demands, asked for in larger pieces: a system call for each frame can cost
    as much as sending it.
    """

    def __init__(self) -> None:
        self._random = b""

    def frame(self, message: str | bytes) -> Frame:
        """A whole message in one frame."""
        if isinstance(message, str):
            frame = Frame(1, 0, 0, 0, ABNF.OPCODE_TEXT, 1, message.encode())
        else:
            frame = Frame(1, 0, 0, 0, ABNF.OPCODE_BINARY, 1, message)
        frame.get_mask_key = self.mask_key
        return frame

    def mask_key(self, length: int = 4) -> bytes:
        if len(self._random) < length:
            self._random = os.urandom(256)
        key, self._random = self._random[:length], self._random[length:]
        return key


class Frame(ABNF):
    """A frame whose data are bytes."""

    data: bytes

    def format(self) -> bytes:
        """The frame as bytes, RFC 6455 section 5.2."""
        data, first = self.data, self.fin << 7 | self.opcode
        length = len(data)
        if length < 126:
            header = struct.pack("!BB", first, 0x80 | length)
        elif length < 1 << 16:
            header = struct.pack("!BBH", first, 0x80 | 126, length)
        else:
            header = struct.pack("!BBQ", first, 0x80 | 127, length)
        key = self.get_mask_key(4)
        mask = int.from_bytes(key * (length // 4) + key[: length % 4], "little")
        return header + key + (int.from_bytes(data, "little") ^ mask).to_bytes(length, "little")


class MessageBound:
    """Refuse a message of more than MAX_MESSAGE_BYTES before it is read into memory.

    websocket-client trusts the length in the frame header, up to 2^63 bytes, and joins fragments without a limit;
    all its reading goes through `recv_strict`.
    """

    def __init__(self, connection: websocket.WebSocket) -> None:
        self._read_bytes = 0
        buffer = connection.frame_buffer
        self._recv_strict = buffer.recv_strict
        buffer.recv_strict = self._bounded  # type: ignore[method-assign, assignment]

    def restart(self) -> None:
        """A message is complete; count anew."""
        self._read_bytes = 0

    def _bounded(self, size: int) -> bytes:
        if self._read_bytes + size > MAX_MESSAGE_BYTES:
            raise ProtocolViolation(f"the service sent a message of more than {MAX_MESSAGE_BYTES >> 20} MiB")
        data: bytes = self._recv_strict(size)
        self._read_bytes += size
        return data
