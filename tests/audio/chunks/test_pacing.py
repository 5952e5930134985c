from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asrcli.audio.chunks.pacing import Schedule, parse_pace
from asrcli.values.errors import UsageError
from asrcli.values.sound import Chunk
from tests.support.fakes import FakeClock
from tests.support.sounds import pcm_chunk


def chunks(count: int, samples: int = 1600) -> list[Chunk]:
    return [pcm_chunk(bytes(samples * 2), (k + 1) * samples) for k in range(count)]


def departures(
    source: Iterable[Chunk],
    clock: FakeClock,
    speed: float | None = 1.0,
    cost_s: float = 0.0,
    phase_s: float | None = None,
) -> list[float]:
    """When each chunk leaves, for one who waits until it is due, and takes `cost_s` to send it."""
    schedule, times = Schedule(16000, speed, phase_s), []
    for chunk in source:
        clock.time = max(clock.time, schedule.due_s(chunk, clock.now()))
        times.append(clock.time - 1000.0)
        clock.advance(cost_s)
    return times


def test_chunk_k_leaves_at_k_times_its_length() -> None:
    assert departures(chunks(5), FakeClock()) == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])


@given(st.floats(0, 1e6), st.sampled_from([0.5, 1.0, 4.0, 1000.0]), st.lists(st.integers(1, 6400), min_size=2))
def test_when_the_next_chunk_is_due_is_known_before_there_is_one(now: float, speed: float, lengths: list[int]) -> None:
    schedule, end_sample, expected = Schedule(16000, speed), 0, None
    for length in lengths:
        end_sample += length
        chunk = pcm_chunk(bytes(length * 2), end_sample)
        due_s = schedule.due_s(chunk, now)
        assert expected in (None, due_s)
        expected = schedule.next_due_s(chunk)
        assert expected is not None


def test_without_a_pace_nothing_is_known_of_the_next_chunk() -> None:
    schedule, (chunk,) = Schedule(16000, None), chunks(1)
    assert schedule.due_s(chunk, 7.0) == 7.0
    assert schedule.next_due_s(chunk) is None


def test_speed_divides_the_waits() -> None:
    assert departures(chunks(5), FakeClock(), speed=4.0) == pytest.approx([0, 0.025, 0.05, 0.075, 0.1])


def test_the_cost_of_sending_does_not_add_up() -> None:
    assert departures(chunks(1000), FakeClock(), cost_s=0.03)[-1] == pytest.approx(99.9)


@pytest.mark.parametrize("phase_s", [None, 0.05])
def test_fast_never_waits(phase_s: float | None) -> None:
    assert departures(chunks(50), FakeClock(), speed=None, phase_s=phase_s) == [0.0] * 50


def test_a_source_that_fell_behind_catches_up_without_waiting() -> None:
    clock = FakeClock()

    def late() -> Iterator[Chunk]:
        for k, chunk in enumerate(chunks(8)):
            if k == 2:
                clock.advance(0.35)
            yield chunk

    assert departures(late(), clock) == pytest.approx([0, 0.1, 0.45, 0.45, 0.45, 0.5, 0.6, 0.7])


def test_a_source_in_real_time_is_never_delayed() -> None:
    clock = FakeClock()

    def live() -> Iterator[Chunk]:
        for chunk in chunks(20):
            clock.advance(0.1)
            yield chunk

    assert departures(live(), clock) == pytest.approx([0.1 * (k + 1) for k in range(20)])


def test_deadlines_count_samples_not_chunks() -> None:
    uneven = [pcm_chunk(bytes(3200), 1600), pcm_chunk(bytes(6400), 4800), pcm_chunk(bytes(3200), 6400)]
    assert departures(uneven, FakeClock()) == pytest.approx([0, 0.1, 0.3])


def test_the_first_chunk_sets_the_start_wherever_it_lies() -> None:
    assert departures(chunks(5)[2:], FakeClock()) == pytest.approx([0, 0.1, 0.2])


@given(
    st.floats(0, 0.099),
    st.floats(0, 5),
    st.sampled_from([0.5, 1.0, 4.0]),
)
def test_a_phase_moves_the_start_by_less_than_a_chunk_to_its_moment(
    phase_s: float, late_s: float, speed: float
) -> None:
    """Many sources, each with a phase of its own, spread over the length of a chunk."""
    clock, length_s = FakeClock(), 0.1 / speed
    clock.advance(late_s)
    times = departures(chunks(5), clock, speed=speed, phase_s=phase_s)
    assert -1e-6 <= times[0] - late_s < length_s + 1e-6
    off = (times[0] + 1000.0 - phase_s) % length_s
    assert min(off, length_s - off) == pytest.approx(0, abs=1e-6)
    assert times == pytest.approx([times[0] + k * length_s for k in range(5)], abs=2e-6)


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
