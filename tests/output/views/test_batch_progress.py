"""How far several transcriptions have got, and when all will be done."""

from __future__ import annotations

from asrcli.output.views.batch_progress import BatchProgress


def _sent(progress: BatchProgress, number: int, from_s: int, to_s: int, at_s: float) -> None:
    """Real time from `at_s` on."""
    for second in range(from_s, to_s + 1):
        progress.sent(number, second * 1000, at_s + second - from_s)


def test_amounts_add_up() -> None:
    progress = BatchProgress((10_000, 20_000), 2)
    progress.sent(0, 5000, 5.0)
    progress.sent(1, 4000, 5.0)
    assert (progress.done_ms, progress.total_ms) == (9000, 30_000)
    assert (progress.share(0), progress.share(1)) == (0.5, 0.2)


def test_nothing_is_claimed_before_the_pace_is_known() -> None:
    progress = BatchProgress((10_000,), 1)
    assert progress.left_s(0.0) is None
    progress.sent(0, 100, 0.1)
    progress.sent(0, 600, 0.6)
    assert progress.left_s(0.6) is None


def test_those_that_wait_share_the_places() -> None:
    """Two at a time in real time: 10 s of each are left to send, 40 s wait; so it takes 30 s."""
    progress = BatchProgress((20_000, 20_000, 20_000, 20_000), 2)
    for number in (0, 1):
        _sent(progress, number, 0, 10, 100.0)
    assert progress.left_s(110.0) == 30.0


def test_the_longest_one_is_not_over_sooner_because_others_are() -> None:
    progress = BatchProgress((5_000, 5_000, 60_000), 3)
    for number in range(3):
        _sent(progress, number, 0, 5, 0.0)
    for number in (0, 1):
        progress.over(number)
    assert progress.left_s(5.0) == 55.0


def test_the_pace_is_what_was_seen_also_of_those_that_are_over() -> None:
    """Twice real time so far, so the rest takes half of its length."""
    progress = BatchProgress((10_000, 30_000), 1)
    for second in range(6):
        progress.sent(0, second * 2000, float(second))
    progress.over(0)
    assert progress.left_s(9.0) == 15.0


def test_a_service_that_takes_fewer_at_once_makes_it_longer() -> None:
    """Four may run and two do: 40 s in twos take 20 s."""
    progress = BatchProgress((10_000,) * 6, 4)
    for number in (0, 1):
        _sent(progress, number, 0, 10, 0.0)
        progress.over(number)
    assert progress.left_s(10.0) == 20.0


def test_what_failed_is_not_waited_for() -> None:
    progress = BatchProgress((4_000, 60_000), 2)
    _sent(progress, 0, 0, 2, 0.0)
    _sent(progress, 1, 0, 2, 0.0)
    progress.over(1)
    assert progress.left_s(2.0) == 2.0


def test_a_source_of_unknown_length_leaves_the_whole_open() -> None:
    progress = BatchProgress((None, 10_000), 2)
    _sent(progress, 0, 0, 5, 0.0)
    assert progress.total_ms is None
    assert progress.left_s(5.0) is None
    assert progress.share(0) is None
    assert progress.position_ms(0) == 5000


def test_a_length_that_is_known_only_when_it_begins_counts_for_its_share() -> None:
    progress = BatchProgress((None, None), 1)
    progress.begin(1, 20_000)
    progress.sent(1, 5000, 1.0)
    assert (progress.duration_ms(1), progress.share(1)) == (20_000, 0.25)
    assert progress.total_ms is None


def test_one_that_begins_anew_is_to_be_sent_once_more_and_its_pace_counts() -> None:
    """As its worker was lost: 10 s in 10 s, then 5 s of it again in 5 s; 15 s are left of this and 20 of the other."""
    progress = BatchProgress((20_000, 20_000), 1)
    _sent(progress, 0, 0, 10, 0.0)
    progress.sent(0, 0, 10.0)
    assert progress.done_ms == 0
    progress.sent(0, 5000, 15.0)
    assert progress.done_ms == 5000
    assert progress.left_s(15.0) == 35.0


def test_where_lengths_are_not_known_those_that_are_over_tell_the_pace() -> None:
    progress = BatchProgress((None,) * 100, 2)
    for number in range(20):
        assert progress.left_s(float(number)) is None
        progress.sent(number, 1000, number * 0.5)
        progress.over(number)
    assert progress.left_s(10.0) == 40.0


def test_the_longest_that_waits_bounds_the_time_left() -> None:
    progress = BatchProgress((4_000, 4_000, 40_000, 4_000), 4)
    for number in (0, 1):
        _sent(progress, number, 0, 2, 0.0)
    assert progress.left_s(2.0) == 40.0
    progress.over(2)
    assert progress.left_s(2.0) == 4.0
