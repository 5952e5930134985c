"""A client's socket on the loop, and a network that is further away."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from asrcli.service.wire.layers import FarStream
from asrcli.service.wire.stream import TcpStream
from asrcli.system.loop import Loop
from tests.service.hand_loop import HandLoop, Recorder

PATIENCE_S = 20


class Client:
    """One TCP connection over loopback, with the service's end on a loop in a thread."""

    def __init__(self) -> None:
        self.loop = Loop()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.socket = socket.create_connection(listener.getsockname())
            accepted, _ = listener.accept()
        self.socket.settimeout(PATIENCE_S)
        self.gone = threading.Event()
        self.has_ended = threading.Event()
        self.heard = b""
        self.stream = TcpStream(self.loop, accepted, self.gone.set)  # type: ignore[arg-type]
        self.loop.hold()
        self.on_loop(lambda: self.stream.open(self))

    def received(self, data: bytes) -> None:
        self.heard += data

    def ended(self) -> None:
        self.has_ended.set()

    def on_loop(self, work: Callable[[], object]) -> None:
        """Do it on the loop's thread, and wait until it is done."""
        done = threading.Event()
        self.loop.call(work)
        self.loop.call(done.set)
        assert done.wait(PATIENCE_S)

    def read_to_end(self) -> bytes:
        data = b""
        while piece := self.socket.recv(1 << 20):
            data += piece
        return data

    def end(self) -> None:
        self.on_loop(self.stream.cut)
        self.loop.release()
        self.socket.close()


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client()
    yield client
    client.end()


BIG = bytes(range(256)) * 40_000


def test_what_a_slow_client_does_not_take_is_kept_and_sent_before_the_end(client: Client) -> None:
    client.on_loop(lambda: client.stream.write(BIG))
    client.on_loop(lambda: client.stream.write(b"last"))
    client.on_loop(client.stream.finish)
    client.on_loop(lambda: client.stream.write(b"never"))
    assert client.read_to_end() == BIG + b"last"


def test_nothing_is_read_from_a_client_that_does_not_read(client: Client) -> None:
    client.on_loop(lambda: client.stream.write(BIG))
    client.socket.send(b"more, please")
    for _ in range(3):
        client.on_loop(lambda: None)
    assert client.heard == b""
    client.on_loop(client.stream.finish)
    client.read_to_end()
    client.socket.shutdown(socket.SHUT_WR)
    assert client.has_ended.wait(PATIENCE_S)
    assert client.heard == b"more, please"


def test_holding_counts(client: Client) -> None:
    client.on_loop(client.stream.hold)
    client.on_loop(client.stream.hold)
    client.on_loop(client.stream.go_on)
    client.socket.send(b"x")
    client.socket.shutdown(socket.SHUT_WR)
    for _ in range(3):
        client.on_loop(lambda: None)
    assert client.heard == b""
    client.on_loop(client.stream.go_on)
    assert client.has_ended.wait(PATIENCE_S)
    assert client.heard == b"x"


def test_one_piece_is_read_from_a_client_on_hold(client: Client) -> None:
    client.on_loop(client.stream.hold)
    client.on_loop(client.stream.read_once)
    assert client.heard == b""
    client.socket.send(b"x")
    while not client.heard:
        client.on_loop(client.stream.read_once)
    client.socket.send(b"y")
    client.socket.shutdown(socket.SHUT_WR)
    for _ in range(3):
        client.on_loop(lambda: None)
    assert client.heard == b"x"
    while not client.has_ended.is_set():
        client.on_loop(client.stream.read_once)
    assert client.heard == b"xy"


def test_a_reset_is_a_reset_and_comes_after_what_was_sent(client: Client) -> None:
    client.on_loop(lambda: client.stream.write(b"last words"))
    client.on_loop(client.stream.reset)
    assert client.gone.is_set()
    assert client.socket.recv(100) == b"last words"
    with pytest.raises(ConnectionResetError):
        client.socket.recv(100)


def test_a_deaf_stream_reads_nothing_but_notices_the_end(client: Client) -> None:
    client.on_loop(client.stream.deafen)
    client.socket.send(b"hello?")
    client.on_loop(client.stream.read_once)
    client.socket.shutdown(socket.SHUT_WR)
    assert client.has_ended.wait(PATIENCE_S)
    client.on_loop(client.stream.read_once)
    assert client.heard == b""


def test_a_client_that_is_gone_is_noticed_by_writing_too(client: Client) -> None:
    client.on_loop(client.stream.hold)
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.socket.close()
    for _ in range(2):
        client.on_loop(lambda: client.stream.write(b"anybody there?"))
    assert client.has_ended.wait(PATIENCE_S)


# --- far away -------------------------------------------------------------------------------------------------------


@pytest.fixture
def loop() -> HandLoop:
    return HandLoop()


@pytest.fixture
def below(loop: HandLoop) -> Recorder:
    return Recorder(loop.now)


@pytest.fixture
def above(loop: HandLoop) -> Recorder:
    return Recorder(loop.now)


@pytest.fixture
def far(loop: HandLoop, below: Recorder, above: Recorder) -> FarStream:
    """50 ms away."""
    stream = FarStream(below, loop, 0.05)  # type: ignore[arg-type]
    stream.open(above)
    return stream


def test_the_first_bytes_pay_for_the_set_up_too(far: FarStream, loop: HandLoop, above: Recorder) -> None:
    """SYN and SYN-ACK are 100 ms, the way is 50 more; later bytes have only the way."""
    far.received(b"hello")
    loop.advance(0.3)
    far.received(b"again")
    loop.advance(1)
    assert above.log == [(150, "received 5"), (350, "received 5")]


def test_nothing_overtakes_anything_and_the_end_comes_last(far: FarStream, loop: HandLoop, above: Recorder) -> None:
    far.received(b"1")
    loop.advance(0.01)
    far.received(b"22")
    loop.advance(0.12)
    far.received(b"333")
    far.ended()
    loop.advance(1)
    assert above.log == [(150, "received 1"), (150, "received 2"), (180, "received 3"), (180, "ended")]


@pytest.mark.parametrize("end", ["finish", "close", "reset"])
def test_what_was_written_arrives_before_the_end_of_it(
    far: FarStream, loop: HandLoop, below: Recorder, end: str
) -> None:
    far.write(b"result")
    loop.advance(0.02)
    getattr(far, end)()
    loop.advance(1)
    assert below.log == [(50, "write 6"), (70, end)]


def test_a_cut_waits_for_nothing(far: FarStream, below: Recorder) -> None:
    far.write(b"result")
    far.cut()
    assert below.log == [(0, "cut")]


def test_what_is_under_way_is_bounded(far: FarStream, loop: HandLoop, below: Recorder) -> None:
    for _ in range(5):
        far.received(bytes(1 << 20))
    assert below.log == [(0, "hold")]
    loop.advance(0.15)
    assert below.log == [(0, "hold"), (150, "go on")]
