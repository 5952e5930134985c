"""How far the sound has got, whatever its encoding makes of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from asrcli.engine.delivery import Delivery
from asrcli.values.pcm import PcmFormat
from tests.support.fakes import FakeLink

PCM = PcmFormat()


def test_of_pcm_it_is_known_to_the_sample():
    link = FakeLink()
    delivery = Delivery(link, PCM, 0)
    for number in range(1, 101):
        link.undelivered_bytes += 3200 if number > 40 else 0
        delivery.left(3200, 1600 * number)
    assert (delivery.bytes, delivery.sample) == (320_000, 160_000)
    assert delivery.carried_sample == 40 * 1600
    link.undelivered_bytes = 16_000
    assert delivery.carried_sample == 160_000 - 8000
    link.undelivered_bytes = 0
    assert delivery.carried_sample == 160_000


def test_a_session_counts_from_where_it_begins():
    link = FakeLink()
    delivery = Delivery(link, PCM, 80_000)
    assert delivery.carried_sample == 80_000
    delivery.left(400, 81_600)
    link.undelivered_bytes = 400
    assert (delivery.carried_sample, delivery.sample) == (80_000, 81_600)


def test_what_left_before_is_counted_as_sent_again_however_often_that_begins():
    first = Delivery(FakeLink(), PCM, 0)
    first.left(6400, 16_000)
    assert first.so_far == (6400, 16_000, 0)
    second = Delivery(FakeLink(), PCM, 4_000, first.so_far)
    assert second.again_ms == 0
    second.left(1600, 8_000)
    assert (second.bytes, second.again_ms) == (8000, 250)
    third = Delivery(FakeLink(), PCM, 6_000, second.so_far)
    third.left(8000, 40_000)
    assert third.again_ms == 250 + 625
    assert Delivery(FakeLink(), PCM, 40_000, third.so_far).so_far == (16_000, 40_000, 14_000)


def test_silence_of_ours_has_bytes_and_takes_no_time():
    delivery = Delivery(FakeLink(), PCM, 0)
    delivery.left(3200, 1600)
    delivery.left(64_000, 1600)
    assert (delivery.bytes, delivery.sample, delivery.carried_sample) == (67_200, 1600, 1600)


@given(st.lists(st.integers(0, 900), min_size=1, max_size=80), st.data())
def test_with_speech_in_many_bytes_and_silence_in_few_it_is_known_to_about_a_second(lengths, data):
    """What has arrived is somewhere in a stretch between two marks, whatever left before and since."""
    link = FakeLink()
    delivery = Delivery(link, PCM, 0)
    ends = [0]
    for number, length in enumerate(lengths, 1):
        link.undelivered_bytes += length
        link.undelivered_bytes -= data.draw(st.integers(0, link.undelivered_bytes))
        delivery.left(length, 1600 * number)
        ends.append(ends[-1] + length)
    arrived = ends[-1] - link.undelivered_bytes
    least = next(number for number, end in enumerate(ends) if end >= arrived)
    most = max(number for number, end in enumerate(ends) if end <= arrived)
    carried = delivery.carried_sample
    assert 1600 * least - 19_200 <= carried <= 1600 * most + 19_200
    assert carried <= delivery.sample
