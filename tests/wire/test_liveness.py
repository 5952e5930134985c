"""Who is given up and who is not: moments and bytes that a test holds in its hand."""

from __future__ import annotations

import pytest

from asrcli.wire.liveness import Advice, Liveness

PATIENCE_S = 15.0


class Peer:
    """The other end, looked at every five seconds, over a network that carries so much a second."""

    def __init__(self, *, carries_per_s: float = 1e9) -> None:
        self.now = 0.0
        self.sent = self.undelivered = 0
        self._carries_per_s = carries_per_s
        self._liveness = Liveness(PATIENCE_S, self.now)
        self.asked_at: list[float] = []

    def send(self, size: int) -> None:
        self.sent += size
        self.undelivered += size

    def hears(self) -> None:
        self._liveness.heard(self.now)

    def pass_time(self, seconds: float, *, is_held_up: bool = False) -> Advice:
        """The last advice; a question is a message of six bytes, behind all that waits."""
        until, advice = self.now + seconds, Advice.NOTHING
        while self.now < until and advice is not Advice.GIVE_UP:
            self.now += 5
            self.undelivered = max(0, self.undelivered - round(5 * self._carries_per_s))
            advice = self._liveness.look(self.now, self.sent, self.undelivered, is_held_up=is_held_up)
            if advice is Advice.ASK:
                self.asked_at.append(self.now)
                self.send(6)
                self._liveness.asked(self.sent)
        return advice


def test_a_quiet_peer_is_asked_and_given_up_when_it_does_not_answer():
    peer = Peer()
    assert peer.pass_time(60) is Advice.GIVE_UP
    assert (peer.asked_at, peer.now) == ([15], 35)


def test_a_peer_that_answers_is_asked_again_and_again():
    peer = Peer()
    for _ in range(10):
        assert peer.pass_time(15) is Advice.ASK
        peer.hears()
    assert len(peer.asked_at) == 10


def test_a_slow_link_is_not_given_up_while_it_carries_what_was_sent_before_the_question():
    """Sound for two minutes at an eighth of its speed: the answer cannot come before all that has got through."""
    peer = Peer(carries_per_s=4000)
    peer.send(480_000)
    assert peer.pass_time(120, is_held_up=True) is Advice.NOTHING
    assert peer.asked_at == [15]
    # From then on the answer is due.
    assert peer.pass_time(30) is Advice.GIVE_UP
    assert peer.now >= 120 + PATIENCE_S


def test_an_answer_after_the_slow_way_is_an_answer():
    peer = Peer(carries_per_s=4000)
    peer.send(480_000)
    peer.pass_time(125)
    peer.hears()
    assert peer.pass_time(10) is Advice.NOTHING


def test_what_has_to_wait_for_room_and_finds_none_is_given_up():
    """Even where the other end still speaks: it does not read."""
    peer = Peer(carries_per_s=0)
    peer.send(100_000)
    advice = Advice.NOTHING
    while advice is not Advice.GIVE_UP and peer.now < 100:
        peer.hears()
        advice = peer.pass_time(5, is_held_up=True)
    assert peer.now == 15


@pytest.mark.parametrize("is_held_up", [False, True])
def test_a_peer_whose_system_takes_everything_and_that_never_answers_is_given_up(is_held_up):
    """Frozen: its buffers fill for minutes, and nothing but the answer would show that it lives."""
    peer = Peer()
    advice = Advice.NOTHING
    while advice is not Advice.GIVE_UP and peer.now < 100:
        peer.send(16_000)
        advice = peer.pass_time(5, is_held_up=is_held_up)
    assert peer.now == 35
