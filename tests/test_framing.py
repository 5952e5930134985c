"""Frames: what websocket-client and a server's own parser make of ours."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from websocket import ABNF
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from asrcli.framing import Framer, masked

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
