"""The socket that never waits: everything that is sent arrives, in order and once, and nothing that comes is lost."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import ssl
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from asrcli.wire.duplex import Duplex

PATIENCE_S = 20
BIG = os.urandom(3 << 20)


@pytest.fixture(scope="module")
def contexts() -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The client's and the server's side of TLS."""
    authority = trustme.CA()
    client, server = ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.configure_trust(client)
    authority.issue_cert("localhost").configure_cert(server)
    return client, server


def tcp() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    for each in (ours, theirs):
        each.settimeout(PATIENCE_S)
    return ours, theirs


@pytest.fixture(params=["plain", "tls"])
def ends(request, contexts) -> Iterator[tuple[Duplex, socket.socket]]:
    """Ours, still waiting, and the other side's socket."""
    ours, theirs = tcp()
    if request.param == "tls":
        made: list[socket.socket] = []
        shaking = threading.Thread(target=lambda: made.append(contexts[1].wrap_socket(theirs, server_side=True)))
        shaking.start()
        ours = contexts[0].wrap_socket(ours, server_hostname="localhost")
        shaking.join()
        [theirs] = made
    with ours, theirs:
        yield Duplex(ours), theirs


@pytest.fixture
def plain_tcp() -> Iterator[tuple[Duplex, socket.socket]]:
    ours, theirs = tcp()
    with ours, theirs:
        yield Duplex(ours), theirs


@pytest.fixture
def plain() -> Iterator[tuple[Duplex, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.settimeout(PATIENCE_S)
        yield Duplex(ours), theirs


def drive(duplex: Duplex, until: Callable[[], bool]) -> None:
    """What a loop does for it: fill and flush whenever the socket is ready."""
    while not until():
        writing = [duplex] if duplex.unsent_bytes else []
        readable, writable, _ = select.select([duplex], writing, [], PATIENCE_S)
        assert readable or writable, "nothing moves any more"
        if writable:
            duplex.flush()
        if readable:
            duplex.fill()


def available(duplex: Duplex, piece: int = 1 << 16) -> bytes:
    """Everything that `recv` gives now."""
    data = b""
    while duplex.has_input and (received := duplex.recv(piece)):
        data += received
    return data


def read_all(connection: socket.socket, size: int, into: bytearray) -> None:
    while len(into) < size and (received := connection.recv(1 << 16)):
        into += received


def test_a_handshake_waits_like_on_a_socket_and_what_follows_it_is_kept(ends):
    duplex, theirs = ends
    duplex.settimeout(PATIENCE_S)
    assert duplex.gettimeout() == PATIENCE_S
    assert duplex.send(b"GET /") == 5
    assert theirs.recv(9) == b"GET /"
    theirs.sendall(b"101 and a frame")
    assert duplex.recv(3) == b"101"
    assert duplex.has_input
    duplex.stop_waiting()
    assert duplex.gettimeout() == 0
    assert available(duplex) == b" and a frame"


def test_the_bound_of_a_handshake_is_the_sockets(ends):
    duplex, _ = ends
    duplex.settimeout(0.01)
    with pytest.raises(TimeoutError):
        duplex.recv(1)


def test_where_nothing_has_come_it_says_so_at_once_and_again_and_again(ends):
    duplex, theirs = ends
    duplex.stop_waiting()
    # No bound that the library sets makes it wait again.
    duplex.settimeout(60)
    for _ in range(2):
        duplex.fill()
        assert not duplex.has_input
        with pytest.raises(TimeoutError):
            duplex.recv(1)
    theirs.sendall(b"abc")
    drive(duplex, lambda: duplex.has_input)
    assert [duplex.recv(2), duplex.recv(2)] == [b"ab", b"c"]
    with pytest.raises(TimeoutError):
        duplex.recv(1)


def test_the_end_comes_after_the_last_byte_and_stays(ends):
    duplex, theirs = ends
    duplex.stop_waiting()
    theirs.sendall(b"last words")
    theirs.shutdown(socket.SHUT_RDWR)
    theirs.close()
    data = bytearray()

    def ended() -> bool:
        data.extend(available(duplex))
        return duplex.has_input

    drive(duplex, ended)
    assert data == b"last words"
    assert [duplex.recv(9), duplex.recv(9)] == [b"", b""]


def test_a_lost_connection_is_an_oserror_in_either_direction():
    ours, theirs = tcp()
    with ours:
        duplex = Duplex(ours)
        duplex.stop_waiting()
        duplex.send(b"unread")
        select.select([theirs], [], [], PATIENCE_S)
        # Closed with something unread: a reset.
        theirs.close()
        select.select([ours], [], [], PATIENCE_S)
        with pytest.raises(ConnectionResetError):
            duplex.fill()
        with pytest.raises(OSError):  # noqa: PT011 - which one is the system's choice
            duplex.send(b"more")


def test_what_the_network_does_not_take_is_kept_and_leaves_in_order(ends):
    duplex, theirs = ends
    duplex.stop_waiting()
    pieces = [BIG[at : at + 100_000] for at in range(0, len(BIG), 100_000)]
    sent = pieces * 8
    for piece in sent:
        assert duplex.send(piece) == len(piece)
    assert duplex.unsent_bytes > 0
    # The network, which may make some more room yet, is full in the end, and says so without an error.
    left = None
    while duplex.unsent_bytes != left:
        left = duplex.unsent_bytes
        duplex.flush()
    assert duplex.send(b"a word at the end") == 17
    assert 17 < duplex.unsent_bytes <= left + 17
    expected = b"".join(sent) + b"a word at the end"
    received = bytearray()
    reading = threading.Thread(target=read_all, args=(theirs, len(expected), received))
    reading.start()
    drive(duplex, lambda: not duplex.unsent_bytes)
    reading.join()
    assert received == expected


def test_a_big_transfer_both_ways_at_once_arrives_whole(ends):
    """Neither side can wait for the other: each has more to say than the network holds."""
    duplex, theirs = ends
    duplex.stop_waiting()
    answer, received, heard = BIG[::-1] * 4, bytearray(), bytearray()
    jobs = [threading.Thread(target=read_all, args=(theirs, 4 * len(BIG), received))]
    if isinstance(theirs, ssl.SSLSocket):
        # One thread at a time may use it: it answers when it has heard everything.
        jobs = [threading.Thread(target=lambda: (read_all(theirs, 4 * len(BIG), received), theirs.sendall(answer)))]
    else:
        jobs.append(threading.Thread(target=lambda: theirs.sendall(answer)))
    for job in jobs:
        job.start()
    for _ in range(4):
        duplex.send(BIG)

    def over() -> bool:
        heard.extend(available(duplex))
        return len(heard) >= len(answer) and not duplex.unsent_bytes

    drive(duplex, over)
    for job in jobs:
        job.join()
    assert received == BIG * 4
    assert heard == answer


@pytest.mark.parametrize("ends", ["tls"], indirect=True)
def test_more_than_one_record_of_tls_is_taken_in_at_once(ends):
    """TLS may hold what the socket no longer shows: nobody would be told of it."""
    duplex, theirs = ends
    duplex.stop_waiting()
    data = BIG[:100_000]
    theirs.sendall(data)
    heard = bytearray()
    while len(heard) < len(data):
        assert select.select([duplex], [], [], PATIENCE_S)[0], "the rest is stuck"
        duplex.fill()
        assert not duplex.connection.pending()
        heard += available(duplex)
    assert heard == data


def test_a_cut_ends_both_directions_and_may_be_repeated(ends):
    duplex, theirs = ends
    for _ in range(2):
        duplex.shutdown(socket.SHUT_RDWR)
    # No plain byte gets out on the way. A newer OpenSSL has something to say itself before it reads the end.
    with contextlib.suppress(BrokenPipeError):
        assert theirs.recv(9) == b""
    duplex.close()
    assert duplex.fileno() == -1
    duplex.shutdown(socket.SHUT_RDWR)


@given(st.lists(st.binary(max_size=3000), max_size=12), st.lists(st.integers(1, 4000), min_size=1, max_size=12))
def test_any_pieces_arrive_whole_whatever_they_are_read_in(pieces, sizes):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        duplex, taken = Duplex(ours), b""
        duplex.stop_waiting()
        for number, piece in enumerate(pieces):
            theirs.sendall(piece)
            duplex.fill()
            if duplex.has_input:
                taken += duplex.recv(sizes[number % len(sizes)])
        assert taken + available(duplex, sizes[0]) == b"".join(pieces)


@given(st.lists(st.binary(max_size=9000), max_size=12), st.lists(st.integers(0, 9000), min_size=1, max_size=12))
def test_any_pieces_leave_whole_however_much_room_there_is(pieces, rooms):
    """A network that takes a given number of bytes each time, none at times."""

    class Narrow:
        """As much of a socket as sending needs."""

        def __init__(self) -> None:
            self.taken = b""
            self.calls = 0

        def settimeout(self, seconds: float) -> None:
            assert seconds == 0

        def send(self, data: bytes) -> int:
            room = rooms[self.calls % len(rooms)]
            self.calls += 1
            if not room:
                raise BlockingIOError
            self.taken += bytes(data[:room])
            return min(room, len(data))

    network = Narrow()
    duplex = Duplex(network)  # type: ignore[arg-type]
    duplex.stop_waiting()
    for piece in pieces:
        assert duplex.send(piece) == len(piece)
        assert network.taken == b"".join(pieces)[: len(network.taken)]
    while any(rooms) and duplex.unsent_bytes:
        duplex.flush()
    assert len(network.taken) + duplex.unsent_bytes == sum(map(len, pieces))
    if any(rooms):
        assert network.taken == b"".join(pieces)


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="the system does not tell what it holds")
def test_what_the_system_took_counts_as_delivered_when_the_other_end_has_it(ends):
    duplex, theirs = ends
    duplex.stop_waiting()
    while duplex.unsent_bytes == 0:
        duplex.send(BIG)
    assert duplex.accepted_bytes % len(BIG) == 0
    # A part of it is here, and a part in our own system.
    assert duplex.undelivered_bytes > duplex.unsent_bytes
    reading = threading.Thread(target=read_all, args=(theirs, duplex.accepted_bytes, bytearray()))
    reading.start()
    deadline = time.monotonic() + PATIENCE_S
    while duplex.undelivered_bytes and time.monotonic() < deadline:
        select.select([], [duplex.connection], [], 0.01)
        duplex.flush()
    reading.join()
    assert duplex.undelivered_bytes == 0


def test_the_system_takes_no_more_than_it_can_send_soon(plain_tcp):
    """Of minutes of sound that it held, a session that comes after this one could send nothing."""
    duplex, theirs = plain_tcp
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    duplex.stop_waiting()
    duplex.send(BIG)
    assert duplex.undelivered_bytes - duplex.unsent_bytes < 1 << 19


def test_a_closed_connection_has_nothing_on_its_way(plain):
    duplex, _ = plain
    duplex.stop_waiting()
    duplex.close()
    assert duplex.undelivered_bytes == 0
