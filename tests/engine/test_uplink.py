"""A network that carries less than the sound needs is told of once, and no other is."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from asrcli.engine.uplink import Economy, Uplink


@dataclass
class Carrier:
    is_held_up: bool = True
    carried_ms: int = 0


@dataclass
class Gathered:
    end_ms: int = 0
    has_unread: bool = True


class Watched(Uplink):
    """An uplink that keeps what it says."""

    def __init__(self, keep_s: float | None = None, economy: Economy | None = None) -> None:
        self.said: list[tuple[str, str]] = []
        super().__init__(keep_s, economy, lambda message, hint: self.said.append((message, hint)))


def told(share: float, seconds: int, *, keep_s: float | None = None) -> list[tuple[str, str]]:
    """What is said while so much of the sound gets through and the rest waits."""
    uplink = Watched(keep_s)
    assert passes(uplink, share, seconds) is None
    return uplink.said


def passes(uplink: Uplink, share: float, seconds: float, *, before_ms: int = 0) -> float | None:
    """When the sound is to go over as Opus, in seconds, while so much of it gets through; None where it is not.

    `before_ms` of sound waited already.
    """
    carrier = Carrier()
    for tenth in range(round(seconds * 10)):
        carrier.carried_ms = round(tenth * 100 * share)
        if uplink.observe(tenth / 10, carrier, Gathered(before_ms + tenth * 100)):
            assert uplink.begin() == "opus"
            return tenth / 10
    return None


def test_too_little_is_told_once_with_how_much_it_is_and_what_helps():
    [(message, hint)] = told(0.125, 100)
    assert message == "the network, or the service, takes 12% of the sound in real time: results come late"
    assert "--send opus" in hint
    assert "lost" not in hint


def test_of_sound_that_cannot_wait_it_is_said_when_it_is_lost():
    [(_, hint)] = told(0.5, 20, keep_s=300.0)
    assert "sound that has waited for 300 s is lost" in hint


def test_enough_is_not_told_however_long_something_waits():
    assert told(1.0, 100) == []
    assert told(30.0, 100) == []


def test_a_moment_is_not_told():
    assert told(0.0, 9) == []


def test_a_pause_between_two_moments_and_a_session_that_begins_anew_start_the_measure_again():
    uplink, carrier = Watched(), Carrier(carried_ms=5000)
    for now, has_unread, carried_ms in [(0, True, 5000), (9, False, 5000), (11, True, 5000), (20, True, 100)]:
        carrier.carried_ms = carried_ms
        assert uplink.observe(now, carrier, Gathered(has_unread=has_unread)) is False
    assert uplink.observe(29, carrier, Gathered()) is False
    assert uplink.said == []
    assert uplink.observe(31, carrier, Gathered()) is False
    assert len(uplink.said) == 1


@pytest.mark.parametrize(
    ("share", "at_s"), [(0.0, 2.0), (0.25, 2.7), (0.5, 4.0), (0.9, 20.0), (1.0, None), (5.0, None)]
)
def test_sound_of_which_two_seconds_wait_is_to_go_over_as_opus(share, at_s):
    uplink = Watched(economy=Economy(1.0))
    assert passes(uplink, share, 30) == (at_s if at_s is None else pytest.approx(at_s, abs=0.35))
    assert [message[:34] for message, _ in uplink.said] == ["the network is too slow for PCM: 2"][: at_s is not None]


def test_what_gathered_while_there_was_no_connection_says_nothing_of_the_network():
    assert passes(Watched(economy=Economy(1.0)), 5.0, 30, before_ms=60_000) is None
    assert passes(Watched(economy=Economy(1.0)), 0.5, 30, before_ms=60_000) == pytest.approx(2.0, abs=0.35)


@pytest.mark.parametrize(("share", "at_s"), [(0.2, 10.0), (0.9, 10.0), (1.0, None), (3.0, None)])
def test_a_file_that_is_read_no_further_ahead_goes_over_too(share, at_s):
    """After a link was lost: three seconds waited then, and do not become more."""
    uplink, carrier = Watched(economy=Economy(1.0)), Carrier()
    over_at_s = None
    for tenth in range(200):
        carrier.carried_ms = round(tenth * 100 * share)
        if uplink.observe(tenth / 10, carrier, Gathered(carrier.carried_ms + 3000)):
            over_at_s = tenth / 10
            break
    assert over_at_s == (at_s if at_s is None else pytest.approx(at_s, abs=0.35))


def test_of_what_comes_faster_more_may_wait():
    assert passes(Watched(economy=Economy(4.0)), 0.0, 30) == pytest.approx(8.0, abs=0.35)


def test_once_for_all_sources_it_is_told_and_never_back():
    """The one that runs already goes over when it lags itself; what begins later is told when Opus is too much too."""
    economy = Economy(1.0)
    first, second = Watched(economy=economy), Watched(economy=economy)
    assert passes(first, 0.2, 10) is not None
    assert passes(second, 0.2, 10) is not None
    assert (len(first.said), len(second.said)) == (1, 0)
    for later in (first, second, Watched(economy=economy)):
        later.begin()
        del later.said[:]
        assert passes(later, 0.2, 30) is None
        assert [message[:34] for message, _ in later.said] == ["the network, or the service, takes"]


def test_a_session_that_begins_after_another_source_lagged_is_told_to_be_opus_once():
    economy = Economy(1.0)
    first, second = Watched(economy=economy), Watched(economy=economy)
    assert second.begin() is None
    assert passes(first, 0.2, 10) is not None
    assert (second.begin(), second.begin(), first.begin()) == ("opus", None, None)
