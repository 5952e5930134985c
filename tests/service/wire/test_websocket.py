"""One connection above its bytes, without a socket: the handshake, whole messages, and every way to end."""

from __future__ import annotations

from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

from asrcli.service.wire.websocket import WebSocket
from tests.service.hand_loop import HandLoop, Recorder


class Guest:
    def __init__(self) -> None:
        self.heard: list[str | bytes] = []

    def opened(self) -> None:
        self.heard.append("opened")

    def received(self, message: str | bytes) -> None:
        if message == "break":
            raise ZeroDivisionError
        self.heard.append(message)

    def closed(self) -> None:
        self.heard.append("closed")


class Talk:
    """A client's half, the service's half, and what lies between."""

    def __init__(self) -> None:
        self.loop = HandLoop()
        self.stream = Recorder(self.loop.now)
        self.guest = Guest()
        self.websocket = WebSocket(
            self.stream,  # type: ignore[arg-type]
            self.loop,  # type: ignore[arg-type]
            largest_message_bytes=1000,
            admit=lambda request: None,
            make_guest=lambda websocket, request: self.guest,
        )
        self.websocket.open(10)
        self.client = ClientProtocol(parse_uri("ws://127.0.0.1/"))

    def shake_hands(self) -> Talk:
        self.client.send_request(self.client.connect())
        self.say()
        (response,) = self.hear()
        assert isinstance(response, Response)
        assert response.status_code == 101
        return self

    def say(self) -> None:
        self.websocket.received(b"".join(self.client.data_to_send()))

    def hear(self) -> list[object]:
        written, self.stream.written = self.stream.written, b""
        self.client.receive_data(written)
        return list(self.client.events_received())

    def ends(self) -> list[str]:
        """What was done to the stream, beside writing."""
        return [what for _, what in self.stream.log if not what.startswith("write")]


def frames(events: list[object]) -> list[tuple[Opcode, bytes]]:
    return [(event.opcode, bytes(event.data)) for event in events if isinstance(event, Frame)]


def test_fragments_become_one_message_wherever_they_were_cut() -> None:
    talk = Talk().shake_hands()
    data = "grüße".encode()
    talk.client.send_text(data[:3], fin=False)
    talk.client.send_ping(b"meanwhile")
    talk.client.send_continuation(b"", fin=False)
    talk.client.send_continuation(data[3:], fin=True)
    talk.client.send_binary(b"\xff", fin=True)
    talk.say()
    assert talk.guest.heard == ["opened", "grüße", b"\xff"]
    assert frames(talk.hear()) == [(Opcode.PONG, b"meanwhile")]


def test_messages_in_pieces_of_one_byte_are_the_same_messages() -> None:
    talk = Talk().shake_hands()
    talk.client.send_text(b"hello")
    for byte in b"".join(talk.client.data_to_send()):
        talk.websocket.received(bytes([byte]))
    assert talk.guest.heard == ["opened", "hello"]


def closed_with(talk: Talk) -> int:
    """The code of the close frame that came; the guest has been told."""
    talk.hear()
    assert talk.client.close_rcvd is not None
    assert talk.guest.heard[-1] == "closed"
    return talk.client.close_rcvd.code


def test_text_that_is_no_utf_8_closes_with_1007() -> None:
    talk = Talk().shake_hands()
    talk.client.send_text(b"\xff")
    talk.say()
    assert closed_with(talk) == 1007


def test_too_large_a_message_closes_with_1009() -> None:
    talk = Talk().shake_hands()
    talk.client.send_binary(bytes(1001))
    talk.say()
    assert closed_with(talk) == 1009


def test_a_mistake_of_ours_closes_with_1011() -> None:
    talk = Talk().shake_hands()
    talk.client.send_text(b"break")
    talk.say()
    assert closed_with(talk) == 1011


def test_a_client_that_closes_is_answered_and_given_time_to_go() -> None:
    talk = Talk().shake_hands()
    talk.client.send_close(1000, "done")
    talk.say()
    assert closed_with(talk) == 1000
    assert talk.ends() == ["finish"]
    talk.websocket.ended()
    assert talk.ends() == ["finish", "close"]


def test_a_close_of_ours_waits_for_the_answer_and_messages_still_come() -> None:
    talk = Talk().shake_hands()
    talk.websocket.close(1012, "restarting")
    talk.client.send_text(b"too late")
    talk.say()
    talk.websocket.send("never")
    assert frames(talk.hear()) == [(Opcode.CLOSE, b"\x03\xf4restarting")]
    assert talk.guest.heard == ["opened", "too late"]
    talk.say()
    assert talk.ends() == ["finish"]
    assert talk.guest.heard[-1] == "closed"


def test_a_client_that_does_not_answer_a_close_is_dropped_after_two_seconds() -> None:
    talk = Talk().shake_hands()
    talk.websocket.close(1001, "")
    talk.loop.advance(1.9)
    assert talk.ends() == []
    talk.loop.advance(0.1)
    assert talk.ends() == ["close"]
    assert talk.guest.heard == ["opened", "closed"]


def test_a_client_that_does_not_shake_hands_is_dropped_in_time() -> None:
    talk = Talk()
    talk.websocket.received(b"GET / HTTP/1.1\r\n")
    talk.loop.advance(10)
    assert talk.ends() == ["close"]
    assert talk.guest.heard == []


def test_a_client_that_has_shaken_hands_may_be_silent() -> None:
    talk = Talk().shake_hands()
    talk.loop.advance(1000)
    assert talk.ends() == []


def test_nonsense_instead_of_a_request_ends_the_connection() -> None:
    talk = Talk()
    talk.websocket.received(b"\x16\x03\x01\r\n\r\n")
    assert talk.ends() == ["finish"]
    talk.loop.advance(2)
    assert talk.ends() == ["finish", "close"]


def test_after_a_reset_nothing_is_said_and_nothing_is_heard() -> None:
    talk = Talk().shake_hands()
    talk.websocket.reset()
    talk.client.send_text(b"hello?")
    talk.say()
    talk.websocket.ended()
    assert talk.guest.heard == ["opened", "closed"]
    assert talk.ends()[0] == "reset"
