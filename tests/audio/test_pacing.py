from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.audio.pacing import pace, parse_pace
from asrcli.errors import UsageError
from asrcli.pcm import Chunk


class FakeClock:
    """Time that passes only by waiting, or where a test says so."""

    def __init__(self) -> None:
        self.time_s = 1000.0
        self.waits: list[float] = []

    def now(self) -> float:
        return self.time_s

    def wait_until(self, moment: float, wake: threading.Event) -> bool:
        if moment > self.time_s and not wake.is_set():
            self.waits.append(moment - self.time_s)
            self.time_s = moment
        return wake.is_set()


def chunks(count: int, samples: int = 1600) -> list[Chunk]:
    return [Chunk(bytes(samples * 2), (k + 1) * samples) for k in range(count)]


def departures(
    source: Iterable[Chunk], clock: FakeClock, speed: float | None = 1.0, cost_s: float = 0.0
) -> list[float]:
    """When each chunk leaves, where sending one takes `cost_s`."""
    times = []
    for _ in pace(source, sample_rate_hz=16000, speed=speed, clock=clock, stop=threading.Event()):
        times.append(clock.time_s - 1000.0)
        clock.time_s += cost_s
    return times


def test_chunk_k_leaves_at_k_times_its_length() -> None:
    assert departures(chunks(5), FakeClock()) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


def test_speed_divides_the_waits() -> None:
    assert departures(chunks(5), FakeClock(), speed=4.0) == pytest.approx([0, 0.025, 0.05, 0.075, 0.1])


def test_the_cost_of_sending_does_not_add_up() -> None:
    assert departures(chunks(1000), FakeClock(), cost_s=0.03)[-1] == pytest.approx(99.9)


def test_fast_never_waits() -> None:
    clock = FakeClock()
    assert departures(chunks(50), clock, speed=None) == [0.0] * 50
    assert clock.waits == []


def test_a_source_that_fell_behind_catches_up_without_waiting() -> None:
    clock = FakeClock()

    def late() -> Iterator[Chunk]:
        for k, chunk in enumerate(chunks(8)):
            if k == 2:
                clock.time_s += 0.35
            yield chunk

    assert departures(late(), clock) == pytest.approx([0, 0.1, 0.45, 0.45, 0.45, 0.5, 0.6, 0.7])


def test_a_source_in_real_time_is_never_delayed() -> None:
    clock = FakeClock()

    def live() -> Iterator[Chunk]:
        for chunk in chunks(20):
            clock.time_s += 0.1
            yield chunk

    list(pace(live(), sample_rate_hz=16000, speed=1.0, clock=clock, stop=threading.Event()))
    assert sum(clock.waits) == pytest.approx(0, abs=1e-6)


def test_deadlines_count_samples_not_chunks() -> None:
    uneven = [Chunk(bytes(3200), 1600), Chunk(bytes(6400), 4800), Chunk(bytes(3200), 6400)]
    assert departures(uneven, FakeClock()) == pytest.approx([0, 0.1, 0.3])


def test_stop_ends_it_with_the_chunk_at_hand_unsent() -> None:
    stop = threading.Event()
    paced = pace(chunks(5), sample_rate_hz=16000, speed=1.0, clock=FakeClock(), stop=stop)
    assert next(paced).end_sample == 1600
    stop.set()
    assert list(paced) == []


def test_stop_ends_it_without_waiting_at_full_speed_too() -> None:
    stop = threading.Event()
    stop.set()
    assert list(pace(chunks(5), sample_rate_hz=16000, speed=None, clock=FakeClock(), stop=stop)) == []


@pytest.mark.parametrize(
    ("text", "speed"),
    [("realtime", 1.0), ("Fast", None), ("4", 4.0), ("4x", 4.0), ("0.1", 0.1), (" 2.5X ", 2.5), ("1000", 1000.0)],
)
def test_a_pace_is_a_word_or_a_factor(text: str, speed: float | None) -> None:
    assert parse_pace(text) == speed


@pytest.mark.parametrize("text", ["", "slow", "0", "0.09", "1001", "-1", "nan", "inf", "1e2", "x", "4xx", "٤"])
def test_any_other_pace_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_pace(text)
    assert "realtime, fast" in caught.value.hint


@given(st.text(max_size=8))
def test_any_text_is_a_pace_or_a_usage_error(text: str) -> None:
    try:
        speed = parse_pace(text)
    except UsageError:
        return
    assert speed is None or 0.1 <= speed <= 1000
