"""Frames: what websocket-client and a server's own parser make of ours."""

from __future__ import annotations

import itertools
import socket
from collections.abc import Iterable

import pytest
import websocket
from hypothesis import given
from hypothesis import strategies as st
from websocket import ABNF
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from asrcli.values.errors import ProtocolViolation
from asrcli.wire.duplex import Duplex
from asrcli.wire.framing import MAX_MESSAGE_BYTES, Framer, Reading, masked

# Every form of the length, and both ways to lay a mask.
LENGTHS = st.sampled_from([0, 1, 3, 125, 126, 3200, 5999, 6000, 6001, 6002, 6003, 6400, 65535, 65536, 70001])


def parsed(frame: bytes) -> Frame:
    """As the server reads it, to its last byte."""
    reader = StreamReader()
    reader.feed_data(frame)
    reader.feed_eof()
    parser = Frame.parse(reader.read_exact, mask=True)
    try:
        while True:
            next(parser)
    except StopIteration as done:
        assert not reader.buffer
        return done.value


@given(
    st.binary(max_size=300) | LENGTHS.map(lambda length: bytes(range(256)) * (length // 256) + b"x" * (length % 256))
)
def test_a_server_reads_what_was_sent(data):
    frame = parsed(Framer().frame(data))
    assert (frame.opcode, frame.fin, bytes(frame.data)) == (Opcode.BINARY, True, data)


@given(st.text(max_size=600))
def test_text_goes_as_text(text):
    frame = parsed(Framer().frame(text))
    assert (frame.opcode, bytes(frame.data).decode()) == (Opcode.TEXT, text)


@given(st.binary(max_size=3000) | LENGTHS.map(bytes), st.binary(min_size=4, max_size=4))
def test_a_mask_is_laid_as_by_the_library_and_taken_off_the_same_way(data, key):
    assert masked(data, key) == ABNF.mask(bytearray(key), bytearray(data))
    assert masked(masked(data, key), key) == data


def test_masks_are_not_used_again():
    framer = Framer()
    keys = [framer.mask_key() for _ in range(1000)]
    assert all(len(key) == 4 for key in keys)
    assert len(set(keys)) > 990


SIZES = st.sampled_from([0, 1, 125, 126, 127, 300, 65535, 65536])
PAYLOADS = st.binary(max_size=40) | SIZES.map(lambda size: b"ab" * (size // 2) + b"c" * (size % 2))
PING = Frame(Opcode.PING, b"there?")


@st.composite
def messages(draw: st.DrawFn) -> tuple[list[Frame], list[tuple[int, bytes]]]:
    """A message in one frame or in several, with a ping among them or not; and what is to be read then."""
    opcode = draw(st.sampled_from([Opcode.TEXT, Opcode.TEXT, Opcode.BINARY]))
    parts = draw(st.lists(PAYLOADS, min_size=1, max_size=3))
    frames = [
        Frame(opcode if not number else Opcode.CONT, part, fin=number == len(parts) - 1)
        for number, part in enumerate(parts)
    ]
    pings = draw(st.integers(0, 2))
    for _ in range(pings):
        frames.insert(draw(st.integers(0, len(frames) - 1)), PING)
    return frames, [(Opcode.PING, PING.data)] * pings + [(opcode, b"".join(parts))]


def read(pieces: Iterable[bytes]) -> list[tuple[int, bytes]]:
    """What is read of the bytes a service sends, piece by piece as they come."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire = Duplex(ours)
        wire.stop_waiting()
        connection = websocket.WebSocket(skip_utf8_validation=True, enable_multithread=False)
        connection.sock = wire
        reading = Reading(connection)
        found = []
        for piece in pieces:
            theirs.sendall(piece)
            wire.fill()
            while wire.has_input:
                try:
                    opcode, data = reading.message()
                except websocket.WebSocketTimeoutException:
                    break
                found.append((opcode, bytes(data)))
        return found


@given(st.lists(messages(), max_size=4), st.lists(st.integers(0, 300), max_size=6))
def test_messages_are_read_whole_however_they_are_cut(sent, cuts):
    data = b"".join(frame.serialize(mask=False) for frames, _ in sent for frame in frames)
    # No piece is larger than what one reading takes.
    places = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts), *range(0, len(data), 16000)})
    pieces = [data[begin:end] for begin, end in itertools.pairwise(places)]
    assert read(pieces) == [message for _, expected in sent for message in expected]


def test_pings_between_fragments_do_not_make_room_for_more():
    part = Frame(Opcode.CONT, bytes(15_900), fin=False).serialize(mask=False)
    ping = PING.serialize(mask=False)
    first = Frame(Opcode.TEXT, b"", fin=False).serialize(mask=False)
    with pytest.raises(ProtocolViolation, match="more than 1 MiB"):
        read([first] + [part + ping] * (MAX_MESSAGE_BYTES // 15_900 + 1))


def test_pings_between_messages_are_not_counted():
    ping = PING.serialize(mask=False)
    count = MAX_MESSAGE_BYTES // len(ping) + 1
    pieces = [ping * 1000] * (count // 1000 + 1) + [Frame(Opcode.TEXT, b"yes").serialize(mask=False)]
    assert read(pieces)[-1] == (Opcode.TEXT, b"yes")
