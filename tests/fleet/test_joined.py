"""Which of the lines of one id counts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asrcli.fleet.joined import Joined
from asrcli.fleet.result_lines import Broken, Outcome, Sound

NOT_KNOWN, FIRST, OTHER, STORED = None, Sound(5, 1, sha256="a" * 64), Sound(4, 2), Sound(identity="etag:1")
COPY = Sound(5, 2, sha256="a" * 64)


# One after the other, wherever their clocks are; the last two are the same moment.
EARLY, LATER, SAME = "2026-11-26T23:59:59.998+08:00", "2026-11-26T15:59:59.999+00:00", "2026-11-26T16:59:59.999+01:00"


def line(id: str, *, complete: bool, options: str = "x", sound: Sound | None = None, at: str = "now") -> bytes:
    return Outcome(id, id, complete, options, at, sound=sound).line().encode()


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans(), st.sampled_from("xy"))))
def test_the_last_complete_line_counts_or_else_the_last_one(said):
    joined = Joined()
    for place, (id, complete, options) in enumerate(said):
        joined.take(place % 3, 1000 * place, line(id, complete=complete, options=options))
    order = list(dict.fromkeys(id for id, _, _ in said))
    assert (len(joined), joined.lines) == (len(order), len(said))
    for number, id in enumerate(order):
        mine = [(place, complete, options) for place, (each, complete, options) in enumerate(said) if each == id]
        whole = [each for each in mine if each[1]]
        place, _, options = (whole or mine)[-1]
        assert joined.find(id) == number
        assert joined.place(number) == (place % 3, 1000 * place)
        assert joined.is_complete(number) == bool(whole)
        assert joined.has_other_options(number) == (len({options for _, _, options in whole}) > 1)
        assert joined.is_still(number, line(id, complete=bool(whole), options=options))
        assert not joined.is_still(number, b"{}")
    assert joined.find("d") is None


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        (FIRST, FIRST, 0),
        (FIRST, Sound(5, 1), 0),
        (FIRST, NOT_KNOWN, 0),
        (NOT_KNOWN, FIRST, 0),
        (FIRST, COPY, 0),
        (FIRST, OTHER, 1),
        (STORED, STORED, 0),
        (STORED, Sound(identity="etag:2"), 1),
    ],
)
def test_what_was_complete_no_longer_is_where_other_sound_has_failed_since(before, after, counts):
    joined = Joined()
    joined.take(0, 0, line("a", complete=True, sound=before))
    joined.take(0, 1, line("a", complete=False, sound=after))
    assert joined.place(0) == (0, counts)
    assert joined.is_complete(0) == (counts == 0)
    joined.take(0, 2, line("a", complete=True, sound=after))
    assert (joined.place(0), joined.is_complete(0), joined.has_other_options(0)) == ((0, 2), True, False)


@pytest.mark.parametrize(
    ("before", "after", "counts"),
    [
        (EARLY, LATER, 1),
        (LATER, EARLY, 0),
        (LATER, SAME, 1),
        (LATER, "2026-11-26T15:00:00", 1),
        (LATER, "", 1),
        ("once", EARLY, 1),
    ],
)
@pytest.mark.parametrize("complete", [True, False])
def test_of_complete_lines_the_later_one_counts_in_whatever_order_they_come(before, after, counts, complete):
    joined = Joined()
    for place, at in enumerate((before, after)):
        joined.take(0, place, line("a", complete=complete, at=at))
    assert (joined.place(0), joined.is_complete(0)) == ((0, counts), complete)


@pytest.mark.parametrize(("complete_at", "failed_at", "is_complete"), [(EARLY, LATER, False), (LATER, EARLY, True)])
@pytest.mark.parametrize("reverse", [False, True])
def test_a_failure_of_other_sound_counts_where_it_is_later_in_whatever_order(
    complete_at, failed_at, is_complete, reverse
):
    lines = [
        line("a", complete=True, at=complete_at, sound=FIRST),
        line("a", complete=False, at=failed_at, sound=OTHER),
    ]
    joined = Joined()
    for place, each in enumerate(reversed(lines) if reverse else lines):
        joined.take(0, place, each)
    assert joined.is_complete(0) is is_complete
    assert joined.is_still(0, lines[0] if is_complete else lines[1])
    assert joined.has_other_sound(0) is not is_complete


@pytest.mark.parametrize(
    ("before", "after", "other"),
    [(FIRST, FIRST, False), (FIRST, OTHER, True), (FIRST, NOT_KNOWN, False), (FIRST, COPY, False)],
)
@pytest.mark.parametrize("times", [(EARLY, LATER), (LATER, EARLY)])
def test_it_is_known_where_a_complete_line_is_left_out_for_one_of_other_sound(before, after, other, times):
    joined = Joined()
    for place, (sound, at) in enumerate(zip((before, after), times, strict=True)):
        joined.take(0, place, line("a", complete=True, sound=sound, at=at))
    assert joined.has_other_sound(0) is other


def test_a_broken_line_changes_nothing():
    joined = Joined()
    with pytest.raises(Broken):
        joined.take(0, 0, b'{"id": "a"')
    assert (len(joined), joined.lines) == (0, 0)
