"""A network that carries less than the sound needs is told of once, and no other is."""

from __future__ import annotations

from dataclasses import dataclass

from asrcli.engine.uplink import Uplink


@dataclass
class Carrier:
    is_held_up: bool = True
    carried_ms: int = 0


def told(share: float, seconds: int, *, uplink: Uplink | None = None) -> list[tuple[str, str]]:
    """What is said while so much of the sound gets through and the rest waits."""
    uplink, carrier, said = uplink or Uplink(None), Carrier(), []
    for tenth in range(seconds * 10):
        carrier.carried_ms = round(tenth * 100 * share)
        said.append(uplink.observe(tenth / 10, carrier, True))
    return [each for each in said if each is not None]


def test_too_little_is_told_once_with_how_much_it_is_and_what_helps():
    [(message, hint)] = told(0.125, 100)
    assert message == "the network, or the service, takes 12% of the sound in real time: results come late"
    assert "--send opus" in hint
    assert "lost" not in hint


def test_of_sound_that_cannot_wait_it_is_said_when_it_is_lost():
    [(_, hint)] = told(0.5, 20, uplink=Uplink(300.0))
    assert "sound that has waited for 300 s is lost" in hint


def test_enough_is_not_told_however_long_something_waits():
    assert told(1.0, 100) == []
    assert told(30.0, 100) == []


def test_a_moment_is_not_told():
    assert told(0.0, 9) == []


def test_a_pause_between_two_moments_and_a_session_that_begins_anew_start_the_measure_again():
    uplink, carrier = Uplink(None), Carrier(carried_ms=5000)
    assert uplink.observe(0, carrier, True) is None
    assert uplink.observe(9, carrier, False) is None
    assert uplink.observe(11, carrier, True) is None
    carrier.carried_ms = 100
    assert uplink.observe(20, carrier, True) is None
    assert uplink.observe(29, carrier, True) is None
    assert uplink.observe(31, carrier, True) is not None
