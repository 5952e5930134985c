"""An open link: what is sent and heard when the network is slow, in pieces or gone, and how the link ends."""

from __future__ import annotations

import os
import queue
import threading
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from asrcli.values.errors import LinkError
from asrcli.wire.link_events import InboxItem, LinkClosed, LinkDrained, LinkOpened, MessageReceived
from tests.support.links import closed_with, frame, raw_server, take
from tests.support.looping import PATIENCE_S, on_loop
from tests.support.scripted_server import Conversation, deaf_server, scripted_server, silent_port


def test_close_ends_the_link_even_when_the_service_does_not_answer(links, monkeypatch):
    monkeypatch.setattr("asrcli.wire.link._CLOSE_TIMEOUT_S", 0.05)
    with deaf_server() as url:
        link = links(url)
        assert isinstance(take(link), LinkOpened)
        link.loop.call(link.close)
        assert take(link) == LinkClosed()


def test_a_close_is_said_and_the_answer_awaited_and_nothing_leaves_after_it(links):
    heard = []

    def script(talk: Conversation) -> None:
        with pytest.raises(ConnectionClosed) as caught:
            talk.expect_audio(99)
        heard.append(caught.value.rcvd)

    with scripted_server(script) as url:
        link = links(url)
        take(link)
        for _ in range(2):
            link.loop.call(link.close)
        with pytest.raises(LinkError, match="is closed"):
            link.say(b"abc")
        assert take(link) == LinkClosed(1000)
    assert heard[0].code == 1000
    on_loop(link.loop, lambda: None)
    assert link.inbox.empty()


def test_a_link_that_is_closed_while_it_connects_says_that_it_is_closed_and_nothing_else(links):
    with silent_port() as url:
        link = links(url)
        link.loop.call(link.close)
        assert isinstance(take(link), LinkClosed)
    on_loop(link.loop, lambda: None)
    assert link.inbox.empty()


def test_closing_in_the_middle_of_the_handshake_cuts_it(links):
    with raw_server() as server:
        link = links(server.url)
        connection, _ = server.accept()
        link.loop.call(link.close)
        assert isinstance(take(link), LinkClosed)
        assert connection.recv(4096) == b""


def test_a_cut_link_is_over_without_an_error(links):
    with scripted_server(Conversation.hang) as url:
        link = links(url)
        take(link)
        link.loop.call(link.abort)
        closed = take(link)
        assert (type(closed), closed.error) == (LinkClosed, None)


def test_what_the_service_says_with_its_handshake_is_heard(links):
    """In one packet with it, and the next frame in halves."""
    with raw_server() as server:
        link = links(server.url)
        connection, upgrade = server.accept()
        connection.sendall(upgrade + frame(0x81, b"hi") + frame(0x81, b"you")[:3])
        assert isinstance(take(link), LinkOpened)
        assert take(link) == MessageReceived("hi")
        connection.sendall(b"ou" + frame(0x82, b"\x07"))
        assert [take(link) for _ in range(2)] == [MessageReceived("you"), MessageReceived(b"\x07")]


def test_messages_in_the_smallest_segments_arrive_whole(links):
    """Each byte in a packet of its own: text over two fragments with a ping between them, then binary."""
    wire = frame(0x01, "hé".encode()[:2]) + frame(0x89, b"?") + frame(0x80, "hé".encode()[2:]) + frame(0x82, bytes(300))
    with raw_server() as server:
        link = links(server.url)
        connection, upgrade = server.accept()
        connection.sendall(upgrade)
        take(link)
        for byte in wire:
            connection.sendall(bytes([byte]))
            # What has come by now is taken in before more does.
            on_loop(link.loop, lambda: None)
        assert [take(link) for _ in range(2)] == [MessageReceived("hé"), MessageReceived(bytes(300))]
        # The ping was answered: a pong of one byte, masked.
        assert connection.recv(4096)[:2] == bytes([0x8A, 0x81])


def test_what_the_network_does_not_take_waits_and_then_all_of_it_arrives_in_order(links):
    """Sending never waits; the room that comes is told once it is there."""
    release = threading.Event()
    received: list[Any] = []

    def script(talk: Conversation) -> None:
        release.wait(PATIENCE_S)
        received.extend(talk.expect_audio(1) for _ in sent)

    # More than the network's buffers hold: those of a receiver may grow to 32 MB.
    sent = [os.urandom(1 << 16)] * 640
    with scripted_server(script) as url:
        link = links(url)
        take(link)
        link.say(*sent)
        assert link.congested
        release.set()
        assert take(link) == LinkDrained()
        assert on_loop(link.loop, lambda: link.congested) is False
        closed_with(link)
    assert received == sent


def test_what_waits_is_dropped_where_the_link_is_left(links):
    """It would take the room of the link that follows: the other end hears of a broken connection, and no more."""
    release = threading.Event()
    received: list[Any] = []
    # More than the network's buffers hold: those of a receiver may grow to 32 MB.
    sent = [os.urandom(1 << 16)] * 640

    def script(talk: Conversation) -> None:
        release.wait(PATIENCE_S)
        with pytest.raises((OSError, EOFError)):
            received.extend(talk.expect_audio(1) for _ in sent)

    with scripted_server(script) as url:
        link = links(url)
        take(link)
        link.say(*sent)
        assert link.congested
        on_loop(link.loop, link.close)
        # With what waited dropped, there may be room.
        assert next(item for item in iter(lambda: take(link), None) if item != LinkDrained()) == LinkClosed()
        release.set()
    assert len(received) < len(sent)


def test_a_network_that_takes_nothing_for_too_long_is_a_lost_link(links, monkeypatch):
    monkeypatch.setattr("asrcli.wire.link._TIMEOUT_S", 0.2)
    with deaf_server() as url:
        link = links(url)
        take(link)
        link.say(*[bytes(1 << 20)] * 20)
        assert "no sign of life" in str(closed_with(link).error)


def test_a_service_that_answers_no_ping_is_a_lost_link_and_one_that_does_is_not(links, monkeypatch):
    monkeypatch.setattr("asrcli.wire.link._TIMEOUT_S", 0.2)
    with deaf_server() as url:
        link = links(url)
        take(link)
        assert "no sign of life" in str(closed_with(link).error)
    pinged = []

    def script(talk: Conversation) -> None:
        # Silent for longer than that, but alive: the library answers pings.
        talk.expect_audio(1)
        pinged.append(True)
        talk.send("still here")

    with deaf_server() as dead_url, scripted_server(script) as url:
        alive, dead = links(url), links(dead_url)
        take(alive)
        take(dead)
        closed_with(dead)
        alive.say(b"x")
        assert take(alive) == MessageReceived("still here")
    assert pinged


def test_who_listens_can_change_between_two_sessions(links):
    def script(talk: Conversation) -> None:
        talk.send("one")
        talk.expect_audio(1)
        talk.send("two")
        talk.hang()

    later: queue.SimpleQueue[InboxItem] = queue.SimpleQueue()
    with scripted_server(script) as url:
        link = links(url)
        assert [take(link) for _ in range(2)][1] == MessageReceived("one")
        on_loop(link.loop, lambda: setattr(link, "post", later.put))
        link.say(b"x")
        assert later.get(timeout=PATIENCE_S) == MessageReceived("two")
        assert link.inbox.empty()
