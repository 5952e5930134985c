"""Frames: what a server's own parser makes of ours, and what we make of a server's."""

from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import tomllib
from collections.abc import Iterable
from pathlib import Path

import pytest
import websocket
from hypothesis import given
from hypothesis import strategies as st
from websocket import ABNF
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol
from websockets.streams import StreamReader

from asrcli.values.errors import ProtocolViolation
from asrcli.wire.duplex import Duplex
from asrcli.wire.framing import MAX_MESSAGE_BYTES, Framer, Reading, masked

# Every form of the length.
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
    frame = parsed(Framer().message(data))
    assert (frame.opcode, frame.fin, bytes(frame.data)) == (Opcode.BINARY, True, data)


@given(st.text(max_size=600))
def test_text_goes_as_text(text):
    frame = parsed(Framer().message(text))
    assert (frame.opcode, bytes(frame.data).decode()) == (Opcode.TEXT, text)


@given(st.binary(max_size=3000) | LENGTHS.map(bytes), st.binary(min_size=4, max_size=4))
def test_a_mask_is_laid_as_by_the_library_and_taken_off_the_same_way(data, key):
    assert masked(data, key) == ABNF.mask(bytes(key), bytes(data))
    assert masked(masked(data, key), key) == data


def test_masks_are_not_used_again():
    framer = Framer()
    keys = [framer.message(b"")[2:] for _ in range(1000)]
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
    return frames, [(Opcode.PING, PING.data)] * pings + [(opcode, b"".join(parts))]  # type: ignore[return-value]


def read(pieces: Iterable[bytes]) -> list[tuple[int, bytes]]:
    """What is read of the bytes a service sends, piece by piece as they come."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire = Duplex(ours)
        wire.stop_waiting()
        reading = Reading()
        found = []
        for piece in pieces:
            theirs.sendall(piece)
            wire.fill()
            while (message := reading.next(wire)) is not None:
                found.append(message)
        return found  # type: ignore[return-value]


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


@pytest.mark.parametrize("mask", [False, True])
def test_a_service_that_masks_is_read_as_well(mask):
    assert read([Frame(Opcode.TEXT, b"you too").serialize(mask=mask)]) == [(Opcode.TEXT, b"you too")]


@pytest.mark.parametrize(
    ("frames", "problem"),
    [
        (b"\x83\x00", "unknown kind 3"),
        (b"\xc1\x00", "extension"),
        (b"\x09\x00", "control frame"),
        (b"\x89\x7e\x00\x7e", "control frame"),
        (b"\x80\x00", "a part of no message"),
        (b"\x01\x00\x81\x00", "a message within another"),
        (b"\x81\x7f" + b"\x7f" * 8, "more than 1 MiB"),
    ],
)
def test_what_is_no_frame_ends_the_reading(frames, problem):
    with pytest.raises(ProtocolViolation, match=problem):
        read([frames])


def test_parts_of_no_length_do_not_come_without_end():
    part = Frame(Opcode.CONT, b"", fin=False).serialize(mask=False)
    with pytest.raises(ProtocolViolation, match="more than 1 MiB"):
        read([Frame(Opcode.TEXT, b"", fin=False).serialize(mask=False), *[part * 8000] * 70])


@given(st.binary(max_size=200))
def test_any_bytes_are_messages_or_a_violation(data):
    with contextlib.suppress(ProtocolViolation):
        read([data])


def test_the_handshake_leaves_to_us_what_follows_it():
    """websocket-client takes a Duplex for its socket, and reads no byte further than the handshake goes.

    Neither is promised: that is why its version is bounded.
    """
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire = Duplex(ours)
        client = websocket.WebSocket(enable_multithread=False)
        first = Frame(Opcode.TEXT, b"first").serialize(mask=False)

        def serve() -> None:
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                request += theirs.recv(4096)
            answer = ServerProtocol()
            answer.receive_data(request)
            theirs.sendall(answer.accept(next(iter(answer.events_received()))).serialize() + first)  # type: ignore[arg-type]

        server = threading.Thread(target=serve)
        server.start()
        client.connect("ws://localhost/", socket=wire, timeout=10)
        server.join()
        wire.stop_waiting()
        assert Reading().next(wire) == (Opcode.TEXT, b"first")
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert "websocket-client>=1.8,<1.10" in project["dependencies"]
    assert (1, 8) <= tuple(int(part) for part in websocket.__version__.split(".")[:2]) < (1, 10)
